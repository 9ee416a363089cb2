// expect: Troupe: this type cannot be serialised, because a member is const
#include "actors.h"

struct Limit {
  const int most = 3;
};
void Take(const Limit&) {}
void Use() { troupe::Run<&Take>(Limit()); }
