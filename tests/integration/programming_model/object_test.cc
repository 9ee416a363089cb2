// Objects: Put, Get, TryGet, Wait, timeouts, large values and refs inside values.
#include <troupe/troupe.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/programming_model/suite.h"

namespace troupe::integration {
namespace {

using namespace std::chrono_literals;
class Objects : public ModelTest {};

struct Tree {
  std::string name;
  std::map<std::string, ObjectRef<std::string>> leaves;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, leaves);
  }
};

// Ends when the test opens the gate: the order of events is the test's.
class Gate {
 public:
  const std::string& path() const { return path_; }
  void Open() const { std::ofstream{path_}; }

 private:
  std::string path_ = DriverTest::cluster().NewFile();
};

int WaitForGate(const std::string& path, int value) {
  if (!Eventually([&] { return access(path.c_str(), F_OK) == 0; })) throw std::runtime_error("the gate stays shut");
  return value;
}

std::size_t Size(const std::string& bytes) { return bytes.size(); }
std::string ReadLeaves(const Tree& tree) {
  std::string text = tree.name;
  for (const auto& [name, leaf] : tree.leaves) text += " " + name + "=" + leaf.Get();
  return text;
}
std::string Blank(std::size_t size) { return std::string(size, ' '); }

TEST_F(Objects, AreReadWhereverTheyArePut) {
  auto ref = Put(std::string("value"));
  EXPECT_EQ(ref.Get(kDeadline), "value");
  EXPECT_EQ(troupe::Run<&Size>(ref).Get(kDeadline), 5U);
  EXPECT_EQ(Put("literal").Get(kDeadline), "literal");
}

TEST_F(Objects, OfAMebibyteKeepEveryByte) {
  std::string bytes(1 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 16);
  auto ref = Put(bytes);
  EXPECT_TRUE(ref.Get(kDeadline) == bytes);
  EXPECT_TRUE(troupe::Run([](std::string text) { return text; }, ref).Get(kDeadline) == bytes);
}

TEST_F(Objects, OfSixtyFourMebibytesFit) {
  const std::string bytes(64 << 20, 'x');
  auto ref = Put(bytes);
  EXPECT_EQ(troupe::Run<&Size>(ref).Get(kDeadline), bytes.size());
  EXPECT_TRUE(ref.Get(kDeadline) == bytes);
}

// Fails if what refs leave behind is not given back: 20 times 32 MiB is more than twice the store.
TEST_F(Objects, GiveTheirMemoryBackWhenTheLastRefGoes) {
  for (int i = 0; i < 20; ++i) {
    auto ref = Put(std::string(32 << 20, static_cast<char>('a' + i % 26)));
    ASSERT_EQ(troupe::Run<&Size>(ref).Get(kDeadline), std::size_t{32} << 20) << i;
  }
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(troupe::Run<&Blank>(std::size_t{32} << 20).Get(kDeadline).size(), std::size_t{32} << 20) << i;
  }
}

TEST_F(Objects, MayHoldRefsToOthers) {
  Tree tree;
  tree.name = "tree";
  tree.leaves["a"] = Put(std::string("1"));
  tree.leaves["b"] = troupe::Run([] { return std::string("2"); });
  tree.leaves["c"] = Put(std::string(1 << 20, 'c'));
  auto ref = Put(tree);
  tree = {};
  const std::string text = troupe::Run<&ReadLeaves>(ref).Get(kDeadline);
  EXPECT_EQ(text.substr(0, 15), "tree a=1 b=2 c=");
  EXPECT_EQ(text.size(), 15U + (1 << 20));
  EXPECT_EQ(ref.Get(kDeadline).leaves.at("b").Get(kDeadline), "2");
}

TEST_F(Objects, AreFetchedManyAtOnceInOrder) {
  std::vector<ObjectRef<int>> refs;
  for (int i = 0; i < 1000; ++i) refs.push_back(Put(i));
  const std::vector<int> values = Get(refs, kDeadline);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  EXPECT_EQ(values.size(), 1000U);
  auto [number, text] = Get(Put(1), Put("one"));
  EXPECT_EQ(number, 1);
  EXPECT_EQ(text, "one");
}

TEST_F(Objects, TimeOutAndStayValid) {
  const Gate gate;
  auto ref = troupe::Run<&WaitForGate>(gate.path(), 3);
  EXPECT_THROW(ref.Get(20ms), TimeoutError);
  const Expected<int> early = ref.TryGet(1ms);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().kind, ErrorKind::kTimeout);
  gate.Open();
  EXPECT_EQ(ref.Get(kDeadline), 3);
}

TEST_F(Objects, WaitReturnsThoseThatAreReadyInTheOrderGiven) {
  const Gate first, second;
  std::vector<ObjectRef<int>> refs = {troupe::Run<&WaitForGate>(first.path(), 0), Put(1),
                                      troupe::Run<&WaitForGate>(second.path(), 2), Put(3)};
  auto [one, rest] = Wait(refs, {.num_returns = 1, .timeout = kDeadline});
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0], refs[1]);
  EXPECT_EQ(rest, (std::vector{refs[0], refs[2], refs[3]}));

  auto [two, blocked] = Wait(refs, {.num_returns = 4, .timeout = 50ms});
  EXPECT_EQ(two, (std::vector{refs[1], refs[3]}));
  EXPECT_EQ(blocked, (std::vector{refs[0], refs[2]}));

  second.Open();
  auto [three, last] = Wait(refs, {.num_returns = 3, .timeout = kDeadline});
  EXPECT_EQ(three, (std::vector{refs[1], refs[2], refs[3]}));
  EXPECT_EQ(last, (std::vector{refs[0]}));
  first.Open();
  EXPECT_EQ(Wait(refs, {.num_returns = 4, .timeout = kDeadline}).pending.size(), 0U);
}

TEST_F(Objects, WaitRefusesWhatMakesNoSense) {
  auto ref = Put(1);
  EXPECT_THROW(Wait(std::vector{ref}, {.num_returns = 2}), UsageError);
  EXPECT_THROW(Wait(std::vector{ref, ref}), UsageError);
  EXPECT_THROW(Wait(std::vector{ObjectRef<int>()}), UsageError);
}

TEST_F(Objects, TooLargeForTheStoreAreRefusedWithAClearError) {
  try {
    Put(std::string(std::size_t{300} << 20, 'x'));
    FAIL() << "a store of 256 MiB took 300";
  } catch (const SystemError& error) {
    EXPECT_NE(std::string(error.what()).find("store"), std::string::npos) << error.what();
  }
  EXPECT_EQ(Put(1).Get(kDeadline), 1);
}

}  // namespace
}  // namespace troupe::integration
