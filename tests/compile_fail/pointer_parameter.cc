// expect: Troupe: a raw pointer cannot travel
#include "actors.h"

class Wrong {
 public:
  int Method(const int* value) { return *value; }
};
TROUPE_ACTOR(Wrong, Method);
