#include "client/object_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace troupe::client {
namespace {

std::shared_ptr<ObjectRecord> Record(ObjectId id) {
  auto record = std::make_shared<ObjectRecord>();
  record->id = id;
  return record;
}

TEST(ObjectIndexTest, FindsWhatIsInItAndNothingElse) {
  ObjectIndex index;
  EXPECT_EQ(index.Find({1, 1}), nullptr);
  const auto one = Record({1, 1}), again = Record({1, 1});
  index.Put(one);
  EXPECT_EQ(index.Find({1, 1}), one);
  EXPECT_EQ(index.Find({2, 1}), nullptr);
  index.Put(again);
  EXPECT_EQ(index.Find({1, 1}), again);
  EXPECT_EQ(index.size(), 1U);
  index.Erase(*one);
  EXPECT_EQ(index.Find({1, 1}), again) << "the other has its place";
  index.Erase(*again);
  index.Erase(*again);
  EXPECT_EQ(index.Find({1, 1}), nullptr);
  EXPECT_EQ(index.size(), 0U);
}

// Against a map, with few ids, so that many meet in one place and holes are closed; the index grows and shrinks.
TEST(ObjectIndexTest, IsAMap) {
  std::mt19937 random(7);
  std::map<ObjectId, std::shared_ptr<ObjectRecord>> map;
  ObjectIndex index;
  for (int step = 0; step < 60'000; ++step) {
    const ObjectId id{random() % 3, random() % 1'000};
    const bool grows = step / 10'000 % 2 == 0;
    if (random() % 4 < (grows ? 3 : 1)) {
      index.Put(map[id] = Record(id));
    } else if (const auto found = map.find(id); found != map.end()) {
      index.Erase(*found->second);
      map.erase(found);
    }
    ASSERT_EQ(index.size(), map.size());
    const ObjectId other{random() % 3, random() % 1'000};
    const auto expected = map.find(other);
    ASSERT_EQ(index.Find(other), expected == map.end() ? nullptr : expected->second) << "step " << step;
  }
  std::size_t seen = 0;
  index.ForEach([&](const auto& record) {
    ++seen;
    EXPECT_EQ(map.at(record->id), record);
  });
  EXPECT_EQ(seen, map.size());
}

// Values hold refs, whose end may reach the index again.
TEST(ObjectIndexTest, IsInOrderWhenARecordEnds) {
  ObjectIndex index;
  index.Put(Record({1, 2}));
  auto outer = Record({1, 1});
  outer->on_ready.push_back([guard = std::shared_ptr<void>(nullptr, [&](void*) {
                               index.Erase(*index.Find({1, 2}));
                             })] {});
  index.Put(outer);
  index.Erase(*std::exchange(outer, nullptr));
  EXPECT_EQ(index.size(), 0U);
}

}  // namespace
}  // namespace troupe::client
