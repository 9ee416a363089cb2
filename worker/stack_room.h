// StackRoom: how deep a thread may nest tasks in one another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace troupe::worker {

// A task that runs inside another one has the rest of its stack. It must not overflow one that would do for it in a
// worker of its own, so those that it is inside of may use no more than a part of the stack: an eighth, 1 MiB of the
// usual 8, which is some hundreds of small tasks. How many fit is for the stack to say, not for a number: frames of
// user code differ a thousandfold.
class StackRoom {
 public:
  static constexpr std::size_t kPart = 8;

  // `stack`: the size of the whole, in bytes.
  explicit StackRoom(std::size_t stack) : bound_(stack / kPart) {}
  // Of the process's main thread.
  static StackRoom OfMainThread();

  // The outermost task begins where the stack is at `frame` (__builtin_frame_address).
  void Begin(const void* frame) { begin_ = reinterpret_cast<std::uintptr_t>(frame); }
  bool Allows(const void* frame) const {
    const auto at = reinterpret_cast<std::uintptr_t>(frame);
    return (at < begin_ ? begin_ - at : at - begin_) <= bound_;
  }

 private:
  std::size_t bound_;
  std::uintptr_t begin_ = 0;
};

}  // namespace troupe::worker
