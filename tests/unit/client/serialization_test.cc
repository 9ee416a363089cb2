#include "troupe/serialization.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string_view>

#include "fake_runtime.h"
#include "troupe/actor_handle.h"
#include "troupe/get.h"

namespace {

using troupe::Serializable;
using troupe::internal::Deserialize;
using troupe::internal::Payload;
using troupe::internal::Serialize;

struct Point {
  double x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

struct Split {
  int doubled = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(doubled / 2);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(doubled);
    doubled *= 2;
  }
};

struct Outside {
  std::string text;
};
template <class Archive>
void serialize(Archive& archive, Outside& outside) {
  archive(outside.text);
}

struct Tree {
  int value = 0;
  std::vector<Tree> children;
  std::unique_ptr<Tree> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, children, next);
  }
};

struct Empty {
  bool operator==(const Empty&) const = default;
};

struct Opaque {
  explicit Opaque(int) {}
};
class NoSerialize {
 public:
  int value() const { return value_; }

 private:
  int value_ = 0;
};
struct NoDefault {
  explicit NoDefault(int) {}
  template <class Archive>
  void serialize(Archive&) {}
};
struct Polymorphic {
  virtual ~Polymorphic() = default;
  template <class Archive>
  void serialize(Archive&) {}
};

// Aggregates, taken apart without conventions.
struct Pixel {
  Point at;
  std::uint8_t colour = 0;
  bool operator==(const Pixel&) const = default;
};
struct Drawing {
  std::string name;
  std::vector<Pixel> pixels;
  std::optional<Pixel> cursor;
  std::variant<int, Pixel> either;
  std::map<std::string, std::array<Pixel, 2>> named;
  std::pair<Empty, int> pair;
  bool operator==(const Drawing&) const = default;
};
struct Branch {
  int value = 0;
  std::vector<Branch> children;
  std::unique_ptr<Branch> next;
};
struct Linked {
  std::shared_ptr<Pixel> first;
  std::shared_ptr<Pixel> second;
};
struct Holding {
  troupe::ObjectRef<int> ref;
  int number = 0;
};
struct Within {
  Pixel pixel;
  template <class Archive>
  void serialize(Archive& archive) {
    archive& pixel;
  }
};
struct Widest {
  char a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13, n = 14, o = 15,
       p = 16, q = 17, r = 18, s = 19, t = 20, u = 21, v = 22, w = 23, x = 24, y = 25, z = 26, A = 27, B = 28, C = 29,
       D = 30, E = 31, F = 32;
  bool operator==(const Widest&) const = default;
};
// An aggregate with conventions of its own.
struct Inverted {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(~value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
    value = ~value;
  }
};
struct Final final {
  virtual ~Final() = default;
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
struct WithBase : Pixel {
  int z = 0;
};
struct WithArray {
  int values[2] = {};
};
struct WithClass {
  NoSerialize inner;
};

enum class Colour : std::uint8_t { kRed, kBlue = 200 };

struct Picky {
  int value = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
    if (value == 0) throw std::runtime_error("zero is not allowed");
  }
};

static_assert(Serializable<int> && Serializable<bool> && Serializable<Colour> && Serializable<std::string>);
static_assert(Serializable<Point> && Serializable<Split> && Serializable<Outside> && Serializable<Tree>);
static_assert(Serializable<Empty> && Serializable<std::vector<Empty>>);
static_assert(Serializable<std::map<std::string, std::vector<std::optional<Point>>>>);
static_assert(Serializable<std::unique_ptr<Point>> && Serializable<std::shared_ptr<const Point>>);
static_assert(Serializable<troupe::ObjectRef<NoSerialize>> && Serializable<std::vector<troupe::ObjectRef<void>>>);
static_assert(!Serializable<int*> && !Serializable<const char*> && !Serializable<int&> && !Serializable<void>);
static_assert(!Serializable<NoSerialize> && !Serializable<Opaque> && !Serializable<NoDefault>);
static_assert(!Serializable<std::vector<NoSerialize>> && !Serializable<std::pair<int, NoSerialize>>);
static_assert(!Serializable<std::map<int, int*>> && !Serializable<std::optional<std::vector<int*>>>);
static_assert(!Serializable<std::variant<int, NoSerialize>> && !Serializable<std::tuple<NoSerialize>>);
static_assert(!Serializable<std::unique_ptr<Polymorphic>> && !Serializable<std::shared_ptr<NoSerialize>>);
static_assert(Serializable<Drawing> && Serializable<Branch> && Serializable<Widest> && Serializable<Holding>);
static_assert(!Serializable<WithBase> && !Serializable<WithArray> && !Serializable<WithClass> &&
              !Serializable<std::vector<WithClass>>);
