// expect: Troupe: TROUPE_ACTOR stands in the namespace of its class or in the global one; not in a function, in a class
#include "actors.h"

class Clock {
 public:
  int Now() const { return 1; }
  TROUPE_ACTOR(Clock, Now);
};
