// expect: Troupe: the class is not an actor; write TROUPE_ACTOR
#include "actors.h"

class Plain {};
void Use() { troupe::GetActor<Plain>("plain"); }
