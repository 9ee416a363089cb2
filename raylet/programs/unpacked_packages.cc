#include "raylet/programs/unpacked_packages.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace troupe::raylet {
namespace {

namespace fs = std::filesystem;

// What cannot be removed takes space but harms nobody.
bool RemoveAll(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
  return true;
}

// A package is there whole or not at all, also when its removal fails half-way.
bool RemovePackage(const std::string& directory) {
  const std::string aside = directory + ".removed";
  std::error_code error;
  fs::rename(directory, aside, error);
  return !error && RemoveAll(aside);
}

}  // namespace

UsedPackage::~UsedPackage() {
  if (const auto packages = packages_.lock()) (*packages)->OnUnused(package_);
}

UnpackedPackages::UnpackedPackages(FileThread& files, std::string folder, std::uint64_t unused_bytes)
    : files_(files), folder_(std::move(folder)), unused_limit_(unused_bytes) {
  files_.Run([folder = folder_] { return RemoveAll(folder); }, [](bool) {});
}

PackageUse UnpackedPackages::Find(const std::string& package) {
  std::error_code error;  // somebody may have deleted it by hand, to have it fetched again
  if (!packages_.contains(package) || !fs::is_directory(DirectoryOf(package), error)) return nullptr;
  return UseOf(package);
}

PackageUse UnpackedPackages::FindByFile(const std::string& path) {
  if (!path.starts_with(folder_ + "/")) return nullptr;
  const std::string inside = path.substr(folder_.size() + 1);
  return Find(inside.substr(0, inside.find('/')));
}

PackageUse UnpackedPackages::Add(const std::string& package, std::uint64_t bytes) {
  if (packages_.try_emplace(package, Package{.bytes = bytes, .use = {}}).second) {
    unused_.push_back(package);
    unused_bytes_ += bytes;
  }
  return UseOf(package);
}

PackageUse UnpackedPackages::UseOf(const std::string& package) {
  Package& found = packages_.at(package);
  if (PackageUse use = found.use.lock()) return use;
  std::erase(unused_, package);
  unused_bytes_ -= found.bytes;
  PackageUse use = std::make_shared<const UsedPackage>(self_, package, DirectoryOf(package));
  found.use = use;
  return use;
}

void UnpackedPackages::OnUnused(const std::string& package) {
  unused_.push_back(package);
  unused_bytes_ += packages_.at(package).bytes;
  while (unused_bytes_ > unused_limit_) Remove(std::string(unused_.front()));
}

void UnpackedPackages::Remove(const std::string& package) {
  spdlog::info("removing package {}, which nobody uses", package);
  unused_bytes_ -= packages_.at(package).bytes;
  std::erase(unused_, package);
  packages_.erase(package);
  files_.Run([directory = DirectoryOf(package)] { return RemovePackage(directory); }, [](bool) {});
}

}  // namespace troupe::raylet
