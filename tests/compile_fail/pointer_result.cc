// expect: Troupe: the result is a raw pointer
#include "actors.h"

class Wrong {
 public:
  const char* Method() { return ""; }
};
TROUPE_ACTOR(Wrong, Method);
