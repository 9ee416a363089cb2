// <sys/pidfd.h> as glibc 2.36 should have it: its functions are C functions, which that version forgets to say.
#pragma once

extern "C" {
#include <sys/pidfd.h>
}
