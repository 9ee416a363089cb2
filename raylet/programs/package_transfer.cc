#include "raylet/programs/package_transfer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "jobs/package.h"

namespace troupe::raylet {
namespace {

namespace fs = std::filesystem;

using Downloaded = std::function<void(Result<std::uint64_t>)>;
using Uploaded = std::function<void(Result<std::string>)>;

void RemoveFile(const std::string& path) {
  std::error_code ignored;  // a leftover takes space but harms nobody
  fs::remove(path, ignored);
}

Status MakeEmptyFile(const std::string& path) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "cannot make " + path);
  close(fd);
  return OkStatus();
}

Status WriteAt(const std::string& path, std::uint64_t offset, const std::string& data) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "cannot write " + path);
  std::size_t written = 0;
  int error = 0;
  while (written < data.size() && error == 0) {
    const ssize_t count =
        pwrite(fd, data.data() + written, data.size() - written, static_cast<off_t>(offset + written));
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  close(fd);
  return error == 0 ? OkStatus() : ErrnoStatus(error, "cannot write " + path);
}

Result<std::string> ReadAt(const std::string& path, std::uint64_t offset, std::uint64_t size) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "cannot read " + path);
  std::string data(size, '\0');
  const ssize_t count = pread(fd, data.data(), data.size(), static_cast<off_t>(offset));
  const int error = errno;
  close(fd);
  if (count < 0) return ErrnoStatus(error, "cannot read " + path);
  if (count == 0) return DataLoss(path + " became shorter while it was sent");
  data.resize(static_cast<std::size_t>(count));
  return data;
}

// The size of the package in `file`, which is unpacked; the file is gone in any case.
Result<std::uint64_t> CheckAndUnpack(const std::string& file, const std::string& package,
                                     const std::string& directory) {
  const auto info = jobs::HashPackage(file);
  Status status = info.status();
  if (info.ok() && info->hash != package) status = DataLoss("package " + package + " arrived with other bytes");
  if (status.ok()) status = jobs::ExtractPackage(file, directory);
  RemoveFile(file);
  if (!status.ok()) return status;
  return info->size;
}

class Download : public std::enable_shared_from_this<Download> {
 public:
  Download(FileThread& files, PackageExchange& exchange, std::string package, std::string file, std::string directory,
           Downloaded done)
      : files_(files),
        exchange_(exchange),
        package_(std::move(package)),
        file_(std::move(file)),
        directory_(std::move(directory)),
        done_(std::move(done)) {}

  void Start() {
    files_.Run([file = file_] { return MakeEmptyFile(file); },
               [self = shared_from_this()](const Status& made) { self->Next(made); });
  }

 private:
  void Next(const Status& stored) {
    if (!stored.ok()) return Fail(stored);
    if (total_ > 0 && offset_ == total_) return Unpack();
    pb::GetPackageRequest request;
    request.set_package(package_);
    request.set_offset(offset_);
    exchange_.GetPackage(request, [self = shared_from_this(), alive = files_.alive()](Result<pb::PackageChunk> chunk) {
      if (!alive.expired()) self->OnChunk(std::move(chunk));
    });
  }

  void OnChunk(Result<pb::PackageChunk> chunk) {
    if (!chunk.ok()) return Fail(chunk.status().WithContext("cannot fetch package " + package_ + " from the head"));
    const std::uint64_t size = chunk->data().size();
    if (chunk->total() > kMaxPackageBytes) {
      return Fail(ResourceExhausted("package " + package_ + " has " + std::to_string(chunk->total()) +
                                    " bytes; at most " + std::to_string(kMaxPackageBytes) + " are accepted"));
    }
    if (size == 0 || size > chunk->total() - offset_ || (offset_ > 0 && chunk->total() != total_)) {
      return Fail(DataLoss("the head sent a chunk that does not fit package " + package_));
    }
    total_ = chunk->total();
    const std::uint64_t at = std::exchange(offset_, offset_ + size);
    files_.Run([file = file_, at, data = std::move(*chunk->mutable_data())] { return WriteAt(file, at, data); },
               [self = shared_from_this()](const Status& stored) { self->Next(stored); });
  }

  void Unpack() {
    files_.Run(
        [file = file_, package = package_, directory = directory_] { return CheckAndUnpack(file, package, directory); },
        [self = shared_from_this()](const Result<std::uint64_t>& bytes) { self->done_(bytes); });
  }

