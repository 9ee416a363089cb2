// The executor of a worker, over a small raylet and a caller that sends it frames.
#include "worker/executor.h"

#include <gmock/gmock.h>
#include <troupe/troupe.h>

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/frames.h"
#include "client/messenger.h"
#include "client/runtime_impl.h"
#include "tests/unit/client/mini_raylet.h"
#include "troupe/internal/runtime_access.h"

namespace hosted {

std::promise<void>& Gate() {
  static std::promise<void> gate;
  return gate;
}

class Probe {
 public:
  explicit Probe(int start) : sum_(start) {
    if (start < 0) throw std::invalid_argument("less than nothing");
  }
  int Add(int n) { return sum_ += n; }
  void Fail() { throw std::out_of_range("too far"); }
  void Leave() { troupe::ExitActor(); }
  // Until the test opens the gate.
  int Block() {
    Gate().get_future().wait();
    return 0;
  }

 private:
  int sum_;
};

int Double(int n) { return 2 * n; }

}  // namespace hosted

TROUPE_ACTOR(hosted::Probe, Add, Fail, Leave, Block);

namespace troupe::worker {
namespace {

using client::CallFrame;
using client::MiniRaylet;
using client::ReplyFrame;
using client::WireValue;
using hosted::Probe;
using testing::HasSubstr;
using namespace std::chrono_literals;
using Body = pb::ClientToRaylet::BodyCase;

constexpr ProcessId kWorker{1}, kCaller{2};
constexpr ActorId kActor{3, 4};
constexpr std::uint64_t kIncarnation = 7;

template <auto kMethod>
std::uint64_t Method() {
  return internal::Registration<internal::MethodSource<Probe, kMethod>>::Get().id;
}
template <class... A>
std::string Bytes(A... values) {
  return internal::WriteArguments(internal::TypeList<A...>(), values...).values.bytes;
}

// Sends calls and keeps the replies.
class Caller final : private client::MessageHandler {
 public:
  struct Reply {
    std::string value;
    std::shared_ptr<const ErrorInfo> error;
  };

  explicit Caller(const MiniRaylet& raylet) {
    pb::RegisterClient hello;
    hello.set_process(kCaller.value);
    EXPECT_TRUE(messenger_.Start(raylet.path(), hello).ok());
  }

  // Returns its sequence number.
  std::uint64_t Call(CallFrame frame) {
    const std::lock_guard lock(mutex_);
    frame.sequence = ++last_;
    messenger_.Send({MiniRaylet::kNode, kWorker}, client::Encode(frame));
    return frame.sequence;
  }
  std::uint64_t CallActor(std::uint64_t method, const std::string& arguments = "", ActorId actor = kActor,
                          std::uint64_t incarnation = kIncarnation) {
    CallFrame frame;
    frame.function = method;
    frame.actor = actor;
    frame.incarnation = incarnation;
    frame.arguments.values = arguments;
    return Call(std::move(frame));
  }
  std::uint64_t CallTask(std::uint64_t lease, int argument) {
    const std::string arguments = Bytes(argument);
    CallFrame frame;
    frame.function = internal::Registration<internal::FunctionSource<&hosted::Double>>::Get().id;
    frame.incarnation = lease;
    frame.arguments.values = arguments;
    return Call(std::move(frame));
  }
  bool Answered(std::uint64_t sequence, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return messenger_.WaitUntil(
        lock, [&] { return replies_.contains(sequence); }, client::Clock::now() + limit);
  }
  Reply Await(std::uint64_t sequence) {
    EXPECT_TRUE(Answered(sequence, 30s)) << "call " << sequence;
    const std::lock_guard lock(mutex_);
    return replies_[sequence];
  }
  std::vector<std::uint64_t> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }

