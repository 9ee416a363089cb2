// expect: Troupe: an argument would be narrowed
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Add(1.5); }
