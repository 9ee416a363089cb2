// Actors: making, finding and ending them.
#pragma once

#include <chrono>
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "troupe/actor_handle.h"
#include "troupe/internal/actor_macro.h"
#include "troupe/internal/spawn.h"

namespace troupe {

// Starts an actor of class C, made by C(arguments...) in a process of its own, and returns its handle at once (of a
// named actor: when the name is registered), whether or not there is room for it. Any thread. An ObjectRef<T> among the
// arguments is passed as its T, unless only the ref itself fits a constructor. What the constructor throws, and
// everything else that keeps the actor from starting, ends the calls made to it; WaitAlive tells it earlier. Throws
// SerializationError when an argument does not encode, RefusedError when the name is taken, and UsageError when it is
// none, or options contradict each other. While an actor that is ending has the name, waits for its end.
template <class C, class... A>
requires(!internal::kStartsWith<ActorOptions, A...>) ActorHandle<C> Spawn(A&&... arguments) {
  return internal::SpawnActor<C>(ActorOptions(), std::forward<A>(arguments)...);
}

// The same with options: Spawn<C>({.name = "x", .num_cpus = 1}, arguments...). What they leave open comes from
// `static ActorOptions C::DefaultOptions()`, if the class has it.
template <class C, class... A>
ActorHandle<C> Spawn(ActorOptions options, A&&... arguments) {
  return internal::SpawnActor<C>(std::move(options), std::forward<A>(arguments)...);
}

// The actor of this name in `name_space` (empty: the job's). Blocks for one question to the head. Throws UsageError
// when the actor is of another class, and what the runtime says when there is none, or one that is ending:
// ActorDiedError.
template <class C>
ActorHandle<C> GetActor(const std::string& name, const std::string& name_space = "") {
  internal::CheckListed<C>();
  return internal::HandleAccess::Make<C>(internal::FindNamed(name, name_space, internal::TypeName(typeid(C))));
}

// As GetActor, but returns the error; only a misuse (another class, no Init) still throws.
template <class C>
Expected<ActorHandle<C>> TryGetActor(const std::string& name, const std::string& name_space = "") {
  try {
    return GetActor<C>(name, name_space);
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    return Expected<ActorHandle<C>>(std::make_shared<const ErrorInfo>(error.info()));
  }
}

using NamedActor = internal::ActorDescription;

// The named actors of the job's namespace, or of all. Blocks for one question to the head.
std::vector<NamedActor> ListNamedActors(bool all_namespaces = false);

// Ends the actor's process at once; its running calls end as ActorDiedError with an unknown outcome. With
// `no_restart` false it is as if it had crashed. Returns when the request is on its way. UsageError for an empty
// handle.
template <class C>
void Kill(const ActorHandle<C>& actor, bool no_restart = true) {
  internal::KillActor(internal::HandleAccess::State(actor), no_restart);
}

// Ends the actor after the calls that are already in its mailbox; its destructor runs. Does not wait for that.
// UsageError for an empty handle.
template <class C>
void Terminate(const ActorHandle<C>& actor) {
  internal::TerminateActor(internal::HandleAccess::State(actor));
}

// Called in a method: ends its actor for good, without a restart, when the stack has unwound. UsageError outside
// actors.
[[noreturn]] void ExitActor();

// Blocks until the constructor has returned. Throws TaskError when it threw, ActorDiedError, TimeoutError when
// `timeout` has passed, and UsageError for an empty handle.
// When no node of the cluster could ever hold the actor, it waits for such a node to join, its calls with it, and
// standard error says once what is missing. WaitAlive then throws UnschedulableError, with the same reason: at once
// without a timeout, and with one if no such node has joined when it has passed. The actor goes on waiting; call
// WaitAlive again, or end it by Kill or with its last handle.
template <class C>
void WaitAlive(const ActorHandle<C>& actor) {
  internal::WaitForActor(internal::HandleAccess::State(actor), std::nullopt);
}
template <class C>
void WaitAlive(const ActorHandle<C>& actor, std::chrono::nanoseconds timeout) {
  internal::WaitForActor(internal::HandleAccess::State(actor), timeout);
}

}  // namespace troupe
