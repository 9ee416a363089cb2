// expect: Troupe: a parameter is a raw pointer
#include "actors.h"

class Wrong {
 public:
  int Method(const int* value) { return *value; }
};
TROUPE_ACTOR(Wrong, Method);
