// expect: Troupe: TROUPE_ACTOR lists a method that the class does not have, that is not public, or that is overloaded
#include "actors.h"

class Wrong {
 public:
  int Method() { return 0; }
};
TROUPE_ACTOR(Wrong, Methud);
