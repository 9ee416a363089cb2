# Speaks to the pool as a template and as a worker would.
add_executable(fake_worker_program fake_worker_program.cc)
target_link_libraries(fake_worker_program PRIVATE troupe_proto troupe_common troupe_warnings)
set_target_properties(fake_worker_program PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

troupe_test(raylet_processes_test driver_runner_test.cc log_keeper_test.cc log_lines_test.cc log_monitor_test.cc
            orphans_test.cc process_test.cc program_cache_test.cc worker_pool_test.cc
  LIBRARIES troupe_raylet_processes troupe_package LABELS unit)
target_compile_definitions(raylet_processes_test PRIVATE FAKE_WORKER_PROGRAM="$<TARGET_FILE:fake_worker_program>")
add_dependencies(raylet_processes_test fake_worker_program)
