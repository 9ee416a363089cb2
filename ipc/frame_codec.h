// Frames on a stream socket: {u32 payload length, u16 type, u16 zero, payload}, little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/status.h"

namespace troupe::ipc {

inline constexpr std::size_t kFrameHeaderBytes = 8;
inline constexpr std::size_t kMaxFramePayload = 16 * 1024 * 1024;

struct Frame {
  std::uint16_t type = 0;
  std::string payload;

  bool operator==(const Frame&) const = default;
};

using FrameHeader = std::array<char, kFrameHeaderBytes>;

// The header of a frame. InvalidArgument when `payload_size` exceeds kMaxFramePayload.
Result<FrameHeader> EncodeFrameHeader(std::uint16_t type, std::size_t payload_size);

// Cuts a stream of bytes into frames. Holds at most what was appended and not yet taken; a length is checked before
// anything is allocated for it. No I/O; one thread.
class FrameDecoder {
 public:
  // Adds bytes as they came from the peer.
  void Append(std::string_view bytes);

  // The next complete frame; nothing when more bytes are needed. InvalidArgument, then and ever after, when the peer
  // sent a length above kMaxFramePayload or a reserved field that is not zero: the stream cannot be followed further.
  Result<std::optional<Frame>> Next();

  // Bytes held that belong to no frame taken yet.
  std::size_t buffered() const { return buffer_.size() - taken_; }

 private:
  std::string buffer_;
  std::size_t taken_ = 0;  // bytes at the front of buffer_ that were handed out
  Status failed_;
};

}  // namespace troupe::ipc
