// What calls end with that gave no result.
#pragma once

#include <unistd.h>

#include <string>
#include <utility>

#include "troupe/error.h"
#include "troupe/ids.h"

namespace troupe::worker {

inline ErrorInfo NotExecuted(ErrorKind kind, std::string why) {
  return {.kind = kind, .outcome = Outcome::kNotExecuted, .message = std::move(why)};
}

// The error, with the word that it came up in this process.
inline ErrorInfo HappenedHere(ErrorInfo error, const Address& self) {
  error.node = self.node;
  error.pid = getpid();
  return error;
}

}  // namespace troupe::worker
