// expect: Troupe: this type cannot be serialised as it is, because a member is an array
#include "actors.h"

struct Grid {
  int cells[3][3] = {};
  int turn = 0;
};
void Take(const Grid&) {}
void Use() { troupe::Run<&Take>(Grid()); }
