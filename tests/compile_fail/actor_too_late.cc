// expect: Troupe: an ActorHandle of this class was needed before TROUPE_ACTOR was seen
#include "actors.h"

class Clock;
struct Keeper {
  troupe::ActorHandle<Clock> clock;
};
class Clock {
 public:
  int Now() const { return 1; }
};
TROUPE_ACTOR(Clock, Now);