 private:
  void OnFrame(const Address&, std::string_view bytes, std::uint64_t) override {
    ReplyFrame frame;
    ASSERT_TRUE(client::Decode(bytes, &frame));
    replies_[frame.sequence] = {std::string(frame.value.bytes), frame.value.error};
    order_.push_back(frame.sequence);
  }
  void OnRaylet(const pb::RayletToClient&) override {}
  void OnLogLines(const pb::LogLines&) override {}
  void OnProcessGone(ProcessId, const std::string&, std::uint64_t) override {}
  void OnPathBroken(ProcessId, const std::string&, std::uint64_t) override {}
  void OnRayletLost(const std::string&) override {}

  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Reply> replies_;
  std::vector<std::uint64_t> order_;
  client::Messenger messenger_{mutex_, *this};
};

class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() {
    raylet_.Do([this] {
      raylet_.on_message = [this](ProcessId, const pb::ClientToRaylet& message) { return OnMessage(message); };
    });
    pb::RegisterClient hello;
    hello.set_process(kWorker.value);
    EXPECT_TRUE(runtime_->Start(raylet_.path(), hello, &executor_).ok());
    internal::SetRuntime(runtime_);
    thread_ = std::thread([this] { status_.set_value(executor_.Run()); });
  }
  ~ExecutorTest() override {
    pb::RayletToClient message;
    message.mutable_exit()->set_reason("the test is over");
    raylet_.Tell(kWorker, message);
    thread_.join();
    internal::SetRuntime(nullptr);
    runtime_->Stop();
    raylet_.Do([this] { raylet_.on_message = nullptr; });  // what was on the way comes to nobody
  }

  void Host(int start, std::uint32_t max_pending_calls = 0) {
    client::WireArguments arguments;
    const std::string values = Bytes(start);
    arguments.values = values;
    pb::RayletToClient message;
    pb::AssignActor& assign = *message.mutable_assign_actor();
    assign.set_incarnation(kIncarnation);
    assign.mutable_spec()->set_id(kActor.Bytes());
    assign.mutable_spec()->set_class_name("hosted::Probe");
    assign.mutable_spec()->set_constructor(internal::Registration<internal::ConstructorSource<Probe, int>>::Get().id);
    assign.mutable_spec()->set_max_pending_calls(max_pending_calls);
    assign.mutable_spec()->set_arguments(client::EncodeArguments(arguments));
    raylet_.Tell(kWorker, message);
    AwaitTold(pb::ClientToRaylet::kActorConstructed);
  }
  void AssignLease(std::uint64_t lease) {
    pb::RayletToClient message;
    message.mutable_assign_lease()->set_lease(lease);
    message.mutable_assign_lease()->mutable_lessee()->set_node(MiniRaylet::kNode.Bytes());
    message.mutable_assign_lease()->mutable_lessee()->set_process(kCaller.value);
    raylet_.Tell(kWorker, message);
  }
  // The first message of that kind that the raylet is sent.
  pb::ClientToRaylet AwaitTold(Body body) {
    for (const auto end = client::Clock::now() + 30s; client::Clock::now() < end; std::this_thread::sleep_for(1ms)) {
      std::optional<pb::ClientToRaylet> found;
      raylet_.Do([&] {
        for (const pb::ClientToRaylet& message : taken_) {
          if (message.body_case() == body && !found) found = message;
        }
      });
      if (found) return *found;
    }
    ADD_FAILURE() << "the raylet was not told";
    return {};
  }
  int AwaitExit() {
    std::future<int> status = status_.get_future();
    EXPECT_EQ(status.wait_for(30s), std::future_status::ready);
    return status.get();
  }

  MiniRaylet raylet_;
  const std::shared_ptr<client::RuntimeImpl> runtime_ = std::make_shared<client::RuntimeImpl>();
  Executor executor_{*runtime_};
  Caller caller_{raylet_};

 private:
  // On the raylet's thread, which has no objects.
  std::optional<pb::RayletToClient> OnMessage(const pb::ClientToRaylet& message) {
    taken_.push_back(message);
    if (!message.has_get_object()) return std::nullopt;
    pb::RayletToClient lost;
    lost.mutable_error()->set_kind(pb::Error::OBJECT_LOST);
    lost.mutable_error()->set_message("no copy is left");
    return lost;
  }

  std::vector<pb::ClientToRaylet> taken_;  // of the raylet's thread
  std::promise<int> status_;
  std::thread thread_;
};

