#include "worker/current_exception.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace troupe::worker {
namespace {

constexpr std::size_t kMaxMessage = 16 * 1024;

std::string CurrentTypeName() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (!type) return "unknown";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 ? name.get() : type->name();
}

ErrorInfo Threw(std::string message) {
  if (message.size() > kMaxMessage) message.resize(kMaxMessage);
  return {.kind = ErrorKind::kThrew,
          .outcome = Outcome::kFailed,
          .message = std::move(message),
          .remote_type = CurrentTypeName()};
}

}  // namespace

ErrorInfo DescribeCurrentException() {
  try {
    throw;
  } catch (const SerializationError& error) {
    if (error.outcome() == Outcome::kNotExecuted) return error.info();
    return Threw(error.what());
  } catch (const std::exception& error) {
    return Threw(error.what());
  } catch (const std::string& text) {
    return Threw(text);
  } catch (const char* text) {
    return Threw(text ? text : "");
  } catch (...) {
    return Threw("an exception that is no std::exception");
  }
}

}  // namespace troupe::worker
