#include "head/package_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/head/temporary_folder.h"

namespace troupe::head {
namespace {

std::string HashOf(const std::string& bytes) {
  Sha256 hash;
  hash.Add(bytes);
  return hash.Hex();
}

class PackageStoreTest : public testing::Test {
 protected:
  PackageStoreTest() { Open(); }

  void Open(PackageLimits limits = {}) {
    store_.reset();
    store_ = std::move(PackageStore::Open(folder_.File("packages"), limits)).value();
  }
  Result<pb::PutPackageReply> Put(const std::string& package, std::uint64_t total, std::uint64_t offset,
                                  const std::string& data) {
    pb::PutPackageRequest request;
    request.set_package(package);
    request.set_total(total);
    request.set_offset(offset);
    request.set_data(data);
    return store_->Put(request);
  }
  std::string PutWhole(const std::string& bytes) {
    EXPECT_TRUE(Put(HashOf(bytes), bytes.size(), 0, bytes)->complete());
    return HashOf(bytes);
  }
  Result<pb::PackageChunk> Get(const std::string& package, std::uint64_t offset = 0) {
    pb::GetPackageRequest request;
    request.set_package(package);
    request.set_offset(offset);
    return store_->Get(request);
  }

  TemporaryFolder folder_;
  std::unique_ptr<PackageStore> store_;
};

TEST_F(PackageStoreTest, HashesAsTheStandardSays) {
  EXPECT_EQ(HashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(PackageStoreTest, TakesChunksAndGivesTheWholeBack) {
  const std::string bytes(PackageStore::kChunkBytes + 10, 'x');
  const std::string name = HashOf(bytes);
  EXPECT_EQ(Put(name, bytes.size(), 0, "")->have(), 0u);
  auto reply = Put(name, bytes.size(), 0, bytes.substr(0, PackageStore::kChunkBytes));
  EXPECT_EQ(reply->have(), PackageStore::kChunkBytes);
  EXPECT_FALSE(reply->complete());
  EXPECT_FALSE(store_->Has(name));
  EXPECT_EQ(Get(name).status().code(), StatusCode::kNotFound) << "never half of it";
  EXPECT_EQ(Put(name, 0, 0, "")->have(), PackageStore::kChunkBytes) << "so that a client can go on";
  reply = Put(name, bytes.size(), PackageStore::kChunkBytes, bytes.substr(PackageStore::kChunkBytes));
  EXPECT_TRUE(reply->complete());
  EXPECT_TRUE(Put(name, 0, 0, "")->complete());
  const auto first = Get(name), second = Get(name, PackageStore::kChunkBytes);
  EXPECT_EQ(first->total(), bytes.size());
  EXPECT_EQ(first->data() + second->data(), bytes);
  EXPECT_EQ(Get(name, bytes.size())->data(), "");
  EXPECT_EQ(Get(name, bytes.size() + 1).status().code(), StatusCode::kOutOfRange);
}

TEST_F(PackageStoreTest, TwoWritersOfOnePackageHelpEachOther) {
  const std::string name = HashOf("abcdef");
  EXPECT_EQ(Put(name, 6, 0, "abc")->have(), 3u);
  EXPECT_EQ(Put(name, 6, 0, "abc")->have(), 3u) << "the second writer is told where to go on";
  EXPECT_TRUE(Put(name, 6, 3, "def")->complete());
}

TEST_F(PackageStoreTest, RefusesBytesThatDoNotHashToTheName) {
  const std::string name = HashOf("good");
  EXPECT_EQ(Put(name, 4, 0, "evil").status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(store_->Has(name));
  EXPECT_EQ(folder_.Count("packages"), 0u);
  EXPECT_TRUE(Put(name, 4, 0, "good")->complete());
}

TEST_F(PackageStoreTest, RefusesNamesThatAreNoHashes) {
  for (const std::string& name : {std::string("../../etc/passwd"), std::string(64, 'A'), std::string(63, 'a'),
                                  std::string(60, 'a') + "/../", std::string(64, '\0'), std::string()}) {
    EXPECT_EQ(Put(name, 1, 0, "x").status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(Get(name).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(folder_.Count("packages"), 0u);
}

TEST_F(PackageStoreTest, RefusesWhatIsTooLarge) {
  Open({.package_bytes = 100, .all_bytes = 150, .uploads = 16});
  EXPECT_EQ(Put(HashOf("x"), 101, 0, "x").status().code(), StatusCode::kResourceExhausted);
  const std::string full(100, 'f');
  EXPECT_TRUE(Put(HashOf(full), 100, 0, full)->complete());
  EXPECT_EQ(Put(HashOf("y"), 51, 0, "y").status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Put(HashOf("z"), 1, 0, "zz").status().code(), StatusCode::kInvalidArgument) << "more than announced";
  EXPECT_EQ(Put(HashOf("y"), 10, 0, std::string(PackageStore::kChunkBytes + 1, 'y')).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PackageStoreTest, DropsTheStalestUploadWhenThereAreTooMany) {
  Open({.package_bytes = 100, .all_bytes = 1000, .uploads = 2});
  EXPECT_EQ(Put(HashOf("aa"), 2, 0, "a")->have(), 1u);
  EXPECT_EQ(Put(HashOf("bb"), 2, 0, "b")->have(), 1u);
  EXPECT_EQ(Put(HashOf("cc"), 2, 0, "c")->have(), 1u);
  EXPECT_EQ(Put(HashOf("aa"), 2, 1, "a")->have(), 0u) << "it must begin again";
  EXPECT_EQ(folder_.Count("packages"), 2u);
}

TEST_F(PackageStoreTest, KeepsWholePackagesOverARestartAndRemovesHalfOnes) {
  EXPECT_TRUE(Put(HashOf("whole"), 5, 0, "whole")->complete());
  folder_.Write("packages/" + HashOf("half") + ".part", "ha");
  Open();
  EXPECT_TRUE(store_->Has(HashOf("whole")));
  EXPECT_EQ(Get(HashOf("whole"))->data(), "whole");
  EXPECT_EQ(Put(HashOf("half"), 4, 0, "")->have(), 0u);
  EXPECT_EQ(folder_.Count("packages"), 1u);
}

TEST_F(PackageStoreTest, KeepsOfWhatNoJobNeedsTheLastUsedUpToABound) {
  Open({.unneeded_bytes = 8});
  const std::string a = PutWhole("aaaa"), b = PutWhole("bbbb"), c = PutWhole("cccc");
  EXPECT_TRUE(Get(a).ok());
  store_->Trim({});
  EXPECT_EQ(folder_.Count("packages"), 3u) << "a job may be about to name what was just put";
  store_->Trim({});
  EXPECT_TRUE(store_->Has(a));
  EXPECT_FALSE(store_->Has(b)) << "of all it was used longest ago";
  EXPECT_TRUE(store_->Has(c));
  EXPECT_EQ(folder_.Count("packages"), 2u);
}

TEST_F(PackageStoreTest, KeepsWhatJobsNeedHoweverMuchThatIs) {
  Open({.unneeded_bytes = 0});
  const std::string needed = PutWhole("needed"), other = PutWhole("other");
  for (int i = 0; i < 3; ++i) store_->Trim({needed});
  EXPECT_FALSE(store_->Has(other));
  EXPECT_TRUE(Get(needed).ok());
  store_->Trim({});
  store_->Trim({});
  EXPECT_EQ(folder_.Count("packages"), 0u);
  EXPECT_EQ(PutWhole("needed"), needed) << "and may come back";
}

TEST_F(PackageStoreTest, WhatWasNeededToTheLastCountsAsUsedThen) {
  Open({.unneeded_bytes = 4});
  const std::string first = PutWhole("1111"), second = PutWhole("2222");
  store_->Trim({first});
  store_->Trim({});
  EXPECT_FALSE(store_->Has(second));
  EXPECT_TRUE(store_->Has(first));
}

TEST_F(PackageStoreTest, KeepsWhatSomebodyAsksForBeforeAJobNamesIt) {
  Open({.unneeded_bytes = 0});
  const std::string package = PutWhole("x");
  for (int i = 0; i < 3; ++i) {
    store_->Trim({});
    EXPECT_TRUE(Put(package, 1, 0, "")->complete()) << "a raylet that has the same program";
    store_->Trim({});
    EXPECT_TRUE(store_->Has(package)) << "a client that submits it";
  }
}

TEST_F(PackageStoreTest, WhatIsRemovedMakesRoomForMore) {
  Open({.all_bytes = 10, .unneeded_bytes = 0});
  PutWhole("12345678");
  EXPECT_EQ(Put(HashOf("abcd"), 4, 0, "abcd").status().code(), StatusCode::kResourceExhausted);
  store_->Trim({});
  store_->Trim({});
  EXPECT_TRUE(Put(HashOf("abcd"), 4, 0, "abcd")->complete());
}

}  // namespace
}  // namespace troupe::head
