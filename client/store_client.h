// StoreClient: this process's side of the node's object store: values too large for messages.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "client/core.h"

namespace troupe::client {

// A stored object, mapped and kept in place; gives it back when the last holder goes.
struct StorePin {
  StorePin(std::shared_ptr<Core> core_of_pin, ObjectId id_of_object) : core(std::move(core_of_pin)), id(id_of_object) {}
  ~StorePin();
  StorePin(const StorePin&) = delete;
  StorePin& operator=(const StorePin&) = delete;

  const std::shared_ptr<Core> core;
  const ObjectId id;
  std::span<const std::byte> bytes;
};

// Functions block, releasing `lock` (on the core's mutex) while they wait.
class StoreClient {
 public:
  StoreClient(std::shared_ptr<Core> core, const SleepHook* hook) : core_(std::move(core)), hook_(hook) {}

  // Copies `bytes` into the store as object `id` and seals it. Error kSystem when the store is full.
  std::optional<ErrorInfo> Write(std::unique_lock<std::mutex>& lock, ObjectId id, std::string_view bytes);

  // Maps a stored object, fetching it from another node if need be. Null with `*error` set: kObjectLost when no copy
  // is left, kTimeout after `deadline`.
  std::shared_ptr<StorePin> Read(std::unique_lock<std::mutex>& lock, ObjectRecord& record, Deadline deadline,
                                 ErrorInfo* error);

 private:
  const std::shared_ptr<Core> core_;
  const SleepHook* const hook_;
};

}  // namespace troupe::client
