// Ships a program to the cluster's head as a package.
#pragma once

#include <string>

#include "common/status.h"
#include "jobs/head_connection.h"

namespace troupe::jobs {

// Packs the program with the libraries it needs and sends what the head lacks of it; returns the package's hash.
// Blocks as long as that takes; a head that cannot be reached for `patience` ends it with UNAVAILABLE, and what it got
// by then need not be sent again. Uses a folder under $TMPDIR, removed again.
Result<std::string> UploadProgram(HeadConnection& head, const std::string& program,
                                  std::chrono::milliseconds patience = std::chrono::seconds(30));

// Sends a package file of that hash and size.
Status UploadPackage(HeadConnection& head, const std::string& file, const std::string& hash, std::uint64_t size,
                     std::chrono::milliseconds patience);

}  // namespace troupe::jobs
