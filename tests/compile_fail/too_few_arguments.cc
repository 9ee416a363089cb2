// expect: Troupe: wrong number of arguments
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Add(); }
