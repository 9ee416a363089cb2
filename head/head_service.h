// The head's service of proto/head.proto, over the Cluster. It only translates.
#pragma once

#include "head/cluster.h"
#include "head/package_pool.h"
#include "rpc/server.h"

namespace troupe::head {

// Registers every unary method of troupe.pb.Head. Before the server starts; all three must live until it has stopped.
void ServeHead(rpc::Server& server, Cluster& cluster, PackagePool& packages);

}  // namespace troupe::head
