// Reads rows that an earlier start of the head has written.
#pragma once

#include <string>

#include "common/status.h"
#include "head/registry.h"

namespace troupe::head {

// The row as a message. DATA_LOSS when the bytes are none.
template <class Message>
Result<Message> ReadRow(const std::string& bytes) {
  Message row;
  if (!row.ParseFromString(bytes)) return DataLoss("its row cannot be read");
  return row;
}

// Calls `take(key, row)` for each row of `table`, in the order of the keys, until one returns anything but OK.
template <class Message, class Take>
Status ForEachRow(const Rows& rows, Table table, Take take) {
  for (auto it = rows.lower_bound({table, ""}); it != rows.end() && it->first.first == table; ++it) {
    TROUPE_ASSIGN_OR_RETURN(const Message row, ReadRow<Message>(it->second));
    TROUPE_RETURN_IF_ERROR(take(it->first.second, row));
  }
  return OkStatus();
}

}  // namespace troupe::head
