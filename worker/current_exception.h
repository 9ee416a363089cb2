// What user code threw, as an error that can travel.
#pragma once

#include "troupe/error.h"

namespace troupe::worker {

// Call in a handler. An exception of any type: remote_type is its demangled type, message its what() if it has one.
// Arguments that did not decode are told apart from exceptions of user code.
ErrorInfo DescribeCurrentException();

}  // namespace troupe::worker
