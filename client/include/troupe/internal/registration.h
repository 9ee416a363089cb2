// How functions come to be known before main(), and how a caller learns their ids.
#pragma once

#include "troupe/internal/function_id.h"
#include "troupe/internal/runtime.h"

namespace troupe::internal {

// Registers under `identity` and returns it; `type` as in Function. Thread-safe. Ends the process when the program has
// another function of that id.
const Identity* RegisterNamed(Identity identity, Invoker invoke, Factory make, const std::type_info* type = nullptr);

// As above, but closure types of different translation units may share a name: the second of a name gets the id of
// "NAME #2", and so on in the order of registration, which is the same in every process of one executable.
const Identity* RegisterLambda(Identity identity, Invoker invoke);

// `Source::Register()` runs once, at the latest at first use, and before main() in every program in which Get() is
// instantiated: so a worker knows what its driver may ask for.
template <class Source>
class Registration {
 public:
  static const Identity& Get() {
    static_cast<void>(&registered_);  // instantiates it
    return Once();
  }

 private:
  // Not the static member itself: another one's initialiser may call first.
  static const Identity& Once() {
    static const Identity* const identity = Source::Register();
    return *identity;
  }
  static inline const bool registered_ = (Once(), true);
};

}  // namespace troupe::internal
