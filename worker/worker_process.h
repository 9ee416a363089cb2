// What Troupe's processes that are started as workers or templates do instead of the rest of main().
#pragma once

#include <string>

namespace troupe::worker {

// From the environment that the raylet gives (TROUPE_WORKER_KIND and so on).
struct WorkerEnvironment {
  enum class Kind { kNone, kWorker, kTemplate };
  Kind kind = Kind::kNone;
  std::string socket;   // of the raylet
  std::string process;  // the id this process is to have, 16 hexadecimal digits; workers
  std::string cookie;   // proves that the raylet started it
};

// Reads it, and removes the cookie from the environment so that programs the user starts do not inherit it.
WorkerEnvironment TakeWorkerEnvironment();

// Serves calls until told to exit; ends the process. A process that cannot join exits with status 1 and says why on
// standard error.
[[noreturn]] void RunWorker(const WorkerEnvironment& environment);

// Forks workers on request until the raylet closes the connection; ends the process. The calling process must have
// one thread for that; with more it only reports the number, and the raylet starts workers by exec instead.
[[noreturn]] void RunTemplate(const WorkerEnvironment& environment);

}  // namespace troupe::worker
