// expect: Troupe: TROUPE_ACTOR lists Method, which is no public method of the class
#include "actors.h"

class Wrong {
 public:
  int Other() { return Method(); }

 private:
  int Method() { return 0; }
};
TROUPE_ACTOR(Wrong, Other, Method);
