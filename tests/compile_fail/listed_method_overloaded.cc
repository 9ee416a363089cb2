// expect: Troupe: TROUPE_ACTOR lists Method, which is no public method of the class, or an overload or template
#include "actors.h"

class Wrong {
 public:
  int Method(int x) { return x; }
  int Method(long x) { return static_cast<int>(x); }
};
TROUPE_ACTOR(Wrong, Method);
