// expect: Troupe: an argument of Spawn cannot be serialised
#include "actors.h"

struct Holder {
  explicit Holder(NotSerializable) {}
};
TROUPE_ACTOR(Holder);
void Use() { troupe::Spawn<Holder>(NotSerializable()); }
