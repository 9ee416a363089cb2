#include "raylet/links/head_link.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace troupe::raylet {
namespace {

using namespace std::chrono_literals;

constexpr auto kCallRetry = 500ms;

}  // namespace

HeadLink::HeadLink(EventLoop& loop, HeadTransport& transport, Events events)
    : loop_(loop),
      transport_(transport),
      events_(std::move(events)),
      registrations_(loop),
      self_(std::make_shared<HeadLink*>(this)) {}

void HeadLink::Start() {
  started_ = loop_.Now();
  Connect();
}

void HeadLink::Connect() {
  if (left_) return;
  stream_ = transport_.OpenStream({.on_message = [this](const pb::HeadToNode& batch) { OnBatch(batch); },
                                   .on_closed = [this](const Status& status) { OnClosed(status); }});
  out_.emplace(loop_, [this](const pb::NodeToHead& batch) { stream_->Send(batch); });
  pb::NodeToHead hello;
  *hello.mutable_hello() = events_.hello();
  events_.on_sent(0);
  out_->Add(hello);
}

void HeadLink::OnBatch(const pb::HeadToNode& batch) {
  rpc::ForEach(batch, [this](const pb::HeadToNode& message) {
    if (!left_) OnMessage(message);
  });
}

void HeadLink::OnMessage(const pb::HeadToNode& message) {
  if (message.has_acknowledged()) return OnAcknowledged(message.acknowledged());
  if (message.has_actor_registered()) return registrations_.OnAnswer(message.actor_registered());
  if (!message.has_welcome()) return events_.on_message(message);
  connected_ = welcomed_ = true;
  retry_ = kFirstRetry;
  if (message.welcome().report_interval_ms() > 0) {
    report_interval_ = std::chrono::milliseconds(message.welcome().report_interval_ms());
  }
  for (const pb::NodeToHead& event : outbox_.kept()) out_->Add(event);
  events_.on_welcome(message.welcome());
  changed_ = false;
  SendReport();
}

void HeadLink::OnAcknowledged(const pb::Acknowledged& acknowledged) {
  outbox_.Acknowledge(acknowledged.event());
  events_.on_acknowledged(acknowledged.report());
}

bool HeadLink::Refused(const Status& status) const {
  switch (status.code()) {
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnimplemented: return true;
    // Once known there, it means that our last stream's end has not been noticed yet.
    case StatusCode::kAlreadyExists: return !welcomed_;
    default: return !welcomed_ && loop_.Now() - started_ > kFirstTries;
  }
}

void HeadLink::OnClosed(const Status& status) {
  out_.reset();
  stream_.reset();
  connected_ = false;
  registrations_.FailAll(Unavailable("lost the connection to the head at " + transport_.target() +
                                     " while an actor was being registered; it may have registered it"));
  events_.on_lost();
  if (left_) {
    if (on_left_) std::exchange(on_left_, nullptr)();
    return;
  }
  if (Refused(status)) {
    left_ = true;
    return events_.on_refused(status);
  }
  if (retry_ == kFirstRetry) spdlog::warn("lost the head at {}: {}", transport_.target(), status.ToString());
  const auto delay = retry_;
  retry_ = std::min(retry_ * 2, kLastRetry);
  loop_.After(delay, [weak = std::weak_ptr(self_)] {
    if (auto self = weak.lock()) (*self)->Connect();
  });
}

void HeadLink::MarkChanged() {
  if (!connected_ || changed_) return;
  changed_ = true;
  const auto since = loop_.Now() - last_report_;
  ArmReport(std::max<std::chrono::nanoseconds>(kReportGap - since, 0ns));
}

void HeadLink::ArmReport(std::chrono::nanoseconds delay) {
  loop_.Cancel(report_timer_);
  report_timer_ = loop_.After(delay, [weak = std::weak_ptr(self_)] {
    if (auto self = weak.lock()) (*self)->SendReport();
  });
}

void HeadLink::SendReport() {
  if (!connected_) return;
  changed_ = false;
  last_report_ = loop_.Now();
  pb::NodeToHead message;
  events_.fill_report(message.mutable_report());
  message.mutable_report()->set_version(++version_);
  events_.on_sent(version_);
  out_->Add(message);
  ArmReport(report_interval_);
}

void HeadLink::Leave(const std::string& reason, std::function<void()> done) {
  left_ = true;
  if (!stream_) return loop_.Post(std::move(done));
  on_left_ = std::move(done);
  if (connected_) {
    pb::NodeToHead message;
    message.mutable_leaving()->set_reason(reason);
    out_->Add(message);
  }
  out_->Flush();
  stream_->Close(OkStatus());
  connected_ = false;
}

void HeadLink::SendEvent(pb::NodeToHead event) {
  SendLateEvents();
  Keep(std::move(event));
}

void HeadLink::SendEventLater(pb::NodeToHead event) {
  if (out_ && out_->pending()) return SendEvent(std::move(event));
  later_.push_back(std::move(event));
  if (later_.size() > 1) return;
  loop_.After(kLater, [weak = std::weak_ptr(self_)] {
    if (auto self = weak.lock()) (*self)->SendLateEvents();
  });
}

void HeadLink::SendLateEvents() {
  for (pb::NodeToHead& event : std::exchange(later_, {})) Keep(std::move(event));
}

void HeadLink::Keep(pb::NodeToHead event) {
  bool dropped = false;
  const pb::NodeToHead& numbered = outbox_.Add(std::move(event), &dropped);
  if (dropped) spdlog::error("the head has been away for long: an event for it is dropped");
  if (connected_) out_->Add(numbered);
}

void HeadLink::SendIfConnected(const pb::NodeToHead& message) {
  if (connected_) out_->Add(message);
}

void HeadLink::RegisterJob(const pb::RegisterJobRequest& request, Done<pb::RegisterJobReply> done) {
  transport_.RegisterJob(request, std::move(done));
}

void HeadLink::RegisterActor(const pb::RegisterActorRequest& request, Done<pb::ActorReply> done) {
  if (!connected_) {
    const Status away = Unavailable("cannot reach the head at " + transport_.target() + " to register an actor");
    return loop_.Post([away, done = std::move(done)] { done(away); });
  }
  pb::NodeToHead message;
  *message.mutable_register_actor() = registrations_.Add(request, std::move(done));
  out_->Add(message);
}

void HeadLink::GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) {
  transport_.GetActor(request, std::move(done));
}

void HeadLink::KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply> done) {
  transport_.KillActor(request, std::move(done));
}

void HeadLink::ListActors(const pb::ListActorsRequest& request, Done<pb::ListActorsReply> done) {
  transport_.ListActors(request, std::move(done));
}

void HeadLink::FinishJob(const pb::FinishJobRequest& request, std::function<void()> heard) {
  transport_.FinishJob(request, [weak = std::weak_ptr(self_), request, heard](const Result<pb::Done>& reply) {
    auto self = weak.lock();
    if (!self) return;
    const StatusCode code = reply.status().code();
    if (code != StatusCode::kUnavailable && code != StatusCode::kDeadlineExceeded) {
      if (!reply.ok()) spdlog::warn("the head refused the end of a job: {}", reply.status().ToString());
      return heard();
    }
    (*self)->loop_.After(kCallRetry, [weak, request, heard] {
      if (auto again = weak.lock()) (*again)->FinishJob(request, heard);
    });
  });
}

void HeadLink::ReleaseActor(const pb::ReleaseActor& request) {
  pb::NodeToHead event;
  *event.mutable_release_actor() = request;
  SendEvent(std::move(event));
}

}  // namespace troupe::raylet
