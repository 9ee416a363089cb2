#include <gtest/gtest.h>

#include <map>
#include <string>

#include "fake_runtime.h"
#include "troupe/troupe.h"

namespace app {

class Base {
 public:
  int Inherited(int value) { return value; }
  std::string Inherited(const std::string& value) { return value; }
};

class Overloaded : public Base {
 public:
  int Add(int value) { return value + 1; }
  double Add(double value) const { return value + 0.5; }
  std::string Add(const std::string& a, const std::string& b) const noexcept { return a + b; }
  std::size_t Add(std::map<int, int> map) { return map.size(); }
  int NotListed(int value) { return value; }
  double NotListed(double value) { return value; }
  int Plain() { return 1; }
};

// Listed in its own namespace, and before it is defined.
class Painter;
TROUPE_ACTOR(Painter, Move, Fill, Handle, Members, (Over, int(int)), (Over, int(const std::string&)),
             (Twice, long(long)));

struct Point {
  int x = 0;
  int y = 0;
};

class Painter {
 public:
  int Move(const Point& from, const Point& to, int factor) const { return factor * (to.x - from.x + to.y - from.y); }
  std::size_t Fill(std::vector<int> values) { return values.size(); }
  // Names that classes of the library have.
  troupe::ActorHandle<Painter> Handle(troupe::ActorHandle<Painter> other) { return other; }
  int Members() { return 5; }
  int Over(int value) { return value; }
  int Over(const std::string& value) { return static_cast<int>(value.size()); }
  template <class T>
  T Twice(T value) {
    return 2 * value;
  }
};

}  // namespace app

TROUPE_ACTOR(app::Overloaded, Plain, (Add, int(int)), (Add, double(double) const),
             (Add, std::string(const std::string&, const std::string&) const noexcept),
             (Add, std::size_t(std::map<int, int>)), (Inherited, int(int)),
             (Inherited, std::string(const std::string&)), (NotListed, int(int)));

namespace {

using app::Overloaded;
using troupe::ObjectRef;

class OverloadTest : public testing::Test {
 protected:
  troupe::internal::ScopedRuntime runtime_;
  troupe::ActorHandle<Overloaded> actor_ = troupe::Spawn<Overloaded>();
};

TEST_F(OverloadTest, ChoosesAsCppDoes) {
  static_assert(std::is_same_v<decltype(actor_.Add(1)), ObjectRef<int>>);
  static_assert(std::is_same_v<decltype(actor_.Add(short{1})), ObjectRef<int>>);
  static_assert(std::is_same_v<decltype(actor_.Add(1.0f)), ObjectRef<double>>);
  EXPECT_EQ(actor_.Add(1).Get(), 2);
  EXPECT_EQ(actor_.Add(1.0).Get(), 1.5);
  EXPECT_EQ(actor_.Add("a", "b").Get(), "ab");
  EXPECT_EQ(actor_.Add(std::map<int, int>{{1, 2}}).Get(), 1u);
  EXPECT_EQ(actor_.Plain().Get(), 1);
}

TEST_F(OverloadTest, ChoosesByTheValueOfARef) {
  EXPECT_EQ(actor_.Add(troupe::Put(2.0)).Get(), 2.5);
  EXPECT_EQ(actor_.Add(troupe::Put("a"), "b").Get(), "ab");
}

TEST_F(OverloadTest, FindsOverloadsOfABase) {
  EXPECT_EQ(actor_.Inherited(5).Get(), 5);
  EXPECT_EQ(actor_.Inherited("x").Get(), "x");
}

TEST_F(OverloadTest, CallTakesAListedOverload) {
  EXPECT_EQ(actor_.Call<static_cast<int (Overloaded::*)(int)>(&Overloaded::Add)>(1).Get(), 2);
  EXPECT_EQ(actor_.With({}).Add(1.0).Get(), 1.5);
}

TEST_F(OverloadTest, ArgumentsInBracesHaveTheTypesOfTheParameters) {
  const auto painter = troupe::Spawn<app::Painter>();
  EXPECT_EQ(painter.Move({1, 2}, {.x = 3, .y = 5}, 10).Get(), 50);
  EXPECT_EQ(painter.Move({}, app::Point{1, 1}, short{1}).Get(), 2);
  EXPECT_EQ(painter.Move(troupe::Put(app::Point{1, 1}), {}, 1).Get(), -2);
  EXPECT_EQ(painter.Fill({1, 2, 3}).Get(), 3u);
  EXPECT_EQ(painter.With({}).Fill({}).Get(), 0u);
  EXPECT_EQ(troupe::Spawn<app::Painter>().Fill({1}).Get(), 1u);
}

TEST_F(OverloadTest, ClassesAreListedInTheirNamespaceBeforeTheyAreDefined) {
  const auto painter = troupe::Spawn<app::Painter>();
  EXPECT_EQ(painter.Handle(painter).Get(), painter);
  EXPECT_EQ(painter.Over("four").Get(), 4);
  EXPECT_EQ(painter.Members().Get(), 5);
}

TEST_F(OverloadTest, AnInstanceOfATemplateIsListedByItsType) {
  EXPECT_EQ(troupe::Spawn<app::Painter>().Twice(21L).Get(), 42);
}

TEST_F(OverloadTest, OverloadsHaveDifferentNames) {
  actor_.Add(1);
  EXPECT_EQ(runtime_->last.name, "app::Overloaded::Add(int)");
  actor_.Add(1.0);
  EXPECT_EQ(runtime_->last.name, "app::Overloaded::Add(double) const");
}

}  // namespace

// 64 methods are the most that can be listed.
namespace app {
struct Wide {
#define M(n) \
  int M##n() { return 0x##n; }
#define TEN(t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7)
  TEN(0) TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7)
#undef TEN
#undef M
};
}  // namespace app

TROUPE_ACTOR(app::Wide, M00, M01, M02, M03, M04, M05, M06, M07, M10, M11, M12, M13, M14, M15, M16, M17, M20, M21, M22,
             M23, M24, M25, M26, M27, M30, M31, M32, M33, M34, M35, M36, M37, M40, M41, M42, M43, M44, M45, M46, M47,
             M50, M51, M52, M53, M54, M55, M56, M57, M60, M61, M62, M63, M64, M65, M66, M67, M70, M71, M72, M73, M74,
             M75, M76, M77);

namespace {

TEST_F(OverloadTest, SixtyFourMethodsCanBeListed) {
  auto wide = troupe::Spawn<app::Wide>();
  EXPECT_EQ(wide.M00().Get(), 0);
  EXPECT_EQ(wide.M77().Get(), 0x77);
}

}  // namespace
