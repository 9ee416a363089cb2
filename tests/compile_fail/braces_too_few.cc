// expect: Troupe: wrong number of arguments
#include "actors.h"

class Pen {
 public:
  void Line(std::vector<int>, int) {}
};
TROUPE_ACTOR(Pen, Line);
void Use(troupe::ActorHandle<Pen> pen) { pen.Line({1, 2}); }
