// expect: Troupe: Run<&F> takes a free function
#include "actors.h"

void Use() { troupe::Run<&Counter::Add>(1); }
