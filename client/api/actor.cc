#include "troupe/actor.h"

#include <optional>
#include <utility>

#include "troupe/internal/throw.h"

namespace troupe {
namespace internal {
namespace {

const ActorPtr& Checked(const ActorPtr& actor) {
  if (!actor) {
    ThrowUsage("the ActorHandle is empty (default-constructed or moved from); use one that Spawn or GetActor returned");
  }
  return actor;
}

}  // namespace

ActorId IdOf(const ActorPtr& actor) { return actor ? Runtime::Get().Name(actor).id : ActorId(); }

ObjectPtr Call(const ActorPtr& actor, const Identity& method, Arguments arguments, const CallOptions& options) {
  return Runtime::Get().CallActor(Checked(actor), {method.id, method.name.c_str(), std::move(arguments), options});
}

void KillActor(const ActorPtr& actor, bool no_restart) { Runtime::Get().Kill(Checked(actor), no_restart); }

void TerminateActor(const ActorPtr& actor) { Runtime::Get().Terminate(Checked(actor)); }

void WaitForActor(const ActorPtr& actor, std::optional<std::chrono::nanoseconds> timeout) {
  Runtime::Get().WaitAlive(Checked(actor), timeout);
}

ActorPtr FindNamed(const std::string& name, const std::string& name_space, const std::string& class_name) {
  FoundActor found = Runtime::Get().FindActor(name, name_space);
  if (found.class_name != class_name) {
    ThrowUsage("the actor \"" + name + "\" is a " + found.class_name + ", but GetActor was asked for a " + class_name +
               "; ask for GetActor<" + found.class_name + ">");
  }
  return std::move(found.actor);
}

}  // namespace internal

std::vector<NamedActor> ListNamedActors(bool all_namespaces) {
  return internal::Runtime::Get().ListNamedActors(all_namespaces);
}

void ExitActor() {
  if (!internal::Runtime::Get().CurrentContext().actor) {
    internal::ThrowUsage("ExitActor was called outside an actor; call it in a method of the actor that shall end");
  }
  throw internal::ActorExit();
}

}  // namespace troupe
