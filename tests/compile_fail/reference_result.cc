// expect: Troupe: the result is a mutable reference
#include "actors.h"

class Wrong {
 public:
  std::string& Method() { return text; }
  std::string text;
};
TROUPE_ACTOR(Wrong, Method);
