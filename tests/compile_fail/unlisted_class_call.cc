// expect: Troupe: the class is not an actor; write TROUPE_ACTOR
#include "actors.h"

class Plain {
 public:
  int Method() { return 0; }
};
void Use(troupe::ActorHandle<Plain> plain) { plain.Call<&Plain::Method>(); }
