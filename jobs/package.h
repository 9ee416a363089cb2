// Program packages: a program and its non-system shared libraries as one file named by its content, which travels
// between nodes. The file is an uncompressed tar archive of bin/<program> and lib/<library>, nothing else; the same
// files under the same names always give the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace troupe::jobs {

// A file of the package.
struct PackageInfo {
  std::string hash;        // SHA-256 of the file's bytes, 64 lower-case hexadecimal digits: the package's name
  std::uint64_t size = 0;  // bytes
};

// Bounds of what ExtractPackage() accepts.
struct ExtractLimits {
  std::uint64_t max_files = 1'000;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;  // over all files
};

// Whether `text` can name a package: 64 lower-case hexadecimal digits.
bool IsPackageHash(std::string_view text);

// Writes the package of a program and libraries (paths) to `path`, which must not exist and is removed again on
// failure. A library is stored under its soname, the name by which the loader asks for it, or its file name when it has
// none. InvalidArgument: two different libraries have one soname, or a name cannot be stored; else the error of a file,
// named. Blocks. Any thread.
Result<PackageInfo> WritePackage(const std::string& program, const std::vector<std::string>& libraries,
                                 const std::string& path);

// Hash and size of a file. Blocks. Any thread.
Result<PackageInfo> HashPackage(const std::string& path);

// Unpacks into `directory`, which appears whole or not at all: when it exists already, that one is kept and the result
// is OK, for its name is the hash. The archive is not trusted: InvalidArgument, saying which entry and why, for
// anything but regular files named bin/<name> and lib/<name>, for links, devices, sparse files, set-id bits,
// duplicates, for a number of programs other than one, and for more than `limits`. Blocks. Any thread.
Status ExtractPackage(const std::string& archive, const std::string& directory, const ExtractLimits& limits = {});

// Path of the program in a directory made by ExtractPackage(). Any thread.
Result<std::string> ProgramOf(const std::string& directory);

// The shared libraries that the dynamic loader would load for an executable from outside the system's directories
// (/lib*, /usr/lib*), as absolute paths; none for a static one. The program itself is not run. FailedPrecondition names
// a library that is not found. Blocks. Any thread.
Result<std::vector<std::string>> FindLibraries(const std::string& executable);

}  // namespace troupe::jobs
