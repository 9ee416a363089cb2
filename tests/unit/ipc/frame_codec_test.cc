#include "ipc/frame_codec.h"

#include <gtest/gtest.h>

#include <vector>

namespace troupe::ipc {
namespace {

std::string Encode(std::uint16_t type, const std::string& payload) {
  const auto header = EncodeFrameHeader(type, payload.size());
  return std::string(header->data(), header->size()) + payload;
}

TEST(FrameCodecTest, LaysOutTheHeaderLittleEndian) {
  const auto header = EncodeFrameHeader(0x0102, 0x030405);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(std::string(header->data(), 8), std::string("\x05\x04\x03\x00\x02\x01\x00\x00", 8));
}

TEST(FrameCodecTest, DecodesFramesThatArriveByteByByte) {
  const std::vector<Frame> sent{{1, "first"}, {2, ""}, {0xffff, std::string(70'000, 'x')}, {3, "last"}};
  std::string stream;
  for (const auto& frame : sent) stream += Encode(frame.type, frame.payload);
  FrameDecoder decoder;
  std::vector<Frame> received;
  for (const char byte : stream) {
    decoder.Append({&byte, 1});
    auto frame = decoder.Next();
    ASSERT_TRUE(frame.ok());
    if (frame->has_value()) received.push_back(**frame);
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(decoder.buffered(), 0u);
}

TEST(FrameCodecTest, DecodesManyFramesOfOneRead) {
  FrameDecoder decoder;
  std::string stream;
  for (int i = 0; i < 1000; ++i) stream += Encode(static_cast<std::uint16_t>(i), std::to_string(i));
  decoder.Append(stream + "\x01");
  for (int i = 0; i < 1000; ++i) {
    auto frame = decoder.Next();
    ASSERT_TRUE(frame.ok() && frame->has_value());
    EXPECT_EQ(**frame, (Frame{static_cast<std::uint16_t>(i), std::to_string(i)}));
  }
  EXPECT_FALSE(decoder.Next()->has_value());
  EXPECT_EQ(decoder.buffered(), 1u);
}

TEST(FrameCodecTest, TakesTheLargestFrameAndRefusesOneByteMore) {
  EXPECT_TRUE(EncodeFrameHeader(1, kMaxFramePayload).ok());
  EXPECT_EQ(EncodeFrameHeader(1, kMaxFramePayload + 1).status().code(), StatusCode::kInvalidArgument);
  FrameDecoder decoder;
  decoder.Append(Encode(1, std::string(kMaxFramePayload, 'x')));
  EXPECT_EQ((*decoder.Next())->payload.size(), kMaxFramePayload);

  decoder.Append(std::string("\x01\x00\x00\x01\x01\x00\x00\x00", 8));  // 16 MiB and one byte
  EXPECT_EQ(decoder.Next().status().code(), StatusCode::kInvalidArgument);
  decoder.Append(Encode(1, "good"));
  EXPECT_EQ(decoder.Next().status().code(), StatusCode::kInvalidArgument) << "cannot be followed further";
}

TEST(FrameCodecTest, RefusesAReservedFieldThatIsSet) {
  FrameDecoder decoder;
  decoder.Append(std::string("\x00\x00\x00\x00\x01\x00\x01\x00", 8));
  EXPECT_EQ(decoder.Next().status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace troupe::ipc
