#include "worker/mail.h"

#include <iterator>
#include <utility>

namespace troupe::worker {

std::unique_ptr<Mail> Mail::Open(const Address& from, std::string_view frame, std::uint64_t number,
                                 client::RefCodec& codec) {
  auto mail = std::make_unique<Mail>();
  mail->buffer = frame;
  mail->from = from;
  mail->number = number;
  if (!client::Decode(mail->buffer, &mail->frame)) return nullptr;
  const client::WireArguments& arguments = mail->frame.arguments;
  if (!arguments.contained.empty()) mail->held = codec.Adopt(arguments.contained);
  for (const client::WireArgument& argument : arguments.refs) {
    client::Contained inside = codec.Adopt(argument.value.contained);
    std::move(inside.objects.begin(), inside.objects.end(), std::back_inserter(mail->held.objects));
    std::move(inside.actors.begin(), inside.actors.end(), std::back_inserter(mail->held.actors));
  }
  return mail;
}

std::unique_ptr<Mail> Mail::Terminate(const ActorId& actor) {
  auto mail = std::make_unique<Mail>();
  mail->frame.function = client::kTerminateFunction;
  mail->frame.actor = actor;
  return mail;
}

}  // namespace troupe::worker
