// Any bytes from a client: cut into the same frames however they arrive, and those frames are what was sent.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/check.h"
#include "ipc/frame_codec.h"

namespace troupe::ipc {
namespace {

struct Decoded {
  std::vector<Frame> frames;
  bool ok = true;
};

Decoded Decode(std::string_view stream, std::size_t chunk) {
  Decoded out;
  FrameDecoder decoder;
  while (!stream.empty() && out.ok) {
    decoder.Append(stream.substr(0, chunk));
    stream.remove_prefix(std::min(chunk, stream.size()));
    auto frame = decoder.Next();
    for (; frame.ok() && frame->has_value(); frame = decoder.Next()) out.frames.push_back(**frame);
    out.ok = frame.ok();
    TROUPE_CHECK(out.ok || !decoder.Next().ok());
  }
  return out;
}

void Check(std::string_view input) {
  if (input.empty()) return;
  const std::size_t chunk = static_cast<unsigned char>(input.front()) + 1u;
  const std::string_view stream = input.substr(1);
  const Decoded whole = Decode(stream, stream.size() + 1);
  const Decoded parts = Decode(stream, chunk);
  TROUPE_CHECK(whole.frames == parts.frames && whole.ok == parts.ok);
  std::string encoded;
  for (const Frame& frame : whole.frames) {
    const FrameHeader header = *EncodeFrameHeader(frame.type, frame.payload.size());
    encoded.append(header.data(), header.size()).append(frame.payload);
  }
  TROUPE_CHECK(stream.starts_with(encoded));
}

}  // namespace
}  // namespace troupe::ipc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::ipc::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
