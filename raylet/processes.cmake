# The processes of a node: workers, drivers, their programs and their logs.
add_library(troupe_raylet_processes STATIC
  cookie.cc driver_runner.cc file_thread.cc guard.cc job_template.cc log_keeper.cc log_lines.cc log_monitor.cc log_reader.cc log_tail.cc
  orphans.cc package_transfer.cc process.cc program_cache.cc unpacked_packages.cc watched_process.cc worker_command.cc
  worker_life.cc worker_pool.cc)
target_link_libraries(troupe_raylet_processes PUBLIC troupe_common troupe_proto Boost::headers)
target_link_libraries(troupe_raylet_processes PRIVATE troupe_package OpenSSL::Crypto troupe_warnings)
