// ReserveStdio: keeps descriptors of Troupe's above 2.
#pragma once

namespace troupe {

// A program may be started with standard input, output or error closed. The next descriptor that anything opens would
// take that place, and what the program prints would go into it: a connection, a file of shared memory. So the free
// places are taken by /dev/null, opened the wrong way round, so that reading and printing fail as before. Programs that
// the caller starts find them closed. Before the first descriptor is opened; any thread.
void ReserveStdio();

}  // namespace troupe
