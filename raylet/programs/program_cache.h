// ProgramCache: finds the program of a job on this node, fetching it from the head when another node has it, and packs
// this node's programs for the others.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/event_loop.h"
#include "common/status.h"
#include "proto/common.pb.h"
#include "raylet/ports/program_packer.h"
#include "raylet/programs/file_thread.h"
#include "raylet/programs/package_exchange.h"
#include "raylet/programs/unpacked_packages.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// A program that can be started here.
struct LocalProgram {
  std::string path;          // the file to execute
  std::string library_path;  // for LD_LIBRARY_PATH; may be empty
  PackageUse package;        // that both are in, for as long as they are needed; null when they are the origin's own
};

// Much for somebody who builds and runs again and again, also with debug information; little for a disk.
inline constexpr std::uint64_t kKeepProgramBytes = std::uint64_t{512} << 20;

// Loop thread only, except that hashing, packing and unpacking run on a thread of its own; callbacks come later, on the
// loop, and none after the destructor, which waits for the file operation under way. `loop` and `exchange` must
// outlive it. Packages lie in <session>/programs/<hash>/, beside what a head of the same session keeps: those that
// somebody uses, and of the others up to `keep_bytes`.
class ProgramCache : public ProgramPacker {
 public:
  ProgramCache(EventLoop& loop, PackageExchange& exchange, NodeId node, const std::string& session_dir,
               std::uint64_t keep_bytes = kKeepProgramBytes);
  ~ProgramCache() override;
  ProgramCache(const ProgramCache&) = delete;
  ProgramCache& operator=(const ProgramCache&) = delete;

  // Finds the program: at its own path when this node is its origin and the file is still there, else in the cache,
  // else from the head. Unavailable: it has no package yet, so ask again when it has. InvalidArgument: the package's
  // name or contents are not acceptable. Otherwise the head's or the disk's error. Several calls share one download.
  void Locate(const pb::Program& program, std::function<void(Result<LocalProgram>)> done);

  // As Locate for a package alone, such as a submitted job's.
  void Fetch(const std::string& package, std::function<void(Result<PackageUse>)> done);

  void Package(const pb::Program& program, std::function<void(Result<std::string>)> done) override;

 private:
  using FetchDone = std::function<void(Result<PackageUse>)>;

  std::string Temporary(const std::string& name) const { return unpacked_.folder() + "/" + name + ".part"; }
  void OnFetched(const std::string& package, const Result<std::uint64_t>& bytes);

  PackageExchange& exchange_;
  const NodeId node_;
  std::uint64_t uploads_ = 0;
  std::unordered_map<std::string, std::vector<FetchDone>> downloads_;  // who waits, by package
  FileThread files_;
  UnpackedPackages unpacked_;
};

}  // namespace troupe::raylet
