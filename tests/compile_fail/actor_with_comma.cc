// expect: Troupe: TROUPE_ACTOR takes the comma in the class's name for its end
// lines: 110
#include "actors.h"

template <class A, class B>
class Both {
 public:
  A First() const { return {}; }
  B Second() const { return {}; }
};
TROUPE_ACTOR(Both<int, long>, First, Second);
