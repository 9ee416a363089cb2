#include "common/session.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/process_stat.h"
#include "troupe/ids.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kSessionPrefix = "session_";
constexpr std::string_view kLinkPrefix = "link_";

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

json ReadJson(const std::string& path) { return json::parse(ReadWhole(path), nullptr, /*allow_exceptions=*/false); }

std::string Text(const json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> Texts(const json& object, const char* key) {
  std::vector<std::string> texts;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return texts;
  for (const json& text : *found) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

std::int64_t Number(const json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::optional<HeadFile> ReadHeadFile(const std::string& path) {
  const json object = ReadJson(path);
  if (!object.is_object()) return std::nullopt;
  HeadFile file{.address = Text(object, "address"),
                .pid = static_cast<pid_t>(Number(object, "pid")),
                .cluster_id = Text(object, "cluster_id"),
                .version = Text(object, "version"),
                .started_ms = Number(object, "started_ms")};
  if (file.address.empty() || file.pid <= 0) return std::nullopt;
  return file;
}

std::optional<NodeFile> ReadNodeFile(const std::string& path) {
  const json object = ReadJson(path);
  if (!object.is_object()) return std::nullopt;
  NodeFile file{.node_id = Text(object, "node_id"),
                .address = Text(object, "address"),
                .head = Text(object, "head"),
                .pid = static_cast<pid_t>(Number(object, "pid")),
                .socket = Text(object, "socket"),
                .cluster_id = Text(object, "cluster_id"),
                .version = Text(object, "version"),
                .limits = Texts(object, "limits")};
  if (file.head.empty() || file.pid <= 0) return std::nullopt;
  return file;
}

// Whether process `pid` was started with --session-dir `dir`: the pid alone may have gone to another program since, and
// comparing times of start and of the file fails once the wall clock has been set.
bool HasSessionArgument(pid_t pid, const std::string& dir) {
  const std::string process = "/proc/" + std::to_string(pid);
  const std::string line = ReadWhole(process + "/cmdline");
  constexpr std::string_view kFlag = "--session-dir";
  bool value_follows = false;
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find('\0', begin), line.size());
    std::string argument = line.substr(begin, end - begin);
    begin = end + 1;
    if (argument.starts_with("--session-dir=")) {
      argument = argument.substr(kFlag.size() + 1);
    } else if (!std::exchange(value_follows, argument == kFlag)) {
      continue;
    }
    std::error_code error;
    if (fs::path(argument).is_relative()) argument = process + "/cwd/" + argument;
    if (fs::equivalent(argument, dir, error)) return true;
  }
  return false;
}

std::uint64_t StartOfDaemon(pid_t pid, const std::string& dir) {
  const auto start = ProcessStartTime(pid);
  return start && HasSessionArgument(pid, dir) ? *start : 0;
}

std::int64_t ModifiedNs(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return 0;
  return info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
}

Status CheckPrivateFolder(const std::string& path, const char* what) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return ErrnoStatus(errno, std::string("cannot look at ") + what + " " + path);
  if (!S_ISDIR(info.st_mode)) {
    return PermissionDenied(std::string(what) + " " + path +
                            " is not a folder (links are refused): remove it, or choose another with "
                            "TROUPE_SESSION_ROOT");
  }
  if (info.st_uid != geteuid()) {
    return PermissionDenied(std::string(what) + " " + path + " belongs to another user (uid " +
                            std::to_string(info.st_uid) + "): choose another with TROUPE_SESSION_ROOT");
  }
  if ((info.st_mode & 077) != 0) {
    return PermissionDenied(std::string(what) + " " + path + " is open to other users: run chmod 700 " + path);
  }
  return OkStatus();
}

}  // namespace

Result<std::string> SessionRoot() {
  const char* given = std::getenv("TROUPE_SESSION_ROOT");
  const std::string root = given && *given ? given : "/tmp/troupe-" + std::to_string(geteuid());
  if (mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "cannot make the session root " + root + " (choose another with TROUPE_SESSION_ROOT)");
  }
  TROUPE_RETURN_IF_ERROR(CheckPrivateFolder(root, "the session root"));
  return root;
}

Result<Session> ReadSession(const std::string& dir) {
  std::error_code error;
  const fs::path path = fs::canonical(dir, error);
  if (error || !fs::is_directory(path, error)) return NotFound("there is no session folder " + dir);
  Session session{.dir = path, .head = {}, .node = {}};
  const std::string head_file = session.dir + "/head.json";
  const std::string node_file = session.dir + "/node.json";
  session.head = ReadHeadFile(head_file);
  session.node = ReadNodeFile(node_file);
  if (session.head) session.head_start = StartOfDaemon(session.head->pid, session.dir);
  if (session.node) session.node_start = StartOfDaemon(session.node->pid, session.dir);
  session.modified_ns = std::max(ModifiedNs(head_file), ModifiedNs(node_file));
  if (session.modified_ns == 0) session.modified_ns = ModifiedNs(session.dir);
  return session;
}

std::vector<Session> ListSessions(const std::string& root) {
  std::vector<Session> sessions;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    const std::string name = entry.path().filename();
    const bool linked = entry.is_symlink(error);
    if (!name.starts_with(linked ? kLinkPrefix : kSessionPrefix)) continue;
    Result<Session> session = ReadSession(entry.path());
    if (!session.ok()) continue;
    session->listed_only = linked;
    sessions.push_back(*std::move(session));
  }
  std::sort(sessions.begin(), sessions.end(),
            [](const Session& a, const Session& b) { return a.modified_ns > b.modified_ns; });
  return sessions;
}

Status LinkSession(const std::string& root, const std::string& dir) {
  std::error_code error;
  const fs::path target = fs::canonical(dir, error);
  if (error) return NotFound("there is no session folder " + dir);
  if (target.parent_path() == fs::canonical(root, error) && target.filename().string().starts_with(kSessionPrefix)) {
    return OkStatus();
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    if (entry.is_symlink(error) && fs::read_symlink(entry.path(), error) == target) return OkStatus();
  }
  const std::string link = root + "/" + std::string(kLinkPrefix) + Id64<struct LinkTag>::Random().Hex();
  if (symlink(target.c_str(), link.c_str()) != 0) return ErrnoStatus(errno, "cannot make " + link);
  return OkStatus();
}

std::optional<std::uint64_t> ProcessStartTime(pid_t pid) {
  const auto stat = ReadProcessStat(pid);
  if (!stat || !stat->running()) return std::nullopt;
  return stat->start_time;
}

}  // namespace troupe
