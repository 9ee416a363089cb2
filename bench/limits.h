// What this machine can do at all, measured next to what Troupe does with it.
#pragma once

#include <string>

#include "bench/sample.h"

namespace troupe::bench {

// Each runs for about `seconds`. None of them uses Troupe's runtime; the process must have one thread, because they
// fork. They throw std::runtime_error when the machine refuses (no shared memory, say).

// A record of 64 bytes to another process and back, both looking at their ring all the time.
Sample RingRoundTrip(double seconds);
// Records of 64 bytes one way, as fast as they go.
Sample RingRate(double seconds);
// Copies of 64 MiB between warm buffers; an operation is 1 GB (10^9 bytes).
Sample Memcpy(double seconds);
// fork(), exit of the child, waitpid().
Sample Fork(double seconds);
// A unary gRPC call with 64 bytes over a unix socket to another process, one at a time.
Sample GrpcUnaryEcho(double seconds);

}  // namespace troupe::bench
