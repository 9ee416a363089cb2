# What `cmake --install` leaves: the programs, the public headers, and the client library as Troupe::troupe.
include(CMakePackageConfigHelpers)

foreach(program troupe troupe-head troupe-raylet)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

# A static library needs everything it links. Only the public headers are installed, so the other targets export no
# include directories, and troupe_warnings exports no flags.
set(troupe_exported troupe_client troupe_warnings)
foreach(target troupe_api troupe_common troupe_ipc troupe_object_store troupe_proto troupe_runtime troupe_worker)
  if(TARGET ${target})
    list(APPEND troupe_exported ${target})
  endif()
endforeach()
foreach(target ${troupe_exported})
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(directories)
    set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${directories}>")
  endif()
endforeach()
target_include_directories(troupe_client INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(troupe_client INTERFACE cxx_std_20)
set_target_properties(troupe_client PROPERTIES EXPORT_NAME troupe)

install(TARGETS ${troupe_exported} EXPORT TroupeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY client/include/troupe common/include/troupe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT TroupeTargets NAMESPACE Troupe:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)

configure_package_config_file(cmake/TroupeConfig.cmake.in ${CMAKE_BINARY_DIR}/TroupeConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/TroupeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/TroupeConfig.cmake ${CMAKE_BINARY_DIR}/TroupeConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)
