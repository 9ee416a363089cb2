// The store with real processes that are killed while they write.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "object_store/store_owner.h"
#include "object_store/store_view.h"
#include "tests/unit/object_store/store_test_support.h"

namespace troupe::store {
namespace {

// A child that writes over its extent for ever; it has begun when the constructor returns.
class EndlessWriter {
 public:
  explicit EndlessWriter(const Extent& extent) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) Write(extent, ends[1]);
    ::close(ends[1]);
    char begun = 0;
    started_ = ::read(ends[0], &begun, 1) == 1;
    ::close(ends[0]);
  }
  ~EndlessWriter() { Kill(); }

  bool started() const { return started_; }
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
  }

 private:
  [[noreturn]] static void Write(const Extent& extent, int begun) {
    ::alarm(120);  // whatever becomes of the test
    StoreView view;
    const auto bytes = view.MapWritable(extent);
    if (!bytes.ok()) ::_exit(1);
    for (int value = 1;; ++value) {
      std::memset(bytes->data(), value, bytes->size());
      if (value == 1 && ::write(begun, "x", 1) != 1) ::_exit(1);
    }
  }

  pid_t pid_ = 0;
  bool started_ = false;
};

TEST(StoreProcessTest, StaysConsistentWhenWritersAreKilledWhileTheyWrite) {
  std::mt19937_64 random(TestSeed());
  const auto store = OpenStore({.capacity = 1 << 20});
  ASSERT_NE(store, nullptr);
  StoreView view;
  const ProcessId survivor{1'000'000};
  std::vector<ObjectId> alive;
  for (std::uint64_t round = 1; round <= 40; ++round) {
    const ProcessId writer{round};
    const ObjectId kept{1, round}, torn{2, round};
    // What the writer sealed lies in the segment in which it is killed while it writes more.
    const auto kept_extent = store->Create(writer, kept, 5'000);
    ASSERT_TRUE(kept_extent.ok()) << kept_extent.status().ToString();
    FillPattern(kept, *view.MapWritable(*kept_extent));
    ASSERT_EQ(store->Seal(writer, kept), OkStatus());
    const auto torn_extent = store->Create(writer, torn, 1 + random() % 50'000);
    ASSERT_TRUE(torn_extent.ok()) << torn_extent.status().ToString();

    EndlessWriter process(*torn_extent);
    ASSERT_TRUE(process.started());
    for (std::atomic<std::uint64_t> spins = random() % 100'000; spins > 0; --spins) {
    }
    process.Kill();
    store->RemoveProcess(writer);

    EXPECT_EQ(store->Get(survivor, torn).status().code(), StatusCode::kNotFound);
    const auto read = store->Get(survivor, kept);
    ASSERT_TRUE(read.ok());
    EXPECT_TRUE(HasPattern(kept, *view.MapReadable(*read)));
    alive.push_back(kept);
    EXPECT_EQ(store->GetUsage().used, alive.size() * 5'056);
    if (alive.size() < 4) continue;
    for (const ObjectId id : alive) {
      store->Release(survivor, id);
      store->Delete(id);
    }
    alive.clear();
    EXPECT_EQ(store->GetUsage().used, 0U);
  }
  // Later writers found room where dead ones had written.
  EXPECT_LE(store->GetUsage().segments, 4U);
}

TEST(StoreProcessTest, UnlinksNothingWhenAnOwnerIsKilledAndReclaimsItAfterwards) {
  const std::string prefix = RandomPrefix();
  const pid_t owner = ::fork();
  if (owner == 0) {
    const auto store = OpenStore({.name_prefix = prefix, .capacity = 1 << 20});
    if (store == nullptr || !store->Create(ProcessId{1}, {1, 1}, 100).ok()) ::_exit(1);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(owner, &status, 0), owner);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(SegmentsOf(prefix).size(), 1U);
  const auto reclaimed = StoreOwner::ReclaimStale(prefix);
  ASSERT_TRUE(reclaimed.ok());
  EXPECT_EQ(*reclaimed, 1U);
  EXPECT_EQ(SegmentsOf(prefix).size(), 0U);
}

}  // namespace
}  // namespace troupe::store
