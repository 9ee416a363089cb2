// expect: Troupe: this program is not compiled as C++20; compile it with -std=c++20
// lines: 15
// flags: -std=c++17
#include "actors.h"

void Use(troupe::ActorHandle<Counter> counter) { counter.Add(1); }
