#include "object_store/store_owner.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <limits>
#include <map>

#include "object_store/shared_segment.h"
#include "object_store/store_view.h"
#include "tests/unit/object_store/store_test_support.h"

namespace troupe::store {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kKiB = 1 << 10;
constexpr std::uint64_t kMiB = 1 << 20;

class StoreOwnerTest : public ::testing::Test {
 protected:
  // Segments of 64 KiB.
  void SetUp() override { Open({.capacity = kMiB}); }
  void TearDown() override {
    store_.reset();
    EXPECT_THAT(SegmentsOf(prefix_), ::testing::IsEmpty());
  }
  void Open(StoreOptions options) {
    store_.reset();
    options.name_prefix = prefix_;
    store_ = OpenStore(options);
    ASSERT_NE(store_, nullptr);
    retired_.clear();
    store_->OnRetired([this](const std::string& segment) { retired_.push_back(segment); });
  }
  Extent MustCreate(ProcessId writer, ObjectId id, std::uint64_t size) {
    const auto extent = store_->Create(writer, id, size);
    EXPECT_TRUE(extent.ok()) << extent.status().ToString();
    return extent.ok() ? *extent : Extent{};
  }
  Extent MustPut(ProcessId writer, ObjectId id, std::uint64_t size) {
    const Extent extent = MustCreate(writer, id, size);
    EXPECT_EQ(store_->Seal(writer, id), OkStatus());
    return extent;
  }
  StatusCode CreateCode(ProcessId writer, ObjectId id, std::uint64_t size) {
    return store_->Create(writer, id, size).status().code();
  }
  StatusCode GetCode(ProcessId reader, ObjectId id) { return store_->Get(reader, id).status().code(); }

