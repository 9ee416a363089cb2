// expect: Troupe: this type cannot be serialised as it is, because it has more than 32 members
#include "actors.h"

struct Wide {
  int m0 = 0;
  int m1 = 0;
  int m2 = 0;
  int m3 = 0;
  int m4 = 0;
  int m5 = 0;
  int m6 = 0;
  int m7 = 0;
  int m8 = 0;
  int m9 = 0;
  int m10 = 0;
  int m11 = 0;
  int m12 = 0;
  int m13 = 0;
  int m14 = 0;
  int m15 = 0;
  int m16 = 0;
  int m17 = 0;
  int m18 = 0;
  int m19 = 0;
  int m20 = 0;
  int m21 = 0;
  int m22 = 0;
  int m23 = 0;
  int m24 = 0;
  int m25 = 0;
  int m26 = 0;
  int m27 = 0;
  int m28 = 0;
  int m29 = 0;
  int m30 = 0;
  int m31 = 0;
  int m32 = 0;
};
void Take(const Wide&) {}
void Use() { troupe::Run<&Take>(Wide()); }
