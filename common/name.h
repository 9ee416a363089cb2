// CheckName: what people may call things.
#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace troupe {

// Names of actors, namespaces and labels are text of 1 to 255 bytes of UTF-8, in any language, with spaces if they
// like; they appear in lists, messages and command lines, so what would steer a terminal or hide what a line says
// (control characters, line separators, changes of direction) is refused. INVALID_ARGUMENT begins with `what`, "an
// actor's name".
Status CheckName(std::string_view name, const std::string& what);

}  // namespace troupe
