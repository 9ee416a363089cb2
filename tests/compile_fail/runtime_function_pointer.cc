// expect: Troupe: Run takes a lambda, or a function as its template argument
#include "actors.h"

void Use() { troupe::Run(&Half, 1L); }
