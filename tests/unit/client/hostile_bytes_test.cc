// Bytes that nobody wrote: each must end in a SerializationError that says where, without taking memory for it.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "troupe/serialization.h"

namespace {

using troupe::internal::Deserialize;
using namespace std::string_literals;

struct Node {
  std::unique_ptr<Node> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
};

struct TwoTypes {
  std::shared_ptr<int> number;
  std::shared_ptr<std::string> text;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, text);
  }
};

struct Large {
  std::array<char, 1 << 20> data = {};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(data);
  }
};

struct Reading {
  int number = 0;
  std::vector<std::string> names;
};

struct Case {
  const char* name;
  std::string bytes;
  void (*read)(std::span<const std::byte>);
  const char* message;
};

template <class T>
void Read(std::span<const std::byte> bytes) {
  Deserialize<T>(bytes);
}

const std::string kHuge(8, '\xff');
const std::string kOne = "\1\0\0\0\0\0\0\0"s;

std::vector<Case> Cases() {
  return {
      {"NothingForAnInt", "", Read<int>, "4 bytes wanted, 0 left at byte 0"},
      {"HalfAnInt", "ab", Read<int>, "4 bytes wanted, 2 left at byte 0"},
      {"TooMuchForAnInt", "abcde", Read<int>, "ends at byte 4, but there are 5"},
      {"TooMuchForVoid", "a", Read<void>, "ends at byte 0, but there are 1"},
      {"BoolOfTwo", "\2", Read<bool>, "a bool of value 2 at byte 0"},
      {"BoolOfTwoInArray", "\1\2", Read<std::array<bool, 2>>, "a bool of value 2 at byte 1"},
      {"HalfASize", "abc", Read<std::string>, "8 bytes wanted, 3 left at byte 0"},
      {"HugeString", kHuge + "abc", Read<std::string>, "but only 3 bytes follow at byte 0"},
      {"HugeNumbers", kHuge, Read<std::vector<int>>, "but only 0 bytes follow"},
      {"NumbersWhoseBytesOverflow", "\0\0\0\0\0\0\0\x40"s, Read<std::vector<int>>, "but only 0 bytes follow"},
      {"OneNumberTooMany", kOne + "abc", Read<std::vector<int>>, "a size of 1 elements, but only 3 bytes follow"},
      {"HugeStrings", kHuge, Read<std::vector<std::string>>, "elements"},
      {"HugeBools", kHuge, Read<std::vector<bool>>, "elements"},
      {"HugeDeque", kHuge, Read<std::deque<int>>, "elements"},
      {"HugeList", kHuge, Read<std::list<int>>, "elements"},
      {"HugeMap", kHuge, Read<std::map<int, int>>, "elements"},
      {"HugeHashMap", kHuge, Read<std::unordered_map<int, int>>, "elements"},
      {"HugeSet", kHuge, Read<std::set<int>>, "elements"},
      {"LargeElementsThatAreNotThere", "\x20\0\0\0\0\0\0\0"s + std::string(32, 'x'), Read<std::vector<Large>>,
       "1048576 bytes wanted"},
      {"VariantOutOfRange", "\5\0\0\0"s, Read<std::variant<int, std::string>>, "variant"},
      {"VariantBelowRange", "\xff\xff\xff\xff"s, Read<std::variant<int, std::string>>, "variant"},
      {"HalfAnAggregate", "\1\0\0\0"s, Read<Reading>, "8 bytes wanted, 0 left at byte 4"},
      {"HugeVectorInAggregate", "\1\0\0\0"s + kHuge, Read<Reading>, "elements"},
      {"AggregatesThatAreNotThere", kHuge + "abc", Read<std::vector<Reading>>, "elements"},
      {"OptionalOfTwo", "\2", Read<std::optional<int>>, "bool"},
      {"BitsetOfAnotherKind", "\7", Read<std::bitset<8>>, "bitset"},
      {"SharedPointerFromTheFuture", "\2\0\0\0"s, Read<std::shared_ptr<int>>, "refers to number 2"},
      {"SharedPointerOfAnotherType", "\1\0\0\0\7\0\0\0\1\0\0\0"s, Read<TwoTypes>, "refers to number 1"},
      {"EndlessChain", std::string(1 << 20, '\1'), Read<Node>, "nests deeper"},
      {"PresenceOfTwo", "\2", Read<std::unique_ptr<int>>, "bool"},
  };
}

class HostileBytesTest : public testing::TestWithParam<Case> {};

TEST_P(HostileBytesTest, EndInASerializationError) {
  const Case& param = GetParam();
  try {
    param.read(std::as_bytes(std::span(param.bytes)));
    FAIL() << "read without an error";
  } catch (const troupe::SerializationError& error) {
    EXPECT_NE(std::string(error.what()).find(param.message), std::string::npos) << error.what();
    EXPECT_EQ(error.info().kind, troupe::ErrorKind::kBadArguments);
  }
}

INSTANTIATE_TEST_SUITE_P(, HostileBytesTest, testing::ValuesIn(Cases()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
