#include "cli/exit_code.h"

namespace troupe::cli {

ExitCode ExitCodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return kOk;
    case StatusCode::kInvalidArgument: return kUsage;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded: return kUnreachable;
    case StatusCode::kNotFound: return kNotFound;
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied: return kRefused;
    default: return kFailed;
  }
}

}  // namespace troupe::cli
