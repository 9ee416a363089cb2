// expect: Troupe: TROUPE_ACTOR lists a data member
#include "actors.h"

class Clock {
 public:
  int now = 1;
};
TROUPE_ACTOR(Clock, now);
void Use(troupe::ActorHandle<Clock> clock) { clock.now(); }
