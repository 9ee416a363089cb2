// expect: Troupe: this type cannot be serialised: it has private members
#include "actors.h"

struct Holder {
  explicit Holder(NotSerializable) {}
};
TROUPE_ACTOR(Holder);
void Use() { troupe::Spawn<Holder>(NotSerializable()); }
