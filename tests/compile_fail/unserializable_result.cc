// expect: Troupe: the result's type cannot be serialised
#include "actors.h"

NotSerializable Make() { return {}; }
void Use() { troupe::Run<&Make>(); }
