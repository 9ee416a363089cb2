#include "troupe/internal/program_folder.h"

#include "common/daemon.h"

namespace troupe::internal {

bool AddProgramFolder(const char* folder) {
  troupe::AddProgramFolder(folder);
  return true;
}

}  // namespace troupe::internal
