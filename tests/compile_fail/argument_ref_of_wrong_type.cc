// expect: Troupe: an ObjectRef was given for a parameter of another type
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Add(troupe::Put("one")); }
