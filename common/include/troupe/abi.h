// Refuses programs that are compiled so that the library and they could not understand each other.
#pragma once

#include <cstddef>  // brings in what the standard library was configured with

// With _GLIBCXX_DEBUG the standard containers have more members, and the first one that is handed to a library without
// it crashes. A library that has it says so to its users by TROUPE_GLIBCXX_DEBUG (common/CMakeLists.txt).
#if defined(_GLIBCXX_DEBUG) && !defined(TROUPE_GLIBCXX_DEBUG)
#error \
    "Troupe: this program is compiled with _GLIBCXX_DEBUG and the Troupe library is not, so that their standard \
containers differ: leave it out (_GLIBCXX_ASSERTIONS may stay), or build Troupe with it, too"
#elif !defined(_GLIBCXX_DEBUG) && defined(TROUPE_GLIBCXX_DEBUG)
#error \
    "Troupe: the Troupe library is compiled with _GLIBCXX_DEBUG and this program is not, so that their standard \
containers differ: compile both with it, or neither"
#endif
