// Identity: which cluster a head is of, and which of its starts this is.
#pragma once

#include <cstdint>

#include "common/status.h"
#include "head/registry.h"
#include "proto/registry.pb.h"
#include "troupe/ids.h"

namespace troupe::head {

struct Identity {
  ClusterId cluster;
  std::uint64_t epoch = 1;
};

// Of the head that starts with these rows: in the first epoch of `wanted`, or of a fresh cluster if that is none, when
// there is no row of an earlier start. FAILED_PRECONDITION when the rows are of another cluster than `wanted`;
// DATA_LOSS.
Result<Identity> NextIdentity(const Rows& rows, const ClusterId& wanted);

pb::ClusterRow ToRow(const Identity& identity);

}  // namespace troupe::head
