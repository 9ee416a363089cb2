// expect: Troupe: TROUPE_ACTOR lists a method that the class does not have, that is not public, or that is overloaded
#include "actors.h"

class Wrong {
 public:
  int Method(int x) { return x; }
  int Method(long x) { return static_cast<int>(x); }
};
TROUPE_ACTOR(Wrong, Method);
