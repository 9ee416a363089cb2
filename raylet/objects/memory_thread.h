// MemoryThread: reserves and frees the object store's memory away from the raylet's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "object_store/segment_memory.h"
#include "raylet/programs/file_thread.h"

namespace troupe::raylet {

// In the order of the calls, but for this: a large segment is reserved in parts, between which others have their turn,
// so that who needs little does not wait for who needs much. Loop thread; callbacks in turns of their own.
class MemoryThread : public store::SegmentMemory {
 public:
  static constexpr std::uint64_t kPartBytes = 64u << 20;

  explicit MemoryThread(EventLoop& loop) : thread_(std::make_unique<FileThread>(loop, "troupe-memory")) {}
  // Waits for the part under way. Segments that are not complete, or were to be released, are removed.
  ~MemoryThread() override;
  MemoryThread(const MemoryThread&) = delete;
  MemoryThread& operator=(const MemoryThread&) = delete;

  void Reserve(const std::string& name, std::uint64_t size, std::function<void(const Status&)> done) override;
  void Release(const std::string& name, std::function<void()> done) override;

 private:
  struct Reservation {
    std::string name;
    std::uint64_t size;
    std::uint64_t from;
    std::function<void(const Status&)> done;
  };
  void ReserveNext(Reservation reservation);

  std::unique_ptr<FileThread> thread_;
  std::set<std::string> unsettled_;  // being reserved or released
};

}  // namespace troupe::raylet
