#include "object_store/store_view.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <thread>

#include "object_store/store_owner.h"
#include "tests/unit/object_store/store_test_support.h"

namespace troupe::store {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class StoreViewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = OpenStore({.capacity = kMiB});
    ASSERT_NE(store_, nullptr);
    const auto extent = store_->Create(writer_, id_, 10'000);
    ASSERT_TRUE(extent.ok());
    extent_ = *extent;
    const auto bytes = writing_.MapWritable(extent_);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    FillPattern(id_, *bytes);
    ASSERT_EQ(store_->Seal(writer_, id_), OkStatus());
  }

  const ProcessId writer_{1};
  const ObjectId id_{1, 1};
  std::unique_ptr<StoreOwner> store_;
  Extent extent_;
  StoreView writing_;
};

TEST_F(StoreViewTest, ReadsWhatAnotherViewWrote) {
  StoreView reading;
  const auto bytes = reading.MapReadable(extent_);
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  EXPECT_EQ(bytes->size(), 10'000U);
  EXPECT_TRUE(HasPattern(id_, *bytes));
  EXPECT_FALSE(HasPattern({1, 2}, *bytes));
}

TEST_F(StoreViewTest, MapsEachSegmentOncePerKindOfAccessUntilForgotten) {
  const auto other = store_->Create(writer_, {1, 2}, 100);
  ASSERT_TRUE(other.ok());
  ASSERT_EQ(other->segment, extent_.segment);
  ASSERT_TRUE(writing_.MapWritable(*other).ok());
  EXPECT_EQ(writing_.mappings(), 1U);
  ASSERT_TRUE(writing_.MapReadable(extent_).ok());
  EXPECT_EQ(writing_.MapReadable(extent_)->data(), writing_.MapReadable(extent_)->data());
  EXPECT_EQ(writing_.mappings(), 2U);
  writing_.Forget(extent_.segment);
  writing_.Forget("unknown");
  EXPECT_EQ(writing_.mappings(), 0U);
  EXPECT_TRUE(HasPattern(id_, *writing_.MapReadable(extent_)));
}

TEST_F(StoreViewTest, KeepsItsMappingWhenTheOwnerIsGone) {
  StoreView reading;
  const auto bytes = reading.MapReadable(extent_);
  ASSERT_TRUE(bytes.ok());
  store_.reset();
  EXPECT_TRUE(HasPattern(id_, *bytes));
  EXPECT_TRUE(reading.MapReadable(extent_).ok());
  EXPECT_EQ(StoreView().MapReadable(extent_).status().code(), StatusCode::kNotFound);
}

TEST_F(StoreViewTest, MapsAnObjectWithoutBytesToNothing) {
  StoreView view;
  const auto bytes = view.MapReadable(Extent{});
  ASSERT_TRUE(bytes.ok());
  EXPECT_TRUE(bytes->empty());
  EXPECT_TRUE(view.MapWritable(Extent{}).ok());
  EXPECT_EQ(view.mappings(), 0U);
}

TEST_F(StoreViewTest, RefusesExtentsThatContradictThemselves) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::vector<Extent> bad(9, extent_);
  bad[0].size = extent_.segment_size + 1;
  bad[1].offset = extent_.segment_size;
  bad[2].offset = kMax;
  bad[3].size = kMax;
  bad[4] = {extent_.segment, kMax, kMax - 10, 11};
  bad[5].segment = "";
  bad[6].segment = "../" + extent_.segment;
  bad[7].segment = extent_.segment + "x";
  bad[8].segment = extent_.segment.substr(0, extent_.segment.find('.')) + ".1";
  StoreView view;
  for (const Extent& extent : bad) {
    EXPECT_EQ(view.MapReadable(extent).status().code(), StatusCode::kInvalidArgument) << extent.segment;
    EXPECT_EQ(view.MapWritable(extent).status().code(), StatusCode::kInvalidArgument) << extent.segment;
  }
  EXPECT_EQ(view.mappings(), 0U);
}

TEST_F(StoreViewTest, CallsASegmentOfAnotherSizeLost) {
  Extent lie = extent_;
  lie.segment_size = 2 * extent_.segment_size;
  lie.offset = extent_.segment_size;
  StoreView view;
  EXPECT_EQ(view.MapReadable(lie).status().code(), StatusCode::kDataLoss);
  ASSERT_TRUE(view.MapReadable(extent_).ok());
  EXPECT_EQ(view.MapReadable(lie).status().code(), StatusCode::kDataLoss) << "also when it is mapped already";

  ASSERT_EQ(::truncate(("/dev/shm/" + extent_.segment).c_str(), 100), 0);
  EXPECT_EQ(StoreView().MapReadable(extent_).status().code(), StatusCode::kDataLoss);
}

TEST_F(StoreViewTest, NeverMakesAReadersMappingWritable) {
  StoreView reading;
  const auto bytes = reading.MapReadable(extent_);
  ASSERT_TRUE(bytes.ok());
  const auto page = reinterpret_cast<std::uintptr_t>(bytes->data()) / 4096 * 4096;
  EXPECT_EQ(::mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
}

// Maps within the statement: a mapping made before it is not there in the child, which would die of that.
TEST_F(StoreViewTest, FaultsOnAWriteThroughAReadersMapping) {
  const auto read_then = [this](bool write) {
    std::signal(SIGSEGV, SIG_DFL);  // also where a sanitizer has put its own
    StoreView reading;
    const auto bytes = reading.MapReadable(extent_);
    if (!bytes.ok() || !HasPattern(id_, *bytes)) ::_exit(2);
    if (write) *const_cast<volatile std::byte*>(bytes->data()) = std::byte{1};
    ::_exit(0);
  };
  EXPECT_EXIT(read_then(false), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(read_then(true), ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(StoreViewTest, LeavesAForkedChildWithoutMappingsAndHarmless) {
  auto reading = std::make_unique<StoreView>();
  const auto bytes = reading->MapReadable(extent_);
  ASSERT_TRUE(bytes.ok());
  const auto touch = [&] {
    std::signal(SIGSEGV, SIG_DFL);
    ::_exit(static_cast<int>(*const_cast<const volatile std::byte*>(bytes->data())) & 1);
  };
  EXPECT_EXIT(touch(), ::testing::KilledBySignal(SIGSEGV), "");
  // In the child something else lies at that address by then, which the view must not unmap.
  const auto destroy = [&] {
    const auto page = reinterpret_cast<std::uintptr_t>(bytes->data()) / 4096 * 4096;
    auto* mine = static_cast<volatile char*>(::mmap(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE,
                                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    reading.reset();
    *mine = 1;
    ::_exit(*mine == 1 ? 0 : 1);
  };
  EXPECT_EXIT(destroy(), ::testing::ExitedWithCode(0), "");
  EXPECT_TRUE(HasPattern(id_, *bytes));
}

TEST_F(StoreViewTest, ServesManyThreads) {
  StoreView reading;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const auto bytes = reading.MapReadable(extent_);
        good += bytes.ok() && (*bytes)[round] == PatternAt(id_, static_cast<std::size_t>(round)) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 800);
  EXPECT_EQ(reading.mappings(), 1U);
}

}  // namespace
}  // namespace troupe::store
