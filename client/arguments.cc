#include "client/arguments.h"

namespace troupe::client {

std::size_t AwaitArguments(ObjectTable& objects, const internal::Arguments& arguments,
                           const std::function<void()>& ready) {
  std::size_t waiting = 0;
  for (const auto& [position, object] : arguments.refs) {
    ObjectRecord& record = *object->record();
    objects.Ask(record);
    if (record.ready()) {  // be it that its owner is known to be dead
      waiting += AwaitRegistered(record.contained_actors, ready);
    } else {
      record.on_ready.push_back(ready);  // what comes from elsewhere names no actor that the head does not know
      ++waiting;
    }
  }
  return waiting + AwaitRegistered(arguments.values.actors, ready);
}

const ErrorInfo* ArgumentError(const internal::Arguments& arguments) {
  for (const auto& [position, object] : arguments.refs) {
    if (object->record()->state == ObjectRecord::State::kError) return object->record()->error.get();
  }
  return nullptr;
}

WireArguments ToWire(ObjectTable& objects, RefCodec& codec, const internal::Arguments& arguments,
                     const Address& receiver) {
  WireArguments wire;
  wire.values = arguments.values.bytes;
  if (!arguments.values.objects.empty() || !arguments.values.actors.empty()) {
    wire.contained = codec.NamesFor(arguments.values.objects, arguments.values.actors, receiver);
  }
  for (const auto& [position, object] : arguments.refs) {
    const ObjectRecord& record = *object->record();
    // The caller keeps the object until the call is answered, so the receiver is not counted as a holder.
    wire.refs.push_back({position, {.id = record.id, .owner = record.owner}, objects.ValueFor(record, receiver)});
  }
  return wire;
}

}  // namespace troupe::client
