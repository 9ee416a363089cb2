#include "worker/user_call.h"

#include <unistd.h>

#include <cstdio>

#include "troupe/internal/argument_reader.h"

namespace troupe::worker {

void EndFork(std::uint32_t generation) {
  if (generation == ForkGeneration()) return;
  std::fprintf(stderr,
               "troupe: process %d, a fork of a worker, returned from the method or task that forked it and ends here: "
               "let it execute a program, or end it with _exit\n",
               getpid());
  std::fflush(nullptr);
  _exit(1);
}

UserOutcome RunUserCall(std::unique_lock<std::mutex>& lock, const UserCall& call,
                        const client::RuntimeImpl::ThreadState& state, internal::ResultSink& results) {
  UserOutcome outcome;
  outcome.error = RunUserCode(lock, state, [&] {
    try {
      internal::ArgumentReader reader(call.values, call.resolved);
      call.function->invoke(call.instance, reader, results);
    } catch (const internal::ActorExit&) {
      outcome.exit = true;
    }
  });
  return outcome;
}

}  // namespace troupe::worker
