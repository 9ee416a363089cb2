// expect: Troupe: a lambda that captures cannot run in another process
#include "actors.h"

void Use(int more) {
  troupe::Run([more](int x) { return x + more; }, 1);
}
