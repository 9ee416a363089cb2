// Processes that answer what they were not asked, and count what nobody holds.
#include <limits>

#include "process_fixture.h"

namespace troupe::client {
namespace {

constexpr NodeId kNode{0, 1};
constexpr Address kHost{kNode, {101}};
constexpr Address kStranger{kNode, {66}};

class HostileFramesTest : public testing::Test {
 protected:
  void SetAlive(const internal::ActorPtr& actor) {
    pb::ActorInfo info;
    info.set_id(actor->record()->id.Bytes());
    info.set_state(pb::ALIVE);
    info.set_incarnation(1);
    info.set_version(++version_);
    info.mutable_address()->set_node(kNode.Bytes());
    info.mutable_address()->set_process(kHost.process.value);
    me_.Update(info);
  }
  internal::ActorPtr CreateActor() {
    internal::ActorPtr actor = me_.actors().Create({}, false, {}, [](const auto&) {});
    pb::ActorInfo info;
    info.set_id(actor->record()->id.Bytes());
    info.set_state(pb::PENDING);
    me_.AnswerActor(info);
    return actor;
  }
  internal::ObjectPtr Call(const internal::ActorPtr& actor, std::int64_t retries = 0) {
    auto call = me_.NewCall("call", retries);
    call->retry_exceptions = retries != 0;
    return me_.actors().Call(actor->record(), std::move(call));
  }
  void Reply(const Address& from, const internal::ObjectPtr& result, std::uint64_t incarnation, bool threw = false) {
    ReplyFrame reply;
    reply.sequence = result->record()->id.low;
    reply.incarnation = incarnation;
    reply.value = threw ? ErrorValue({.kind = ErrorKind::kThrew}) : Value();
    me_.tables().OnFrame(from, Encode(reply), 0);
  }

  static WireValue Value() {
    WireValue value;
    value.bytes = "value";
    return value;
  }

