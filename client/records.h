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
#include "client/rare_vector.h"
#include "common/fork_generation.h"
#include "object_store/extent.h"
#include "proto/common.pb.h"
#include "troupe/internal/runtime.h"

namespace troupe::client {

struct ActorRecord;  // client/actor_record.h
struct StorePin;     // client/store_client.h
struct TaskQueue;

// How many refs or handles to a thing other processes hold, as its owner counts. A count may be below zero for a
// moment, when a drop overtakes the add that another process sent on the holder's behalf; the thing is unused only when
// no count is left. Most things have no other holders: then this is one word.
class Holders {
 public:
  struct Holder {
    std::int64_t count = 0;
    NodeId node;
  };
  using Map = std::unordered_map<ProcessId, Holder>;

  bool empty() const { return !map_; }
  bool contains(ProcessId process) const { return map_ && map_->contains(process); }
  // Made if it is not there.
  Holder& operator[](ProcessId process) {
    if (!map_) map_ = std::make_unique<Map>();
    return (*map_)[process];
  }
  void erase(ProcessId process) {
    if (map_ && map_->erase(process) > 0 && map_->empty()) map_.reset();
  }
  const Map& all() const {
    static const Map none;
    return map_ ? *map_ : none;
  }

 private:
  std::unique_ptr<Map> map_;
};

// Who holds a ref or handle. The owner of an object (the creator of an actor) counts, per process, those outside
// itself; a thing is unused once there are none anywhere. See docs/architecture.md, "Reference counts".
struct RefCounts {
  // Times that a first handle was made in this process, less the notes taken up that the last one went: above zero as
  // long as there may be one.
  int handles = 0;
  std::int64_t borrowed = 0;  // not the owner: what the owner counts for this process
  Holders holders;            // the owner: what others hold

  bool Unused() const { return handles == 0 && holders.empty(); }
};

// A call or task that has been made and not answered.
struct PendingCall {
  std::uint64_t sequence = 0;
  std::uint64_t function = 0;
  std::string_view name;                        // for people; of static storage, or own_name
  std::unique_ptr<const std::string> own_name;  // null: none
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

struct ObjectRecord;

// Refs and handles that user code dropped. Their destructors run anywhere, also where the runtime's mutex is held,
// so they only leave a note here; the next look at the rings takes it up.
class ReleaseQueue {
 public:
  using Wake = std::function<void()>;
  struct Dropped {
    std::vector<ObjectRecord*> objects;  // which keep themselves until their note is taken up
    std::vector<std::shared_ptr<ActorRecord>> actors;
  };

  void SetWake(Wake wake) {
    std::lock_guard lock(mutex_);
    wake_ = wake ? std::make_shared<const Wake>(std::move(wake)) : nullptr;
  }
  void Push(ObjectRecord* object) { Add(&Dropped::objects, object); }
  void Push(std::shared_ptr<ActorRecord> actor) { Add(&Dropped::actors, std::move(actor)); }

  // Puts everything dropped since the last call in place of what `dropped` has; false: there is nothing.
  bool Take(Dropped* dropped) {
    Empty(&dropped->objects);
    Empty(&dropped->actors);
    if (!any_.load(std::memory_order_acquire)) return false;
    std::lock_guard lock(mutex_);
    any_.store(false, std::memory_order_relaxed);
    std::swap(dropped_, *dropped);
    return true;
  }

  // Nobody takes notes up any more: what is dropped from now on goes at once. A record in the queue may hold refs, and
  // these hold the queue: it must not fill.
  void Close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    LetGo(lock);
  }

