// expect: Troupe: Get takes an ObjectRef
#include "actors.h"

void Use() { troupe::Get(troupe::Put(5)); }
