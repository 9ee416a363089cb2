// Faults: what a test breaks in a simulated world on purpose, to see that the checks find it.
#pragma once

namespace troupe::simulation {

enum class Fault {
  kNone,
  kStartTwice,      // an actor's start goes to two nodes
  kKeepKilled,      // a process that is killed is said to have ended, and lives on
  kDropReply,       // some answers do not reach the client
  kReplyTwice,      // some answers come twice
  kHideExit,        // the end of some workers is not heard of
  kDropGrant,       // some leases do not reach who asked
  kDropStart,       // some actors are not started
  kDropStop,        // actors are not stopped
  kHideDeath,       // other nodes are not told of ended processes
  kTellAll,         // everybody is told of every ended process
  kKeepDriver,      // the end of a driver's connection is not heard of
  kUnseededChance,  // something happens by chance
};

}  // namespace troupe::simulation
