// expect: Troupe: a union cannot be serialised
#include "actors.h"

union Either {
  int number = 0;
  float real;
};
void Take(Either) {}
void Use() { troupe::Run<&Take>(Either()); }
