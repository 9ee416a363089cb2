#include "head/identity.h"

#include "head/row_reader.h"

namespace troupe::head {

Result<Identity> NextIdentity(const Rows& rows, const ClusterId& wanted) {
  auto it = rows.find({Table::kCluster, ""});
  if (it == rows.end()) return Identity{wanted ? wanted : ClusterId::Random(), 1};
  TROUPE_ASSIGN_OR_RETURN(const pb::ClusterRow row, ReadRow<pb::ClusterRow>(it->second));
  const auto cluster = ClusterId::FromBytes(row.id());
  if (!cluster || !*cluster) return DataLoss("the registry's row of its cluster has no id");
  if (wanted && *cluster != wanted) {
    return FailedPrecondition("the registry is of cluster " + cluster->Hex() + ", not of " + wanted.Hex() +
                              "; give the head a session folder of its own");
  }
  return Identity{*cluster, row.epoch() + 1};
}

pb::ClusterRow ToRow(const Identity& identity) {
  pb::ClusterRow row;
  row.set_id(identity.cluster.Bytes());
  row.set_epoch(identity.epoch);
  return row;
}

}  // namespace troupe::head
