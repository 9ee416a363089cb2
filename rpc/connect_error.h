// Why there is no connection, in words for people, from what gRPC says about it. Private to rpc/.
#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace troupe::rpc {

// Whether gRPC's `message` is about a connection that never came to be, so that nothing was sent. It gives a peer that
// cannot be reached and one that was lost the same code.
bool IsConnectError(std::string_view message);

// `peer` is "the head at 127.0.0.1:6480". UNAUTHENTICATED when what listens there could not prove that it holds the
// cluster's token, unless it `was_proved` to be there before: then it has gone, and something else has its port, which
// is UNAVAILABLE like every other reason.
Status ExplainConnectError(const std::string& peer, const std::string& message, bool was_proved);

}  // namespace troupe::rpc
