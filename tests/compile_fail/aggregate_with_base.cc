// expect: Troupe: this type cannot be serialised as it is, because it has a base class
#include "actors.h"

struct Point {
  int x = 0;
};
struct Pixel : Point {
  int colour = 0;
};
void Take(const std::vector<Pixel>&) {}
void Use() { troupe::Run<&Take>(std::vector<Pixel>()); }
