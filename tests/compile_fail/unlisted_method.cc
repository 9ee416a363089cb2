// expect: named 'NotListed'
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.NotListed(); }
