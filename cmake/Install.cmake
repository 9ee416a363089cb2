# What `cmake --install` leaves: the programs, the public headers, the client library as Troupe::troupe, and what submits
# jobs as Troupe::jobs.
include(CMakePackageConfigHelpers)

foreach(program troupe troupe-head troupe-raylet troupe-microbenchmark troupe-bench-limits)
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
# A component of its own, so that only projects that ask for it need gRPC and libarchive.
set(troupe_jobs_exported troupe_jobs troupe_package troupe_rpc)
foreach(target ${troupe_exported} ${troupe_jobs_exported})
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(directories)
    set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${directories}>")
  endif()
endforeach()
target_include_directories(troupe_client INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(troupe_client INTERFACE cxx_std_20)
set_target_properties(troupe_client PROPERTIES EXPORT_NAME troupe)

target_include_directories(troupe_jobs INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(troupe_jobs INTERFACE cxx_std_20)
set_target_properties(troupe_jobs PROPERTIES EXPORT_NAME jobs)

install(TARGETS ${troupe_exported} EXPORT TroupeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS ${troupe_jobs_exported} EXPORT TroupeJobsTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY client/include/troupe common/include/troupe jobs/include/troupe
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(export TroupeTargets TroupeJobsTargets)
  install(EXPORT ${export} NAMESPACE Troupe:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)
endforeach()

configure_package_config_file(cmake/TroupeConfig.cmake.in ${CMAKE_BINARY_DIR}/TroupeConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/TroupeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/Grpc.cmake cmake/program_folder.cc ${CMAKE_BINARY_DIR}/TroupeConfig.cmake
  ${CMAKE_BINARY_DIR}/TroupeConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)
