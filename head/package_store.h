// PackageStore: programs on their way to the nodes that lack them, as files named by their content.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/status.h"
#include "head/sha256.h"
#include "proto/head.pb.h"

namespace troupe::head {

struct PackageLimits {
  std::uint64_t package_bytes = 1ull << 30;
  std::uint64_t all_bytes = 64ull << 30;
  // Of those that no job needs, which are kept for the next job of the same program. Much for somebody who builds and
  // runs again and again, little for a disk.
  std::uint64_t unneeded_bytes = 512ull << 20;
  std::size_t uploads = 16;  // at once
};

// Any one thread at a time. Every method blocks for file I/O. A package becomes visible whole or not at all; several
// clients may put the same one at once, each going on from what is there. Names are 64 hexadecimal digits and nothing
// else, so no name leads out of the folder.
class PackageStore {
 public:
  static constexpr std::size_t kChunkBytes = 4u << 20;

  // Makes `directory` (0700) when it is missing, and removes what unfinished uploads of an earlier run left there.
  static Result<std::unique_ptr<PackageStore>> Open(std::string directory, PackageLimits limits = {});
  ~PackageStore();

  // Takes the chunk if it begins where the upload stands, and says where it stands then. INVALID_ARGUMENT for a bad
  // name, chunk or total, or when the whole does not hash to its name (it is thrown away); RESOURCE_EXHAUSTED above a
  // limit or on a full disk.
  Result<pb::PutPackageReply> Put(const pb::PutPackageRequest& request);
  // The chunk at the request's offset; NOT_FOUND, OUT_OF_RANGE.
  Result<pb::PackageChunk> Get(const pb::GetPackageRequest& request);
  bool Has(const std::string& package);

  // Removes the least recently used of the packages that no job needs, as far as they exceed their bound. One that was
  // put or asked for since the last Trim() stays: a job may be about to name it.
  void Trim(const std::set<std::string>& needed);

 private:
  struct Package {
    std::uint64_t size = 0;
    std::uint64_t used = 0;  // last, counted in uses of any package
    bool asked_for = false;  // since the last Trim()
  };
  struct Upload {
    std::uint64_t total = 0;
    std::uint64_t have = 0;
    std::uint64_t touched = 0;  // when, counted in chunks
    int fd = -1;
    Sha256 hash;
  };

  PackageStore(std::string directory, PackageLimits limits);
  Status Scan();
  const Package* Use(const std::string& package);  // nullptr when it is not here
  Status CheckPut(const pb::PutPackageRequest& request) const;
  Result<Upload*> Begin(const pb::PutPackageRequest& request);
  Status Append(Upload& upload, const std::string& package, const std::string& data);
  Status Complete(Upload& upload, const std::string& package);
  void Abandon(const std::string& package);
  void Remove(const std::string& package);
  std::string Path(const std::string& package) const { return directory_ + "/" + package; }
  std::string PartPath(const std::string& package) const { return Path(package) + ".part"; }

  const std::string directory_;
  const PackageLimits limits_;
  std::map<std::string, Package> packages_;  // complete ones
  std::uint64_t stored_ = 0;                 // bytes of them
  std::uint64_t uses_ = 0;
  std::map<std::string, Upload> uploads_;
  std::uint64_t chunks_ = 0;
};

}  // namespace troupe::head
