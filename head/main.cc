// troupe-head: one per cluster.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#include "head/head_program.h"

namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

int ExitCode(const troupe::Status& status) {
  return status.code() == troupe::StatusCode::kInvalidArgument ? kBadUsage : kFailed;
}

int Fail(const troupe::Status& status, int exit_code) {
  std::fprintf(stderr, "troupe-head: %s\n", status.message().c_str());
  return exit_code;
}

// False when the parent has gone already: then no signal would come.
bool EndWithParent(int parent_pid) { return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent_pid; }

// A core file would hold the token.
void ForbidCoreFiles() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = kFailed;
  auto options = troupe::head::ParseHeadOptions(argc, argv, &exit_code);
  if (!options.ok()) return exit_code == 0 ? 0 : Fail(options.status(), exit_code);
  if (options->parent_pid != 0 && !EndWithParent(options->parent_pid)) {
    return Fail(
        troupe::FailedPrecondition("its parent, process " + std::to_string(options->parent_pid) + ", has ended"),
        kFailed);
  }
  ForbidCoreFiles();
  auto program = troupe::head::HeadProgram::Make(*options);
  if (!program.ok()) return Fail(program.status(), ExitCode(program.status()));
  const troupe::Status status = (*program)->Run();
  return status.ok() ? 0 : Fail(status, ExitCode(status));
}
