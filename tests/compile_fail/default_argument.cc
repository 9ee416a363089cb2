// expect: Troupe: wrong number of arguments; a remote call takes as many as the function has parameters, for default
// arguments
#include "actors.h"

class Clock {
 public:
  int Now(int zone = 0) { return zone; }
};
TROUPE_ACTOR(Clock, Now);
void Use(troupe::ActorHandle<Clock> clock) { clock.Now(); }
