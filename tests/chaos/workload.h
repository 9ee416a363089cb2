// Workload: the driver of a chaos run, and the actors and tasks that it calls. Every call is written down by both ends.
#pragma once

namespace troupe::chaos {

// The role (tests/integration/program.h) of a driver: FOLDER of the history, CALLER (its name, once in the run), SEED,
// STOP (a file; the driver ends once it exists, and what it has made by then has ended). It ends by itself, with
// status 0, when it loses its raylet. Status 1 and a line on standard error: it met what no fault explains.
inline constexpr const char* kDriverRole = "chaos-driver";

// The role of a driver that kills the named actors, and ends when none is left. No arguments.
inline constexpr const char* kEndRole = "chaos-end";

// The named actors that all drivers of a run share.
inline constexpr const char* kNames[] = {"bank", "board", "clerk"};
inline constexpr const char* kNameSpace = "chaos";

}  // namespace troupe::chaos
