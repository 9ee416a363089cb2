// What one process knows of objects and calls. Plain data, guarded by the runtime's mutex; object_table, actor_table
// and task_table have the rules. Of actors: actor_record.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/object_watch.h"
#include "common/fork_generation.h"
#include "object_store/extent.h"
#include "proto/common.pb.h"
#include "troupe/internal/runtime.h"

namespace troupe::client {

struct ActorRecord;  // client/actor_record.h
struct StorePin;     // client/store_client.h
struct TaskQueue;

// Who holds a ref or handle. The owner of an object (the creator of an actor) counts, per process, those outside
// itself; a thing is unused once there are none anywhere. See docs/architecture.md, "Reference counts".
struct RefCounts {
  int handles = 0;            // ObjectStates or ActorStates of this process
  std::int64_t borrowed = 0;  // not the owner: what the owner counts for this process
  // The owner: what others hold. A count may be below zero for a moment, when a drop overtakes the add that another
  // process sent on the holder's behalf; the thing is unused only when no count is left.
  struct Holder {
    std::int64_t count = 0;
    NodeId node;
  };
  std::unordered_map<ProcessId, Holder> holders;

  bool Unused() const { return handles == 0 && holders.empty(); }
};

// A call or task that has been made and not answered.
struct PendingCall {
  std::uint64_t sequence = 0;
  std::uint64_t function = 0;
  std::string_view name;  // for people; of static storage, or own_name
  std::string own_name;
  internal::Arguments arguments;
  std::size_t unresolved = 0;     // arguments given as objects that have no value yet
  std::int64_t retries_left = 0;  // -1: without limit
  bool retry_exceptions = false;
  std::uint32_t attempt = 0;
  bool queued = false;            // a task: waits for a worker
  bool killed_worker = false;     // a task: a worker died that had it
  std::uint64_t incarnation = 0;  // it was last sent to; of the actor, or the lease
  ProcessId sent_to;              // that owes the reply; none while the call waits to be sent
  std::size_t sent_bytes = 0;     // of the frame
  std::uint64_t sent_number = 0;  // of the frame (Outbox::Send)
  bool done = false;
  std::shared_ptr<ActorRecord> actor;  // null: a task
  TaskQueue* queue = nullptr;          // of a task, once its arguments have values (client/task_table.h)

  // Whether its process may have begun it, having begun no frame after number `reached`.
  bool MayHaveBegun(std::uint64_t reached) const { return sent_number == 0 || sent_number <= reached; }
};

struct ObjectRecord {
  enum class State {
    kUnknown,  // another process owns it and has not been asked
    kPending,  // no value yet
    kInline,
    kStored,
    kError,
  };

  ObjectId id;
  Address owner;
  State state = State::kUnknown;
  RefCounts refs;
  std::weak_ptr<internal::ObjectState> handle;

  std::string bytes;                       // kInline; never changes afterwards
  std::uint64_t size = 0;                  // kStored
  std::vector<NodeId> nodes;               // kStored
  std::weak_ptr<StorePin> pin;             // kStored, while mapped here
  std::shared_ptr<const ErrorInfo> error;  // kError
  bool heard = false;                      // kError: somebody has been given the error
  std::vector<internal::ObjectPtr> contained_objects;
  std::vector<internal::ActorPtr> contained_actors;

  std::shared_ptr<PendingCall> call;            // that will make it; null for values put
  std::vector<std::function<void()>> on_ready;  // run once when there is a value or an error
  ObjectWatch::Link* watches = nullptr;         // of threads that wait for a value or an error
  std::uint64_t last_wait = 0;                  // the number of the Wait that it was last given to
  std::vector<Address> askers;                  // owner: who waits for the value
  bool asked = false;                           // not the owner: its answer is awaited

