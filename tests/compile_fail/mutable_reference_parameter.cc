// expect: Troupe: a parameter is a mutable reference
#include "actors.h"

class Wrong {
 public:
  void Method(std::string& out) { out = "x"; }
};
TROUPE_ACTOR(Wrong, Method);
