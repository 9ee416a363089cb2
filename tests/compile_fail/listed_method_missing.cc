// expect: Troupe: TROUPE_ACTOR lists Methud, which is no public method of the class
#include "actors.h"

class Wrong {
 public:
  int Method() { return 0; }
};
TROUPE_ACTOR(Wrong, Methud);
