// ElfFile: the two names an ELF file carries that packaging needs.
#pragma once

#include <optional>
#include <string>

#include "common/status.h"

namespace troupe::jobs {

// Both are empty when the file has none.
struct ElfNames {
  std::string interpreter;  // PT_INTERP: the dynamic loader of a program; none for static programs
  std::string soname;       // DT_SONAME: the name under which others ask for a library
};

// Reads a 64-bit ELF file of this machine's byte order. InvalidArgument when it is none or is damaged, or the error of
// opening it. Bounds are checked: the file may hold anything. Blocks. Any thread.
Result<ElfNames> ReadElfNames(const std::string& path);

}  // namespace troupe::jobs