 private:
  // Its memory serves again, unless it is much.
  template <class T>
  static void Empty(std::vector<T>* list) {
    constexpr std::size_t kKept = 4096;
    if (list->capacity() > kKept) {
      *list = {};
    } else {
      list->clear();
    }
  }
  template <class T>
  void Add(std::vector<T> Dropped::*list, T thing) {
    if (generation_ != ForkGeneration()) return;  // the refs of a fork are copies that nobody counts
    std::shared_ptr<const Wake> wake;
    {
      std::unique_lock lock(mutex_);
      (dropped_.*list).push_back(std::move(thing));
      if (closed_) return LetGo(lock);
      if (!any_.exchange(true, std::memory_order_release)) wake = wake_;
    }
    if (wake) (*wake)();
  }

  // A record may hold the last ref to the next one, and so on for as long as a user's chain of calls is: each comes
  // back here by way of Add, and is let go of by the outermost, instead of one within the destructor of the other.
  void LetGo(std::unique_lock<std::mutex>& lock);

  const std::uint32_t generation_ = ForkGeneration();
  std::mutex mutex_;
  std::atomic<bool> any_{false};
  Dropped dropped_;
  std::shared_ptr<const Wake> wake_;
  bool closed_ = false;
  bool letting_go_ = false;  // some thread is in LetGo
};

struct ObjectRecord final : internal::ObjectState {
  enum class State : std::uint8_t {
    kUnknown,  // another process owns it and has not been asked
    kPending,  // no value yet
    kInline,
    kStored,
    kError,
  };

  // `notes`: where pointers to it leave word. Null: there are none.
  explicit ObjectRecord(std::shared_ptr<ReleaseQueue> notes = nullptr) : releases(std::move(notes)) {}

  ObjectId id;
  Address owner;
  RefCounts refs;
  const std::shared_ptr<ReleaseQueue> releases;
  std::shared_ptr<ObjectRecord> self;  // while refs.handles > 0

  State state = State::kUnknown;
  bool heard = false;                      // kError: somebody has been given the error
  bool asked = false;                      // not the owner: its answer is awaited
  std::string bytes;                       // kInline; never changes afterwards
  std::uint64_t size = 0;                  // kStored
  RareVector<NodeId> nodes;                // kStored
  std::weak_ptr<StorePin> pin;             // kStored, while mapped here
  std::shared_ptr<const ErrorInfo> error;  // kError
  RareVector<internal::ObjectPtr> contained_objects;
  RareVector<internal::ActorPtr> contained_actors;

  std::shared_ptr<PendingCall> call;           // that will make it; null for values put
  RareVector<std::function<void()>> on_ready;  // run once when there is a value or an error
  ObjectWatch::Link* watches = nullptr;        // of threads that wait for a value or an error
  std::uint64_t last_wait = 0;                 // the number of the Wait that it was last given to
  RareVector<Address> askers;                  // owner: who waits for the value

  bool ready() const { return state >= State::kInline; }
  // Whether it is of the runtime that has this queue.
  bool NotesGoTo(const ReleaseQueue& queue) const { return releases.get() == &queue; }
  // A note of it has been taken up. Returns what kept the record, if that was the last one.
  [[nodiscard]] std::shared_ptr<ObjectRecord> NoteTaken() { return --refs.handles == 0 ? std::move(self) : nullptr; }

 private:
  void OnUnused() override {
    const std::shared_ptr<ReleaseQueue> notes = releases;  // the record may go as soon as it is noted
    notes->Push(this);
  }
};

inline void ReleaseQueue::LetGo(std::unique_lock<std::mutex>& lock) {
  if (std::exchange(letting_go_, true)) return;
  while (!dropped_.objects.empty() || !dropped_.actors.empty()) {
    Dropped gone = std::exchange(dropped_, {});
    std::vector<std::shared_ptr<ObjectRecord>> last;
    for (ObjectRecord* const object : gone.objects) last.push_back(object->NoteTaken());
    lock.unlock();
    last.clear();
    gone = {};
    lock.lock();
  }
  letting_go_ = false;
}

}  // namespace troupe::client

namespace troupe::internal {

inline const std::shared_ptr<client::ObjectRecord>& ObjectState::record() const {
  return static_cast<const client::ObjectRecord*>(this)->self;
}

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
