// expect: Troupe: an argument does not convert to the parameter's type
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Add("one"); }
