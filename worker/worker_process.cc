#include "worker/worker_process.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "client/runtime_impl.h"
#include "ipc/client_wire.h"
#include "troupe/internal/runtime_access.h"
#include "worker/crash_report.h"
#include "worker/executor.h"
#include "worker/node_fence.h"

namespace troupe::worker {
namespace {

std::string Take(const char* variable) {
  const char* value = std::getenv(variable);
  std::string text = value ? value : "";
  unsetenv(variable);
  return text;
}

}  // namespace

WorkerEnvironment TakeWorkerEnvironment() {
  WorkerEnvironment environment;
  const std::string kind = Take("TROUPE_WORKER_KIND");
  if (kind.empty()) return environment;
  environment.kind = kind == "template" ? WorkerEnvironment::Kind::kTemplate : WorkerEnvironment::Kind::kWorker;
  environment.socket = Take("TROUPE_RAYLET_SOCKET");
  environment.process = Take("TROUPE_PROCESS_ID");
  environment.cookie = Take("TROUPE_COOKIE");
  return environment;
}

void RunWorker(const WorkerEnvironment& environment) {
  // Lines appear when they are printed, not when a block is full: people watch them.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  InstallCrashReport();
  auto runtime = std::make_shared<client::RuntimeImpl>();
  Executor executor(*runtime);
  pb::RegisterClient hello;
  hello.set_protocol_version(ipc::kClientProtocolVersion);
  hello.set_kind(pb::WorkerInfo::WORKER);
  hello.set_process(ProcessId::FromHex(environment.process).value_or(ProcessId{}).value);
  hello.set_pid(getpid());
  hello.set_cookie(environment.cookie);
  if (const Status status = runtime->Start(environment.socket, hello, &executor); !status.ok()) {
    std::fprintf(stderr, "troupe: this worker cannot join its raylet: %s\n", status.message().c_str());
    std::fflush(nullptr);
    _exit(1);
  }
  auto fence = NodeFence::Start(runtime->core().info.node_lease());
  if (!fence.ok()) {
    std::fprintf(stderr, "troupe: this worker cannot watch its node's lease: %s\n", fence.status().message().c_str());
    std::fflush(nullptr);
    _exit(1);
  }
  executor.SetFence(fence->get());
  internal::SetRuntime(runtime);
  const int status = executor.Run();
  // Static destructors are not run: main() has not returned, and what they destroy may be in use by user threads.
  std::fflush(nullptr);
  runtime->Stop();
  _exit(status);
}

}  // namespace troupe::worker
