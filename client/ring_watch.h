// RingWatch: which thread of a process reads its rings, and how the others wait for what it finds there.
//
// The rings have one reader at a time. It is whoever holds the runtime's mutex while nobody sleeps; while a thread
// sleeps, that thread alone looks at the rings, without the mutex, and nobody reads them or changes which there are:
//
//                      a waiting thread finds nothing            its spin or sleep ends, it has the mutex again
//     sleeper: nobody ---------------------------------> user ------------------------------------------------> nobody
//              nobody ---------------------------------> service ---------------------------------------------> nobody
//                      no thread waits, or has of late           something came, or a thread wants to wait
//
// Whoever waits reads for itself: the first waiting thread spins, then sleeps on the doorbell; others wait for it on a
// condition variable, and one of them takes over when it leaves. When no thread waits, the service thread stands in, so
// that what others ask for is answered while user code computes. It stays out of the way of threads that wait often.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "client/outbox.h"
#include "ipc/spin_budget.h"

namespace troupe::client {

using Deadline = std::optional<Clock::time_point>;

// What is read. With the mutex held, but for AnyReadable().
class Rings {
 public:
  virtual ~Rings() = default;
  // Hands out what has arrived, as much as one turn allows, and carries out what was put off to a time when nobody
  // looks. Kicks the watch if there is more.
  virtual void Drain() = 0;
  // Settles what AnyReadable() looks at.
  virtual void BeforeSleep() = 0;
  // Whether Drain() would find something. By the sleeper, without the mutex.
  virtual bool AnyReadable() const = 0;
};

// What the sleeper sleeps on: ipc::OwnDoorbell, which see, but in tests.
class Bell {
 public:
  virtual ~Bell() = default;
  virtual std::uint32_t Prepare() = 0;
  virtual void Wait(std::uint32_t word, std::chrono::nanoseconds timeout) = 0;
  virtual void Finish() = 0;
  virtual void Ring() = 0;  // any thread
};

// Threads that wait call it once when they are about to sleep (true) and once when they go on (false), without the
// mutex; a worker lends its CPUs away meanwhile.
using SleepHook = std::function<void(bool sleeping)>;

class RingWatch {
 public:
  // `rings` and `bell` outlive this. `spin`: the longest spin before a sleep.
  RingWatch(Rings& rings, Bell& bell, std::chrono::nanoseconds spin) : rings_(rings), bell_(bell), spin_(spin) {}

  // --- With the mutex held ---------------------------------------------------------------------------------------

  // Reads the rings until `done()` or the deadline, whose passing it returns as false. Releases the mutex while it
  // waits. Any number of threads.
  bool WaitUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done, Deadline deadline,
                 const SleepHook* hook);

  // For threads that make calls and do not wait: every so many of them, reads the rings as WaitUntil would. So the
  // service thread stays out of their way, too.
  void OnCallMade();

  // Makes waiting threads look at their condition again, or the service thread at the rings.
  void Kick();
  // Only the former, if there are any: without a system call else.
  void KickWaiting() {
    if (waiting_ > 0) Kick();
  }

  // The service thread's part, until Stop(): reads the rings while no other thread does, and calls `chores` at every
  // turn. `chores` may release the mutex; it says whether some are left for the next turns, which then come every few
  // milliseconds, else at most about 100 ms after WakeService().
  void Serve(std::unique_lock<std::mutex>& lock, const std::function<bool(std::unique_lock<std::mutex>&)>& chores);
  // There are new chores.
  void WakeService() {
    if (service_deep_) service_wake_.notify_one();
  }
  void Stop();

 private:
  enum class Sleeper { kNobody, kUser, kService };

  void Drain();
  bool AnythingToRead() const;
  void Sleep(std::chrono::nanoseconds timeout);
  void AskServiceToGiveWay();

  Rings& rings_;
  Bell& bell_;
  ipc::SpinBudget spin_;

  Sleeper sleeper_ = Sleeper::kNobody;
  std::atomic<bool> kicked_{false};
  std::condition_variable others_;  // threads that wait while another one sleeps for them
  int others_waiting_ = 0;
  int waiting_ = 0;          // threads inside WaitUntil
  std::uint64_t looks_ = 0;  // of threads other than the service thread
  std::uint64_t calls_made_ = 0;

  std::condition_variable service_wake_;
  bool service_deep_ = false;  // it sleeps until woken: a user thread reads the rings
  bool stop_ = false;
};

}  // namespace troupe::client
