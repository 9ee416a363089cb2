// expect: Troupe: the class is not an actor; write TROUPE_ACTOR
#include "actors.h"

struct Plain {};
void Use() { troupe::Spawn<Plain>(); }
