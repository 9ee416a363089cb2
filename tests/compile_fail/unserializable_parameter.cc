// expect: Troupe: this type cannot be serialised: it has private members
#include "actors.h"

class Wrong {
 public:
  void Method(std::vector<NotSerializable>) {}
};
TROUPE_ACTOR(Wrong, Method);
