// expect: Troupe: a sentence that no header holds
#include "actors.h"

void Use() { troupe::Get(5); }
