// expect: Troupe: this method is not listed in the class's TROUPE_ACTOR(...)
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Call<&Counter::NotListed>(); }
