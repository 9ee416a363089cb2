# The processes of a node: workers, drivers, their programs and their logs.
add_library(troupe_raylet_processes STATIC
  logs/log_keeper.cc logs/log_lines.cc logs/log_monitor.cc logs/log_reader.cc logs/log_tail.cc
  programs/file_thread.cc programs/package_transfer.cc programs/program_cache.cc programs/unpacked_packages.cc
  workers/cookie.cc workers/driver_runner.cc workers/guard.cc workers/job_template.cc workers/orphans.cc
  workers/process.cc workers/watched_process.cc workers/worker_command.cc workers/worker_life.cc
  workers/worker_pool.cc)
target_link_libraries(troupe_raylet_processes PUBLIC troupe_common troupe_proto Boost::headers)
target_link_libraries(troupe_raylet_processes PRIVATE troupe_package OpenSSL::Crypto troupe_warnings)
