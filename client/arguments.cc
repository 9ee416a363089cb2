#include "client/arguments.h"

namespace troupe::client {

std::size_t AwaitArguments(ObjectTable& objects, const internal::Arguments& arguments,
                           const std::function<void()>& ready) {
  std::size_t waiting = 0;
  for (const auto& [position, object] : arguments.refs) {
    ObjectRecord& record = *object->record();
    objects.Ask(record);
    if (record.ready()) {  // be it that its owner is known to be dead
      waiting += AwaitRegistered(record.contained_actors.all(), ready);
    } else {
      record.on_ready.push_back(ready);  // what comes from elsewhere names no actor that the head does not know
      ++waiting;
    }
  }
  return waiting + AwaitRegistered(arguments.values.actors, ready);
}

std::optional<ErrorInfo> ArgumentError(const internal::Arguments& arguments, std::string_view call) {
  for (const auto& [position, object] : arguments.refs) {
    if (object->record()->state != ObjectRecord::State::kError) continue;
    object->record()->heard = true;
    ErrorInfo error = *object->record()->error;
    error.outcome = Outcome::kNotExecuted;
    // In place of the argument's own context: of a long chain of calls the first failure and the last call are told.
    error.context =
        std::string(call) + " was not executed, because its argument " + std::to_string(position + 1) + " failed";
    return error;
  }
  return std::nullopt;
}

std::optional<ErrorInfo> TooLong(const internal::Arguments& arguments) {
  std::size_t refs = arguments.values.objects.size() + arguments.values.actors.size();
  std::size_t bytes = arguments.values.bytes.size() + refs * kRefNameBytes;
  for (const auto& [position, object] : arguments.refs) {
    const ObjectRecord& record = *object->record();
    refs += record.contained_objects.size() + record.contained_actors.size();
    bytes += kRefNameBytes + MessageBytes(record);
  }
  if (bytes <= kMaxValueBytes) return std::nullopt;
  return ErrorInfo{.kind = ErrorKind::kSystem,
                   .outcome = Outcome::kNotExecuted,
                   .message = "its arguments would make a message of " + std::to_string(bytes) +
                              " bytes, which may have 16 MiB; they name " + std::to_string(refs) +
                              " refs and handles, of 53 bytes each. Give fewer in one call"};
}

WireArguments ToWire(ObjectTable& objects, RefCodec& codec, const internal::Arguments& arguments,
                     const Address& receiver) {
  WireArguments wire;
  wire.values = arguments.values.bytes;
  if (!arguments.values.objects.empty() || !arguments.values.actors.empty()) {
    wire.contained = codec.NamesFor(arguments.values.objects, arguments.values.actors, receiver);
  }
  for (const auto& [position, object] : arguments.refs) {
    ObjectRecord& record = *object->record();
    // The caller keeps the object until the call is answered, so the receiver is not counted as a holder.
    wire.refs.push_back({position, {.id = record.id, .owner = record.owner}, objects.ValueFor(record, receiver)});
  }
  return wire;
}

}  // namespace troupe::client
