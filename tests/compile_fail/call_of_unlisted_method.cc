// expect: Troupe: this method is not listed; list it in the class's TROUPE_ACTOR
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Call<&Counter::NotListed>(); }
