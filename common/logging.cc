#include "common/logging.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace troupe {

Status StartLogging(const LogOptions& options) {
  const auto level = spdlog::level::from_str(options.level);
  if (level == spdlog::level::off && options.level != "off") {
    return InvalidArgument("log level '" + options.level + "' is none of trace, debug, info, warn, error, off");
  }
  try {
    spdlog::sink_ptr sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, 10u << 20, 5);
    }
    auto logger = std::make_shared<spdlog::logger>(options.component, std::move(sink));
    logger->set_level(level);
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %n %P %v");
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& error) {
    return FailedPrecondition("cannot log to " + options.file + ": " + error.what());
  }
  return OkStatus();
}

}  // namespace troupe
