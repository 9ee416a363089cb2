// expect: Troupe: an argument of Spawn would be narrowed
#include "actors.h"

void Use() { troupe::Spawn<Counter>(1.5); }
