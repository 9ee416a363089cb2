// expect: Troupe: the class has no public constructor for these arguments
#include "actors.h"

void Use() { troupe::Spawn<Counter>("one", 2); }
