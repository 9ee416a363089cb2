// StoreOwner: the raylet's side of a node's object store: who may write where, what is sealed, who pins it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/status.h"
#include "object_store/extent.h"
#include "troupe/ids.h"

namespace troupe::store {

class SegmentMemory;
class SegmentPool;
class StoreView;

struct StoreOptions {
  // Begins the names of all segments: 1 to 100 letters, digits, '-' and '_'. One per session and node.
  std::string name_prefix{};
  // Bound of the bytes reserved for segments; at least 64 KiB.
  std::uint64_t capacity = 0;
  // Most bytes of a segment, except of one for a single larger object; made smaller so that 16 fit the capacity.
  std::uint64_t segment_size = 64ULL << 20;
  // Empty segments kept for reuse, in bytes over all of them; unset: a quarter of the capacity, at most 1 GiB.
  std::optional<std::uint64_t> warm_limit{};
  // Bound of the bookkeeping, also for objects without bytes.
  std::size_t max_objects = 1'000'000;
};

struct Usage {
  std::uint64_t capacity = 0;  // bytes
  std::uint64_t reserved = 0;  // bytes of all segments
  std::uint64_t used = 0;      // bytes of objects, each rounded up to its granule; never above `reserved`
  std::uint64_t peak = 0;      // the highest `used` so far
  std::size_t objects = 0;     // all of them: unsealed, sealed, and deleted ones that are still pinned
  std::size_t unsealed = 0;
  std::size_t pinned = 0;
  std::size_t segments = 0;
};

// A pin of the raylet itself. `bytes` stay valid until UnpinLocal(token).
struct LocalPin {
  std::span<const std::byte> bytes;
  std::uint64_t token = 0;
};

// Holds all bookkeeping of the store in private memory, so that no client can harm it, and makes the segments in
// which clients find the data. An object is written by one process, sealed, read by any, and freed when it is
// deleted and nobody pins it. docs/object-store-layout.md describes segments and leases.
//
// One thread (the raylet's loop), no clock. Calls wait neither for other processes nor for memory: an object in a new
// segment is made at once, and can be written when the segment's memory has come (WhenReady). Process ids are never
// zero.
class StoreOwner {
 public:
  // InvalidArgument when an option is out of its range. Reserves nothing yet. `memory` outlives the owner; without one,
  // calls that make a new segment take the time in which the kernel reserves it (0.2 to 0.7 ms per MiB).
  static Result<std::unique_ptr<StoreOwner>> Open(StoreOptions options, SegmentMemory* memory = nullptr);

  // Unlinks the shared memory that a killed owner with this prefix left behind; gives the number of segments.
  // Must not run while such an owner lives.
  static Result<std::size_t> ReclaimStale(std::string_view name_prefix);

  // Unlinks every segment. Clients that still map one keep their mapping.
  ~StoreOwner();
  StoreOwner(const StoreOwner&) = delete;
  StoreOwner& operator=(const StoreOwner&) = delete;

  // Reserves `size` bytes that only `writer` may write until Seal or Abort. AlreadyExists when the id is taken,
  // FailedPrecondition while a deleted object of this id is still pinned, ResourceExhausted when the store, the
  // machine's shared memory or the number of objects is at its bound. The bytes are not cleared. The writer may not
  // touch them before WhenReady() says so.
  Result<Extent> Create(ProcessId writer, ObjectId id, std::uint64_t size);

  // Runs `ready` when the memory of an object that is written has come: within the call, mostly, or later.
  // ResourceExhausted when the machine turned out to have none: the object has gone then. NotFound when it is unknown.
  void WhenReady(ObjectId id, std::function<void(const Status&)> ready);

  // Makes the object readable and immutable. NotFound when it is unknown, or was deleted meanwhile (it is then gone);
  // PermissionDenied for another process than its writer; FailedPrecondition when it is sealed already, or not ready.
  Status Seal(ProcessId writer, ObjectId id);

  // Gives up an unsealed object, also a deleted one; errors otherwise as Seal.
  Status Abort(ProcessId writer, ObjectId id);

  // Where a sealed object lies, pinned once more for `reader`: it stays there until as many Release calls or
  // RemoveProcess. NotFound when unknown or deleted, FailedPrecondition when not sealed yet.
  Result<Extent> Get(ProcessId reader, ObjectId id);

