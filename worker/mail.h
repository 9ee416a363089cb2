// Mail: a call as it arrived.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client/runtime_impl.h"

namespace troupe::worker {

// On the heap, since the frame's views point into `buffer`.
struct Mail {
  // Takes over the refs in the frame. Null: it does not decode. With the core's mutex held.
  static std::unique_ptr<Mail> Open(const Address& from, std::string_view frame, std::uint64_t number,
                                    client::RefCodec& codec);
  // As if somebody who waits for no answer had called Terminate.
  static std::unique_ptr<Mail> Terminate(const ActorId& actor);

  // Not a method, but the word that the actor is to end when it has run what came before.
  bool terminates() const { return frame.function == client::kTerminateFunction && frame.actor; }
  // Of the call, and so of its result.
  TaskId id() const { return {from.process.value, frame.sequence}; }

  std::string buffer;
  Address from;
  std::uint64_t number = 0;  // for Outbox::SayBegun
  client::CallFrame frame;
  client::Contained held;  // what the sender counted this process as a holder of
};

}  // namespace troupe::worker