  void Fail(const Status& why) {
    files_.Run(
        [file = file_] {
          RemoveFile(file);
          return true;
        },
        [self = shared_from_this(), why](bool) { self->done_(why); });
  }

  FileThread& files_;
  PackageExchange& exchange_;
  const std::string package_;
  const std::string file_;
  const std::string directory_;
  const Downloaded done_;
  std::uint64_t offset_ = 0;
  std::uint64_t total_ = 0;  // 0: not yet known
};

class Upload : public std::enable_shared_from_this<Upload> {
 public:
  Upload(FileThread& files, PackageExchange& exchange, std::string file, Uploaded done)
      : files_(files), exchange_(exchange), file_(std::move(file)), done_(std::move(done)) {}

  void Start(const pb::Program& program) {
    const std::vector<std::string> libraries(program.libraries().begin(), program.libraries().end());
    files_.Run(
        [file = file_, path = program.path(), libraries]() -> Result<jobs::PackageInfo> {
          TROUPE_RETURN_IF_ERROR(MakeEmptyFile(file));
          RemoveFile(file);
          return jobs::WritePackage(path, libraries, file);
        },
        [self = shared_from_this()](const Result<jobs::PackageInfo>& info) { self->OnPacked(info); });
  }

 private:
  void OnPacked(const Result<jobs::PackageInfo>& info) {
    if (!info.ok()) return Finish(info.status());
    info_ = *info;
    if (info_.size > kMaxPackageBytes) {
      return Finish(FailedPrecondition("the program and its libraries have " + std::to_string(info_.size) +
                                       " bytes together; at most " + std::to_string(kMaxPackageBytes) +
                                       " can be sent to other nodes: strip the program's debug information"));
    }
    Send(0, std::string());  // asks how much the head has
  }

  void Send(std::uint64_t offset, std::string data) {
    pb::PutPackageRequest request;
    request.set_package(info_.hash);
    request.set_total(info_.size);
    request.set_offset(offset);
    asked_ = data.empty();
    sent_to_ = offset + data.size();
    request.set_data(std::move(data));
    exchange_.PutPackage(request,
                         [self = shared_from_this(), alive = files_.alive()](Result<pb::PutPackageReply> reply) {
                           if (!alive.expired()) self->OnReply(reply);
                         });
  }

  void OnReply(const Result<pb::PutPackageReply>& reply) {
    if (!reply.ok()) return Finish(reply.status().WithContext("cannot send package " + info_.hash + " to the head"));
    if (reply->complete()) return Finish(info_.hash);
    // Another node may be sending the same package, so the head can have more than we sent; less means that it lost it.
    if (reply->have() >= info_.size || (!asked_ && reply->have() < sent_to_)) {
      return Finish(DataLoss("the head does not keep package " + info_.hash + "; see its log"));
    }
    files_.Run([file = file_, offset = reply->have()] { return ReadAt(file, offset, kPackageChunkBytes); },
               [self = shared_from_this(), offset = reply->have()](Result<std::string> data) {
                 if (!data.ok()) return self->Finish(data.status());
                 self->Send(offset, *std::move(data));
               });
  }

  void Finish(Result<std::string> result) {
    files_.Run(
        [file = file_] {
          RemoveFile(file);
          return true;
        },
        [self = shared_from_this(), result = std::move(result)](bool) { self->done_(result); });
  }

  FileThread& files_;
  PackageExchange& exchange_;
  const std::string file_;
  const Uploaded done_;
  jobs::PackageInfo info_;
  bool asked_ = false;  // the request under way carries no bytes
  std::uint64_t sent_to_ = 0;
};

}  // namespace

void DownloadPackage(FileThread& files, PackageExchange& exchange, const std::string& package,
                     const std::string& temporary, const std::string& directory, Downloaded done) {
  std::make_shared<Download>(files, exchange, package, temporary, directory, std::move(done))->Start();
}

void UploadProgram(FileThread& files, PackageExchange& exchange, const pb::Program& program,
                   const std::string& temporary, Uploaded done) {
  std::make_shared<Upload>(files, exchange, temporary, std::move(done))->Start(program);
}

}  // namespace troupe::raylet
