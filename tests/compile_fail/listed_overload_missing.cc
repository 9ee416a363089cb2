// expect: Troupe: TROUPE_ACTOR lists (Over, int(long)), which is no public method of the class
// lines: 60
#include "actors.h"

class Wrong {
 public:
  int Over(int value) { return value; }
};
TROUPE_ACTOR(Wrong, (Over, int(long)));
void Use(troupe::ActorHandle<Wrong> wrong) { wrong.Over(1L); }
