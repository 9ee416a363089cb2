#include "raylet/programs/program_cache.h"

#include <filesystem>
#include <set>
#include <utility>

#include "jobs/package.h"
#include "raylet/programs/package_transfer.h"

namespace troupe::raylet {
namespace {

namespace fs = std::filesystem;

// The driver found its libraries somehow, perhaps by an LD_LIBRARY_PATH that this raylet does not have.
std::string DirectoriesOf(const pb::Program& program) {
  std::set<std::string> seen;
  std::string path;
  for (const std::string& library : program.libraries()) {
    const std::string directory = fs::path(library).parent_path();
    if (!seen.insert(directory).second) continue;
    if (!path.empty()) path += ':';
    path += directory;
  }
  return path;
}

Status NotPackaged(const pb::Program& program, const std::string& origin) {
  const std::string where = "program " + program.path() + " is on node " + origin;
  if (!program.unpackable().empty()) {
    return Unavailable(where + " and cannot be sent to other nodes: " + program.unpackable());
  }
  return Unavailable(where + " and has not been sent to the head yet, so no other node can run it");
}

Result<LocalProgram> InPackage(const Result<PackageUse>& package) {
  if (!package.ok()) return package.status();
  const std::string& directory = (*package)->directory();
  TROUPE_ASSIGN_OR_RETURN(std::string program, jobs::ProgramOf(directory));
  return LocalProgram{.path = std::move(program), .library_path = directory + "/lib", .package = *package};
}

}  // namespace

ProgramCache::ProgramCache(EventLoop& loop, PackageExchange& exchange, NodeId node, const std::string& session_dir,
                           std::uint64_t keep_bytes)
    : exchange_(exchange), node_(node), files_(loop), unpacked_(files_, session_dir + "/programs", keep_bytes) {}

ProgramCache::~ProgramCache() = default;

void ProgramCache::Locate(const pb::Program& program, std::function<void(Result<LocalProgram>)> done) {
  const auto origin = NodeId::FromBytes(program.origin());
  std::error_code error;
  if (origin == node_ && fs::is_regular_file(program.path(), error)) {
    // The driver of a submitted job runs from a package itself.
    LocalProgram local{.path = program.path(),
                       .library_path = DirectoriesOf(program),
                       .package = unpacked_.FindByFile(program.path())};
    return files_.Later([local = std::move(local), done = std::move(done)] { done(local); });
  }
  if (!program.package().empty()) {
    return Fetch(program.package(),
                 [done = std::move(done)](const Result<PackageUse>& package) { done(InPackage(package)); });
  }
  Status missing = origin == node_ ? NotFound("program " + program.path() + " is no longer there")
                                   : NotPackaged(program, origin ? origin->Hex() : "(unknown)");
  files_.Later([missing = std::move(missing), done = std::move(done)] { done(missing); });
}

void ProgramCache::Fetch(const std::string& package, FetchDone done) {
  if (!jobs::IsPackageHash(package)) {
    return files_.Later(
        [done = std::move(done)] { done(InvalidArgument("a package is named by 64 lower-case hexadecimal digits")); });
  }
  if (PackageUse found = unpacked_.Find(package)) {
    return files_.Later([found = std::move(found), done = std::move(done)] { done(found); });
  }
  auto& waiting = downloads_[package];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  DownloadPackage(files_, exchange_, package, Temporary(package), unpacked_.DirectoryOf(package),
                  [this, package](const Result<std::uint64_t>& bytes) { OnFetched(package, bytes); });
}

void ProgramCache::OnFetched(const std::string& package, const Result<std::uint64_t>& bytes) {
  const auto fetched = bytes.ok() ? Result<PackageUse>(unpacked_.Add(package, *bytes)) : bytes.status();
  const auto finished = downloads_.extract(package);
  for (const FetchDone& callback : finished.mapped()) callback(fetched);
}

void ProgramCache::Package(const pb::Program& program, std::function<void(Result<std::string>)> done) {
  if (NodeId::FromBytes(program.origin()) != node_) {
    return files_.Later([path = program.path(), done = std::move(done)] {
      done(InvalidArgument("program " + path + " is another node's to pack"));
    });
  }
  UploadProgram(files_, exchange_, program, Temporary("upload-" + std::to_string(++uploads_)), std::move(done));
}

}  // namespace troupe::raylet
