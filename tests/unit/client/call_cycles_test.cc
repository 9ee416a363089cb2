#include "client/call_cycles.h"

#include <gmock/gmock.h>

#include "process_fixture.h"

namespace troupe::client {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr NodeId kNode{0, 1};

// Actors in processes of their own; who waits for whom is what the test says.
class CallCyclesTest : public testing::Test {
 protected:
  TestProcess& Add(std::uint64_t id) { return net_.Add(kNode, id); }

  // The actor of `from` waits in a method to call that of `to`, of whose calls `unanswered` have no answer.
  void Wait(TestProcess& from, const TestProcess& to, std::size_t unanswered = 1'000'000) {
    auto target = std::make_shared<ActorRecord>();
    target->phase = ActorPhase::kRunning;
    target->address = to.self();
    target->in_flight = unanswered;
    from.tables().cycles().Begin("Peer " + std::to_string(from.self().process.value), target);
  }
  static const std::optional<std::string>& Found(TestProcess& process) { return process.tables().cycles().found(); }
  // Moves what is sent, to itself too, and then the clocks.
  void Settle(std::initializer_list<TestProcess*> processes) {
    for (int round = 0; round < 3; ++round) {
      for (bool moved = true; moved;) {
        moved = false;
        for (TestProcess* from : processes) {
          for (TestProcess* to : processes) moved = net_.Move(*from, *to) || moved;
        }
      }
      for (TestProcess* process : processes) process->outbox().Advance(1s);
    }
  }

  TestNet net_;
};

TEST_F(CallCyclesTest, AnActorThatWaitsForItselfIsTold) {
  TestProcess& a = Add(1);
  Wait(a, a);
  Settle({&a});
  EXPECT_EQ(Found(a), "Peer 1 -> Peer 1");
}

TEST_F(CallCyclesTest, OneOfTwoThatWaitForEachOtherIsToldWhoeverBegins) {
  for (const bool first : {false, true}) {
    TestProcess& a = Add(first ? 1 : 3);
    TestProcess& b = Add(first ? 2 : 4);
    Wait(first ? a : b, first ? b : a);
    Settle({&a, &b});
    EXPECT_FALSE(Found(a) || Found(b)) << "only one waits";
    Wait(first ? b : a, first ? a : b);
    Settle({&a, &b});
    EXPECT_FALSE(Found(a));
    ASSERT_TRUE(Found(b));
    EXPECT_THAT(*Found(b), AnyOf("Peer 2 -> Peer 1 -> Peer 2", "Peer 4 -> Peer 3 -> Peer 4"));
  }
}

TEST_F(CallCyclesTest, OneOfThreeIsTold) {
  TestProcess &a = Add(1), &b = Add(2), &c = Add(3);
  Wait(a, c);
  Wait(c, b);
  Wait(b, a);
  Settle({&a, &b, &c});
  EXPECT_FALSE(Found(a) || Found(b));
  EXPECT_EQ(Found(c), "Peer 3 -> Peer 2 -> Peer 1 -> Peer 3");
}

TEST_F(CallCyclesTest, WhoWaitsForARingIsNoPartOfIt) {
  TestProcess &a = Add(1), &b = Add(2), &outside = Add(9);
  Wait(outside, a);
  Wait(a, b);
  Wait(b, a);
  Settle({&a, &b, &outside});
  EXPECT_FALSE(Found(outside));
  EXPECT_TRUE(Found(b));
}

TEST_F(CallCyclesTest, AWaitThatEndsByItselfIsNone) {
  TestProcess &a = Add(1), &b = Add(2);
  Wait(a, b);
  Wait(b, a, 10);  // only for room on the way
  Settle({&a, &b});
  EXPECT_FALSE(Found(a) || Found(b));
}

TEST_F(CallCyclesTest, AProbeOfAWaitThatIsOverCountsForNothing) {
  TestProcess &a = Add(1), &b = Add(2);
  Wait(a, b);
  Wait(b, a);
  ASSERT_TRUE(net_.Move(b, a));
  b.tables().cycles().End();
  Wait(b, a);  // another wait
  while (net_.Move(a, b)) {
  }
  EXPECT_FALSE(Found(b));
}

}  // namespace
}  // namespace troupe::client