  TestProcess me_{kNode, 1};
  std::uint64_t version_ = 0;
};

TEST_F(HostileFramesTest, OnlyWhoeverACallWasSentToAnswersIt) {
  auto actor = CreateActor();
  SetAlive(actor);
  auto result = Call(actor);
  Reply(kStranger, result, 1);
  EXPECT_FALSE(result->record()->ready());
  EXPECT_EQ(actor->record()->in_flight, 1U);
  Reply(kHost, result, 1);
  EXPECT_TRUE(result->record()->ready());
  EXPECT_EQ(actor->record()->in_flight, 0U);
}

TEST_F(HostileFramesTest, ACallThatWaitsToBeSentCannotBeAnswered) {
  auto actor = CreateActor();
  auto result = Call(actor);
  Reply(kStranger, result, 0);
  Reply(Address{}, result, 0);
  EXPECT_FALSE(result->record()->ready());
  EXPECT_EQ(actor->record()->in_flight, 0U);
  EXPECT_EQ(actor->record()->queue.size(), 1U);
}

TEST_F(HostileFramesTest, ATaskIsAnsweredByItsWorkerOnly) {
  auto result = me_.tasks().Run(me_.NewCall("task"), MakeShape({}, {}));
  Reply(kStranger, result, 0);
  EXPECT_FALSE(result->record()->ready());
  pb::RayletToClient message;
  message.mutable_lease_granted()->set_key(1);
  message.mutable_lease_granted()->set_lease(5);
  message.mutable_lease_granted()->mutable_worker()->set_node(kNode.Bytes());
  message.mutable_lease_granted()->mutable_worker()->set_process(kHost.process.value);
  me_.tables().OnRaylet(message);
  Reply(kStranger, result, 5);
  EXPECT_FALSE(result->record()->ready());
  Reply(kHost, result, 5);
  EXPECT_TRUE(result->record()->ready());
}

// Not only a matter of hostility: the first reply may come while an earlier call is unanswered.
TEST_F(HostileFramesTest, ACallThatThrewIsSentOnceAgainAlsoWhenItsProcessDiesThen) {
  auto actor = CreateActor();
  SetAlive(actor);
  auto first = Call(actor, -1), second = Call(actor, -1);
  Reply(kHost, second, 1, /*threw=*/true);
  EXPECT_EQ(actor->record()->sent.size(), 2U);
  EXPECT_EQ(actor->record()->in_flight, 2U);
  me_.tables().OnProcessGone(kHost.process, "killed", kAllReached);
  EXPECT_EQ(actor->record()->queue.size(), 2U);
  EXPECT_EQ(actor->record()->in_flight, 0U);
}

TEST_F(HostileFramesTest, OnlyItsOwnerGivesAnObjectAValue) {
  const Address owner{kNode, {77}};
  const ObjectId id{77, 1};
  auto object = me_.objects().Borrow({id, owner});
  me_.objects().Ask(*object->record());
  const std::string value = Encode(ObjectValueFrame{id, Value()});
  me_.tables().OnFrame(kStranger, value, 0);
  EXPECT_FALSE(object->record()->ready());
  me_.tables().OnFrame(owner, value, 0);
  EXPECT_TRUE(object->record()->ready());
}

TEST_F(HostileFramesTest, CountsDoNotOverflow) {
  auto object = me_.Put("value");
  RefName name;
  name.id = object->record()->id;
  name.owner = me_.self();
  const std::string most =
      Encode(FrameType::kAddRef, RefCountFrame{name, kStranger, std::numeric_limits<std::int64_t>::max()});
  me_.tables().OnFrame(kStranger, most, 0);
  me_.tables().OnFrame(kStranger, most, 0);
  EXPECT_EQ(object->record()->refs.holders.all().at(kStranger.process).count, std::numeric_limits<std::int64_t>::max());
}

TEST_F(HostileFramesTest, WhoAsksOftenIsAnsweredOnce) {
  auto result = me_.objects().NewPending(me_.NewCall("makes it"));
  for (int i = 0; i < 3; ++i) me_.tables().OnFrame(kStranger, Encode(GetObjectFrame{result->record()->id}), 0);
  me_.objects().Resolve(result->record(), Value());
  EXPECT_EQ(me_.outbox().frames.size(), 1U);
}

// No call has a second result.
TEST(FramesTest, IdsOfResultsThatNoCallHasAreRefused) {
  const auto refused = [](std::uint64_t low, const auto& make) {
    const auto frame = make(low);
    auto out = frame;
    return !Decode(Encode(frame), &out);
  };
  const auto check = [&](const char* what, const auto& make) {
    EXPECT_FALSE(refused(kMaxCounter, make)) << what;
    EXPECT_TRUE(refused(kMaxCounter + 1, make)) << what;
    EXPECT_TRUE(refused(ResultId({1, 5}, 1)->low, make)) << what;
  };
  check("call", [](std::uint64_t low) {
    CallFrame frame;
    frame.sequence = low;
    return frame;
  });
  check("reply", [](std::uint64_t low) {
    ReplyFrame frame;
    frame.sequence = low;
    return frame;
  });
  check("get object", [](std::uint64_t low) { return GetObjectFrame{{1, low}}; });
  check("object value", [](std::uint64_t low) { return ObjectValueFrame{{1, low}, {}}; });
  check("ref inside", [](std::uint64_t low) {
    ReplyFrame frame;
    frame.value.contained = {{.id = {1, low}}};
    return frame;
  });
  check("argument", [](std::uint64_t low) {
    CallFrame frame;
    frame.arguments.refs.resize(1);
    frame.arguments.refs[0].name.id = {1, low};
    return frame;
  });
  const RefCountFrame count{{.id = {1, kMaxCounter + 1}}, kHost, 1};
  RefCountFrame out;
  EXPECT_FALSE(Decode(Encode(FrameType::kAddRef, count), &out));
}

TEST(FramesTest, AReplyMadeAroundItsValueHasTheSameBytes) {
  for (const std::size_t size : {0u, 4u, 64u, 10'000u}) {
    for (const std::size_t refs : {0u, 3u}) {
      const std::string value(size, 'x');
      ReplyFrame frame;
      frame.sequence = 5;
      frame.incarnation = 6;
      frame.value.bytes = value;
      frame.value.contained.assign(refs, {.id = {1, 2}, .owner = kHost});
      std::string made = BeginReply(5, 6);
      EXPECT_EQ(made.size(), kReplyHead);
      made += value;
      EndReply(&made, frame.value.contained);
      EXPECT_EQ(made, Encode(frame));
    }
  }
}

TEST(CoreTest, AProcessThatHasUsedUpItsIdsMakesNothingMore) {
  TestProcess process(kNode, 1);
  process.core().last_sequence = kMaxCounter - 1;
  EXPECT_EQ(process.objects().NextId(), (ObjectId{1, kMaxCounter}));
  EXPECT_THROW(process.objects().NextId(), SystemError);
  EXPECT_EQ(process.core().last_sequence, kMaxCounter);
}

}  // namespace
}  // namespace troupe::client
