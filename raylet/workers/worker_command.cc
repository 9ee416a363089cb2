#include "raylet/workers/worker_command.h"

#include <filesystem>
#include <fstream>

#include "common/owner_mark.h"

namespace troupe::raylet {
namespace {

constexpr std::streamoff kTailBytes = 2'000;

SpawnOptions ProgramCommand(const pb::Program& program, const LocalProgram& local, JobId job, const std::string& kind,
                            std::uint64_t owner, const std::string& cookie, const WorkerPool::Options& options) {
  SpawnOptions command;
  command.program = local.path;
  // The name the user knows, wherever the program lies on this node.
  command.argv.push_back(program.path());
  command.argv.insert(command.argv.end(), program.argv().begin(), program.argv().end());
  std::error_code error;
  command.directory =
      std::filesystem::is_directory(program.directory(), error) ? program.directory() : options.session_dir;
  command.environment = InheritedEnvironment();
  PrependLibraryPath(local.library_path, &command.environment);
  SetVariable("TROUPE_WORKER_KIND", kind, &command.environment);
  SetVariable("TROUPE_RAYLET_SOCKET", options.socket_path, &command.environment);
  SetVariable("TROUPE_COOKIE", cookie, &command.environment);
  SetVariable(OwnerMark::kVariable, OwnerMark{options.node, owner}.Text(), &command.environment);
  SetVariable("TROUPE_JOB_ID", job.Hex(), &command.environment);
  SetVariable("TROUPE_NODE_ID", options.node.Hex(), &command.environment);
  return command;
}

}  // namespace

std::string WorkerLogName(ProcessId process, bool is_stderr) {
  return "worker-" + process.Hex() + (is_stderr ? ".err" : ".out");
}

std::string WorkerLogPath(const std::string& session_dir, ProcessId process, bool is_stderr) {
  return session_dir + "/logs/" + WorkerLogName(process, is_stderr);
}

SpawnOptions TemplateCommand(const pb::Program& program, const LocalProgram& local, JobId job,
                             const std::string& cookie, const std::string& log, const WorkerPool::Options& options) {
  SpawnOptions command = ProgramCommand(program, local, job, "template", job.value, cookie, options);
  command.stdout_path = command.stderr_path = log;
  return command;
}

SpawnOptions WorkerCommand(const pb::Program& program, const LocalProgram& local, JobId job, ProcessId process,
                           const std::string& cookie, const WorkerPool::Options& options) {
  SpawnOptions command = ProgramCommand(program, local, job, "worker", process.value, cookie, options);
  command.own_process_group = true;
  SetVariable("TROUPE_PROCESS_ID", process.Hex(), &command.environment);
  command.stdout_path = WorkerLogPath(options.session_dir, process, false);
  command.stderr_path = WorkerLogPath(options.session_dir, process, true);
  return command;
}

std::string EndOfLog(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  const std::streamoff start = std::max<std::streamoff>(0, size - kTailBytes);
  std::string text(static_cast<std::size_t>(size - start), '\0');
  file.seekg(start);
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) return {};
  while (text.ends_with('\n')) text.pop_back();
  if (start > 0) text.erase(0, text.find('\n') + 1);  // a line cut in the middle
  return text.empty() ? text : "; its log ends with:\n" + text;
}

}  // namespace troupe::raylet
