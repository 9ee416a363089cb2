// expect: Troupe: a parameter's type cannot be serialised
#include "actors.h"

class Wrong {
 public:
  void Method(std::vector<NotSerializable>) {}
};
TROUPE_ACTOR(Wrong, Method);
