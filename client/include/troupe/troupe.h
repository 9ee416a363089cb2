// Troupe: actors, tasks and objects on a cluster of machines. Include this.
#pragma once

#include "troupe/internal/require_cxx20.h"

// First, so that compilers have few files to name above the sentences that these hold.
#include "troupe/internal/serializable.h"

#include "troupe/internal/signature.h"

#include "troupe/internal/argument_match.h"

#include "troupe/internal/actor_methods.h"

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
