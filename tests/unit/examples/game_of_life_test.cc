#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "conways_rules.h"
#include "game.h"
#include "state.h"

namespace life {
namespace {

State After(std::size_t steps, const State& start) {
  Game game(start);
  game.Step(steps);
  return game.Last();
}

TEST(GameOfLifeTest, KnownPatternsDoWhatTheyAreKnownFor) {
  const State block = State::Parse("....\n.**.\n.**.\n....");
  EXPECT_EQ(After(1, block), block);
  const State across = State::Parse(".....\n.....\n.***.\n.....\n.....");
  const State down = State::Parse(".....\n..*..\n..*..\n..*..\n.....");
  EXPECT_EQ(After(1, across), down);
  EXPECT_EQ(After(2, across), across);
}

TEST(GameOfLifeTest, AGliderCrossesTheEdgesAndComesBack) {
  const State glider = State::Parse(".*....\n..*...\n***...\n......\n......\n......");
  EXPECT_EQ(After(4, glider), State::Parse("......\n..*...\n...*..\n.***..\n......\n......"));
  EXPECT_EQ(After(4 * 6, glider), glider) << "a cell down and to the right in 4 steps";
}

TEST(GameOfLifeTest, SmallGridsMeetThemselves) {
  EXPECT_EQ(After(1, State::Parse("*")).population(), 0U) << "its eight neighbours are itself";
  EXPECT_EQ(After(3, State()).size(), 0U);
}

TEST(GameOfLifeTest, AGameKeepsItsStates) {
  const State start = State::Random(16, 7);
  Game game(start);
  const auto played = game.Step(3);
  ASSERT_EQ(played.size(), 3U);
  EXPECT_EQ(game.Generations(), 3U);
  EXPECT_EQ(game.At(0), start);
  EXPECT_EQ(game.At(2), played[1]);
  EXPECT_EQ(game.Last(), played[2]);
}

TEST(GameOfLifeTest, StatesAreWrittenAndRead) {
  const State state = State::Random(9, 3);
  EXPECT_EQ(State::Parse(state.ToString()), state);
  EXPECT_EQ(State::Random(9, 3), state);
  EXPECT_NE(State::Random(9, 4), state);
  EXPECT_EQ(State::Parse("*\n\n").ToString(), "*.\n..\n") << "short rows are filled up";
  EXPECT_THROW(State::Parse("*x\n.."), std::invalid_argument);
  EXPECT_THROW(State::Parse("***\n"), std::invalid_argument);
}

// A grid that is cut into rows gives what the whole gives.
TEST(GameOfLifeTest, BlocksNeedNoMoreThanTheirNeighboursEdges) {
  const State start = State::Random(12, 5);
  const ConwaysRules rules;
  const Rows& cells = start.cells();
  const auto rows = [&](std::size_t from, std::size_t to) {
    return Rows(cells.begin() + static_cast<std::ptrdiff_t>(from * 12),
                cells.begin() + static_cast<std::ptrdiff_t>(to * 12));
  };
  Rows next = rules.Next(rows(0, 5), 12, rows(11, 12), rows(5, 6));
  const Rows lower = rules.Next(rows(5, 12), 12, rows(4, 5), rows(0, 1));
  next.insert(next.end(), lower.begin(), lower.end());
  EXPECT_EQ(State(12, next), rules.Next(start));
}

}  // namespace
}  // namespace life
