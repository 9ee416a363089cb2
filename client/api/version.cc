#include "troupe/init.h"

namespace troupe {

const char* Version() { return TROUPE_VERSION; }

}  // namespace troupe
