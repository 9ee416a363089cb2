// How many pieces of memory calls and tasks cost, in the tables of their caller and in their worker. What the messenger
// and the rings do is left out: in the steady state they allocate nothing.
#include <gtest/gtest.h>

#include "tests/unit/counted_new.h"
#include "tests/unit/worker/call_fixture.h"
#include "worker/call_runner.h"
#include "worker/mailbox.h"

namespace app {

class Echo {
 public:
  int Ping(int value) { return value; }
};

}  // namespace app

TROUPE_ACTOR(app::Echo, Ping);

namespace troupe::worker {
namespace {

constexpr int kCalls = 1'000;

// Takes frames and forgets them.
class Sink final : public client::Outbox {
 public:
  std::uint64_t Send(const Address&, std::string frame) override {
    bytes += frame.size();
    return ++number;
  }
  std::size_t Backlog(const Address&) const override { return 0; }
  void Request(pb::ClientToRaylet, std::function<void(const pb::RayletToClient&)>) override {}
  void SendRaylet(const pb::ClientToRaylet&) override {}
  void SayBegun(ProcessId, std::uint64_t) override {}
  void Watch(const Address&) override {}
  void Tell(std::string) override {}
  void After(std::chrono::milliseconds, std::function<void()>) override {}
  client::Clock::time_point Now() const override { return {}; }

  std::size_t bytes = 0;
  std::uint64_t number = 0;
};

class AllocationTest : public CallFixture {
 protected:
  AllocationTest() { process_.core().outbox = &sink_; }

  // As RuntimeImpl makes it.
  std::shared_ptr<client::PendingCall> NewCall() {
    auto call = std::make_shared<client::PendingCall>();
    call->sequence = ++process_.core().last_sequence;
    call->function = 7;
    call->name = "Echo::Ping";
    call->arguments.values.bytes = "1234";
    return call;
  }
  std::size_t Answer(const Address& from, std::uint64_t incarnation, internal::ObjectPtr result) {
    client::ReplyFrame reply;
    reply.sequence = result->record()->id.low;
    reply.incarnation = incarnation;
    reply.value.bytes = "1234";
    const std::string frame = client::Encode(reply);
    return CountNew([&] {
      process_.tables().OnFrame(from, frame, 0);
      EXPECT_TRUE(result->record()->ready());
      result.reset();
      process_.tables().TakeReleased();
    });
  }

  Sink sink_;
};

// The call, the object of its result, and its frame; now and then a piece of a queue.
TEST_F(AllocationTest, ACallCostsItsCallerAtMostFour) {
  const Address executor{kNode, ProcessId{9}};
  const internal::ActorPtr actor = process_.actors().Borrow({kActor, kCaller});
  pb::ActorInfo info;
  info.set_id(kActor.Bytes());
  info.set_state(pb::ALIVE);
  info.set_incarnation(1);
  info.set_version(1);
  info.mutable_address()->set_node(kNode.Bytes());
  info.mutable_address()->set_process(executor.process.value);
  process_.Update(info);
  std::size_t pieces = 0;
  for (int i = 0; i < 2 * kCalls; ++i) {
    if (i == kCalls) pieces = 0;  // the first ones bring memory that stays
    internal::ObjectPtr result;
    pieces += CountNew([&] { result = process_.actors().Call(actor->record(), NewCall()); });
    pieces += Answer(executor, 1, std::move(result));
  }
  RecordProperty("pieces_per_1000_calls", static_cast<int>(pieces));
  EXPECT_LE(pieces, 4U * kCalls);
}

// The same.
TEST_F(AllocationTest, ATaskCostsItsCallerAtMostTen) {
  const Address worker{kNode, ProcessId{9}};
  pb::Resources resources;
  (*resources.mutable_units())["CPU"] = 1;
  const client::ShapePtr shape = client::MakeShape(resources, {});
  std::size_t pieces = 0;
  for (int i = 0; i < 2 * kCalls; ++i) {
    if (i == kCalls) pieces = 0;
    internal::ObjectPtr result;
    pieces += CountNew([&] { result = process_.tasks().Run(NewCall(), shape); });
    if (i == 0) {
      pb::RayletToClient granted;
      granted.mutable_lease_granted()->set_key(1);
      granted.mutable_lease_granted()->set_lease(5);
      granted.mutable_lease_granted()->mutable_worker()->set_node(kNode.Bytes());
      granted.mutable_lease_granted()->mutable_worker()->set_process(worker.process.value);
      process_.tables().OnRaylet(granted);
    }
    pieces += Answer(worker, 5, std::move(result));
  }
  RecordProperty("pieces_per_1000_tasks", static_cast<int>(pieces));
  EXPECT_LE(pieces, 10U * kCalls);
}

// The mail, the bytes in it, and the reply's frame.
TEST_F(AllocationTest, ACallCostsItsExecutorAtMostFour) {
  CallRunner runner(process_.core(), stored_, replies_);
  pb::ActorSpec spec;
  spec.set_constructor(internal::Registration<internal::ConstructorSource<app::Echo>>::Get().id);
  spec.set_arguments(client::EncodeArguments({}));
  ASSERT_FALSE(runner.Construct(lock_, spec, actor_));
  client::CallFrame call;
  call.function = internal::Registration<internal::MethodSource<app::Echo, &app::Echo::Ping>>::Get().id;
  call.actor = kActor;
  call.arguments.values = "1234";
  const std::string frame = client::Encode(call);
  Mailbox mailbox;
  std::size_t pieces = 0;
  for (int i = 0; i < 2 * kCalls; ++i) {
    if (i == kCalls) pieces = 0;
    pieces += CountNew([&] {
      mailbox.Add(Mail::Open(kCaller, frame, 1, process_.tables()));
      const std::unique_ptr<Mail> mail = mailbox.TakeFirst();
      EXPECT_EQ(runner.Run(lock_, *mail, &actor_, {.context = &actor_.context()}), CallRunner::Then::kGoOn);
    });
  }
  RecordProperty("pieces_per_1000_calls", static_cast<int>(pieces));
  EXPECT_GT(sink_.bytes, 0U);
  EXPECT_LE(pieces, 4U * kCalls);
}

}  // namespace
}  // namespace troupe::worker
