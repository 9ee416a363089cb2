// expect: are members of every ActorHandle
#include "actors.h"

class Wrong {
 public:
  int id() { return 0; }
};
TROUPE_ACTOR(Wrong, id);
void Use(troupe::ActorHandle<Wrong> wrong) { wrong.id(); }
