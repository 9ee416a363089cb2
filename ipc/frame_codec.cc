#include "ipc/frame_codec.h"

namespace troupe::ipc {

namespace {

// What the decoder keeps allocated between frames, at most.
constexpr std::size_t kKeptBytes = 1024 * 1024;

void Put(std::uint64_t value, std::size_t bytes, char* out) {
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(value >> (8 * i));
}

std::uint32_t Take(const char* in, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint32_t{static_cast<unsigned char>(in[i])} << (8 * i);
  return value;
}

std::string TooLarge(std::size_t bytes) {
  return "frame of " + std::to_string(bytes) + " bytes exceeds the limit of " + std::to_string(kMaxFramePayload);
}

}  // namespace

Result<FrameHeader> EncodeFrameHeader(std::uint16_t type, std::size_t payload_size) {
  if (payload_size > kMaxFramePayload) return InvalidArgument(TooLarge(payload_size));
  FrameHeader header{};
  Put(payload_size, 4, header.data());
  Put(type, 2, header.data() + 4);
  return header;
}

void FrameDecoder::Append(std::string_view bytes) {
  if (!failed_.ok()) return;
  if (taken_ == buffer_.size()) {
    buffer_.clear();
    if (buffer_.capacity() > kKeptBytes) buffer_.shrink_to_fit();
    taken_ = 0;
  } else if (taken_ > buffer_.size() / 2) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<Frame>> FrameDecoder::Next() {
  if (!failed_.ok()) return failed_;
  if (buffered() < kFrameHeaderBytes) return std::optional<Frame>();
  const char* header = buffer_.data() + taken_;
  const std::size_t length = Take(header, 4);
  if (length > kMaxFramePayload) return failed_ = InvalidArgument(TooLarge(length));
  if (Take(header + 6, 2) != 0) return failed_ = InvalidArgument("frame header has a reserved field that is not zero");
  if (buffered() < kFrameHeaderBytes + length) return std::optional<Frame>();
  Frame frame{static_cast<std::uint16_t>(Take(header + 4, 2)), std::string(header + kFrameHeaderBytes, length)};
  taken_ += kFrameHeaderBytes + length;
  return std::optional<Frame>(std::move(frame));
}

}  // namespace troupe::ipc
