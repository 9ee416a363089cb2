#include "head/registry.h"

namespace troupe::head {

void MemoryRegistry::Commit(std::vector<RowChange> changes, std::function<void()> committed) {
  for (RowChange& change : changes) {
    auto key = std::pair(change.table, std::move(change.key));
    if (change.value) {
      rows_.insert_or_assign(std::move(key), std::move(*change.value));
    } else {
      rows_.erase(key);
    }
  }
  ++revision_;
  committed();
}

}  // namespace troupe::head
