// Troupe: actors, tasks and objects on a cluster of machines. Include this.
#pragma once

#include "troupe/actor.h"          // IWYU pragma: export
#include "troupe/actor_handle.h"   // IWYU pragma: export
#include "troupe/cluster.h"        // IWYU pragma: export
#include "troupe/error.h"          // IWYU pragma: export
#include "troupe/expected.h"       // IWYU pragma: export
#include "troupe/get.h"            // IWYU pragma: export
#include "troupe/ids.h"            // IWYU pragma: export
#include "troupe/init.h"           // IWYU pragma: export
#include "troupe/object_ref.h"     // IWYU pragma: export
#include "troupe/options.h"        // IWYU pragma: export
#include "troupe/serialization.h"  // IWYU pragma: export
#include "troupe/task.h"           // IWYU pragma: export
#include "troupe/wait.h"           // IWYU pragma: export
