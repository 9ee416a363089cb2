// expect: Troupe: this type cannot be serialised: it has private members
#include "actors.h"

NotSerializable Make() { return {}; }
void Use() { troupe::Run<&Make>(); }
