// expect: Troupe: TROUPE_ACTOR lists Now, which is no public method of the class, or an overload or template
#include "actors.h"

class Clock {
 public:
  template <class Zone>
  int Now(Zone) {
    return 1;
  }
};
TROUPE_ACTOR(Clock, Now);
void Use(troupe::ActorHandle<Clock> clock) { clock.Now(1); }
