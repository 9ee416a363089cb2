#include "worker/reply_sender.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/worker/call_fixture.h"

namespace troupe::worker {
namespace {

using client::WireValue;
using testing::ElementsAre;

class ReplySenderTest : public CallFixture {
 protected:
  // An actor that the head has not answered for yet.
  internal::ActorPtr NewActor() {
    return process_.actors().Create({}, false, {}, [](const pb::RayletToClient&) {});
  }
  void Register(const internal::ActorPtr& actor) {
    pb::ActorInfo info;
    info.set_id(actor->record()->id.Bytes());
    process_.AnswerActor(info);
  }
  std::vector<bool> Blocked() {
    std::vector<bool> said;
    for (const auto& message : process_.outbox().Of(pb::ClientToRaylet::kBlocked)) {
      said.push_back(message.blocked().blocked());
    }
    return said;
  }

  // As if `mail_` had given that, with refs inside.
  void SendValue(std::string bytes, std::vector<internal::ObjectPtr> objects = {},
                 std::vector<internal::ActorPtr> actors = {}, const ActorInstance* actor = nullptr) {
    ReplySink result(*mail_);
    internal::Payload* const value = result.Next();
    value->bytes += bytes;
    value->objects = std::move(objects);
    value->actors = std::move(actors);
    replies_.SendValue(lock_, *mail_, std::move(result), actor);
  }

  std::unique_ptr<Mail> mail_ = Call(1);
};

TEST_F(ReplySenderTest, ASmallResultTravelsInTheReply) {
  SendValue(std::string(100, 'x'));
  EXPECT_EQ(Reply().value.kind, WireValue::Kind::kInline);
  EXPECT_EQ(Reply().value.bytes, std::string(100, 'x'));
  EXPECT_TRUE(stored_.values.empty());
}

TEST_F(ReplySenderTest, ALargeOneIsStoredUnderTheCallersIdForIt) {
  SendValue(std::string(101, 'x'));
  EXPECT_EQ(Reply().value.kind, WireValue::Kind::kStored);
  EXPECT_EQ(Reply().value.size, 101u);
  EXPECT_THAT(Reply().value.nodes, ElementsAre(kNode));
  ASSERT_EQ(stored_.values.size(), 1u);
  EXPECT_EQ(stored_.values.begin()->first, (ObjectId{kCaller.process.value, mail_->frame.sequence}));
  EXPECT_EQ(*stored_.values.begin()->second, std::string(101, 'x'));
}

TEST_F(ReplySenderTest, AResultThatCannotBeStoredIsAFailureOfTheCall) {
  stored_.full = true;
  SendValue(std::string(101, 'x'));
  EXPECT_EQ(Error().message, "the store is full");
  EXPECT_EQ(Error().outcome, Outcome::kFailed);
}

TEST_F(ReplySenderTest, TheCallerIsCountedAsAHolderOfTheRefsInside) {
  const internal::ObjectPtr inside = process_.Put("inside");
  SendValue("value", {inside});
  ASSERT_EQ(Reply().value.contained.size(), 1u);
  EXPECT_EQ(Reply().value.contained[0].id, inside->record()->id);
  EXPECT_EQ(inside->record()->refs.holders.all().at(kCaller.process).count, 1);
}

TEST_F(ReplySenderTest, AResultOfMoreRefsThanAMessageHoldsIsAFailure) {
  const internal::ObjectPtr inside = process_.Put("inside");
  SendValue("value", std::vector(320'000, inside));
  EXPECT_EQ(Error().outcome, Outcome::kFailed);
  EXPECT_THAT(Error().message, testing::HasSubstr("320000 refs"));
  EXPECT_TRUE(inside->record()->refs.holders.empty()) << "before anybody is counted";
}

TEST_F(ReplySenderTest, ATasksResultThatNamesANewActorWaitsForItsRegistrationAndLendsItsCpus) {
  const internal::ActorPtr inside = NewActor();
  SendValue("value", {}, {inside});
  EXPECT_TRUE(process_.outbox().frames.empty()) << "nobody else could find the actor";
  EXPECT_EQ(replies_.waiting(), 1u);
  EXPECT_THAT(Blocked(), ElementsAre(true));
  Register(inside);
  EXPECT_EQ(Reply().value.bytes, "value");
  EXPECT_EQ(Reply().value.contained.size(), 1u);
  EXPECT_EQ(replies_.waiting(), 0u);
  EXPECT_THAT(Blocked(), ElementsAre(true, false));
}

TEST_F(ReplySenderTest, AnActorRunsOtherCallsWhileItsResultWaits) {
  const internal::ActorPtr inside = NewActor();
  SendValue("value", {}, {inside}, &actor_);
  EXPECT_EQ(replies_.waiting(), 1u);
  Register(inside);
  EXPECT_EQ(Reply().value.bytes, "value");
  EXPECT_TRUE(Blocked().empty());
}

TEST_F(ReplySenderTest, AnErrorSaysWhereItHappened) {
  replies_.SendError(*mail_, {.kind = ErrorKind::kThrew, .message = "too far"}, &actor_);
  EXPECT_EQ(Error().message, "too far");
  EXPECT_EQ(Error().node, kNode);
  EXPECT_EQ(Error().pid, getpid());
  EXPECT_EQ(Error().actor, kActor);
  EXPECT_EQ(Error().actor_class, "Probe");
  replies_.SendError(*mail_, {.kind = ErrorKind::kThrew}, nullptr);
  EXPECT_EQ(Error().actor, ActorId{});
}

}  // namespace
}  // namespace troupe::worker
