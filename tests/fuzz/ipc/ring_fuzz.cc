// A peer that scribbles over a ring while both its ends are in use. Whatever it writes, and wherever: no end touches
// memory that is not its own, a record is never larger than allowed, corruption once found stays found, and an
// untouched ring returns exactly what was written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "common/check.h"
#include "ipc/ring_consumer.h"
#include "ipc/ring_producer.h"
#include "tests/fuzz/input.h"

namespace troupe::ipc {
namespace {

constexpr std::uint64_t kCapacity = kMinRingCapacity;

using fuzz::Input;

class Session {
 public:
  explicit Session(Input input)
      : input_(input), memory_(new (std::align_val_t{kRingLine}) std::byte[RingBytes(kCapacity)]) {
    TROUPE_CHECK(FormatRing(memory(), kCapacity).ok());
    producer_ = std::make_unique<RingProducer>(*RingProducer::Attach(memory()));
    consumer_ = std::make_unique<RingConsumer>(*RingConsumer::Attach(memory()));
  }
  ~Session() { operator delete[](memory_, std::align_val_t{kRingLine}); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Run() {
    while (!input_.empty()) {
      switch (input_.Take<std::uint8_t>() % 8) {
        case 0:
        case 1: Write(); break;
        case 2:
        case 3: Read(); break;
        case 4: Scribble(input_.Take<std::uint16_t>() % RingBytes(kCapacity), input_.Take<std::uint64_t>()); break;
        case 5: Scribble(offsetof(RingHeader, tail), input_.Take<std::uint16_t>()); break;
        case 6: Scribble(offsetof(RingHeader, head), input_.Take<std::uint16_t>()); break;
        case 7: Scribble(sizeof(RingHeader) + input_.Take<std::uint8_t>() * 8, input_.Take<std::uint64_t>()); break;
      }
    }
    for (std::uint64_t i = 0; i <= kCapacity / sizeof(RecordHeader); ++i) Read();
    TROUPE_CHECK(touched_ || written_.empty());
  }

 private:
  std::span<std::byte> memory() { return {memory_, RingBytes(kCapacity)}; }

  void Write() {
    const auto type = static_cast<std::uint16_t>(input_.Take<std::uint16_t>() % kPadRecord);
    const std::vector<std::byte> payload(input_.Take<std::uint16_t>() % (producer_->max_record() + 1),
                                         static_cast<std::byte>(type));
    const bool was_poisoned = producer_->poisoned();
    const bool written = producer_->TryWrite(type, payload);
    TROUPE_CHECK(!(written && was_poisoned));
    TROUPE_CHECK(touched_ || !producer_->poisoned());
    if (written) written_.push_back({type, payload});
  }

  void Read() {
    const bool was_poisoned = consumer_->poisoned();
    const bool readable = consumer_->Readable();
    const ReadResult result = consumer_->TryRead(&record_);
    (void)consumer_->TakeSpaceWanted();
    TROUPE_CHECK(readable == (result != ReadResult::kNone));
    TROUPE_CHECK(!was_poisoned || result == ReadResult::kCorrupt);
    TROUPE_CHECK(touched_ || result != ReadResult::kCorrupt);
    if (result != ReadResult::kRecord) return;
    TROUPE_CHECK(record_.payload.size() <= MaxRecordPayload(kCapacity) && record_.type != kPadRecord);
    if (touched_) return;
    TROUPE_CHECK(!written_.empty() && record_.type == written_.front().type &&
                 std::ranges::equal(record_.payload, written_.front().payload));
    written_.pop_front();
  }

  void Scribble(std::size_t offset, std::uint64_t value) {
    touched_ = true;
    std::memcpy(memory_ + offset, &value, std::min(sizeof(value), RingBytes(kCapacity) - offset));
  }

  struct Written {
    std::uint16_t type;
    std::vector<std::byte> payload;
  };

  Input input_;
  std::byte* memory_;
  std::unique_ptr<RingProducer> producer_;
  std::unique_ptr<RingConsumer> consumer_;
  Record record_;
  std::deque<Written> written_;
  bool touched_ = false;
};

}  // namespace
}  // namespace troupe::ipc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::ipc::Session(troupe::ipc::Input(data, size)).Run();
  return 0;
}
