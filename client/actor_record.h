// ActorRecord: what one process knows of an actor. Plain data, guarded by the runtime's mutex; actor_table has the
// rules.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/records.h"

namespace troupe::client {

// Where an actor is, as far as this process knows. Records of actors that others made begin as kAway.
//
//   kComposing --arguments have values--> kRegistering --the head took it--> kAway
//
//   kAway ------ALIVE------> kRunning --the head: its process ended--> kLastWords
//     ^                       |     ^                                      |
//     |                the way broke |                       the process is gone, or 2 s
//     |                       v      | after a pause                       |
//     |<--the process is gone-- kCut                                       |
//     |<--the process is gone-- kRunning                                   |
//     |<-------------------------------------------------------------------+
//
//   any --the head's last word, or it took the actor not, or this process is cut off--> kDead
//   any from kAway on --no handle, no call, no other process needs it--> kReleased
//
// ActorTable::Enter is the only one that changes it.
enum class ActorPhase {
  kComposing,    // made here; arguments of its constructor have no value yet. The head knows nothing of it
  kRegistering,  // made here; the head has been asked to take it
  kAway,         // has no process that calls could go to: it waits for a place, starts, or restarts
  kRunning,      // calls go to `address`
  kLastWords,    // the head says that the process ended; what the process wrote before it did is still awaited
  kCut,          // the way to `address` broke; it is tried again soon
  kDead,         // for good: calls end with `death`
  kReleased,     // no longer in the table. Whatever still arrives for this record changes nothing
};

struct ActorRecord {
  ActorId id;
  Address creator;
  bool detached = false;
  std::int64_t max_task_retries = 0;
  std::uint32_t max_pending_calls = 0;
  RefCounts refs;
  std::weak_ptr<internal::ActorState> handle;

  ActorPhase phase = ActorPhase::kAway;

  // Of an actor that was found by its name: its creator has been asked whether it counts this process, which it does
  // unless it has let the actor go meanwhile. Until the answer is in, the handle is given to nobody; what waits for
  // that.
  bool unconfirmed = false;
  std::vector<std::function<void()>> on_confirmed;

  // --- The head's word
  std::string class_name;
  // Epoch and version of the latest word that was believed, held ones included: an older one is not.
  std::pair<std::uint64_t, std::uint64_t> version;
  std::uint64_t incarnation = 0;  // the latest that was told of; never falls
  std::uint64_t ended = 0;        // the latest whose process is known here to be gone: it does not come to life again
  Address address;                // of the one process of `incarnation`, in kRunning, kLastWords and kCut
  ErrorInfo death;                // why the latest process ended; in kDead, why there is none any more
  std::string pending_reason;     // what it waits for, if it does
  bool infeasible = false;        // no node of the cluster could ever hold it
  // In kLastWords and then only: the head's latest word, to be followed once the process is known to be gone.
  std::optional<pb::ActorInfo> held;

  // --- Calls of this process
  // A call is in one of the two until it is done, and both are empty in kDead and kReleased.
  std::deque<std::shared_ptr<PendingCall>> queue;  // to be sent, in order; those to be sent again come first
  std::deque<std::shared_ptr<PendingCall>> sent;   // to `address`; answered ones are dropped from the front
  // Those in `sent` that are not done, and their frames. Above zero in kRunning and kLastWords only.
  std::size_t in_flight = 0;
  std::size_t in_flight_bytes = 0;

  // --- Creation by this process
  std::optional<pb::ActorSpec> spec;  // in kComposing and then only
  internal::Arguments arguments;      // as long as the actor may start again
  std::size_t unresolved = 0;         // of the arguments, in kComposing
  // What waits for the end of kRegistering. Until then nobody else could find the actor, so what names it waits here to
  // be sent: calls, values and results.
  std::vector<std::function<void()>> on_registered;

  bool registering() const { return phase <= ActorPhase::kRegistering; }
  bool running() const { return phase == ActorPhase::kRunning; }
  bool dead() const { return phase == ActorPhase::kDead; }
  // Whether `address` is that of a process which may still be there.
  bool has_process() const { return running() || phase == ActorPhase::kLastWords || phase == ActorPhase::kCut; }
};

}  // namespace troupe::client
