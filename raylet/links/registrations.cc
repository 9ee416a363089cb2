#include "raylet/links/registrations.h"

#include <utility>
#include <vector>

namespace troupe::raylet {

Registrations::~Registrations() {
  for (const auto& [request, waiting] : waiting_) loop_.Cancel(waiting.timeout);
}

pb::RegisterActor Registrations::Add(const pb::RegisterActorRequest& actor, Done done) {
  const std::uint64_t request = ++last_request_;
  const TimerId timeout = loop_.After(kTimeout, [this, request] {
    End(request, DeadlineExceeded("the head has not answered the registration of an actor in time; it may have "
                                  "registered it"));
  });
  waiting_.emplace(request, Waiting{std::move(done), timeout});
  pb::RegisterActor message;
  message.set_request(request);
  *message.mutable_actor() = actor;
  return message;
}

void Registrations::OnAnswer(const pb::ActorRegistered& answer) {
  if (answer.code() == 0) return End(answer.request(), answer.reply());
  End(answer.request(), Status(static_cast<StatusCode>(answer.code()), answer.message()));
}

void Registrations::FailAll(const Status& why) {
  std::vector<std::uint64_t> requests;  // who is told may ask anew
  for (const auto& [request, waiting] : waiting_) requests.push_back(request);
  for (const std::uint64_t request : requests) End(request, why);
}

void Registrations::End(std::uint64_t request, Result<pb::ActorReply> reply) {
  auto ended = waiting_.extract(request);
  if (ended.empty()) return;
  loop_.Cancel(ended.mapped().timeout);
  ended.mapped().done(std::move(reply));
}

}  // namespace troupe::raylet
