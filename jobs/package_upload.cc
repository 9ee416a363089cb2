#include "jobs/package_upload.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "jobs/package.h"
#include "proto/head.pb.h"

namespace troupe::jobs {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kChunkBytes = 2u << 20;
constexpr std::chrono::seconds kChunkTimeout(60);  // the last one is answered once the whole has been hashed
constexpr std::chrono::milliseconds kRetryPause(250);

class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    std::string path = fs::temp_directory_path(error) / "troupe-package.XXXXXX";
    if (mkdtemp(path.data()) != nullptr) path_ = path;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Status CheckProgram(const std::string& program) {
  std::error_code error;
  if (!fs::exists(program, error)) return NotFound("there is no program " + program + " on this machine");
  if (!fs::is_regular_file(program, error)) return InvalidArgument(program + " is not a program");
  if (access(program.c_str(), X_OK) != 0) return InvalidArgument(program + " is not executable: run chmod +x on it");
  return OkStatus();
}

bool IsScript(const std::string& program) {
  std::ifstream file(program, std::ios::binary);
  char begin[2] = {};
  return file.read(begin, 2) && begin[0] == '#' && begin[1] == '!';
}

Result<pb::PutPackageReply> SendPart(HeadConnection& head, pb::PutPackageRequest* request, std::ifstream& file,
                                     std::uint64_t offset) {
  std::string data(std::min(kChunkBytes, request->total() - offset), '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  if (!file.read(data.data(), static_cast<std::streamsize>(data.size()))) {
    return DataLoss("the package of the program changed while it was sent; submit again");
  }
  request->set_offset(offset);
  request->set_data(std::move(data));
  return head.Call<pb::PutPackageReply>("PutPackage", *request, kChunkTimeout);
}

}  // namespace

Status UploadPackage(HeadConnection& head, const std::string& path, const std::string& hash, std::uint64_t size,
                     std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  std::ifstream file(path, std::ios::binary);
  pb::PutPackageRequest request;
  request.set_package(hash);
  request.set_total(size);
  bool reached = false;
  auto last_progress = Clock::now();
  std::uint64_t sent = 0;
  for (bool ask = true;;) {
    request.clear_data();
    request.set_offset(0);
    const auto reply =
        ask ? head.Call<pb::PutPackageReply>("PutPackage", request) : SendPart(head, &request, file, sent);
    if (!reply.ok()) {
      // Where the head stands after a lost answer is for it to say.
      const bool again = reached && reply.status().code() == StatusCode::kUnavailable;
      if (!again || Clock::now() - last_progress >= patience) return reply.status();
      std::this_thread::sleep_for(kRetryPause);
      ask = true;
      continue;
    }
    if (reply->complete()) return OkStatus();
    if (reply->have() >= size) return DataLoss("the head has all of the package and does not accept it; submit again");
    if (!ask && reply->have() <= sent && Clock::now() - last_progress >= patience) {
      return ResourceExhausted("the head takes no more of the package at byte " + std::to_string(sent));
    }
    if (reply->have() > sent) last_progress = Clock::now();
    sent = reply->have();
    reached = true;
    ask = false;
  }
}

Result<std::string> UploadProgram(HeadConnection& head, const std::string& program,
                                  std::chrono::milliseconds patience) {
  TROUPE_RETURN_IF_ERROR(CheckProgram(program));
  std::vector<std::string> libraries;
  if (!IsScript(program)) {
    TROUPE_ASSIGN_OR_RETURN(libraries, FindLibraries(program));
  }
  const ScratchFolder scratch;
  if (scratch.path().empty()) return ErrnoStatus(errno, "cannot make a folder for the package (see TMPDIR)");
  const std::string file = scratch.path() + "/package.tar";
  TROUPE_ASSIGN_OR_RETURN(const PackageInfo package, WritePackage(program, libraries, file));
  TROUPE_RETURN_IF_ERROR(UploadPackage(head, file, package.hash, package.size, patience));
  return package.hash;
}

}  // namespace troupe::jobs
