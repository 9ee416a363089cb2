#include "raylet/ports/client_info.h"

namespace troupe::raylet {

std::string NameOf(const ClientInfo& info) {
  return pb::WorkerInfo::Kind_Name(info.kind) + " " + info.process.Hex() + " (pid " + std::to_string(info.pid) +
         (info.program.empty() ? "" : ", program " + info.program) + ")";
}

}  // namespace troupe::raylet
