// A readable stack trace when a worker crashes.
#pragma once

namespace troupe::worker {

// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, and exceptions that nobody catches, print what happened and
// the stack of the thread to standard error before the process ends as it would have. Once per process.
void InstallCrashReport();

// A part of InstallCrashReport() that takes time, and that forks of this process need not repeat.
void LoadUnwinder();

}  // namespace troupe::worker
