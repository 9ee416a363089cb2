// expect: Troupe: this type cannot be serialised: it has private members
#include "actors.h"

void Use() { troupe::Put(NotSerializable()); }
