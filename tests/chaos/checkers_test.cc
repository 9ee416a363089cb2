// Each checker accepts a good history, and finds the one thing that is wrong in a bad one.
#include "tests/chaos/checkers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace troupe::chaos {
namespace {

// Two calls of one driver to the holder of a name, the second with retries, across a restart.
History Good() {
  History h;
  h.invoked = {{"c1", "driver", "bank", 1, false, 10}, {"c2", "driver", "bank", 2, true, 20}};
  h.returned = {{"c1", Ended::kValue, "", 30}, {"c2", Ended::kValue, "", 60}};
  h.ran = {{"c1", "bank", "a1#1", 1, 15}, {"c2", "bank", "a1#1", 1, 25}, {"c2", "bank", "a1#2", 2, 50}};
  return h;
}

void ExpectOnly(const History& history, const std::string& checker) {
  const Violations found = CheckAll(history);
  EXPECT_FALSE(found.empty()) << checker << " found nothing";
  for (const std::string& text : found) EXPECT_TRUE(text.starts_with(checker + ": ")) << text;
}

TEST(CheckersTest, AcceptAGoodHistory) { EXPECT_EQ(CheckAll(Good()), Violations{}); }

TEST(CheckersTest, FindACallThatNeverEnds) {
  History h = Good();
  h.returned.pop_back();
  ExpectOnly(h, "EveryCallEnds");
  h.killed = {"driver"};
  EXPECT_EQ(CheckAll(h), Violations{}) << "who is killed hears of no end";
}

TEST(CheckersTest, FindACallThatEndsLate) {
  History h = Good();
  h.returned[0].how = Ended::kTimeout;
  ExpectOnly(h, "EveryCallEnds");
}

TEST(CheckersTest, FindAWrongValue) {
  History h = Good();
  h.returned[0].how = Ended::kWrongValue;
  ExpectOnly(h, "EveryCallEnds");
}

TEST(CheckersTest, FindACallWithoutRetriesThatRunsTwice) {
  History h = Good();
  h.invoked[1].retries = false;
  ExpectOnly(h, "RunsAtMostOnce");
}

TEST(CheckersTest, FindACallThatRunsTwiceInOneIncarnation) {
  History h = Good();
  h.ran.push_back({"c2", "bank", "a1#2", 2, 55});
  ExpectOnly(h, "RunsAtMostOnce");
}

TEST(CheckersTest, FindACallThatNobodyMade) {
  History h = Good();
  h.ran.push_back({"c3", "bank", "a1#2", 2, 70});
  ExpectOnly(h, "RunsAtMostOnce");
}

TEST(CheckersTest, FindACallThatRanAndWasSaidNotTo) {
  History h = Good();
  h.returned[0].how = Ended::kNotExecuted;
  ExpectOnly(h, "NotExecutedDidNotRun");
  h.returned[0].how = Ended::kUnknown;
  EXPECT_EQ(CheckAll(h), Violations{});
}

TEST(CheckersTest, FindAValueThatNobodyMade) {
  History h = Good();
  h.ran.erase(h.ran.begin());
  ExpectOnly(h, "ValuesWereMade");
}

TEST(CheckersTest, FindCallsOutOfOrder) {
  History h = Good();
  h.ran[0].at = 26;
  ExpectOnly(h, "KeepsOrder");
}

TEST(CheckersTest, AllowAnyOrderBetweenCallers) {
  History h = Good();
  h.invoked.push_back({"d1", "other", "bank", 1, false, 5});
  h.returned.push_back({"d1", Ended::kValue, "", 70});
  h.ran.push_back({"d1", "bank", "a1#2", 2, 65});
  EXPECT_EQ(CheckAll(h), Violations{});
}

TEST(CheckersTest, FindAHolderThatRunsOnAfterTheNext) {
  History h = Good();
  h.invoked.push_back({"d1", "other", "bank", 1, false, 5});
  h.returned.push_back({"d1", Ended::kValue, "", 90});
  h.ran.push_back({"d1", "bank", "b7#1", 1, 40});  // another actor, between the two processes of a1
  h.ran.push_back({"d2", "bank", "a1#1", 1, 45});
  h.invoked.push_back({"d2", "other", "bank", 2, false, 6});
  h.returned.push_back({"d2", Ended::kValue, "", 91});
  ExpectOnly(h, "OneHolderOfAName");
}

TEST(CheckersTest, FindAnOldIncarnationThatRunsOn) {
  History h = Good();
  for (Ran& ran : h.ran) ran.name.clear();  // so that only the numbers can tell
  h.invoked.push_back({"d1", "other", "bank", 1, false, 5});
  h.returned.push_back({"d1", Ended::kValue, "", 90});
  h.ran.push_back({"d1", "", "a1#1", 1, 55});
  ExpectOnly(h, "IncarnationsGrow");
}

TEST(HistoryTest, IsReadAsItWasWritten) {
  std::string folder = std::filesystem::temp_directory_path() / "troupe-history-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  {
    Pen pen(folder);
    Pen another(folder);
    pen.Write(Invoked{"c1", "driver", "", 7, true, 11});
    another.Write(Ran{"c1", "", "w9", 0, 12});
    pen.Write(Returned{"c1", Ended::kFailed, "it said:\n\"no\"", 13});
  }
  const History h = ReadHistory(folder);
  ASSERT_EQ(h.invoked.size(), 1u);
  EXPECT_EQ(h.invoked[0].call, "c1");
  EXPECT_EQ(h.invoked[0].target, "");
  EXPECT_EQ(h.invoked[0].sequence, 7u);
  EXPECT_TRUE(h.invoked[0].retries);
  ASSERT_EQ(h.returned.size(), 1u);
  EXPECT_EQ(h.returned[0].how, Ended::kFailed);
  EXPECT_EQ(h.returned[0].why, "it said: \"no\"");
  ASSERT_EQ(h.ran.size(), 1u);
  EXPECT_EQ(h.ran[0].holder, "w9");
  EXPECT_EQ(h.ran[0].at, 12);
  std::ofstream(folder + "/broken") << "returned\tc1\tmaybe\t-\t3\n";
  EXPECT_THROW((void)ReadHistory(folder), std::runtime_error);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace troupe::chaos
