#include "worker/crash_report.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <typeinfo>
#include <utility>

namespace troupe::worker {
namespace {

constexpr int kMaxFrames = 64;
constexpr unsigned kNamingSeconds = 1;
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
alignas(16) char alternate_stack[64 * 1024];  // a stack overflow leaves no room on the thread's own

// Of the one crash that a process has; handlers can be given nothing else.
void* frames[kMaxFrames];
volatile int depth = 0;
volatile int printed = 0;
volatile sig_atomic_t crash_signal = 0;

void Print(const char* line) { (void)!write(STDERR_FILENO, line, std::strlen(line)); }

void PrintFrame(int frame, bool demangle) {
  void* const address = frames[frame];
  Dl_info info{};
  char line[1024];
  if (dladdr(address, &info) != 0 && info.dli_sname) {
    int status = -1;
    char* name = demangle ? abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status) : nullptr;
    std::snprintf(line, sizeof line, "  #%d %s + %td\n", frame - 1, status == 0 ? name : info.dli_sname,
                  static_cast<char*>(address) - static_cast<char*>(info.dli_saddr));
    std::free(name);
  } else {
    std::snprintf(line, sizeof line, "  #%d %s + 0x%tx\n", frame - 1, info.dli_fname ? info.dli_fname : "?",
                  static_cast<char*>(address) - static_cast<char*>(info.dli_fbase));
  }
  Print(line);
}

// Frame 0 is the handler.
void PrintStack(bool demangle) {
  while (printed + 1 < depth) {
    PrintFrame(printed + 1, demangle);
    printed = printed + 1;
  }
}

// The crash was inside malloc, whose lock demangling waits for. The rest goes without.
void OnStuck(int) {
  PrintStack(false);
  kill(getpid(), crash_signal);  // its default action now
}

// Demangling allocates, which is not allowed in a handler. The process is lost anyway: a second fault in the handler
// ends it, since SA_RESETHAND restored the default, and OnStuck() ends a wait.
void OnSignal(int signal, siginfo_t* info, void*) {
  char line[256];
  const char* name = sigabbrev_np(signal);
  if (signal == SIGABRT) {
    std::snprintf(line, sizeof line, "troupe: process %d aborted; its stack:\n", getpid());
  } else {
    char address[32] = "";
    if (info->si_code > 0) std::snprintf(address, sizeof address, " at address %p", info->si_addr);  // else it was sent
    std::snprintf(line, sizeof line, "troupe: process %d crashed: SIG%s (%s)%s; its stack:\n", getpid(),
                  name ? name : "?", sigdescr_np(signal), address);
  }
  Print(line);
  depth = backtrace(frames, kMaxFrames);
  crash_signal = signal;
  struct sigaction stuck {};
  stuck.sa_handler = OnStuck;
  sigaction(SIGALRM, &stuck, nullptr);
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm_only, nullptr);
  alarm(kNamingSeconds);
  PrintStack(true);
  raise(signal);  // the default action now, with its exit status and core file
}

[[noreturn]] void OnTerminate() {
  if (const std::type_info* type = abi::__cxa_current_exception_type()) {
    int status = 0;
    char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
    std::string what;
    try {
      throw;
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {
    }
    std::fprintf(stderr, "troupe: an exception was not caught: %s: %s\n", status == 0 ? name : type->name(),
                 what.c_str());
  }
  std::abort();
}

}  // namespace

void LoadUnwinder() {
  static bool loaded = false;
  if (std::exchange(loaded, true)) return;
  void* frame[1];
  backtrace(frame, 1);  // its first call loads libgcc
}

void InstallCrashReport() {
  LoadUnwinder();  // now: it may not be loaded in a handler
  stack_t stack{};
  stack.ss_sp = alternate_stack;
  stack.ss_size = sizeof alternate_stack;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = OnSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
  std::set_terminate(OnTerminate);
}

}  // namespace troupe::worker
