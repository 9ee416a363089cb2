// BlockSignals: keeps the program's signals away from threads that are not the program's.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <initializer_list>

namespace troupe {

// While it lives, threads that this thread starts are born with every signal blocked, so that the program's handlers,
// sigwait and signalfd get what is sent to the process: a signal goes to any thread that does not block it. Faults are
// left alone, which are their own thread's, and of which a crash report should come.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigdelset(&all, fault);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace troupe
