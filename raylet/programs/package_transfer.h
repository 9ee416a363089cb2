// Moving packages between this node's disk and the head, a chunk at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"
#include "proto/common.pb.h"
#include "raylet/programs/file_thread.h"
#include "raylet/programs/package_exchange.h"

namespace troupe::raylet {

inline constexpr std::uint64_t kMaxPackageBytes = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kPackageChunkBytes = std::uint64_t{4} << 20;

// Loop thread; the callbacks too, unless `files` has gone by then. `files` and `exchange` must outlive the transfer or
// be gone together with the loop.

// Fetches `package` by way of the file `temporary`, checks it against its name, and unpacks it into `directory`. `done`
// gets how many bytes that takes. DataLoss: the head sent other bytes than the name says; InvalidArgument: the archive
// is refused.
void DownloadPackage(FileThread& files, PackageExchange& exchange, const std::string& package,
                     const std::string& temporary, const std::string& directory,
                     std::function<void(Result<std::uint64_t>)> done);

// Packs the program and its libraries into the file `temporary`, sends what the head lacks of it, and removes the file.
// `done` gets the package's name.
void UploadProgram(FileThread& files, PackageExchange& exchange, const pb::Program& program,
                   const std::string& temporary, std::function<void(Result<std::string>)> done);

}  // namespace troupe::raylet
