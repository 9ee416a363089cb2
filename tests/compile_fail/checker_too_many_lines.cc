// expect: Troupe: wrong number of arguments
// lines: 5
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Add(); }
