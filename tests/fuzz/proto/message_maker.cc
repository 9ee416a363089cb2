#include "tests/fuzz/proto/message_maker.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <limits>

#include "common/check.h"

namespace troupe::fuzz {
namespace {

namespace pb = google::protobuf;
using Wire = pb::internal::WireFormatLite;

constexpr int kMaxDepth = 5;
constexpr std::size_t kMaxFields = 6;

constexpr std::array<std::int64_t, 20> kNumbers = {0,
                                                   1,
                                                   2,
                                                   3,
                                                   7,
                                                   64,
                                                   1'000,
                                                   5'000,
                                                   10'000,
                                                   15'000,
                                                   20'000,
                                                   40'000,
                                                   1'000'000'000'000'000'000,
                                                   1'000'000'000'000'000'001,
                                                   -1,
                                                   -10'000,
                                                   std::numeric_limits<std::int32_t>::max(),
                                                   std::numeric_limits<std::uint32_t>::max(),
                                                   std::numeric_limits<std::int64_t>::max(),
                                                   std::numeric_limits<std::int64_t>::min()};

// The messages generated for the product are without descriptors (LITE_RUNTIME); protoc wrote these for us.
const pb::DescriptorPool& Schema() {
  static const pb::DescriptorPool* const pool = [] {
    std::ifstream file(TROUPE_PROTO_DESCRIPTORS, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    pb::FileDescriptorSet set;
    TROUPE_CHECK(set.ParseFromString(bytes) && set.file_size() > 0);
    auto* made = new pb::DescriptorPool;
    for (const pb::FileDescriptorProto& proto : set.file()) TROUPE_CHECK(made->BuildFile(proto) != nullptr);
    return made;
  }();
  return *pool;
}

bool IsId(const pb::FieldDescriptor& field) {
  static const std::array<std::string, 9> names = {"id",     "ids",     "node",   "nodes",  "actor",
                                                   "object", "deleted", "origin", "cluster"};
  return std::find(names.begin(), names.end(), field.name()) != names.end();
}

std::uint64_t Number(Input* input) {
  const std::uint8_t choice = input->Take<std::uint8_t>();
  if (choice < 100) return choice % 10;
  if (choice == 255) return input->Take<std::uint64_t>();
  return static_cast<std::uint64_t>(kNumbers[choice % kNumbers.size()]);
}

}  // namespace

void MessageMaker::Change(Input* input, const Pools& pools, pb::MessageLite* message) {
  const pb::Descriptor* type = Schema().FindMessageTypeByName(message->GetTypeName());
  TROUPE_CHECK(type != nullptr);
  std::string bytes;
  Write(*type, input, pools, 0, &bytes);
  // Parsing adds to what is there; a map's key that is not UTF-8 stops it, and what came before stays.
  message->MergeFromString(bytes);
}

void MessageMaker::Write(const pb::Descriptor& type, Input* input, const Pools& pools, int depth, std::string* out) {
  if (type.field_count() == 0) return;
  if (type.options().map_entry()) {
    WriteField(*type.field(0), input, pools, depth, out);
    return WriteField(*type.field(1), input, pools, depth, out);
  }
  const std::size_t count = input->Below(kMaxFields + 1);
  for (std::size_t i = 0; i < count && !input->empty(); ++i) {
    const auto field = input->Below(static_cast<std::size_t>(type.field_count()));
    WriteField(*type.field(static_cast<int>(field)), input, pools, depth, out);
  }
}

void MessageMaker::WriteField(const pb::FieldDescriptor& field, Input* input, const Pools& pools, int depth,
                              std::string* out) {
  if (field.type() == pb::FieldDescriptor::TYPE_MESSAGE && depth >= kMaxDepth) return;
  pb::io::StringOutputStream stream(out);
  pb::io::CodedOutputStream coded(&stream);
  coded.WriteTag(Wire::MakeTag(field.number(), Wire::WireTypeForFieldType(static_cast<Wire::FieldType>(field.type()))));
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_MESSAGE: {
      std::string inside;
      Write(*field.message_type(), input, pools, depth + 1, &inside);
      coded.WriteVarint32(static_cast<std::uint32_t>(inside.size()));
      return coded.WriteString(inside);
    }
    case pb::FieldDescriptor::TYPE_BYTES:
    case pb::FieldDescriptor::TYPE_STRING: {
      const std::string text = Text(field, input, pools);
      coded.WriteVarint32(static_cast<std::uint32_t>(text.size()));
      return coded.WriteString(text);
    }
    case pb::FieldDescriptor::TYPE_FIXED64:
      return coded.WriteLittleEndian64(input->Below(16) == 0 ? Number(input) : input->PickFrom(pools.processes));
    case pb::FieldDescriptor::TYPE_ENUM:
      return coded.WriteVarint64(input->Below(static_cast<std::size_t>(field.enum_type()->value_count()) + 2));
    case pb::FieldDescriptor::TYPE_BOOL: return coded.WriteVarint64(input->Below(2));
    default:
      TROUPE_CHECK(Wire::WireTypeForFieldType(static_cast<Wire::FieldType>(field.type())) == Wire::WIRETYPE_VARINT);
      return coded.WriteVarint64(Number(input));
  }
}

std::string MessageMaker::Text(const pb::FieldDescriptor& field, Input* input, const Pools& pools) {
  // A key of a map: what is not UTF-8 would only keep the message from being parsed.
  if (field.type() == pb::FieldDescriptor::TYPE_STRING) {
    std::string key = input->PickFrom(pools.texts);
    std::erase_if(key, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    return key;
  }
  const std::size_t choice = input->Below(32);
  if (choice == 0) return input->Bytes(input->Below(64));
  if (choice == 1) return std::string(10'000, 'x');
  if (choice == 2) return input->PickFrom(pools.ids).substr(0, 15);
  const bool id = IsId(field) != (choice == 3);
  return id ? input->PickFrom(pools.ids) : input->PickFrom(pools.texts);
}

}  // namespace troupe::fuzz
