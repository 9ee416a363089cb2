// Init and Shutdown: joining a cluster, and leaving it.
#pragma once

#include "troupe/abi.h"
#include "troupe/options.h"

namespace troupe {

// Joins the cluster that `options` or $TROUPE_ADDRESS name, or starts one on this machine, and makes this process a
// driver with a job of its own. Call it first thing in main(), before the program makes threads, and not while
// another thread calls Init or Shutdown: in a process that the cluster has started as a worker it does not return.
// Blocks until the cluster has answered. Throws ConnectionError when there is no such cluster, or it refuses, and
// UsageError when the process is already initialised (see InitOptions::ignore_reinit).
//
// The form with argc and argv is the one to use in main(); the workers are started with the program's arguments as the
// system knows them, whichever is called.
void Init(const InitOptions& options = {});
void Init(int argc, char** argv, const InitOptions& options = {});

// Ends the job: its actors, unless detached, its tasks and its objects. Blocks until the cluster has been told and
// the library's threads have ended. Refs and handles that are left can only be destroyed: any other use is a
// UsageError, after another Init too. No other thread may use the library meanwhile. Does nothing when the process is
// not initialised; runs by itself at the end of main().
void Shutdown();

// Whether Init has returned, and Shutdown has not been called. Any thread.
bool IsInitialized();

// Of the library: "0.1.0". Any thread.
const char* Version();

}  // namespace troupe
