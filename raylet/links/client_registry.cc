#include "raylet/links/client_registry.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "ipc/client_wire.h"
#include "raylet/errors.h"

namespace troupe::raylet {

ClientRegistry::ClientRegistry(EventLoop& loop, std::string doorbell_prefix, Regions& regions, ClientHandler& handler)
    : loop_(loop),
      doorbell_prefix_(std::move(doorbell_prefix)),
      regions_(regions),
      handler_(handler),
      self_(std::make_shared<ClientRegistry*>(this)) {}

ClientRegistry::~ClientRegistry() {
  for (auto& [number, session] : sessions_) {
    session.connection->Close();
    if (!session.info.doorbell.empty()) regions_.Unlink(session.info.doorbell);
  }
}

void ClientRegistry::Accept(std::shared_ptr<ipc::ServerConnection> connection) {
  const Number number = ++last_number_;
  Session& session = sessions_[number];
  session.connection = std::move(connection);
  session.number = number;
  // The connection calls no handler after Close(), which the destructor calls.
  session.connection->Start({.on_frame = [this, number](ipc::Frame frame) { OnFrame(number, frame); },
                             .on_closed = [this, number](const Status& why) { OnClosed(number, why); }});
}

void ClientRegistry::OnFrame(Number number, const ipc::Frame& frame) {
  auto it = sessions_.find(number);
  if (it == sessions_.end()) return;
  const Status status = Handle(it->second, frame);
  if (!status.ok()) Disconnect(number, status);
}

Status ClientRegistry::Handle(Session& session, const ipc::Frame& frame) {
  if (session.state == State::kAdmitting)
    return FailedPrecondition("it sent more before its registration was answered");
  if (frame.type == ipc::kRouted && session.state == State::kRegistered && session.info.process) {
    return handler_.OnRouted(session.info, frame.payload);
  }
  if (frame.type != ipc::kToRaylet) {
    return InvalidArgument("it sent a frame of type " + std::to_string(frame.type) + " out of turn");
  }
  pb::ClientToRaylet message;
  if (!message.ParseFromString(frame.payload)) return InvalidArgument("it sent a message that does not decode");
  if (session.state == State::kNew) return Register(session, message);
  if (message.has_register_()) return FailedPrecondition("it registered twice");
  return handler_.OnMessage(session.info, message);
}

Status ClientRegistry::Register(Session& session, const pb::ClientToRaylet& message) {
  if (!message.has_register_()) return FailedPrecondition("its first message must register it");
  const pb::RegisterClient& request = message.register_();
  const Number number = session.number;
  if (request.protocol_version() != ipc::kClientProtocolVersion) {
    Refuse(number, message.request_id(),
           FailedPrecondition("the program speaks version " + std::to_string(request.protocol_version()) +
                              " of the client protocol, this node's raylet version " +
                              std::to_string(ipc::kClientProtocolVersion) +
                              "; build the program and Troupe's daemons from the same release"));
    return OkStatus();
  }
  if (request.kind() != pb::WorkerInfo::TEMPLATE &&
      (request.process() == 0 || by_process_.contains(ProcessId{request.process()}))) {
    return InvalidArgument("it wants to be process " + ProcessId{request.process()}.Hex() + ", which is not free");
  }
  session.state = State::kAdmitting;
  handler_.Admit(request, session.connection->peer_pid(),
                 [weak = std::weak_ptr(self_), number, id = message.request_id()](Result<ClientInfo> info) {
                   if (auto self = weak.lock()) (*self)->OnAdmitted(number, id, std::move(info));
                 });
  return OkStatus();
}

void ClientRegistry::OnAdmitted(Number number, std::uint64_t request_id, Result<ClientInfo> admitted) {
  auto it = sessions_.find(number);
  if (it == sessions_.end()) {
    if (admitted.ok()) handler_.OnClosed(*admitted, Unavailable("it went before it was admitted"));
    return;
  }
  if (!admitted.ok()) return Refuse(number, request_id, admitted.status());
  Session& session = it->second;
  ClientInfo info = std::move(*admitted);
  if (const Status made = CreateDoorbell(&info); !made.ok()) {
    Refuse(number, request_id, made);
    return handler_.OnClosed(info, made);
  }
  session.info = info;
  session.state = State::kRegistered;
  if (info.kind == pb::WorkerInfo::TEMPLATE) {
    templates_[info.pid] = number;
  } else {
    by_process_[info.process] = number;
  }
  spdlog::info("{} registered", NameOf(info));
  pb::RayletToClient reply;
  reply.set_request_id(request_id);
  pb::Registered* registered = reply.mutable_registered();
  registered->set_job(info.job.value);
  registered->set_process(info.process.value);
  registered->set_name_space(info.name_space);
  registered->set_doorbell(info.doorbell);
  handler_.FillRegistered(info, registered);
  SendOn(session, reply);
  handler_.OnRegistered(info);
}

Status ClientRegistry::CreateDoorbell(ClientInfo* info) {
  if (info->kind == pb::WorkerInfo::TEMPLATE) return OkStatus();
  const std::string name = doorbell_prefix_ + info->process.Hex();
  TROUPE_RETURN_IF_ERROR(regions_.CreateDoorbell(name));
  info->doorbell = name;
  return OkStatus();
}

void ClientRegistry::Refuse(Number number, std::uint64_t request_id, const Status& why) {
  auto session = sessions_.extract(number);
  if (session.empty()) return;
  spdlog::warn("process with pid {} refused: {}", session.mapped().connection->peer_pid(), why.ToString());
  pb::RayletToClient reply;
  reply.set_request_id(request_id);
  *reply.mutable_error() = ErrorFromStatus(why);
  SendOn(session.mapped(), reply);
  session.mapped().connection->CloseAfterFlush();
}

void ClientRegistry::Disconnect(Number number, const Status& why) {
  auto it = sessions_.find(number);
  if (it == sessions_.end()) return;
  spdlog::error("{} disconnected: {}", NameOf(it->second.info), why.message());
  it->second.connection->Close();
  OnClosed(number, why);
}

void ClientRegistry::OnClosed(Number number, const Status& why) {
  auto session = sessions_.extract(number);
  if (session.empty() || session.mapped().state != State::kRegistered) return;
  const ClientInfo& info = session.mapped().info;
  if (info.kind == pb::WorkerInfo::TEMPLATE) {
    templates_.erase(info.pid);
  } else {
    by_process_.erase(info.process);
  }
  if (!info.doorbell.empty()) regions_.Unlink(info.doorbell);
  handler_.OnClosed(info, why);
}

void ClientRegistry::SendOn(Session& session, const pb::RayletToClient& message) {
  const Status sent = session.connection->Send(ipc::kFromRaylet, message.SerializeAsString());
  if (sent.ok() || sent.code() == StatusCode::kUnavailable) return;  // its end is on its way to us
  // Without this message it could wait for ever. Not now, as the caller may be going through the sessions.
  spdlog::error("{} cannot be told something and is disconnected: {}", NameOf(session.info), sent.message());
  session.connection->Close();
  loop_.Post([weak = std::weak_ptr(self_), number = session.number, sent] {
    if (auto self = weak.lock()) (*self)->OnClosed(number, sent);
  });
}

void ClientRegistry::Send(ProcessId to, const pb::RayletToClient& message) {
  auto it = by_process_.find(to);
  if (it == by_process_.end()) return;
  Session& session = sessions_.at(it->second);
  message.has_log_lines() ? SendOutput(session, message) : SendOn(session, message);
}

void ClientRegistry::SendOutput(Session& session, const pb::RayletToClient& message) {
  if (!session.info.log_to_driver) return;
  const pb::LogLines& lines = message.log_lines();
  if (session.connection->pending_bytes() > kMaxPendingOutput) {
    session.lines_dropped += static_cast<std::uint64_t>(lines.lines_size()) + lines.dropped();
    return;
  }
  pb::RayletToClient complete = message;
  complete.mutable_log_lines()->set_dropped(lines.dropped() + std::exchange(session.lines_dropped, 0));
  SendOn(session, complete);
}

void ClientRegistry::Disconnect(ProcessId client, const Status& why) {
  if (auto it = by_process_.find(client); it != by_process_.end()) Disconnect(it->second, why);
}

void ClientRegistry::Pause(ProcessId client, NodeId node) {
  auto it = by_process_.find(client);
  if (it == by_process_.end()) return;
  sessions_.at(it->second).connection->PauseReading();
  paused_.emplace(node, it->second);
}

void ClientRegistry::Resume(NodeId node) {
  const auto [begin, end] = paused_.equal_range(node);
  for (auto it = begin; it != end; ++it) {
    if (auto session = sessions_.find(it->second); session != sessions_.end()) {
      session->second.connection->ResumeReading();
    }
  }
  paused_.erase(begin, end);
}

Status ClientRegistry::SendRouted(ProcessId to, const Address& from, std::string_view frame) {
  auto it = by_process_.find(to);
  if (it == by_process_.end()) return NotFound("process " + to.Hex() + " does not run on this node (any more)");
  std::string payload = ipc::EncodeRoutedHeader(from);
  payload.append(frame);
  return sessions_.at(it->second).connection->Send(ipc::kRouted, std::move(payload), kMaxPendingRouted);
}

void ClientRegistry::Broadcast(const pb::RayletToClient& message) {
  for (const auto& [process, number] : by_process_) SendOn(sessions_.at(number), message);
}

void ClientRegistry::SendToTemplate(pid_t pid, const pb::RayletToClient& message) {
  if (auto it = templates_.find(pid); it != templates_.end()) SendOn(sessions_.at(it->second), message);
}

const ClientInfo* ClientRegistry::Find(ProcessId process) const {
  auto it = by_process_.find(process);
  return it == by_process_.end() ? nullptr : &sessions_.at(it->second).info;
}

std::vector<const ClientInfo*> ClientRegistry::List() const {
  std::vector<const ClientInfo*> infos;
  for (const auto& [process, number] : by_process_) infos.push_back(&sessions_.at(number).info);
  return infos;
}

}  // namespace troupe::raylet
