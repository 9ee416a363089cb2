// CallCycles: finds actors that wait for one another for ever, each in a method that calls the next.
//
// A method that has very many calls to one actor unanswered waits until that actor has answered some. That actor
// answers none while it is itself in a method that waits so, and if the waits form a ring (two actors that flood each
// other; one that floods itself), none of them would ever end. So whoever waits sends a probe after its calls, again
// and again. A process whose actor waits, too, passes it on to the actor that it waits for; and if a probe comes back
// to where it began, one wait of the ring ends with an error. A wait for an actor that is merely slow goes on as long
// as it takes.
//
// Every actor of a ring begins a probe, but only that of the process with the highest id gets round: the others would
// be refused for a ring that is open already.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "client/actor_table.h"
#include "client/frames.h"

namespace troupe::client {

// All functions need the core's mutex. A process runs one actor at most, so one thread at most waits.
class CallCycles {
 public:
  CallCycles(Core& core, const ActorTable& actors) : core_(core), actors_(actors) {}
  CallCycles(const CallCycles&) = delete;
  CallCycles& operator=(const CallCycles&) = delete;

  // A method of the actor `name` (for people) waits from now on to call `target`.
  void Begin(std::string name, std::shared_ptr<const ActorRecord> target);
  // The ring that the wait is part of: "Peer 1f3a -> Peer 77b0 -> Peer 1f3a".
  const std::optional<std::string>& found() const { return found_; }
  void End();

  void OnProbe(const ProbeFrame& frame);

  // "Peer 1f3a5b70", for people.
  static std::string NameOf(const std::string& class_name, ActorId id);

 private:
  static constexpr std::chrono::milliseconds kAgain{500};  // those further on may begin to wait later
  static constexpr std::size_t kMaxPath = 4096;

  void SendProbe();
  bool Stuck() const;

  Core& core_;
  const ActorTable& actors_;
  std::string name_;
  std::shared_ptr<const ActorRecord> target_;  // null: nobody waits
  std::uint64_t last_number_ = 0;
  std::uint64_t first_number_ = 0;  // of this wait
  std::optional<std::string> found_;
  std::unordered_map<ProcessId, std::uint64_t> passed_on_;  // of this wait: the last number of each beginner
};

}  // namespace troupe::client