  bool ready() const { return state >= State::kInline; }
};

// Refs and handles that user code dropped. Their destructors run anywhere, also where the runtime's mutex is held,
// so they only leave a note here; the next look at the rings takes it up.
class ReleaseQueue {
 public:
  using Wake = std::function<void()>;
  struct Dropped {
    std::vector<std::shared_ptr<ObjectRecord>> objects;
    std::vector<std::shared_ptr<ActorRecord>> actors;
  };

  void SetWake(Wake wake) {
    std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  void Push(std::shared_ptr<ObjectRecord> object) { Add(&Dropped::objects, std::move(object)); }
  void Push(std::shared_ptr<ActorRecord> actor) { Add(&Dropped::actors, std::move(actor)); }

  // Everything dropped since the last call.
  Dropped Take() {
    if (!any_.load(std::memory_order_acquire)) return {};
    std::lock_guard lock(mutex_);
    any_.store(false, std::memory_order_relaxed);
    return std::exchange(dropped_, {});
  }

  // Nobody takes notes up any more: what is dropped from now on goes at once. A record in the queue may hold refs, and
  // these hold the queue: it must not fill.
  void Close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    LetGo(lock);
  }

 private:
  template <class T>
  void Add(std::vector<std::shared_ptr<T>> Dropped::*list, std::shared_ptr<T> record) {
    if (generation_ != ForkGeneration()) return;  // the refs of a fork are copies that nobody counts
    Wake wake;
    {
      std::unique_lock lock(mutex_);
      (dropped_.*list).push_back(std::move(record));
      if (closed_) return LetGo(lock);
      if (!any_.exchange(true, std::memory_order_release)) wake = wake_;
    }
    if (wake) wake();
  }

  // A record may hold the last ref to the next one, and so on for as long as a user's chain of calls is: each comes
  // back here by way of Add, and is let go of by the outermost, instead of one within the destructor of the other.
  void LetGo(std::unique_lock<std::mutex>& lock) {
    if (std::exchange(letting_go_, true)) return;
    while (!dropped_.objects.empty() || !dropped_.actors.empty()) {
      Dropped gone = std::exchange(dropped_, {});
      lock.unlock();
      gone = {};
      lock.lock();
    }
    letting_go_ = false;
  }

  const std::uint32_t generation_ = ForkGeneration();
  std::mutex mutex_;
  std::atomic<bool> any_{false};
  Dropped dropped_;
  Wake wake_;
  bool closed_ = false;
  bool letting_go_ = false;  // some thread is in LetGo
};

}  // namespace troupe::client

namespace troupe::internal {

class ObjectState {
 public:
  ObjectState(std::shared_ptr<client::ObjectRecord> record, std::shared_ptr<client::ReleaseQueue> releases)
      : record_(std::move(record)), releases_(std::move(releases)) {}
  ~ObjectState() { releases_->Push(std::move(record_)); }
  ObjectState(const ObjectState&) = delete;
  ObjectState& operator=(const ObjectState&) = delete;

  const std::shared_ptr<client::ObjectRecord>& record() const { return record_; }
  // Whether it is of the runtime that has this queue.
  bool NotesGoTo(const client::ReleaseQueue& queue) const { return releases_.get() == &queue; }

 private:
  std::shared_ptr<client::ObjectRecord> record_;
  std::shared_ptr<client::ReleaseQueue> releases_;
};

class ActorState {
 public:
  ActorState(std::shared_ptr<client::ActorRecord> record, std::shared_ptr<client::ReleaseQueue> releases)
      : record_(std::move(record)), releases_(std::move(releases)) {}
  ~ActorState() { releases_->Push(std::move(record_)); }
  ActorState(const ActorState&) = delete;
  ActorState& operator=(const ActorState&) = delete;

  const std::shared_ptr<client::ActorRecord>& record() const { return record_; }
  // Whether it is of the runtime that has this queue.
  bool NotesGoTo(const client::ReleaseQueue& queue) const { return releases_.get() == &queue; }

 private:
  std::shared_ptr<client::ActorRecord> record_;
  std::shared_ptr<client::ReleaseQueue> releases_;
};

}  // namespace troupe::internal
