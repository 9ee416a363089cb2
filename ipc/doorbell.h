// Doorbells: how a process that sleeps is told that one of its rings has something for it.
//
// Each process has one doorbell in a small shared region: a word that only ever grows, and a flag that says whether
// anyone sleeps on it. Whoever waits goes through
//
//     word = bell.Prepare();            // from here on, peers ring
//     if (nothing in any ring) bell.Wait(word, timeout);
//     bell.Finish();
//
// and whoever has published something calls Ring(). Prepare() and Ring() each have a full fence between their store and
// their load (flag then rings; ring then flag), so that at least one of the two sees the other. A wake-up is a hint: a
// peer that was killed before ringing, or that scribbled over the word, costs a waiter at most its timeout.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "ipc/shared_region.h"

namespace troupe::ipc {

struct DoorbellLayout;

inline constexpr std::chrono::milliseconds kDoorbellTimeout{100};

// Makes the region of a process's doorbell, for the process and its peers to open. The errors of SharedRegion::Create.
Status CreateDoorbellRegion(const std::string& name);

// Somebody's doorbell, to ring. Move-only.
class Doorbell {
 public:
  // The errors of SharedRegion::Open; FailedPrecondition when the region holds no doorbell of this version.
  static Result<Doorbell> Open(const std::string& name);

  // Wakes the process if any of its threads sleeps. Call after publishing. Any thread; costs a fence and a load when
  // nobody sleeps, else a system call. Never blocks.
  void Ring() const;

  // Wakes the process in any case; for the raylet after the death of one of its peers, which may have been killed
  // between taking the flag and waking.
  void RingAlways() const;

 private:
  friend class OwnDoorbell;
  explicit Doorbell(SharedRegion region) : region_(std::move(region)) {}
  DoorbellLayout* layout() const;

  SharedRegion region_;
};

// This process's own doorbell, to sleep on. Several threads may wait at once; a ring wakes them all. Any thread.
class OwnDoorbell {
 public:
  // The errors of Doorbell::Open. The name is not removed on destruction: its maker does that.
  static Result<std::unique_ptr<OwnDoorbell>> Open(const std::string& name);
  ~OwnDoorbell();

  // Announces that the calling thread is about to sleep and returns the word to wait with. The caller then looks once
  // more at everything it waits for, and in any case calls Finish().
  std::uint32_t Prepare();

  // Sleeps until somebody rings after the Prepare() that returned `word`, or until `timeout`, at most
  // kDoorbellTimeout. May return early for no reason.
  void Wait(std::uint32_t word, std::chrono::nanoseconds timeout = kDoorbellTimeout);

  // Ends what Prepare() began.
  void Finish();

  // Ring() by another thread of this process, after changing what a waiter looks at.
  void WakeLocal() { bell_.Ring(); }

 private:
  struct Waiters;
  explicit OwnDoorbell(Doorbell bell);

  Doorbell bell_;
  std::unique_ptr<Waiters> waiters_;
};

}  // namespace troupe::ipc
