// expect: list_the_method_in_TROUPE_ACTOR
#include "actors.h"

void Use() {
  auto counter = troupe::Spawn<Counter>(1);
  counter.With({.max_task_retries = 1}).NotListed();
}
