// expect: Troupe: a lambda that captures cannot run in another process
#include "actors.h"

void Use() {
  troupe::Run([=](int x) { return x; }, 1);
}
