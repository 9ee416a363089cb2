#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/daemon.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

bool IsProgram(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

// A function's, for it is filled before main().
std::vector<std::string>& AddedFolders() {
  static std::vector<std::string> folders;
  return folders;
}

std::vector<fs::path> Folders() {
  std::vector<fs::path> folders;
  if (const char* home = std::getenv("TROUPE_HOME"); home && *home) folders.push_back(fs::path(home) / "bin");
  std::error_code error;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", error); !error) {
    folders.push_back(self.parent_path());
    folders.push_back(self.parent_path().parent_path() / "bin");  // from tests/ of a build, or libexec/
  }
  for (const std::string& folder : AddedFolders()) folders.emplace_back(folder);
  folders.emplace_back(TROUPE_INSTALL_BIN_DIR);
  return folders;
}

}  // namespace

void AddProgramFolder(std::string folder) {
  std::vector<std::string>& folders = AddedFolders();
  if (std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.push_back(std::move(folder));
}

Result<std::string> FindProgram(const std::string& name) {
  std::string looked;
  for (const fs::path& folder : Folders()) {
    const fs::path path = folder / name;
    if (IsProgram(path)) return fs::absolute(path).string();
    looked += folder.string() + ", ";
  }
  const char* path_list = std::getenv("PATH");
  std::istringstream folders(path_list ? path_list : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path path = fs::path(folder) / name;
    if (!folder.empty() && IsProgram(path)) return fs::absolute(path).string();
  }
  return NotFound("cannot find the program " + name + ": it is not in " + looked +
                  "or $PATH; set TROUPE_HOME to the folder where Troupe is installed");
}

}  // namespace troupe
