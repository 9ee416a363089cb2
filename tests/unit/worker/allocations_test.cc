// How often a small call takes memory, on the side that runs it.
#include <cstdlib>
#include <new>

#include "tests/unit/worker/call_fixture.h"
#include "worker/call_runner.h"

namespace counted {

thread_local int allocations = 0;

class Adder {
 public:
  int Add(int n) { return sum_ += n; }

 private:
  int sum_ = 0;
};

}  // namespace counted

TROUPE_ACTOR(counted::Adder, Add);

// Not inline, or GCC takes the two for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++counted::allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace troupe::worker {
namespace {

class AllocationsTest : public CallFixture {};

TEST_F(AllocationsTest, ASmallCallTakesMemoryForItsMailAndItsReply) {
  CallRunner runner(process_.core(), stored_, replies_);
  actor_.Constructed(std::make_shared<counted::Adder>(), &typeid(counted::Adder));
  const std::string values = internal::WriteArguments(internal::TypeList<int>(), 1).values.bytes;
  client::CallFrame frame;
  frame.function = internal::Registration<internal::MethodSource<counted::Adder, &counted::Adder::Add>>::Get().id;
  frame.actor = kActor;
  frame.incarnation = kIncarnation;
  frame.arguments.values = values;
  const std::string bytes = client::Encode(frame);
  process_.outbox().begun.reserve(10);
  int before = 0;
  for (int i = 0; i < 3; ++i) {  // the first ones find maps and queues empty
    before = counted::allocations;
    const std::unique_ptr<Mail> mail = Mail::Open(kCaller, bytes, 5, process_.tables());
    EXPECT_EQ(runner.Run(lock_, *mail, &actor_, {.context = &actor_.context()}), CallRunner::Then::kGoOn);
  }
  // The mail, its bytes, the frame of the reply.
  EXPECT_EQ(counted::allocations - before, 3);
}

}  // namespace
}  // namespace troupe::worker