  const std::string prefix_ = RandomPrefix();
  const ProcessId writer_{1};
  const ProcessId other_{2};
  const ObjectId id_{1, 1};
  const ObjectId second_{1, 2};
  std::vector<std::string> retired_;
  std::unique_ptr<StoreOwner> store_;
};

TEST_F(StoreOwnerTest, FindsAnObjectOnceSealedUntilDeleted) {
  const Extent extent = MustCreate(writer_, id_, 1000);
  EXPECT_FALSE(store_->Contains(id_));
  EXPECT_EQ(store_->SizeOf(id_), std::nullopt);
  ASSERT_EQ(store_->Seal(writer_, id_), OkStatus());
  EXPECT_TRUE(store_->Contains(id_));
  EXPECT_EQ(store_->SizeOf(id_), 1000U);
  const auto got = store_->Get(other_, id_);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(*got, extent);
  store_->Release(other_, id_);
  store_->Delete(id_);
  EXPECT_FALSE(store_->Contains(id_));
  EXPECT_EQ(GetCode(other_, id_), StatusCode::kNotFound);
  EXPECT_EQ(store_->GetUsage().used, 0U);
}

TEST_F(StoreOwnerTest, CountsWhatItHolds) {
  MustCreate(writer_, id_, 1000);
  MustPut(writer_, second_, 100);
  ASSERT_TRUE(store_->Get(other_, second_).ok());
  Usage usage = store_->GetUsage();
  EXPECT_EQ(usage.capacity, kMiB);
  EXPECT_EQ(usage.reserved, 64 * kKiB);
  EXPECT_EQ(usage.used, 1024U + 128U);
  EXPECT_EQ(usage.objects, 2U);
  EXPECT_EQ(usage.unsealed, 1U);
  EXPECT_EQ(usage.pinned, 1U);
  EXPECT_EQ(usage.segments, 1U);
  ASSERT_EQ(store_->Abort(writer_, id_), OkStatus());
  usage = store_->GetUsage();
  EXPECT_EQ(usage.used, 128U);
  EXPECT_EQ(usage.peak, 1024U + 128U);
  EXPECT_EQ(usage.unsealed, 0U);
}

TEST_F(StoreOwnerTest, RefusesBadOptions) {
  const std::vector<StoreOptions> bad = {
      {.name_prefix = "", .capacity = kMiB},
      {.name_prefix = "a/b", .capacity = kMiB},
      {.name_prefix = "a.b", .capacity = kMiB},
      {.name_prefix = std::string(101, 'a'), .capacity = kMiB},
      {.name_prefix = "a", .capacity = 0},
      {.name_prefix = "a", .capacity = 64 * kKiB - 1},
      {.name_prefix = "a", .capacity = std::numeric_limits<std::uint64_t>::max()},
      {.name_prefix = "a", .capacity = kMiB, .segment_size = 0},
  };
  for (const StoreOptions& options : bad) {
    EXPECT_EQ(StoreOwner::Open(options).status().code(), StatusCode::kInvalidArgument)
        << options.name_prefix << " " << options.capacity;
  }
  EXPECT_EQ(StoreOwner::ReclaimStale("..").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(StoreOwnerTest, AnswersBadCallsWithTheirErrorAndChangesNothing) {
  const ObjectId sealed{1, 10}, unsealed{1, 11}, dying{1, 12}, unknown{1, 13}, doomed{1, 14};
  MustPut(writer_, sealed, 100);
  MustCreate(writer_, unsealed, 100);
  MustPut(writer_, dying, 100);
  ASSERT_TRUE(store_->Get(other_, dying).ok());
  store_->Delete(dying);
  MustCreate(writer_, doomed, 100);
  store_->Delete(doomed);
  const Usage before = store_->GetUsage();

  struct Case {
    const char* what;
    std::function<Status()> call;
    StatusCode code;
  };
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const auto create = [&](ObjectId id, std::uint64_t size) { return store_->Create(writer_, id, size).status(); };
  const auto get = [&](ObjectId id) { return store_->Get(other_, id).status(); };
  const std::vector<Case> cases = {
      {"create twice", [&] { return create(unsealed, 10); }, StatusCode::kAlreadyExists},
      {"create a sealed one", [&] { return create(sealed, 10); }, StatusCode::kAlreadyExists},
      {"create a dying one", [&] { return create(dying, 10); }, StatusCode::kFailedPrecondition},
      {"create a doomed one", [&] { return create(doomed, 10); }, StatusCode::kFailedPrecondition},
      {"create without id", [&] { return create({}, 10); }, StatusCode::kInvalidArgument},
      {"create by nobody", [&] { return store_->Create({}, unknown, 1).status(); }, StatusCode::kInvalidArgument},
      {"create 2^64-1 bytes", [&] { return create(unknown, kMax); }, StatusCode::kResourceExhausted},
      {"create 2^64-63 bytes", [&] { return create(unknown, kMax - 62); }, StatusCode::kResourceExhausted},
      {"create 2^63 bytes", [&] { return create(unknown, 1ULL << 63); }, StatusCode::kResourceExhausted},
      {"create above capacity", [&] { return create(unknown, kMiB + 1); }, StatusCode::kResourceExhausted},
      {"seal twice", [&] { return store_->Seal(writer_, sealed); }, StatusCode::kFailedPrecondition},
      {"seal another's", [&] { return store_->Seal(other_, unsealed); }, StatusCode::kPermissionDenied},
      {"seal unknown", [&] { return store_->Seal(writer_, unknown); }, StatusCode::kNotFound},
      {"seal a dying one", [&] { return store_->Seal(writer_, dying); }, StatusCode::kNotFound},
      {"seal by nobody", [&] { return store_->Seal({}, unsealed); }, StatusCode::kInvalidArgument},
      {"seal as the raylet", [&] { return store_->SealLocal(unsealed); }, StatusCode::kPermissionDenied},
      {"abort another's", [&] { return store_->Abort(other_, unsealed); }, StatusCode::kPermissionDenied},
      {"abort a sealed one", [&] { return store_->Abort(writer_, sealed); }, StatusCode::kFailedPrecondition},
      {"abort unknown", [&] { return store_->Abort(writer_, unknown); }, StatusCode::kNotFound},
      {"abort by nobody", [&] { return store_->Abort({}, unsealed); }, StatusCode::kInvalidArgument},
      {"get unsealed", [&] { return get(unsealed); }, StatusCode::kFailedPrecondition},
      {"get unknown", [&] { return get(unknown); }, StatusCode::kNotFound},
      {"get a dying one", [&] { return get(dying); }, StatusCode::kNotFound},
      {"get a doomed one", [&] { return get(doomed); }, StatusCode::kNotFound},
      {"get by nobody", [&] { return store_->Get({}, sealed).status(); }, StatusCode::kInvalidArgument},
      {"read unsealed", [&] { return store_->ReadLocal(unsealed).status(); }, StatusCode::kFailedPrecondition},
      {"read unknown", [&] { return store_->ReadLocal(unknown).status(); }, StatusCode::kNotFound},
  };
  for (const Case& one : cases) {
    const Status status = one.call();
    EXPECT_EQ(status.code(), one.code) << one.what << ": " << status.ToString();
    EXPECT_FALSE(status.message().empty()) << one.what;
  }
  store_->Release(other_, sealed);
  store_->Release(writer_, dying);
  store_->Release(other_, unknown);
  store_->Delete(unknown);
  store_->Delete(dying);
  store_->Delete(doomed);
  store_->RemoveProcess({});
  store_->RemoveProcess(ProcessId{99});

  const Usage after = store_->GetUsage();
  EXPECT_EQ(after.used, before.used);
  EXPECT_EQ(after.reserved, before.reserved);
  EXPECT_EQ(after.objects, before.objects);
  EXPECT_EQ(after.unsealed, before.unsealed);
  EXPECT_EQ(after.pinned, before.pinned);
}

TEST_F(StoreOwnerTest, FreesADeletedObjectWithItsLastPin) {
  MustPut(writer_, id_, 1000);
  ASSERT_TRUE(store_->Get(other_, id_).ok());
  ASSERT_TRUE(store_->Get(other_, id_).ok());
  ASSERT_TRUE(store_->Get(writer_, id_).ok());
  store_->Delete(id_);
  store_->Release(other_, id_);
  store_->Release(writer_, id_);
  EXPECT_EQ(store_->GetUsage().used, 1024U);
  store_->Release(other_, id_);
  EXPECT_EQ(store_->GetUsage().used, 0U);
  EXPECT_EQ(store_->GetUsage().objects, 0U);
  MustPut(writer_, id_, 10);
}

TEST_F(StoreOwnerTest, KeepsTheRoomOfAnObjectDeletedWhileWrittenUntilItsWriterIsDone) {
  const Extent extent = MustCreate(writer_, id_, 1000);
  store_->Delete(id_);
  EXPECT_NE(MustCreate(writer_, second_, 1000).offset, extent.offset);
  EXPECT_EQ(store_->Seal(writer_, id_).code(), StatusCode::kNotFound);
  EXPECT_EQ(store_->GetUsage().used, 1024U);
  store_->Delete(second_);
  EXPECT_EQ(store_->Abort(writer_, second_), OkStatus());
  EXPECT_EQ(store_->GetUsage().used, 0U);
}

TEST_F(StoreOwnerTest, HoldsObjectsWithoutBytes) {
  const Extent extent = MustPut(writer_, id_, 0);
  EXPECT_EQ(extent, Extent{});
  EXPECT_TRUE(store_->Contains(id_));
  EXPECT_EQ(store_->SizeOf(id_), 0U);
  const auto pin = store_->ReadLocal(id_);
  ASSERT_TRUE(pin.ok());
  EXPECT_TRUE(pin->bytes.empty());
  store_->UnpinLocal(pin->token);
  store_->Delete(id_);
  EXPECT_EQ(store_->GetUsage().objects, 0U);
  EXPECT_EQ(store_->GetUsage().segments, 0U);
}

TEST_F(StoreOwnerTest, BoundsTheNumberOfObjects) {
  Open({.capacity = kMiB, .max_objects = 2});
  MustPut(writer_, id_, 0);
  MustPut(writer_, second_, 0);
  EXPECT_EQ(CreateCode(writer_, {1, 3}, 0), StatusCode::kResourceExhausted);
  store_->Delete(id_);
  MustPut(writer_, {1, 3}, 0);
}

TEST_F(StoreOwnerTest, DropsPinsAndUnsealedObjectsOfADeadProcessAndKeepsWhatItSealed) {
  MustPut(writer_, id_, 1000);
  MustCreate(writer_, second_, 500);
  const ObjectId read{1, 3};
  MustPut(other_, read, 100);
  ASSERT_TRUE(store_->Get(writer_, read).ok());
  ASSERT_TRUE(store_->Get(writer_, read).ok());
  store_->Delete(read);
  store_->RemoveProcess(writer_);
  EXPECT_TRUE(store_->Contains(id_));
  const Usage usage = store_->GetUsage();
  EXPECT_EQ(usage.objects, 1U);
  EXPECT_EQ(usage.pinned, 0U);
  EXPECT_EQ(usage.unsealed, 0U);
  EXPECT_EQ(usage.used, 1024U);
}

TEST_F(StoreOwnerTest, LeasesEachSegmentToOneLivingWriter) {
  const Extent first = MustPut(writer_, id_, 100);
  const Extent second = MustPut(other_, second_, 100);
  EXPECT_NE(first.segment, second.segment);
  EXPECT_EQ(MustPut(writer_, {1, 3}, 100).segment, first.segment);
  // Also when it is empty: the writer may still have it mapped.
  store_->Delete(id_);
  store_->Delete({1, 3});
  EXPECT_NE(MustPut(other_, {1, 4}, 64 * kKiB).segment, first.segment);
}

TEST_F(StoreOwnerTest, LeasesTheSegmentOfADeadWriterAgainWithoutTouchingItsObjects) {
  const Extent kept = MustPut(writer_, id_, 20'000);
  MustCreate(writer_, second_, 20'000);
  store_->RemoveProcess(writer_);
  std::vector<Extent> extents = {kept};
  for (std::uint64_t i = 10; i < 12; ++i) extents.push_back(MustCreate(other_, {1, i}, 20'000));
  for (const Extent& extent : extents) EXPECT_EQ(extent.segment, kept.segment);
  EXPECT_FALSE(AnyOverlap(extents));
}

TEST_F(StoreOwnerTest, OverlapCheckFindsOverlaps) {
  const Extent extent{"s", 4096, 0, 100};
  EXPECT_FALSE(AnyOverlap({extent, {"s", 4096, 128, 100}, {"t", 4096, 0, 100}, Extent{}, Extent{}}));
  EXPECT_TRUE(AnyOverlap({extent, {"s", 4096, 64, 100}}));
  EXPECT_TRUE(AnyOverlap({extent, extent}));
  EXPECT_TRUE(AnyOverlap({{"s", 4096, 4032, 65}}));
}

TEST_F(StoreOwnerTest, GivesLargeObjectsSegmentsOfTheirOwnInSteps) {
  Open({.capacity = 16 * kMiB, .warm_limit = 0});
  const Extent extent = MustPut(writer_, id_, 3 * kMiB);
  EXPECT_EQ(extent.segment_size, 4 * kMiB);
  EXPECT_NE(MustPut(writer_, second_, 100).segment, extent.segment);
  store_->Delete(id_);
  EXPECT_EQ(retired_, std::vector{extent.segment});
  EXPECT_EQ(store_->GetUsage().reserved, kMiB);
}

TEST_F(StoreOwnerTest, GivesMemoryBackAlsoWhereAClientStillMapsIt) {
  Open({.capacity = 16 * kMiB, .warm_limit = 0});
  const Extent extent = MustPut(writer_, id_, 4 * kMiB);
  StoreView slow_client;
  ASSERT_TRUE(slow_client.MapReadable(extent).ok());
  const int file = ::open(("/dev/shm/" + extent.segment).c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  ASSERT_EQ(::fstat(file, &info), 0);
  EXPECT_EQ(info.st_blocks * 512, 4 << 20);
  store_->Delete(id_);
  ASSERT_EQ(::fstat(file, &info), 0);
  EXPECT_EQ(info.st_blocks, 0);
  EXPECT_EQ(info.st_nlink, 0U);
  ::close(file);
}

TEST_F(StoreOwnerTest, ReusesAWarmSegmentForTheNextLargeObject) {
  Open({.capacity = 16 * kMiB, .warm_limit = 4 * kMiB});
  const Extent first = MustPut(writer_, id_, 4 * kMiB);
  store_->Delete(id_);
  EXPECT_EQ(MustPut(writer_, second_, 3 * kMiB).segment, first.segment);
  store_->Delete(second_);
  EXPECT_NE(MustPut(writer_, id_, 3 * kMiB / 2).segment, first.segment) << "less than half of it";
  store_->RemoveProcess(writer_);
  EXPECT_EQ(MustPut(other_, second_, 4 * kMiB).segment, first.segment);
}

TEST_F(StoreOwnerTest, UnlinksEmptySegmentsAboveItsWarmLimit) {
  Open({.capacity = kMiB, .warm_limit = 128 * kKiB});
  for (std::uint64_t i = 1; i <= 5; ++i) MustPut(writer_, {1, i}, 64 * kKiB);
  EXPECT_EQ(store_->GetUsage().segments, 5U);
  for (std::uint64_t i = 1; i <= 5; ++i) store_->Delete({1, i});
  EXPECT_EQ(store_->GetUsage().segments, 2U);
  EXPECT_EQ(store_->GetUsage().reserved, 128 * kKiB);
  EXPECT_EQ(retired_.size(), 3U);
  EXPECT_EQ(SegmentsOf(prefix_).size(), 2U);
}

TEST_F(StoreOwnerTest, GivesUpWarmSegmentsForAnObjectThatNeedsTheirRoom) {
  Open({.capacity = kMiB, .warm_limit = kMiB});
  for (std::uint64_t i = 1; i <= 16; ++i) MustPut(writer_, {1, i}, 64 * kKiB);
  EXPECT_EQ(CreateCode(other_, id_, 1), StatusCode::kAlreadyExists);
  EXPECT_EQ(CreateCode(other_, {2, 1}, 1), StatusCode::kResourceExhausted);
  for (std::uint64_t i = 1; i <= 15; ++i) store_->Delete({1, i});
  EXPECT_EQ(store_->GetUsage().reserved, kMiB);
  EXPECT_EQ(CreateCode(other_, {2, 1}, kMiB), StatusCode::kResourceExhausted) << "one segment is in use";
  EXPECT_EQ(store_->GetUsage().reserved, kMiB) << "nothing is given up for what does not fit anyway";
  MustPut(other_, {2, 1}, 15 * 64 * kKiB);
  EXPECT_EQ(store_->GetUsage().reserved, kMiB);
  EXPECT_EQ(store_->GetUsage().segments, 2U);
}

TEST_F(StoreOwnerTest, SharesTheEndOfItsCapacityAmongMoreWritersThanWholeSegmentsFit) {
  std::size_t writers = 0;
  while (store_->Create(ProcessId{10 + writers}, {1, 1 + writers}, 100).ok()) ++writers;
  EXPECT_GE(writers, 24U);
  EXPECT_LE(store_->GetUsage().reserved, kMiB);
}

TEST_F(StoreOwnerTest, GivesAWriterLargerSegmentsAsItFillsThem) {
  Open({.capacity = 64 * kMiB});
  std::map<std::string, std::uint64_t> sizes;
  for (std::uint64_t i = 1; i <= 12; ++i) {
    const Extent extent = MustPut(writer_, {1, i}, kMiB);
    sizes[extent.segment] = extent.segment_size;
  }
  std::vector<std::uint64_t> sorted;
  for (const auto& [name, size] : sizes) sorted.push_back(size / kMiB);
  EXPECT_THAT(sorted, ::testing::UnorderedElementsAre(1, 1, 2, 4, 4));
  EXPECT_EQ(MustPut(other_, {2, 1}, 3 * kMiB).segment_size, 3 * kMiB) << "never too small";
}

TEST_F(StoreOwnerTest, SaysWhatWasAskedWhatIsUsedAndWhatToDoWhenFull) {
  MustPut(writer_, id_, 1024);
  const std::string message = store_->Create(writer_, second_, kMiB).status().message();
  EXPECT_THAT(message, HasSubstr("1048576 bytes: objects take 1024, segments 65536 of its capacity of 1048576"));
  EXPECT_THAT(message, HasSubstr(second_.Hex()));
  EXPECT_THAT(message, HasSubstr("larger object store"));
}

TEST_F(StoreOwnerTest, UsesItsWholeCapacityForOneObject) {
  EXPECT_EQ(MustPut(writer_, id_, kMiB).size, kMiB);
  EXPECT_EQ(store_->GetUsage().reserved, kMiB);
}

TEST_F(StoreOwnerTest, MakesSegmentsForItsUserOnlyAndReservesTheirMemory) {
  const Extent extent = MustPut(writer_, id_, 100);
  struct stat info {};
  ASSERT_EQ(::stat(("/dev/shm/" + extent.segment).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(static_cast<std::uint64_t>(info.st_size), extent.segment_size);
  EXPECT_GE(static_cast<std::uint64_t>(info.st_blocks) * 512, extent.segment_size);
}

TEST_F(StoreOwnerTest, ReportsAMachineWithoutTheMemoryItsCapacityPromises) {
  struct statvfs shm {};
  ASSERT_EQ(::statvfs("/dev/shm", &shm), 0);
  constexpr std::uint64_t kHuge = 1ULL << 50;
  if (shm.f_blocks == 0 || shm.f_blocks >= kHuge / 2 / shm.f_frsize) GTEST_SKIP() << "/dev/shm has no useful bound";
  Open({.capacity = kHuge});
  const Status status = store_->Create(writer_, id_, kHuge / 2).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("/dev/shm"));
  EXPECT_EQ(store_->GetUsage().reserved, 0U);
  EXPECT_EQ(store_->GetUsage().objects, 0U);
  EXPECT_THAT(SegmentsOf(prefix_), ::testing::IsEmpty());
}

// Lets no file grow beyond `bytes`: a machine short of memory, made on the spot.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  rlimit before_{};
  void (*signal_)(int);
};

TEST_F(StoreOwnerTest, GivesUpWarmSegmentsWhenTheMachineIsShortAndGoesOnAfterwards) {
  Open({.capacity = 16 * kMiB, .warm_limit = 16 * kMiB});
  MustPut(writer_, id_, 100);
  store_->Delete(id_);
  {
    const FileSizeLimit limit(kMiB);
    EXPECT_EQ(CreateCode(writer_, id_, 4 * kMiB), StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(store_->GetUsage().reserved, 0U);
  EXPECT_THAT(SegmentsOf(prefix_), ::testing::IsEmpty());
  MustPut(writer_, id_, 4 * kMiB);
}

TEST_F(StoreOwnerTest, ReadsAndWritesForTheRaylet) {
  const auto bytes = store_->CreateLocal(id_, 100'000);
  ASSERT_TRUE(bytes.ok());
  ASSERT_EQ(bytes->size(), 100'000U);
  FillPattern(id_, *bytes);
  EXPECT_EQ(store_->Abort(writer_, id_).code(), StatusCode::kPermissionDenied);
  ASSERT_EQ(store_->SealLocal(id_), OkStatus());
  const auto pin = store_->ReadLocal(id_);
  const auto again = store_->ReadLocal(id_);
  ASSERT_TRUE(pin.ok() && again.ok());
  EXPECT_NE(pin->token, again->token);
  store_->Delete(id_);
  store_->UnpinLocal(again->token);
  EXPECT_TRUE(HasPattern(id_, pin->bytes));
  EXPECT_EQ(store_->GetUsage().pinned, 1U);
  store_->UnpinLocal(pin->token);
  EXPECT_EQ(store_->GetUsage().used, 0U);

  ASSERT_TRUE(store_->CreateLocal(id_, 10).ok());
  ASSERT_EQ(store_->AbortLocal(id_), OkStatus());
  EXPECT_EQ(store_->GetUsage().objects, 0U);
}

TEST_F(StoreOwnerTest, UndoesALocalCreateThatCannotBeMapped) {
  MustPut(writer_, id_, 100);
  store_->RemoveProcess(writer_);
  // The segment that the raylet would write to next is gone by someone else's doing.
  for (const std::string& name : SegmentsOf(prefix_)) UnlinkSegment(name);
  EXPECT_EQ(store_->CreateLocal(second_, 100).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store_->ReadLocal(id_).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store_->GetUsage().objects, 1U);
  EXPECT_EQ(store_->GetUsage().pinned, 0U);
}

TEST_F(StoreOwnerTest, ReclaimsWhatAKilledOwnerLeftAndNothingElse) {
  const std::string longer = prefix_ + "-1";
  ASSERT_EQ(MakeSegment(SegmentName(prefix_, 7, 0)), OkStatus());
  ASSERT_EQ(MakeSegment(SegmentName(prefix_, 8, 12)), OkStatus());
  ASSERT_EQ(MakeSegment(SegmentName(longer, 7, 0)), OkStatus());
  EXPECT_EQ(MakeSegment(SegmentName(prefix_, 7, 0)).code(), StatusCode::kAlreadyExists);
  const auto count = StoreOwner::ReclaimStale(prefix_);
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(*count, 2U);
  EXPECT_THAT(SegmentsOf(prefix_), ::testing::IsEmpty());
  EXPECT_EQ(SegmentsOf(longer).size(), 1U);
  ASSERT_TRUE(StoreOwner::ReclaimStale(longer).ok());
}

TEST_F(StoreOwnerTest, TwoOwnersWithOnePrefixNeverShareSegmentNames) {
  const Extent first = MustPut(writer_, id_, 100);
  Open({.capacity = kMiB});
  EXPECT_NE(MustPut(writer_, id_, 100).segment, first.segment);
}

TEST(StoreOwnerDeathTest, AbortsOnAnUnknownLocalPin) {
  const auto store = OpenStore({.capacity = kMiB});
  EXPECT_DEATH(store->UnpinLocal(1), "check failed");
}

}  // namespace
}  // namespace troupe::store
