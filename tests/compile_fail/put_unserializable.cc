// expect: Troupe: a value of this type cannot be put into the object store
#include "actors.h"

void Use() { troupe::Put(NotSerializable()); }
