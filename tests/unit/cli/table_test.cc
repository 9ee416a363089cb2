#include "cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace troupe::cli {
namespace {

std::string Print(const Table& table, bool color = false) {
  std::ostringstream out;
  table.Print(out, color);
  return out.str();
}

TEST(TableTest, AlignsColumnsAndShowsWhatIsEmpty) {
  Table table({"NAME", ">COUNT", "LAST"});
  table.Add({"a", "7", "x"});
  table.Add({"longer", "12345", ""});
  EXPECT_EQ(Print(table),
            "NAME    COUNT  LAST\n"
            "a           7  x\n"
            "longer  12345  -\n");
}

TEST(TableTest, LeavesOutAnOptionalColumnWhileItIsEmpty) {
  Table table({"A", "?WHY"});
  table.Add({"1", ""});
  EXPECT_EQ(Print(table), "A\n1\n");
  table.Add({"2", "because"});
  EXPECT_EQ(Print(table), "A  WHY\n1  -\n2  because\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({"A", "B"});
  table.Add({"äöü", "x"});
  table.Add({"abc", "y"});
  EXPECT_EQ(Print(table), "A    B\näöü  x\nabc  y\n");
}

TEST(TableTest, ColorsOnlyWhenAskedAndNeverPassesOnEscapes) {
  Table table({"A"});
  table.Add({Cell("x\033[31m\n", Color::kRed)});
  EXPECT_EQ(Print(table), "A\nx?[31m?\n");
  EXPECT_EQ(Print(table, true), "\033[1mA\033[0m\n\033[31mx?[31m?\033[0m\n");
}

}  // namespace
}  // namespace troupe::cli
