// Ends the compilation of a program that is not compiled as C++20, before anything else of Troupe fails in it.
#pragma once

#if __cplusplus < 202002L
#error "Troupe: this program is not compiled as C++20; compile it with -std=c++20, or in CMake link Troupe::troupe"
// There is no such file, and here compilers stop.
#define TROUPE_STOP_HERE "compile with -std=c++20"
#include TROUPE_STOP_HERE
#endif
