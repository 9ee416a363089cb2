# Troupe::grpc: gRPC's C++ libraries, found by name. gRPC's CMake package wants the code generator, which nothing here
# needs, and its pkg-config file makes every program load some forty libraries that only gRPC itself uses.
# Installed, too: a project that links Troupe::jobs needs it.
if(NOT TARGET Troupe::grpc)
  add_library(Troupe::grpc INTERFACE IMPORTED)
  foreach(library grpc++ grpc gpr absl_synchronization)
    find_library(TROUPE_LIB_${library} ${library})
    mark_as_advanced(TROUPE_LIB_${library})
    if(NOT TROUPE_LIB_${library})
      message(FATAL_ERROR "Troupe needs gRPC's library ${library} (Debian: libgrpc++-dev)")
    endif()
    target_link_libraries(Troupe::grpc INTERFACE ${TROUPE_LIB_${library}})
  endforeach()
endif()
