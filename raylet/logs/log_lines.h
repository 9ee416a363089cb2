// Pure parts of following logs: bytes to lines, and how many lines may pass.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/event_loop.h"

namespace troupe::raylet {

// Cuts a stream of bytes into lines without their ends ("\n" or "\r\n"). Lines longer than `max_bytes` become several.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Calls `emit(std::string_view)` for each line that `bytes` complete; the view ends with the call.
  template <class Emit>
  void Feed(std::string_view bytes, Emit emit) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      std::string_view part = bytes.substr(0, end);
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
      while (partial_.size() + part.size() > max_bytes_) {
        const std::size_t room = max_bytes_ - partial_.size();
        partial_.append(part.substr(0, room));
        part.remove_prefix(room);
        emit(std::string_view(std::exchange(partial_, {})));
      }
      if (end == std::string_view::npos) {
        partial_.append(part);
      } else if (partial_.empty()) {
        emit(WithoutReturn(part));  // the usual case, without a copy
      } else {
        partial_.append(part);
        emit(WithoutReturn(std::exchange(partial_, {})));
      }
    }
  }

  // The stream has ended: emits what is left of a last line without an end.
  template <class Emit>
  void Flush(Emit emit) {
    if (!partial_.empty()) emit(std::string_view(std::exchange(partial_, {})));
  }

 private:
  static std::string_view WithoutReturn(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  const std::size_t max_bytes_;
  std::string partial_;
};

// Two token buckets, of lines and of bytes, each holding one second's worth.
class LineRate {
 public:
  LineRate(std::uint64_t lines_per_second, std::uint64_t bytes_per_second, MonotonicTime now)
      : lines_per_second_(lines_per_second),
        bytes_per_second_(bytes_per_second),
        lines_(static_cast<double>(lines_per_second)),
        bytes_(static_cast<double>(bytes_per_second)),
        filled_(now) {}

  void Refill(MonotonicTime now);
  // Takes a line of this many bytes when both buckets hold it. A line longer than the byte bucket passes when that is
  // full.
  bool Take(std::size_t bytes);

 private:
  const std::uint64_t lines_per_second_;
  const std::uint64_t bytes_per_second_;
  double lines_;
  double bytes_;
  MonotonicTime filled_;
};

}  // namespace troupe::raylet
