# What ships is hardened; sanitizer and debug builds have stronger means.
include(CheckPIESupported)
check_pie_supported()  # CMAKE_POSITION_INDEPENDENT_CODE alone compiles with -fPIE, but does not link with -pie.

# Some compilers define _FORTIFY_SOURCE themselves, and defining it again would be a warning.
add_compile_options("$<$<CONFIG:Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3;-fstack-protector-strong>")
add_compile_options("$<$<CONFIG:Release>:-fstack-clash-protection>")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options("$<$<CONFIG:Release>:-fcf-protection>")
endif()
add_link_options("$<$<CONFIG:Release>:-Wl,-z,relro,-z,now>")
