// Reads foreign bytes as values of many types. What decodes must encode, and decode again to the same bytes.
#include <cstdlib>
#include <cstring>

#include "troupe/error.h"
#include "troupe/internal/argument_reader.h"
#include "troupe/serialization.h"

namespace {

using troupe::internal::ArgumentReader;
using troupe::internal::Deserialize;
using troupe::internal::Payload;
using troupe::internal::Serialize;

struct Tree {
  std::string name;
  std::vector<Tree> children;
  std::unique_ptr<Tree> next;
  std::shared_ptr<Tree> shared;
  std::optional<std::vector<std::shared_ptr<int>>> numbers;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, children, next, shared, numbers);
  }
};

std::span<const std::byte> BytesOf(const Payload& payload) { return std::as_bytes(std::span(payload.bytes)); }

template <class T>
void TryRead(std::span<const std::byte> bytes) {
  try {
    const Payload again = Serialize(Deserialize<T>(bytes));
    if (Serialize(Deserialize<T>(BytesOf(again))).bytes != again.bytes) std::abort();
  } catch (const troupe::SerializationError&) {
    // The other way that reading may end.
  }
}

void TryArguments(std::span<const std::byte> bytes) {
  try {
    ArgumentReader reader(bytes, {});
    reader.Next<std::string>();
    reader.Next<std::vector<double>>();
    reader.Next<bool>();
    reader.Finish();
  } catch (const troupe::SerializationError&) {
    // As above.
  }
}

using Read = void (*)(std::span<const std::byte>);
constexpr Read kReads[] = {
    &TryArguments,
    &TryRead<Tree>,
    &TryRead<bool>,
    &TryRead<std::string>,
    &TryRead<std::vector<int>>,
    &TryRead<std::vector<bool>>,
    &TryRead<std::vector<std::vector<std::string>>>,
    &TryRead<std::map<std::string, std::vector<int>>>,
    &TryRead<std::multimap<int, std::string>>,
    &TryRead<std::set<std::pair<int, std::string>>>,
    &TryRead<std::deque<std::list<int>>>,
    &TryRead<std::variant<int, std::string, std::monostate>>,
    &TryRead<std::tuple<std::optional<bool>, std::array<bool, 3>, std::bitset<9>>>,
    &TryRead<std::vector<std::shared_ptr<std::string>>>,
    &TryRead<troupe::ErrorInfo>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  kReads[data[0] % std::size(kReads)](std::as_bytes(std::span(data + 1, size - 1)));
  return 0;
}
