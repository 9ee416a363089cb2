// UnpackedPackages: the packages that lie unpacked on this node: those that somebody uses, and the last ones that
// somebody used.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "raylet/programs/file_thread.h"

namespace troupe::raylet {

class UnpackedPackages;

class UsedPackage {
 public:
  UsedPackage(std::weak_ptr<UnpackedPackages*> packages, std::string package, std::string directory)
      : packages_(std::move(packages)), package_(std::move(package)), directory_(std::move(directory)) {}
  ~UsedPackage();
  UsedPackage(const UsedPackage&) = delete;
  UsedPackage& operator=(const UsedPackage&) = delete;

  // That holds bin/ and lib/.
  const std::string& directory() const { return directory_; }

 private:
  const std::weak_ptr<UnpackedPackages*> packages_;  // which may go first
  const std::string package_;
  const std::string directory_;
};

// Shared by all who use a package: its files stay where they are as long as one of them holds this. Loop thread.
using PackageUse = std::shared_ptr<const UsedPackage>;

// Loop thread only; files are removed on `files`, which must outlive it. Work given to `files` later, such as unpacking
// the same package anew, comes after the removal.
class UnpackedPackages {
 public:
  // Owns `folder`, and removes what an earlier raylet left there, perhaps half of it. Of what nobody uses it keeps
  // `unused_bytes` at most.
  UnpackedPackages(FileThread& files, std::string folder, std::uint64_t unused_bytes);
  UnpackedPackages(const UnpackedPackages&) = delete;
  UnpackedPackages& operator=(const UnpackedPackages&) = delete;

  const std::string& folder() const { return folder_; }
  std::string DirectoryOf(const std::string& package) const { return folder_ + "/" + package; }

  // Null: it is not here.
  PackageUse Find(const std::string& package);
  // The package that `path` is a file of; null if of none.
  PackageUse FindByFile(const std::string& path);
  // It has been unpacked into DirectoryOf(), where it takes so many bytes.
  PackageUse Add(const std::string& package, std::uint64_t bytes);

 private:
  friend UsedPackage;
  struct Package {
    std::uint64_t bytes = 0;
    std::weak_ptr<const UsedPackage> use;  // expired: in unused_
  };

  PackageUse UseOf(const std::string& package);
  void OnUnused(const std::string& package);
  void Remove(const std::string& package);

  FileThread& files_;
  const std::string folder_;
  const std::uint64_t unused_limit_;
  std::unordered_map<std::string, Package> packages_;
  std::deque<std::string> unused_;  // the one whose use ended first at the front
  std::uint64_t unused_bytes_ = 0;
  std::shared_ptr<UnpackedPackages*> self_ = std::make_shared<UnpackedPackages*>(this);
};

}  // namespace troupe::raylet
