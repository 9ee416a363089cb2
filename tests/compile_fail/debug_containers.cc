// expect: Troupe: this program is compiled with _GLIBCXX_DEBUG and the Troupe library is not
#define _GLIBCXX_DEBUG  // NOLINT(bugprone-reserved-identifier): as -D_GLIBCXX_DEBUG
#include "actors.h"

void Use() { troupe::Init(); }
