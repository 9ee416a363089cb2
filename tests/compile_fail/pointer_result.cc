// expect: Troupe: a raw pointer cannot travel
#include "actors.h"

class Wrong {
 public:
  const char* Method() { return ""; }
};
TROUPE_ACTOR(Wrong, Method);
