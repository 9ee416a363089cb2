// HeadLink: what this raylet and the head say to one another, over connections that come and go.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "proto/head.pb.h"
#include "raylet/links/event_outbox.h"
#include "raylet/links/registrations.h"
#include "raylet/ports/head_port.h"
#include "raylet/ports/head_transport.h"
#include "rpc/turn_batch.h"

namespace troupe::raylet {

// Loop thread.
//
//   Start --> connecting --hello, welcome--> connected --stream closed--> waiting --back-off--> connecting
//                 `--refused, or not reached within kFirstTries--> given up
class HeadLink : public HeadPort {
 public:
  static constexpr std::chrono::milliseconds kFirstRetry{100};
  static constexpr std::chrono::milliseconds kLastRetry{2000};
  // For the first welcome; later the head may be away for any time.
  static constexpr std::chrono::seconds kFirstTries{15};
  // How long an event that nobody waits for waits for others.
  static constexpr std::chrono::milliseconds kLater{20};
  // Reports are this far apart at least.
  static constexpr std::chrono::milliseconds kReportGap{10};

  struct Events {
    std::function<pb::NodeHello()> hello;  // as things are now
    std::function<void(const pb::Welcome&)> on_welcome;
    std::function<void(const pb::HeadToNode&)> on_message;
    std::function<void(pb::NodeReport*)> fill_report;
    // For the node's lease: a report (the hello: 0) is being sent, or has been heard; the connection broke.
    std::function<void(std::uint64_t version)> on_sent;
    std::function<void(std::uint64_t version)> on_acknowledged;
    std::function<void()> on_lost;
    // The head will not have this node (any more): wrong token, version or cluster, or declared dead. The last call.
    std::function<void(const Status&)> on_refused;
  };

  // `transport` outlives this.
  HeadLink(EventLoop& loop, HeadTransport& transport, Events events);

  void Start();
  // Something that the reports tell has changed.
  void MarkChanged();
  // Events that the head has not acknowledged, and registrations that it has not answered.
  std::size_t outstanding() const { return outbox_.kept().size() + later_.size() + registrations_.size(); }
  // Says farewell and closes the stream; `done` runs once it is closed. Nothing is sent or called afterwards.
  void Leave(const std::string& reason, std::function<void()> done);

  void RegisterJob(const pb::RegisterJobRequest& request, Done<pb::RegisterJobReply> done) override;
  void RegisterActor(const pb::RegisterActorRequest& request, Done<pb::ActorReply> done) override;
  void GetActor(const pb::FindActor& request, Done<pb::ActorReply> done) override;
  void KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply> done) override;
  void ListActors(const pb::ListActorsRequest& request, Done<pb::ListActorsReply> done) override;
  void FinishJob(const pb::FinishJobRequest& request, std::function<void()> heard) override;
  void ReleaseActor(const pb::ReleaseActor& request) override;
  void SendEvent(pb::NodeToHead event) override;
  void SendEventLater(pb::NodeToHead event) override;
  void SendIfConnected(const pb::NodeToHead& message) override;

 private:
  void Connect();
  void OnBatch(const pb::HeadToNode& batch);
  void OnMessage(const pb::HeadToNode& message);
  void OnAcknowledged(const pb::Acknowledged& acknowledged);
  void OnClosed(const Status& status);
  bool Refused(const Status& status) const;
  void Keep(pb::NodeToHead event);
  void SendLateEvents();
  void SendReport();
  void ArmReport(std::chrono::nanoseconds delay);

  EventLoop& loop_;
  HeadTransport& transport_;
  const Events events_;
  std::unique_ptr<HeadStream> stream_;
  std::optional<rpc::TurnBatch<pb::NodeToHead>> out_;  // to the stream
  bool connected_ = false;
  bool welcomed_ = false;  // at least once
  bool left_ = false;
  std::function<void()> on_left_;
  MonotonicTime started_{};
  std::chrono::milliseconds retry_ = kFirstRetry;
  std::chrono::milliseconds report_interval_{1000};
  MonotonicTime last_report_{};
  TimerId report_timer_ = 0;
  bool changed_ = false;
  std::uint64_t version_ = 0;
  EventOutbox outbox_;
  std::vector<pb::NodeToHead> later_;  // not in the outbox yet
  Registrations registrations_;
  std::shared_ptr<HeadLink*> self_;  // what posted work holds weakly: gone with this
};

}  // namespace troupe::raylet