static_assert(Serializable<std::shared_ptr<Final>> && !Serializable<std::weak_ptr<Polymorphic>>);
static_assert(!Serializable<std::unique_ptr<int[]>> && !Serializable<std::string_view>);
static_assert(!Serializable<std::function<void()>> && !Serializable<std::span<int>>);

std::span<const std::byte> BytesOf(const Payload& payload) { return std::as_bytes(std::span(payload.bytes)); }

template <class T>
T RoundTrip(const T& value) {
  return Deserialize<T>(BytesOf(Serialize(value)));
}

template <class T>
void ExpectSame(const T& value) {
  EXPECT_EQ(RoundTrip(value), value);
}

TEST(SerializationTest, BringsBackStandardTypes) {
  using namespace std::chrono_literals;
  ExpectSame(true);
  ExpectSame('x');
  ExpectSame(std::numeric_limits<std::int64_t>::min());
  ExpectSame(1.5f);
  ExpectSame(1.5L);
  ExpectSame(Colour::kBlue);
  ExpectSame(std::string("a\0b", 3));
  ExpectSame(std::u16string(u"text"));
  ExpectSame(std::vector<int>{1, 2, 3});
  ExpectSame(std::vector<bool>{true, false, true});
  ExpectSame(std::vector<std::string>{"a", "", "c"});
  ExpectSame(std::vector<std::vector<Point>>{{{1, 2}}, {}, {{3, 4}, {5, 6}}});
  ExpectSame(std::array<double, 3>{1, 2, 3});
  ExpectSame(std::array<std::string, 2>{"a", "b"});
  ExpectSame(std::deque<int>{1, 2});
  ExpectSame(std::list<Point>{{1, 2}});
  ExpectSame(std::map<std::string, int>{{"a", 1}, {"b", 2}});
  ExpectSame(std::multimap<int, int>{{1, 1}, {1, 2}});
  ExpectSame(std::unordered_map<int, std::string>{{1, "a"}});
  ExpectSame(std::set<int>{3, 1, 2});
  ExpectSame(std::unordered_set<std::string>{"a", "b"});
  ExpectSame(std::pair(1, std::string("a")));
  ExpectSame(std::tuple(1, 2.0, std::string("a")));
  ExpectSame(std::tuple<>());
  ExpectSame(std::optional<Point>());
  ExpectSame(std::optional<Point>({1, 2}));
  ExpectSame(std::variant<int, std::string, std::monostate>("a"));
  ExpectSame(std::variant<int, std::string, std::monostate>(std::monostate()));
  ExpectSame(1500ms);
  ExpectSame(std::chrono::system_clock::time_point(5s));
  ExpectSame(std::complex<double>(1, 2));
  ExpectSame(std::bitset<70>("1011"));
}

TEST(SerializationTest, BringsBackUserTypes) {
  ExpectSame(Point{1, 2});
  EXPECT_EQ(RoundTrip(Split{8}).doubled, 8);
  EXPECT_EQ(RoundTrip(Outside{"text"}).text, "text");
  Tree tree;
  tree.children.resize(2);
  tree.children[1].value = 7;
  tree.next = std::make_unique<Tree>();
  tree.next->value = 9;
  const Tree copy = RoundTrip(tree);
  EXPECT_EQ(copy.children.at(1).value, 7);
  EXPECT_EQ(copy.next->value, 9);
}

TEST(SerializationTest, BringsBackAggregates) {
  ExpectSame(Pixel{{1, 2}, 3});
  ExpectSame(Drawing{.name = "a",
                     .pixels = {{{1, 2}, 3}, {}},
                     .cursor = Pixel{{4, 5}, 6},
                     .either = Pixel{{7, 8}, 9},
                     .named = {{"b", {Pixel{{1, 1}, 1}, Pixel{{2, 2}, 2}}}},
                     .pair = {{}, 10}});
  ExpectSame(Widest{});
  Branch tree;
  tree.children.resize(2);
  tree.children[1].value = 7;
  tree.next = std::make_unique<Branch>();
  tree.next->value = 9;
  const Branch copy = RoundTrip(tree);
  EXPECT_EQ(copy.children.at(1).value, 7);
  EXPECT_EQ(copy.next->value, 9);
  EXPECT_EQ(RoundTrip(Within{{{1, 2}, 3}}).pixel, (Pixel{{1, 2}, 3}));
}

TEST(SerializationTest, WritesAnAggregateAsItsMembersInTheirOrder) {
  EXPECT_EQ(Serialize(Pixel{{1, 2}, 3}).bytes, Serialize(std::tuple(1.0, 2.0, std::uint8_t{3})).bytes);
  EXPECT_EQ(Serialize(Within{{{1, 2}, 3}}).bytes, Serialize(Pixel{{1, 2}, 3}).bytes);
  std::string counted;
  for (char c = 1; c <= 32; ++c) counted += c;
  EXPECT_EQ(Serialize(Widest{}).bytes, counted);
}