  // Takes back one Get; ignored when `reader` holds no pin on `id`.
  void Release(ProcessId reader, ObjectId id);

  // From now on the object cannot be found. Its bytes are freed at once, or with its last pin, or, when unsealed,
  // once its writer seals, aborts or dies. Unknown ids are ignored.
  void Delete(ObjectId id);

  // Whether the object is sealed and not deleted.
  bool Contains(ObjectId id) const;
  // Bytes of an object that Contains() knows; nullopt for others.
  std::optional<std::uint64_t> SizeOf(ObjectId id) const;

  // `process` is dead (not only disconnected: its mappings must be gone). Drops its pins, aborts its unsealed
  // objects and ends its leases; what it sealed stays.
  void RemoveProcess(ProcessId process);

  // The raylet as writer and reader, for transfers and spilling. Spans of CreateLocal and LocalBytes are valid until
  // SealLocal or AbortLocal. Errors as the calls above, and those of StoreView. Unavailable when the object has been
  // made, but its memory is still to come: WhenReady(), then LocalBytes().
  Result<std::span<std::byte>> CreateLocal(ObjectId id, std::uint64_t size);
  Result<std::span<std::byte>> LocalBytes(ObjectId id);
  Status SealLocal(ObjectId id);
  Status AbortLocal(ObjectId id);
  Result<LocalPin> ReadLocal(ObjectId id);
  // `token` is one of ReadLocal, used once.
  void UnpinLocal(std::uint64_t token);

  // `retired` runs for each segment that has been removed, with its memory: a hint for the clients to which its name
  // was told to StoreView::Forget() it, and so give back the addresses. No live or pinned object lies in it.
  void OnRetired(std::function<void(const std::string& segment)> retired) { on_retired_ = std::move(retired); }

  Usage GetUsage() const;

 private:
  // kWriting --Seal--> kSealed --Delete while pinned--> kDying --last unpin--> freed
  //     |                 `-----Delete while unpinned------------------------> freed
  //     |--Delete--> kDoomed --Seal, Abort or death of the writer------------> freed
  //     `--Abort or death of the writer--------------------------------------> freed
  enum class State { kWriting, kDoomed, kSealed, kDying };
  struct Object {
    State state = State::kWriting;
    ProcessId writer;
    Extent extent;
    std::uint64_t pins = 0;
  };
  using Objects = std::unordered_map<ObjectId, Object>;

  StoreOwner(StoreOptions options, SegmentMemory* memory);
  Status CheckCreate(ObjectId id) const;
  Result<Extent> CreateAs(ProcessId writer, ObjectId id, std::uint64_t size);
  Status SealAs(ProcessId writer, ObjectId id);
  Status AbortAs(ProcessId writer, ObjectId id);
  Result<Objects::iterator> FindUnsealed(ProcessId writer, ObjectId id);
  Result<Objects::iterator> FindSealed(ObjectId id);
  void Pin(Object& object);
  void Unpin(ObjectId id, std::uint64_t count);
  void EndWriting(Objects::iterator it);
  void Free(Objects::iterator it);
  void OnSettled(const std::string& segment, const Status& status);
  void DropAllIn(const std::string& segment);

  const StoreOptions options_;
  std::unique_ptr<SegmentMemory> own_memory_;
  std::unique_ptr<SegmentPool> pool_;
  std::unique_ptr<StoreView> view_;  // the raylet's own mappings
  Objects objects_;
  std::unordered_map<ProcessId, std::unordered_set<ObjectId>> unsealed_by_;
  std::unordered_map<ProcessId, std::unordered_map<ObjectId, std::uint64_t>> pins_by_;
  std::unordered_map<std::uint64_t, ObjectId> local_pins_;
  std::uint64_t last_token_ = 0;
  std::size_t unsealed_ = 0;
  std::size_t pinned_ = 0;
  std::uint64_t peak_ = 0;
  // By segment: who waits for its memory.
  std::unordered_map<std::string, std::vector<std::function<void(const Status&)>>> waiting_;
  std::function<void(const std::string&)> on_retired_;
};

}  // namespace troupe::store
