#include "client/raylet_session.h"

#include <cstdio>
#include <utility>

#include "client/outbox.h"
#include "common/signal_mask.h"
#include "ipc/client_wire.h"

namespace troupe::client {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectTimeout = 10s;
constexpr auto kFarewell = 1s;

}  // namespace

Result<pb::Registered> RayletSession::Register(const std::string& socket_path, const pb::RegisterClient& hello) {
  TROUPE_ASSIGN_OR_RETURN(socket_, ipc::ClientSocket::Connect(socket_path, kConnectTimeout));
  pb::ClientToRaylet message;
  message.set_request_id(++last_request_);
  *message.mutable_register_() = hello;
  TROUPE_RETURN_IF_ERROR(socket_->Send(ipc::kToRaylet, message.SerializeAsString()));
  Result<ipc::Frame> received = socket_->Receive(Clock::now() + patience_.registration);
  if (received.status().code() == StatusCode::kDeadlineExceeded) {
    return DeadlineExceeded("the raylet at " + socket_path + " did not answer the registration within " +
                            std::to_string(patience_.registration.count() / 1000) +
                            " s: it is stopped, or has no time; see its log, or restart the node");
  }
  TROUPE_ASSIGN_OR_RETURN(const ipc::Frame frame, std::move(received));
  pb::RayletToClient reply;
  if (frame.type != ipc::kFromRaylet || !reply.ParseFromString(frame.payload)) {
    return DataLoss("the raylet at " + socket_path + " answered the registration with what is no reply");
  }
  if (reply.has_error()) return FailedPrecondition(reply.error().message());
  if (!reply.has_registered()) return DataLoss("the raylet at " + socket_path + " did not answer the registration");
  return std::move(*reply.mutable_registered());
}

void RayletSession::Listen() {
  socket_->OnDrained([this] { handler_.OnRoom(); });
  const BlockSignals block;
  thread_ = std::thread([this] { ReceiveLoop(); });
}

void RayletSession::Stop() {
  if (!socket_) return;
  const auto deadline = Clock::now() + kFarewell;
  while (thread_.joinable() && socket_->queued_bytes() > 0 && Clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);  // the thread sends it
  }
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  socket_->Shutdown();
  if (thread_.joinable()) thread_.join();
}

void RayletSession::Request(pb::ClientToRaylet message, Reply done) {
  const std::uint64_t id = ++last_request_;
  message.set_request_id(id);
  const std::string bytes = message.SerializeAsString();
  if (lost_ || bytes.size() > ipc::kMaxFramePayload) {
    pb::RayletToClient reply;
    reply.mutable_error()->set_kind(lost_ ? pb::Error::SYSTEM : pb::Error::BAD_ARGUMENTS);
    reply.mutable_error()->set_outcome(pb::Error::NOT_EXECUTED);
    reply.mutable_error()->set_message(lost_ ? *lost_
                                             : "a request of " + std::to_string(bytes.size()) +
                                                   " bytes is longer than the 16 MiB that a message may have");
    return done(reply);
  }
  requests_.emplace(id, std::move(done));
  (void)socket_->Send(ipc::kToRaylet, bytes);
}

void RayletSession::Send(const pb::ClientToRaylet& message) {
  const Status sent = socket_->Send(ipc::kToRaylet, message.SerializeAsString());
  if (sent.code() == StatusCode::kInvalidArgument) std::fprintf(stderr, "troupe: %s\n", sent.message().c_str());
}

void RayletSession::SendRouted(const Address& to, std::string_view frame) {
  std::string bytes = ipc::EncodeRoutedHeader(to);
  bytes += frame;
  (void)socket_->Send(ipc::kRouted, bytes);
}

// A raylet that is stopped keeps its connection, and those who wait for it would wait for ever.
Result<ipc::Frame> RayletSession::ReceiveOrAsk() {
  for (int asked = 0;; ++asked) {
    Result<ipc::Frame> frame = socket_->Receive(Clock::now() + patience_.silence);
    if (frame.ok() || frame.status().code() != StatusCode::kDeadlineExceeded) return frame;
    if (asked == patience_.questions) {
      return Unavailable("it has not answered for " + std::to_string(patience_.silence.count() * asked / 1000) +
                         " s: it is stopped, or has no time");
    }
    const std::lock_guard lock(mutex_);
    pb::ClientToRaylet message;
    message.mutable_ping();
    Request(std::move(message), [](const pb::RayletToClient&) {});
  }
}

void RayletSession::ReceiveLoop() {
  for (;;) {
    const Result<ipc::Frame> frame = ReceiveOrAsk();
    pb::RayletToClient message;
    const bool parsed = frame.ok() && frame->type == ipc::kFromRaylet && message.ParseFromString(frame->payload);
    if (parsed && message.has_log_lines()) {
      handler_.OnLogLines(message.log_lines());
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    const Status handled = frame.ok() ? Handle(*frame, parsed ? &message : nullptr) : frame.status();
    if (!handled.ok()) Lose(handled.message());
    handler_.OnReceived();
    if (!handled.ok()) return;
  }
}

// `message`: null when the frame holds none. An error: what the raylet sent makes no sense.
Status RayletSession::Handle(const ipc::Frame& frame, const pb::RayletToClient* message) {
  if (frame.type == ipc::kRouted) {
    const Result<Address> from = ipc::DecodeRoutedHeader(frame.payload);
    if (!from.ok()) return DataLoss("the raylet sent " + from.status().message());
    handler_.OnRouted(*from, std::string_view(frame.payload).substr(ipc::kRoutedHeaderBytes));
  } else if (frame.type != ipc::kFromRaylet) {
    return DataLoss("the raylet sent a frame of unknown type " + std::to_string(frame.type));
  } else if (message == nullptr) {
    return DataLoss("the raylet sent a message that does not parse");
  } else if (message->request_id() == 0) {
    handler_.OnMessage(*message);
  } else if (auto node = requests_.extract(message->request_id()); !node.empty()) {
    node.mapped()(*message);
  }
  return OkStatus();
}

void RayletSession::Lose(const std::string& reason) {
  lost_ = "lost the connection to the raylet of this node: " + reason;
  socket_->Shutdown();  // should it live after all, it learns that nobody listens
  pb::RayletToClient reply;
  reply.mutable_error()->set_kind(pb::Error::SYSTEM);
  reply.mutable_error()->set_message(*lost_);
  auto requests = std::exchange(requests_, {});
  for (auto& [id, done] : requests) done(reply);
  handler_.OnLost(*lost_);
}

}  // namespace troupe::client
