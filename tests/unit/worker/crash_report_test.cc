#include "worker/crash_report.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace {
bool in_malloc = false;  // whoever wants memory now waits for ever
}

extern "C" {
void* __libc_malloc(std::size_t size);              // NOLINT: of glibc
void* __libc_realloc(void* old, std::size_t size);  // NOLINT
void* malloc(std::size_t size) noexcept {
  while (in_malloc) pause();
  return __libc_malloc(size);
}
void* realloc(void* old, std::size_t size) noexcept {
  while (in_malloc) pause();
  return __libc_realloc(old, size);
}
}

namespace troupe::worker {

// Volatile twice, or the compiler may leave out the store.
[[gnu::noinline]] void StoreNowhere() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;  // NOLINT: the point of it
}

[[gnu::noinline]] int Recurse(volatile int* depth) {  // NOLINT: until the stack is full
  volatile char page[4096] = {};
  *depth = *depth + 1;
  return *depth > 0 ? Recurse(depth) + page[0] : 0;
}

namespace {

using ::testing::KilledBySignal;

TEST(CrashReportTest, NamesTheSignalAndTheFunctionsAndEndsAsTheSignalWould) {
  EXPECT_EXIT(
      {
        InstallCrashReport();
        StoreNowhere();
      },
      KilledBySignal(SIGSEGV), "crashed: SIGSEGV .*troupe::worker::StoreNowhere\\(\\)");
}

TEST(CrashReportTest, SurvivesAnOverflowOfTheStack) {
  EXPECT_EXIT(
      {
        InstallCrashReport();
        volatile int depth = 0;
        Recurse(&depth);
      },
      KilledBySignal(SIGSEGV), "troupe::worker::Recurse\\(int volatile\\*\\)");
}

TEST(CrashReportTest, SaysWhatNobodyCaught) {
  EXPECT_EXIT(
      {
        InstallCrashReport();
        std::thread([] { throw std::logic_error("nobody catches this"); }).join();
      },
      KilledBySignal(SIGABRT), "not caught: std::logic_error: nobody catches this");
}

TEST(CrashReportTest, EndsACrashInsideMallocWithoutDemangledNames) {
  EXPECT_EXIT(
      {
        InstallCrashReport();
        in_malloc = true;
        StoreNowhere();
      },
      KilledBySignal(SIGSEGV), "_ZN6troupe6worker12StoreNowhereEv");
}

}  // namespace
}  // namespace troupe::worker
