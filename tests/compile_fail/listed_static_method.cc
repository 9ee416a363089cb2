// expect: Troupe: TROUPE_ACTOR lists a static member, which needs no actor; run a static method as a task
#include "actors.h"

class Clock {
 public:
  static int Now() { return 1; }
};
TROUPE_ACTOR(Clock, Now);
void Use(troupe::ActorHandle<Clock> clock) { clock.Now(); }
