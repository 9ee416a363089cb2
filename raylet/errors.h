// Errors as clients get them: what went wrong, and what it means for the call.
#pragma once

#include <string>

#include "common/status.h"
#include "proto/common.pb.h"

namespace troupe::raylet {

// An Error of these three; the rest is left empty.
pb::Error MakeError(pb::Error::Kind kind, pb::Error::Outcome outcome, std::string message);

// What a failed `status` means for a request that it answers. `outcome`: whether the request may have taken effect.
// NOT_FOUND becomes ACTOR_DIED when `status` is about an actor; callers that ask about anything else build their own.
pb::Error ErrorFromStatus(const Status& status, pb::Error::Outcome outcome = pb::Error::NOT_EXECUTED);

}  // namespace troupe::raylet
