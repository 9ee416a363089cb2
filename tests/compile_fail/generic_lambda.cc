// expect: Troupe: a generic lambda cannot be a task
#include "actors.h"

void Use() {
  troupe::Run([](auto x) { return x; }, 1);
}
