#include "troupe/serialization.h"

#include <exception>
#include <string>
#include <typeinfo>
#include <utility>

#include "troupe/internal/function_id.h"
#include "troupe/internal/throw.h"

namespace troupe::internal {
namespace {

[[noreturn]] void ThrowSerialization(std::string message) {
  ErrorInfo info;
  info.kind = ErrorKind::kBadArguments;
  info.message = std::move(message);
  throw SerializationError(std::move(info));
}

}  // namespace

void ThrowMalformed(std::string what, std::size_t position) {
  ThrowSerialization(std::move(what) + " at byte " + std::to_string(position));
}

void ThrowTooDeep() {
  ThrowSerialization("the value nests deeper than " + std::to_string(kMaxDepth) +
                     " levels; send a flatter one, for instance a vector of its parts");
}

void RethrowAsSerializationError(const char* doing, const std::type_info& type, std::size_t position) {
  const std::string context = std::string("cannot ") + doing + " a " + TypeName(type);
  try {
    throw;
  } catch (const SerializationError& error) {
    ErrorInfo info = error.info();
    // A type inside another type has said it all.
    if (!info.message.starts_with("cannot ")) info.message = context + ": " + info.message;
    throw SerializationError(std::move(info));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    ThrowSerialization(context + ": " + error.what() + " at byte " + std::to_string(position));
  }
}

void CheckConsumed(std::span<const std::byte> bytes, std::size_t position, const std::type_info& type) {
  if (position == bytes.size()) return;
  ThrowSerialization("cannot decode a " + TypeName(type) + ": it ends at byte " + std::to_string(position) +
                     ", but there are " + std::to_string(bytes.size()) +
                     "; both programs must be built from the same definition of the type");
}

}  // namespace troupe::internal