TEST_F(ExecutorTest, CallsRunInOrderOnTheSameObject) {
  Host(10);
  for (int i = 1; i <= 100; ++i) caller_.CallActor(Method<&Probe::Add>(), Bytes(i));
  EXPECT_EQ(caller_.Await(100).value, Bytes(10 + 5050));
  EXPECT_EQ(caller_.Await(1).value, Bytes(11));
  const std::vector<std::uint64_t> order = caller_.order();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(ExecutorTest, WhatAMethodThrowsIsTheErrorOfItsCall) {
  Host(0);
  const auto reply = caller_.Await(caller_.CallActor(Method<&Probe::Fail>()));
  ASSERT_NE(reply.error, nullptr);
  EXPECT_EQ(reply.error->kind, ErrorKind::kThrew);
  EXPECT_EQ(reply.error->outcome, Outcome::kFailed);
  EXPECT_EQ(reply.error->remote_type, "std::out_of_range");
  EXPECT_EQ(reply.error->message, "too far");
  EXPECT_EQ(caller_.Await(caller_.CallActor(Method<&Probe::Add>(), Bytes(1))).value, Bytes(1)) << "it lives on";
}

TEST_F(ExecutorTest, RefusesWhatIsNotForIt) {
  Host(0);
  const auto refusal = [&](std::uint64_t call) {
    const auto reply = caller_.Await(call);
    if (!reply.error) return std::string("no error");
    EXPECT_EQ(reply.error->outcome, Outcome::kNotExecuted);
    return reply.error->message;
  };
  EXPECT_THAT(refusal(caller_.CallActor(12345)), HasSubstr("does not know this function"));
  EXPECT_THAT(refusal(caller_.CallActor(Method<&Probe::Add>(), Bytes(1), ActorId{9, 9})), HasSubstr("does not host"));
  EXPECT_THAT(refusal(caller_.CallActor(Method<&Probe::Add>(), Bytes(1), kActor, kIncarnation - 1)),
              HasSubstr("this is incarnation 7"));
  EXPECT_THAT(refusal(caller_.CallTask(1, 1)), HasSubstr("hosts an actor and runs no tasks"));
  EXPECT_EQ(caller_.Await(caller_.CallActor(Method<&Probe::Add>(), Bytes(1))).value, Bytes(1)) << "none of them ran";
}

TEST_F(ExecutorTest, ACallWhoseArgumentCannotBeReadDoesNotRun) {
  Host(0);
  CallFrame frame;
  frame.function = Method<&Probe::Add>();
  frame.actor = kActor;
  frame.incarnation = kIncarnation;
  client::WireArgument argument;
  argument.name = {.id = {kCaller.value, 99}, .owner = {MiniRaylet::kNode, kCaller}};
  argument.value.kind = WireValue::Kind::kStored;
  argument.value.size = 4;
  frame.arguments.refs.push_back(argument);
  const auto reply = caller_.Await(caller_.Call(std::move(frame)));
  ASSERT_NE(reply.error, nullptr);
  EXPECT_EQ(reply.error->kind, ErrorKind::kObjectLost);
  EXPECT_EQ(reply.error->outcome, Outcome::kNotExecuted);
  EXPECT_EQ(reply.error->message, "its argument 1 cannot be read: no copy is left");
}

TEST_F(ExecutorTest, AFullMailboxRefusesAndALaterCallRuns) {
  hosted::Gate() = {};
  Host(0, 1);
  const auto running = caller_.CallActor(Method<&Probe::Block>());
  // The first that waits is the one place there is; which is refused shows once the running one has left the mailbox.
  std::uint64_t refused = 0;
  for (int i = 0; i < 10'000 && refused == 0; ++i) {
    const auto call = caller_.CallActor(Method<&Probe::Add>(), Bytes(0));
    if (caller_.Answered(call, 10ms)) refused = call;
  }
  ASSERT_NE(refused, 0u);
  EXPECT_THAT(caller_.Await(refused).error->message, HasSubstr("max_pending_calls"));
  hosted::Gate().set_value();
  EXPECT_EQ(caller_.Await(running).error, nullptr);
  EXPECT_EQ(caller_.Await(caller_.CallActor(Method<&Probe::Add>(), Bytes(5))).value, Bytes(5));
}

TEST_F(ExecutorTest, ATerminatedActorRunsWhatCameBeforeAndNothingAfter) {
  hosted::Gate() = {};
  Host(0);
  caller_.CallActor(Method<&Probe::Block>());
  const auto before = caller_.CallActor(Method<&Probe::Add>(), Bytes(1));
  caller_.CallActor(client::kTerminateFunction);
  const auto after = caller_.CallActor(Method<&Probe::Add>(), Bytes(1));
  hosted::Gate().set_value();
  EXPECT_EQ(caller_.Await(before).value, Bytes(1));
  const auto late = caller_.Await(after);
  ASSERT_NE(late.error, nullptr);
  EXPECT_EQ(late.error->kind, ErrorKind::kActorDied);
  EXPECT_EQ(late.error->outcome, Outcome::kNotExecuted);
  EXPECT_EQ(AwaitExit(), 0);
  EXPECT_TRUE(AwaitTold(pb::ClientToRaylet::kExitIntent).exit_intent().no_restart());
}

TEST_F(ExecutorTest, AnActorThatLeavesSaysSoToTheCallAndToTheRaylet) {
  Host(0);
  const auto reply = caller_.Await(caller_.CallActor(Method<&Probe::Leave>()));
  ASSERT_NE(reply.error, nullptr);
  EXPECT_EQ(reply.error->kind, ErrorKind::kActorDied);
  EXPECT_THAT(reply.error->message, HasSubstr("ExitActor"));
  EXPECT_EQ(AwaitExit(), 0);
  EXPECT_THAT(AwaitTold(pb::ClientToRaylet::kExitIntent).exit_intent().reason(), HasSubstr("ExitActor"));
}

TEST_F(ExecutorTest, AConstructorThatThrowsIsToldAndNoCallRuns) {
  Host(-1);
  const pb::ActorConstructed constructed = AwaitTold(pb::ClientToRaylet::kActorConstructed).actor_constructed();
  EXPECT_EQ(constructed.error().kind(), pb::Error::THREW);
  EXPECT_EQ(constructed.error().message(), "less than nothing");
  const auto reply = caller_.Await(caller_.CallActor(Method<&Probe::Add>(), Bytes(1)));
  ASSERT_NE(reply.error, nullptr);
  EXPECT_EQ(reply.error->kind, ErrorKind::kActorDied);
}

TEST_F(ExecutorTest, ATaskWaitsForItsLeaseAndIsRefusedAfterIt) {
  const auto early = caller_.CallTask(5, 21);
  EXPECT_FALSE(caller_.Answered(early, 50ms)) << "it ran under a lease that nobody had announced";
  AssignLease(5);
  EXPECT_EQ(caller_.Await(early).value, Bytes(42));
  AssignLease(6);
  EXPECT_EQ(caller_.Await(caller_.CallTask(6, 1)).value, Bytes(2));
  const auto late = caller_.Await(caller_.CallTask(5, 1));
  ASSERT_NE(late.error, nullptr);
  EXPECT_THAT(late.error->message, HasSubstr("lease that the task was sent under has ended"));
}

TEST_F(ExecutorTest, AnIdleWorkerThatOwnsObjectsDeclinesToExit) {
  internal::ObjectPtr owned = runtime_->Put({"needed", {}, {}});
  const internal::ObjectName name = runtime_->Name(owned);
  {  // another process holds it
    const std::lock_guard lock(runtime_->core().mutex);
    runtime_->objects().NameFor(owned, {MiniRaylet::kNode, kCaller});
  }
  owned.reset();
  pb::RayletToClient message;
  message.mutable_exit()->set_reason("it is idle");
  raylet_.Tell(kWorker, message);
  AwaitTold(pb::ClientToRaylet::kExitDeclined);
  const std::string drop =
      client::Encode(client::FrameType::kDropRef,
                     client::RefCountFrame{{.id = name.id, .owner = name.owner}, {MiniRaylet::kNode, kCaller}, 1});
  const std::lock_guard lock(runtime_->core().mutex);
  runtime_->tables().OnFrame({MiniRaylet::kNode, kCaller}, drop, 0);
}

}  // namespace
}  // namespace troupe::worker
