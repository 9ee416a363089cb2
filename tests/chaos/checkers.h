// Checkers: what must hold of a history, whatever was killed. Pure functions; each returns a sentence for each
// violation, at most a handful, and nothing when there is none. tests/chaos/checkers_test.cc has a history that each
// must find fault with.
#pragma once

#include <string>
#include <vector>

#include "tests/chaos/history.h"

namespace troupe::chaos {

using Violations = std::vector<std::string>;

// Each call of a caller that was not killed has ended, within its time, with a value that is right or with an error.
Violations EveryCallEnds(const History& history);
// Without retries a call runs at most once; with them at most once in an incarnation of its actor.
Violations RunsAtMostOnce(const History& history);
// What was told to be not executed never ran, neither before nor after.
Violations NotExecutedDidNotRun(const History& history);
// What gave a value ran.
Violations ValuesWereMade(const History& history);
// One incarnation runs the calls of one caller in the order in which they were made.
Violations KeepsOrder(const History& history);
// Of two holders of one name, the last call of the one comes before the first of the other.
Violations OneHolderOfAName(const History& history);
// A later process of an actor has a higher incarnation.
Violations IncarnationsGrow(const History& history);

// All of the above, each violation with its checker's name in front.
Violations CheckAll(const History& history);

}  // namespace troupe::chaos
