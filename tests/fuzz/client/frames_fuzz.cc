// Any bytes as a frame of another process: what decodes is, encoded again, the same bytes; nothing else is read, and
// no more memory is taken than the bytes account for.
#include <sanitizer/allocator_interface.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/frames.h"
#include "common/check.h"
#include "tests/fuzz/seeds.h"

namespace troupe::client {
namespace {

// What this thread has allocated so far.
class Allocated {
 public:
  static std::size_t Bytes() {
    static const int installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t size) { bytes_ += size; }, [](const volatile void*) {});
    TROUPE_CHECK(installed > 0);
    return bytes_;
  }

 private:
  static inline thread_local std::size_t bytes_ = 0;
};

// A decoded element is a few times as large as its least encoding; vectors that grow double that.
constexpr std::size_t kMostPerByte = 32;

template <class Frame>
bool DecodeWithinBounds(std::string_view bytes, Frame* frame) {
  const std::size_t before = Allocated::Bytes();
  const bool ok = Decode(bytes, frame);
  TROUPE_CHECK(Allocated::Bytes() - before <= kMostPerByte * bytes.size() + 256);
  return ok;
}

template <class Frame>
void CheckFrame(std::string_view bytes) {
  if (Frame frame; DecodeWithinBounds(bytes, &frame)) TROUPE_CHECK(Encode(frame) == bytes);
}

void CheckCount(std::string_view bytes) {
  RefCountFrame frame;
  if (!DecodeWithinBounds(bytes, &frame)) return;
  TROUPE_CHECK(frame.count > 0);
  TROUPE_CHECK(Encode(TypeOf(bytes), frame) == bytes);
}

void CheckArguments(std::string_view bytes) {
  WireArguments arguments;
  if (!DecodeArguments(bytes, &arguments)) return;
  TROUPE_CHECK(EncodeArguments(arguments) == bytes);
}

void Check(std::string_view bytes) {
  CheckFrame<CallFrame>(bytes);
  CheckFrame<ReplyFrame>(bytes);
  CheckFrame<GetObjectFrame>(bytes);
  CheckFrame<ObjectValueFrame>(bytes);
  CheckFrame<AskActorFrame>(bytes);
  CheckFrame<ActorKnownFrame>(bytes);
  CheckFrame<ProbeFrame>(bytes);
  CheckCount(bytes);
  CheckArguments(bytes);
}

std::vector<std::string> Seeds() {
  const RefName name{.kind = RefName::Kind::kActor, .id = {1, 2}, .owner = {{3, 4}, {1}}, .max_task_retries = -1};
  const WireValue text{.bytes = "value", .contained = {name}};
  const WireValue stored{.kind = WireValue::Kind::kStored, .size = 1 << 20, .nodes = {{3, 4}}, .contained = {name}};
  const WireValue error = ErrorValue({.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed, .message = "no"});
  const WireArguments arguments{
      .values = "values", .contained = {name, name}, .refs = {{0, name, text}, {2, name, stored}}};
  const std::string alone = EncodeArguments(arguments);
  return {Encode(CallFrame{.sequence = 1, .function = 2, .actor = {1, 2}, .incarnation = 3, .arguments = arguments}),
          Encode(ReplyFrame{.sequence = 1, .incarnation = 3, .value = text}),
          Encode(ReplyFrame{.sequence = 1, .incarnation = 3, .value = stored}),
          Encode(ReplyFrame{.sequence = 1, .incarnation = 3, .value = error}),
          Encode(GetObjectFrame{{1, 2}}),
          Encode(ObjectValueFrame{{1, 2}, stored}),
          Encode(FrameType::kAddRef, RefCountFrame{name, {{3, 4}, {1}}, 1}),
          Encode(FrameType::kDropRef, RefCountFrame{name, {{3, 4}, {1}}, 7}),
          Encode(ProbeFrame{{{3, 4}, {1}}, 5, "Peer 1 -> Peer 2"}),
          Encode(AskActorFrame{{1, 2}}),
          Encode(ActorKnownFrame{{1, 2}, true}),
          alone};
}

}  // namespace
}  // namespace troupe::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::client::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}

TROUPE_FUZZ_SEEDS(troupe::client::Seeds())
