// Compiled into every target that links Troupe::troupe of an installation: tells the library where its daemons are,
// which is where the package was found, wherever that has been moved to.
#include <troupe/internal/program_folder.h>

namespace {
[[maybe_unused]] const bool added = troupe::internal::AddProgramFolder(TROUPE_PACKAGE_BIN_DIR);
}  // namespace