TEST(SerializationTest, LeavesAggregatesTheirConventions) {
  EXPECT_EQ(Serialize(Inverted{5}).bytes, Serialize(~5).bytes);
  EXPECT_EQ(RoundTrip(Inverted{5}).value, 5);
  EXPECT_EQ(RoundTrip(std::vector<Inverted>{{5}}).at(0).value, 5);
}

TEST(SerializationTest, KeepsWhichPointersOfAnAggregateAreTheSame) {
  const auto pixel = std::make_shared<Pixel>(Pixel{{1, 2}, 3});
  const Linked copy = RoundTrip(Linked{pixel, pixel});
  EXPECT_EQ(copy.first, copy.second);
  EXPECT_EQ(*copy.first, *pixel);
}

TEST(SerializationTest, KnowsTheRefsInAnAggregate) {
  troupe::internal::ScopedRuntime runtime;
  const Payload payload = Serialize(std::vector<Holding>{{troupe::Put(5), 6}});
  ASSERT_EQ(payload.objects.size(), 1u);
  const auto copy = Deserialize<std::vector<Holding>>(BytesOf(payload));
  EXPECT_EQ(copy.at(0).ref.Get(), 5);
  EXPECT_EQ(copy.at(0).number, 6);
}

TEST(SerializationTest, RefusesAggregatesThatNestTooDeeply) {
  Branch root;
  Branch* last = &root;
  for (int i = 0; i < troupe::internal::kMaxDepth; ++i) {
    last->next = std::make_unique<Branch>();
    last = last->next.get();
  }
  EXPECT_THROW(Serialize(root), troupe::SerializationError);
  while (root.next) root.next = std::move(root.next->next);
}

TEST(SerializationTest, CarriesPointersToFinalClasses) {
  const auto pointer = std::make_shared<Final>();
  pointer->value = 7;
  EXPECT_EQ(RoundTrip(pointer)->value, 7);
}

TEST(SerializationTest, KeepsHowManyEmptyObjectsThereAre) {
  ExpectSame(std::vector<Empty>(5));
  ExpectSame(std::vector<std::tuple<>>(3));
}

TEST(SerializationTest, KeepsWhichSharedPointersAreTheSame) {
  auto shared = std::make_shared<Point>(Point{1, 2});
  auto copy = RoundTrip(std::vector{shared, std::make_shared<Point>(), shared, std::shared_ptr<Point>()});
  EXPECT_EQ(copy[0], copy[2]);
  EXPECT_NE(copy[0], copy[1]);
  EXPECT_EQ(*copy[0], (Point{1, 2}));
  EXPECT_EQ(copy[3], nullptr);
}

TEST(SerializationTest, WritesNumbersRawAndLittleEndian) {
  EXPECT_EQ(Serialize(std::uint32_t{0x01020304}).bytes, "\x04\x03\x02\x01");
  EXPECT_EQ(Serialize(std::string("ab")).bytes, std::string("\2\0\0\0\0\0\0\0ab", 10));
  EXPECT_EQ(Serialize(std::vector<std::uint16_t>{1, 2}).bytes, std::string("\2\0\0\0\0\0\0\0\1\0\2\0", 12));
}

TEST(SerializationTest, SaysWhatTheUsersCodeThrew) {
  try {
    Serialize(Picky{0});
    FAIL() << "nothing thrown";
  } catch (const troupe::SerializationError& error) {
    EXPECT_STREQ(error.what(), "cannot encode a (anonymous namespace)::Picky: zero is not allowed at byte 4");
  }
}

TEST(SerializationTest, RefusesChainsThatWouldExhaustTheStack) {
  auto head = std::make_unique<Tree>();
  for (int i = 0; i < troupe::internal::kMaxDepth; ++i) {
    auto longer = std::make_unique<Tree>();
    longer->next = std::move(head);
    head = std::move(longer);
  }
  EXPECT_THROW(Serialize(*head), troupe::SerializationError);
  while (head) head = std::move(head->next);
}

TEST(SerializationTest, CarriesRefsAsNamesAndKeepsThemAlive) {
  troupe::internal::ScopedRuntime runtime;
  const auto ref = troupe::Put(5);
  const std::vector<troupe::ObjectRef<int>> refs = {ref, {}};
  const Payload payload = Serialize(refs);
  ASSERT_EQ(payload.objects.size(), 1u);
  const auto copy = Deserialize<std::vector<troupe::ObjectRef<int>>>(BytesOf(payload));
  EXPECT_EQ(copy, refs);
  EXPECT_EQ(copy[0].Get(), 5);
}

}  // namespace
