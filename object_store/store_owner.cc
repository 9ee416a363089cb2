#include "object_store/store_owner.h"

#include <algorithm>
#include <utility>

#include "object_store/segment_memory.h"
#include "object_store/segment_pool.h"
#include "object_store/shared_segment.h"
#include "object_store/store_view.h"

namespace troupe::store {
namespace {

constexpr ProcessId kLocal{};  // the raylet itself
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLeastCapacity = 64 << 10;
constexpr std::uint64_t kMostCapacity = 1ULL << 62;  // sums of sizes stay within 64 bits
constexpr std::uint64_t kLeastSegments = 16;
constexpr std::uint64_t kMostWarm = 1ULL << 30;

std::string Name(ObjectId id) { return "object " + id.Hex(); }

Status CheckProcess(ProcessId process) {
  return process ? OkStatus() : InvalidArgument("a process of the store must not have the zero id");
}

Status CheckOptions(const StoreOptions& options) {
  if (!IsNamePrefix(options.name_prefix)) {
    return InvalidArgument("the object store's name prefix must be 1 to 100 letters, digits, '-' and '_'");
  }
  if (options.capacity < kLeastCapacity || options.capacity > kMostCapacity) {
    return InvalidArgument("an object store's capacity must be 64 KiB to 4 EiB, not " +
                           std::to_string(options.capacity) + " bytes");
  }
  if (options.segment_size < kPage) {
    return InvalidArgument("an object store's segments must have at least 4096 bytes, not " +
                           std::to_string(options.segment_size));
  }
  return OkStatus();
}

SegmentPoolOptions PoolOptions(const StoreOptions& options) {
  const std::uint64_t segment_size = std::min(options.segment_size, options.capacity / kLeastSegments);
  return {.name_prefix = options.name_prefix,
          .capacity = options.capacity / kPage * kPage,
          .segment_size = segment_size / kPage * kPage,
          .warm_limit = options.warm_limit.value_or(std::min(options.capacity / 4, kMostWarm))};
}

}  // namespace

Result<std::unique_ptr<StoreOwner>> StoreOwner::Open(StoreOptions options, SegmentMemory* memory) {
  TROUPE_RETURN_IF_ERROR(CheckOptions(options));
  return std::unique_ptr<StoreOwner>(new StoreOwner(std::move(options), memory));
}

Result<std::size_t> StoreOwner::ReclaimStale(std::string_view name_prefix) {
  if (!IsNamePrefix(name_prefix)) return InvalidArgument("no prefix of an object store's segments");
  return UnlinkSegments(name_prefix);
}

StoreOwner::StoreOwner(StoreOptions options, SegmentMemory* memory)
    : options_(std::move(options)),
      own_memory_(memory == nullptr ? std::make_unique<DirectMemory>() : nullptr),
      view_(std::make_unique<StoreView>()) {
  pool_ = std::make_unique<SegmentPool>(
      PoolOptions(options_), memory == nullptr ? *own_memory_ : *memory,
      SegmentPool::Events{
          .on_settled = [this](const std::string& segment, const Status& status) { OnSettled(segment, status); },
          .on_retired =
              [this](const std::string& segment) {
                view_->Forget(segment);
                if (on_retired_) on_retired_(segment);
              }});
}

StoreOwner::~StoreOwner() = default;

Result<Extent> StoreOwner::Create(ProcessId writer, ObjectId id, std::uint64_t size) {
  TROUPE_RETURN_IF_ERROR(CheckProcess(writer));
  return CreateAs(writer, id, size);
}

Status StoreOwner::CheckCreate(ObjectId id) const {
  if (!id) return InvalidArgument("an object must not have the zero id");
  if (const auto it = objects_.find(id); it != objects_.end()) {
    const State state = it->second.state;
    if (state == State::kWriting || state == State::kSealed) return AlreadyExists(Name(id) + " exists in the store");
    return FailedPrecondition(Name(id) + " was deleted but is still " +
                              (state == State::kDying ? "pinned by readers" : "held by its writer") +
                              "; create it again once they let go");
  }
  if (objects_.size() >= options_.max_objects) {
    return ResourceExhausted("the object store holds " + std::to_string(objects_.size()) +
                             " objects, its bound; drop references to objects");
  }
  return OkStatus();
}

Result<Extent> StoreOwner::CreateAs(ProcessId writer, ObjectId id, std::uint64_t size) {
  TROUPE_RETURN_IF_ERROR(CheckCreate(id));
  auto extent = pool_->Allocate(writer, size);
  if (!extent.ok()) return extent.status().WithContext("creating " + Name(id));
  objects_.emplace(id, Object{State::kWriting, writer, *extent, 0});
  unsealed_by_[writer].insert(id);
  ++unsealed_;
  peak_ = std::max(peak_, pool_->used());
  return extent;
}

void StoreOwner::WhenReady(ObjectId id, std::function<void(const Status&)> ready) {
  const auto it = objects_.find(id);
  if (it == objects_.end()) return ready(NotFound(Name(id) + " is not in the store"));
  const Extent& extent = it->second.extent;
  if (pool_->Ready(extent)) return ready(OkStatus());
  waiting_[extent.segment].push_back(std::move(ready));
}

void StoreOwner::OnSettled(const std::string& segment, const Status& status) {
  if (!status.ok()) DropAllIn(segment);
  const auto waiting = waiting_.extract(segment);
  if (waiting.empty()) return;
  for (const auto& ready : waiting.mapped()) ready(status);
}

// Its memory never came, so nothing in it has been sealed.
void StoreOwner::DropAllIn(const std::string& segment) {
  std::vector<ObjectId> dropped;
  for (const auto& [writer, objects] : unsealed_by_) {
    for (const ObjectId id : objects) {
      if (objects_.at(id).extent.segment == segment) dropped.push_back(id);
    }
  }
  for (const ObjectId id : dropped) {
    EndWriting(objects_.find(id));
    objects_.erase(id);
  }
}

Status StoreOwner::Seal(ProcessId writer, ObjectId id) {
  TROUPE_RETURN_IF_ERROR(CheckProcess(writer));
  return SealAs(writer, id);
}

Status StoreOwner::SealAs(ProcessId writer, ObjectId id) {
  TROUPE_ASSIGN_OR_RETURN(const auto it, FindUnsealed(writer, id));
  if (!pool_->Ready(it->second.extent)) {
    return FailedPrecondition(Name(id) + " has no memory yet and cannot have been written");
  }
  EndWriting(it);
  if (it->second.state == State::kDoomed) {
    Free(it);
    return NotFound(Name(id) + " was deleted while it was written");
  }
  it->second.state = State::kSealed;
  return OkStatus();
}

Status StoreOwner::Abort(ProcessId writer, ObjectId id) {
  TROUPE_RETURN_IF_ERROR(CheckProcess(writer));
  return AbortAs(writer, id);
}

Status StoreOwner::AbortAs(ProcessId writer, ObjectId id) {
  TROUPE_ASSIGN_OR_RETURN(const auto it, FindUnsealed(writer, id));
  EndWriting(it);
  Free(it);
  return OkStatus();
}

Result<StoreOwner::Objects::iterator> StoreOwner::FindUnsealed(ProcessId writer, ObjectId id) {
  const auto it = objects_.find(id);
  if (it == objects_.end() || it->second.state == State::kDying) return NotFound(Name(id) + " is not in the store");
  if (it->second.writer != writer) {
    return PermissionDenied(Name(id) + " is written by process " + it->second.writer.Hex() + ", not by " +
                            writer.Hex());
  }
  if (it->second.state == State::kSealed) return FailedPrecondition(Name(id) + " is sealed already");
  return it;
}

Result<StoreOwner::Objects::iterator> StoreOwner::FindSealed(ObjectId id) {
  const auto it = objects_.find(id);
  if (it == objects_.end() || it->second.state == State::kDying || it->second.state == State::kDoomed) {
    return NotFound(Name(id) + " is not in the store");
  }
  if (it->second.state == State::kWriting) {
    return FailedPrecondition(Name(id) + " is still being written by process " + it->second.writer.Hex());
  }
  return it;
}

Result<Extent> StoreOwner::Get(ProcessId reader, ObjectId id) {
  TROUPE_RETURN_IF_ERROR(CheckProcess(reader));
  TROUPE_ASSIGN_OR_RETURN(const auto it, FindSealed(id));
  ++pins_by_[reader][id];
  Pin(it->second);
  return it->second.extent;
}

void StoreOwner::Release(ProcessId reader, ObjectId id) {
  const auto pins = pins_by_.find(reader);
  if (pins == pins_by_.end()) return;
  const auto pin = pins->second.find(id);
  if (pin == pins->second.end()) return;
  if (--pin->second == 0) pins->second.erase(pin);
  if (pins->second.empty()) pins_by_.erase(pins);
  Unpin(id, 1);
}

void StoreOwner::Delete(ObjectId id) {
  const auto it = objects_.find(id);
  if (it == objects_.end()) return;
  Object& object = it->second;
  if (object.state == State::kWriting) {
    // Its writer may be writing at this moment, where its next object would then be placed.
    object.state = State::kDoomed;
  } else if (object.state == State::kSealed) {
    object.state = State::kDying;
    if (object.pins == 0) Free(it);
  }
}

bool StoreOwner::Contains(ObjectId id) const { return SizeOf(id).has_value(); }

std::optional<std::uint64_t> StoreOwner::SizeOf(ObjectId id) const {
  const auto it = objects_.find(id);
  if (it == objects_.end() || it->second.state != State::kSealed) return std::nullopt;
  return it->second.extent.size;
}

void StoreOwner::RemoveProcess(ProcessId process) {
  if (!process) return;
  pool_->EndLeases(process);  // first, so that what becomes empty below is kept for other writers
  if (const auto unsealed = unsealed_by_.extract(process)) {
    unsealed_ -= unsealed.mapped().size();
    for (const ObjectId id : unsealed.mapped()) Free(objects_.find(id));
  }
  if (const auto pins = pins_by_.extract(process)) {
    for (const auto& [id, count] : pins.mapped()) Unpin(id, count);
  }
}

Result<std::span<std::byte>> StoreOwner::CreateLocal(ObjectId id, std::uint64_t size) {
  TROUPE_ASSIGN_OR_RETURN(const Extent extent, CreateAs(kLocal, id, size));
  if (!pool_->Ready(extent)) return Unavailable("the memory of " + Name(id) + " is being reserved");
  return LocalBytes(id);
}

Result<std::span<std::byte>> StoreOwner::LocalBytes(ObjectId id) {
  TROUPE_ASSIGN_OR_RETURN(const auto it, FindUnsealed(kLocal, id));
  auto bytes = view_->MapWritable(it->second.extent);
  if (!bytes.ok()) {
    TROUPE_CHECK(AbortAs(kLocal, id).ok());
    return bytes.status().WithContext("creating " + Name(id));
  }
  return bytes;
}

Status StoreOwner::SealLocal(ObjectId id) { return SealAs(kLocal, id); }

Status StoreOwner::AbortLocal(ObjectId id) { return AbortAs(kLocal, id); }

Result<LocalPin> StoreOwner::ReadLocal(ObjectId id) {
  TROUPE_ASSIGN_OR_RETURN(const auto it, FindSealed(id));
  auto bytes = view_->MapReadable(it->second.extent);
  if (!bytes.ok()) return bytes.status().WithContext("reading " + Name(id));
  Pin(it->second);
  const std::uint64_t token = ++last_token_;
  local_pins_.emplace(token, id);
  return LocalPin{*bytes, token};
}

void StoreOwner::UnpinLocal(std::uint64_t token) {
  const auto pin = local_pins_.extract(token);
  TROUPE_CHECK(!pin.empty());
  Unpin(pin.mapped(), 1);
}

Usage StoreOwner::GetUsage() const {
  return {.capacity = options_.capacity,
          .reserved = pool_->reserved(),
          .used = pool_->used(),
          .peak = peak_,
          .objects = objects_.size(),
          .unsealed = unsealed_,
          .pinned = pinned_,
          .segments = pool_->segments()};
}

void StoreOwner::Pin(Object& object) {
  if (object.pins++ == 0) ++pinned_;
}

void StoreOwner::Unpin(ObjectId id, std::uint64_t count) {
  const auto it = objects_.find(id);
  TROUPE_CHECK(it != objects_.end() && it->second.pins >= count);
  it->second.pins -= count;
  if (it->second.pins > 0) return;
  --pinned_;
  if (it->second.state == State::kDying) Free(it);
}

void StoreOwner::EndWriting(Objects::iterator it) {
  const auto unsealed = unsealed_by_.find(it->second.writer);
  unsealed->second.erase(it->first);
  if (unsealed->second.empty()) unsealed_by_.erase(unsealed);
  --unsealed_;
}

void StoreOwner::Free(Objects::iterator it) {
  TROUPE_CHECK(it != objects_.end());
  pool_->Free(it->second.extent);
  objects_.erase(it);
}

}  // namespace troupe::store
