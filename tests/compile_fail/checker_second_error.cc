// expect: Troupe: wrong number of arguments
#include "actors.h"

int first = "not the sentence";
void Use(troupe::ActorHandle<Counter> counter) { counter.Add(); }
