// troupe-head: one per cluster.
#include <sys/resource.h>

#include <cstdio>

#include "common/descriptor_limit.h"
#include "common/stdio_descriptors.h"
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
  troupe::ReserveStdio();
  troupe::RaiseDescriptorLimit();
  ForbidCoreFiles();
  auto program = troupe::head::HeadProgram::Make(*options);
  if (!program.ok()) return Fail(program.status(), ExitCode(program.status()));
  const troupe::Status status = (*program)->Run();
  return status.ok() ? 0 : Fail(status, ExitCode(status));
}
