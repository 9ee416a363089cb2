// Registrations: the actors that the head has been asked to register, and who waits for its answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "common/event_loop.h"
#include "common/status.h"
#include "proto/client.pb.h"
#include "proto/head.pb.h"

namespace troupe::raylet {

// Loop thread. Each `done` runs once, unless this goes first.
class Registrations {
 public:
  using Done = std::function<void(Result<pb::ActorReply>)>;

  static constexpr std::chrono::seconds kTimeout{10};

  explicit Registrations(EventLoop& loop) : loop_(loop) {}
  ~Registrations();
  Registrations(const Registrations&) = delete;
  Registrations& operator=(const Registrations&) = delete;

  // The request to be sent. After kTimeout without an answer: DEADLINE_EXCEEDED.
  pb::RegisterActor Add(const pb::RegisterActorRequest& actor, Done done);
  // Ignored for a request that nobody waits for any more.
  void OnAnswer(const pb::ActorRegistered& answer);
  // No answer will come.
  void FailAll(const Status& why);

  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    Done done;
    TimerId timeout = 0;
  };

  void End(std::uint64_t request, Result<pb::ActorReply> reply);

  EventLoop& loop_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
};

}  // namespace troupe::raylet
