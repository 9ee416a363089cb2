// expect: list_the_method_in_TROUPE_ACTOR
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.NotListed(); }
