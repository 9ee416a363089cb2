#include "client/object_table.h"

#include <gmock/gmock.h>

#include "object_store/shared_segment.h"
#include "process_fixture.h"

namespace troupe::client {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// An owner, a process that passes its refs on, and one that receives them; the last is on another node.
class ObjectTableTest : public testing::Test {
 protected:
  static constexpr NodeId kHere{0, 1};
  static constexpr NodeId kThere{0, 2};

  bool Owned(ObjectId id) { return owner_.objects().Find(id) != nullptr; }
  internal::ObjectPtr Pass(const internal::ObjectPtr& ref, TestProcess& from, TestProcess& to) {
    return to.objects().Adopt(from.objects().NameFor(ref, to.self()));
  }
  static void Drop(TestProcess& process, internal::ObjectPtr* ref) {
    ref->reset();
    process.tables().TakeReleased();
  }

  TestNet net_;
  TestProcess& owner_ = net_.Add(kHere, 1);
  TestProcess& middle_ = net_.Add(kHere, 2);
  TestProcess& last_ = net_.Add(kThere, 3);
};

TEST_F(ObjectTableTest, AddressesOfARetiredSegmentAreGivenBack) {
  const std::string name = store::SegmentName("troupe-test-" + ProcessId::Random().Hex(), 1, 1);
  ASSERT_TRUE(store::MakeSegment(name).ok());
  ASSERT_TRUE(store::ReserveRange(name, 0, 4096).ok());
  ASSERT_TRUE(owner_.core().segments.MapReadable({name, 4096, 0, 100}).ok());
  ASSERT_TRUE(owner_.core().segments.MapWritable({name, 4096, 64, 100}).ok());
  store::RemoveSegment(name);
  pb::RayletToClient message;
  message.mutable_segments_retired()->add_segments("another");
  message.mutable_segments_retired()->add_segments(name);
  owner_.tables().OnRaylet(message);
  EXPECT_EQ(owner_.core().segments.mappings(), 0U);
}

TEST_F(ObjectTableTest, AnObjectGoesWithItsLastRef) {
  auto ref = owner_.Put("value");
  const ObjectId id = ref->record()->id;
  auto copy = ref;
  Drop(owner_, &ref);
  EXPECT_TRUE(Owned(id));
  Drop(owner_, &copy);
  EXPECT_FALSE(Owned(id));
}

TEST_F(ObjectTableTest, ANameForgedBeforeItsTimeDoesNotHideTheObjectThatComesToBearIt) {
  const ObjectId next{owner_.self().process.value, owner_.core().last_sequence + 1};
  auto forged =
      owner_.objects().Adopt({.kind = RefName::Kind::kObject, .id = {next.high, next.low}, .owner = owner_.self()});
  auto ref = owner_.Put("value");
  ASSERT_EQ(ref->record()->id, next);
  EXPECT_EQ(owner_.objects().Find(next), ref->record());
  Drop(owner_, &forged);
  EXPECT_EQ(owner_.objects().Find(next), ref->record());
  Drop(owner_, &ref);
  EXPECT_FALSE(Owned(next));
}

TEST_F(ObjectTableTest, ARefThatIsPassedOnKeepsTheObjectAtEveryMoment) {
  auto ref = owner_.Put("value");
  const ObjectId id = ref->record()->id;
  auto borrowed = Pass(ref, owner_, middle_);
  Drop(owner_, &ref);
  net_.Settle();
  EXPECT_TRUE(Owned(id));
  auto again = Pass(borrowed, middle_, last_);
  Drop(middle_, &borrowed);
  net_.Settle();
  EXPECT_TRUE(Owned(id)) << "the last holder was counted by the one before";
  Drop(last_, &again);
  net_.Settle();
  EXPECT_FALSE(Owned(id));
}

TEST_F(ObjectTableTest, ADropThatOvertakesItsAddDoesNotFreeTheObject) {
  auto ref = owner_.Put("value");
  const ObjectId id = ref->record()->id;
  auto borrowed = Pass(ref, owner_, middle_);
  auto again = Pass(borrowed, middle_, last_);
  Drop(last_, &again);
  ASSERT_TRUE(net_.Move(last_, owner_)) << "the drop, while the add is under way from the middle";
  Drop(owner_, &ref);
  EXPECT_TRUE(Owned(id));
  Drop(middle_, &borrowed);
  net_.Settle();
  EXPECT_FALSE(Owned(id));
}

TEST_F(ObjectTableTest, WhatAProcessHeldIsForgottenWithIt) {
  auto ref = owner_.Put("value");
  const ObjectId id = ref->record()->id;
  auto borrowed = Pass(ref, owner_, middle_);
  auto again = Pass(borrowed, middle_, last_);
  Drop(owner_, &ref);
  owner_.tables().OnProcessGone(last_.self().process, "killed", kAllReached);
  while (net_.Move(middle_, owner_)) {
  }  // the add for the dead one comes late
  Drop(middle_, &borrowed);
  net_.Settle();
  EXPECT_FALSE(Owned(id));
}

TEST_F(ObjectTableTest, TheEndOfEveryHolderIsAskedForAlsoOfOneThatAnotherCounted) {
  auto ref = owner_.Put("value");
  auto borrowed = Pass(ref, owner_, middle_);
  auto again = Pass(borrowed, middle_, last_);
  net_.Settle();
  EXPECT_THAT(owner_.outbox().watched, testing::UnorderedElementsAre(middle_.self().process, last_.self().process));
  EXPECT_THAT(middle_.outbox().watched, IsEmpty()) << "it owns nothing";
}

TEST_F(ObjectTableTest, TheEndOfAProcessTouchesWhatItHeldAndNothingElse) {
  auto held = owner_.Put("held"), kept = owner_.Put("kept"), given_back = owner_.Put("given back");
  const ObjectId held_id = held->record()->id, kept_id = kept->record()->id;
  auto borrowed = Pass(held, owner_, middle_), other = Pass(kept, owner_, last_),
       back = Pass(given_back, owner_, middle_);
  Drop(middle_, &back);
  net_.Settle();
  for (auto* ref : {&held, &kept, &given_back}) Drop(owner_, ref);
  owner_.tables().OnProcessGone(middle_.self().process, "killed", kAllReached);
  EXPECT_FALSE(Owned(held_id));
  EXPECT_TRUE(Owned(kept_id));
  owner_.tables().OnProcessGone(last_.self().process, "killed", kAllReached);
  EXPECT_FALSE(Owned(kept_id));
}

TEST_F(ObjectTableTest, WhatTheProcessesOfADeadNodeHeldIsForgotten) {
  auto ref = owner_.Put("value");
  const ObjectId id = ref->record()->id;
  auto far = Pass(ref, owner_, last_);
  Drop(owner_, &ref);
  EXPECT_TRUE(Owned(id));
  owner_.NodeDied(kThere);
  EXPECT_FALSE(Owned(id));
}

TEST_F(ObjectTableTest, ARefToAnObjectOfADeadNodeFailsInsteadOfWaiting) {
  auto ref = last_.Put("value");
  auto asked = Pass(ref, last_, owner_), later = Pass(last_.Put("other"), last_, owner_);
  owner_.objects().Ask(*asked->record());
  EXPECT_FALSE(asked->record()->ready());
  owner_.NodeDied(kThere);
  ASSERT_TRUE(asked->record()->ready());
  EXPECT_EQ(asked->record()->error->kind, ErrorKind::kObjectLost);
  owner_.objects().Ask(*later->record());
  ASSERT_TRUE(later->record()->ready());
  EXPECT_EQ(later->record()->error->kind, ErrorKind::kObjectLost);
}

TEST_F(ObjectTableTest, AValueIsAskedOfItsOwnerOnceAndComesWhenThereIsOne) {
  auto call = owner_.NewCall("makes it");
  auto ref = owner_.objects().NewPending(call);
  auto borrowed = Pass(ref, owner_, middle_);
  middle_.objects().Ask(*borrowed->record());
  middle_.objects().Ask(*borrowed->record());
  EXPECT_EQ(middle_.outbox().frames.size(), 1U);
  net_.Settle();
  EXPECT_FALSE(borrowed->record()->ready());
  WireValue value;
  value.bytes = "value";
  owner_.objects().Resolve(ref->record(), value);
  net_.Settle();
  EXPECT_EQ(borrowed->record()->bytes, "value");
}

TEST_F(ObjectTableTest, AValueKeepsTheRefsInsideItAndAReaderHoldsThemToo) {
  auto inside = owner_.Put("inside");
  const ObjectId id = inside->record()->id;
  auto outside = owner_.Put("outside", {inside});
  Drop(owner_, &inside);
  EXPECT_TRUE(Owned(id));
  auto borrowed = Pass(outside, owner_, middle_);
  middle_.objects().Ask(*borrowed->record());
  net_.Settle();
  Drop(owner_, &outside);
  Drop(middle_, &borrowed);
  net_.Settle();
  EXPECT_FALSE(Owned(id)) << "the value that held it is gone everywhere";
}

TEST_F(ObjectTableTest, AValueThatNamesAnActorIsToldOnceTheHeadKnowsTheActor) {
  auto argument = owner_.objects().NewPending(owner_.NewCall("makes the argument of the constructor"));
  auto actor = owner_.actors().Create({}, false, {.values = {}, .refs = {{0, argument}}}, [](const auto&) {});
  auto ref = owner_.objects().NewInline({"value", {}, {actor}});
  EXPECT_TRUE(ref->record()->ready()) << "here it can be read at once";
  auto borrowed = Pass(ref, owner_, last_);
  last_.objects().Ask(*borrowed->record());
  net_.Settle();
  WireValue value;
  value.bytes = "5";
  owner_.objects().Resolve(argument->record(), value);
  net_.Settle();
  EXPECT_FALSE(borrowed->record()->ready());
  owner_.AnswerActor({});
  net_.Settle();
  EXPECT_TRUE(borrowed->record()->ready());
  EXPECT_EQ(borrowed->record()->contained_actors.size(), 1U);
}

TEST_F(ObjectTableTest, AQuestionThatABrokenWayLostIsAskedAgain) {
  auto ref = owner_.Put("value");
  auto borrowed = Pass(ref, owner_, last_);
  last_.objects().Ask(*borrowed->record());
  last_.outbox().frames.clear();  // lost
  last_.tables().OnPathBroken(owner_.self().process, "the connection broke", kAllReached);
  last_.outbox().Advance(std::chrono::seconds(1));
  net_.Settle();
  EXPECT_TRUE(borrowed->record()->ready());
}

TEST_F(ObjectTableTest, AValueThatIsAskedForAgainStaysUntilTheAnswer) {
  auto ref = owner_.PutStored(100);
  auto borrowed = Pass(ref, owner_, last_);
  last_.objects().Ask(*borrowed->record());
  net_.Settle();
  last_.objects().AskAgain(*borrowed->record());
  EXPECT_TRUE(borrowed->record()->ready()) << "calls that wait to be sent count on it";
  EXPECT_TRUE(borrowed->record()->asked);
  net_.Settle();
  EXPECT_FALSE(borrowed->record()->asked);
  last_.objects().AskAgain(*borrowed->record());
  net_.Kill(owner_);
  EXPECT_EQ(borrowed->record()->state, ObjectRecord::State::kError);
}

TEST_F(ObjectTableTest, NothingIsAskedOnceTheRayletIsGone) {
  auto ref = owner_.Put("value");
  auto borrowed = Pass(ref, owner_, last_);
  last_.tables().OnRayletLost("lost");
  last_.objects().Ask(*borrowed->record());
  EXPECT_EQ(borrowed->record()->state, ObjectRecord::State::kError);
}

TEST_F(ObjectTableTest, StoredMemoryIsFreedWhenAnotherProcessDropsTheLastRef) {
  auto ref = owner_.PutStored(1 << 20);
  auto borrowed = Pass(ref, owner_, middle_);
  Drop(owner_, &ref);
  EXPECT_THAT(owner_.outbox().Of(pb::ClientToRaylet::kDeleteObjects), IsEmpty());
  Drop(middle_, &borrowed);
  net_.Settle();
  EXPECT_EQ(owner_.outbox().Of(pb::ClientToRaylet::kDeleteObjects).size(), 1U);
}

TEST_F(ObjectTableTest, ANameThatOutlivedItsObjectSaysThatItIsGone) {
  auto ref = owner_.Put("value");
  const internal::ObjectName name{ref->record()->id, owner_.self()};
  Drop(owner_, &ref);
  auto stale = owner_.objects().Borrow(name);
  ASSERT_TRUE(stale->record()->ready());
  EXPECT_THAT(stale->record()->error->message, HasSubstr("no ref to it was left"));
  auto elsewhere = middle_.objects().Borrow(name);
  middle_.objects().Ask(*elsewhere->record());
  net_.Settle();
  ASSERT_TRUE(elsewhere->record()->ready());
  EXPECT_EQ(elsewhere->record()->error->kind, ErrorKind::kObjectLost);
}

TEST_F(ObjectTableTest, AProcessIsNeededWhileOthersHoldWhatItOwns) {
  EXPECT_FALSE(owner_.tables().Needed());
  auto borrowed = Pass(owner_.Put("value"), owner_, middle_);
  EXPECT_TRUE(owner_.tables().Needed());
  EXPECT_FALSE(middle_.tables().Needed()) << "what it borrows outlives it";
  Drop(middle_, &borrowed);
  net_.Settle();
  EXPECT_FALSE(owner_.tables().Needed());
  auto actor = owner_.actors().Create({}, false, {}, [](const auto&) {});
  EXPECT_TRUE(owner_.tables().Needed()) << "it ends with its creator";
  actor = nullptr;
  EXPECT_TRUE(owner_.tables().Needed()) << "the head may not know it yet, to end it";
  owner_.AnswerActor({});
  EXPECT_FALSE(owner_.tables().Needed());
}

// --- Long chains ---------------------------------------------------------------------------------------------------

TEST_F(ObjectTableTest, AChainOfValuesGoesHoweverLongItIs) {
  auto last = owner_.Put("first");
  const ObjectId first = last->record()->id;
  for (int i = 0; i < 200'000; ++i) last = owner_.Put("next", {last});
  Drop(owner_, &last);
  EXPECT_FALSE(Owned(first));
}

TEST_F(ObjectTableTest, AChainOfValuesMayOutliveTheTables) {
  auto process = std::make_unique<TestProcess>(kHere, 9);
  std::vector<internal::ObjectPtr> chain = {process->Put("first")};
  for (int i = 0; i < 200'000; ++i) chain.push_back(process->Put("next", {chain.back()}));
  const std::weak_ptr<ObjectRecord> first = chain.front()->record();
  process.reset();
  chain.erase(chain.begin(), chain.end() - 1);
  EXPECT_FALSE(first.expired());
  chain.clear();
  EXPECT_TRUE(first.expired());
}

// --- Failures that nobody hears of -----------------------------------------------------------------------------------

class UnheardTest : public ObjectTableTest {
 protected:
  static ErrorInfo Threw(std::string method) {
    return {.kind = ErrorKind::kThrew,
            .outcome = Outcome::kFailed,
            .message = "boom",
            .remote_type = "std::logic_error",
            .method = std::move(method)};
  }
  internal::ObjectPtr Call(const std::string& name) { return owner_.objects().NewPending(owner_.NewCall(name)); }
  void Fail(const internal::ObjectPtr& result, ErrorInfo error) {
    owner_.objects().Fail(result->record(), std::move(error));
  }
  const std::vector<std::string>& told() { return owner_.outbox().told; }
};

TEST_F(UnheardTest, ACallWhoseRefIsDroppedTellsOfItsFailureOncePerFunction) {
  for (int i = 0; i < 3; ++i) {
    auto result = Call("Add(int)");
    const auto record = result->record();
    Drop(owner_, &result);
    owner_.objects().Fail(record, Threw("Add(int)"));
  }
  ASSERT_EQ(told().size(), 1U);
  EXPECT_THAT(told()[0], HasSubstr("Add(int) threw std::logic_error: boom"));
  EXPECT_THAT(told()[0], HasSubstr("call Get or TryGet"));
  auto other = Call("Remove(int)");
  Fail(other, Threw("Remove(int)"));
  EXPECT_EQ(told().size(), 1U) << "somebody may still ask";
  Drop(owner_, &other);
  EXPECT_EQ(told().size(), 2U);
}

TEST_F(UnheardTest, WhoIsGivenTheErrorHasHeardOfIt) {
  auto asked = Call("Asked()");
  auto borrowed = Pass(asked, owner_, middle_);
  middle_.objects().Ask(*borrowed->record());
  net_.Settle();
  Fail(asked, Threw("Asked()"));
  net_.Settle();
  ASSERT_NE(borrowed->record()->error, nullptr);
  Drop(owner_, &asked);
  Drop(middle_, &borrowed);
  net_.Settle();
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(UnheardTest, TheErrorOfAnArgumentIsToldByTheCallThatItEnds) {
  auto argument = Call("Make()");
  Fail(argument, Threw("Make()"));
  auto use =
      owner_.tasks().Run(owner_.NewCall("Use(int)", 0, {.values = {}, .refs = {{0, argument}}}), MakeShape({}, {}));
  Drop(owner_, &argument);
  EXPECT_THAT(told(), IsEmpty());
  Drop(owner_, &use);
  ASSERT_EQ(told().size(), 1U);
  EXPECT_THAT(told()[0],
              HasSubstr("Use(int) was not executed, because its argument 1 failed: Make() threw std::logic_error"));
}

TEST_F(UnheardTest, TheEndOfAnActorIsNoFailureOfTheProgram) {
  auto result = Call("Add(int)");
  ErrorInfo error = Threw("Add(int)");
  error.kind = ErrorKind::kActorDied;
  Fail(result, error);
  Drop(owner_, &result);
  EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace troupe::client
