#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "troupe/internal/registration.h"

namespace troupe::internal {
namespace {

struct Registry {
  std::shared_mutex mutex;
  std::unordered_map<std::uint64_t, Function> functions;
  std::unordered_map<std::uint64_t, Identity> identities;
};

// Never destroyed: functions are looked up until the last thread has ended.
Registry& TheRegistry() {
  static Registry& registry = *new Registry;
  return registry;
}

bool IsSame(const Function& a, const Function& b) { return a.invoke == b.invoke && a.make == b.make; }

[[noreturn]] void DieOfCollision(const Function& first, const Function& second) {
  std::fprintf(stderr,
               "troupe: two functions of this program have the id %016llx: %s and %s. If they are one function, it is "
               "defined twice with different contents (in unnamed namespaces, or in two libraries): rename one.\n",
               static_cast<unsigned long long>(first.id), first.name.c_str(), second.name.c_str());
  std::abort();
}

// The function that has the id afterwards.
const Function& InsertLocked(Registry& registry, Function function) {
  const std::uint64_t id = function.id;
  return registry.functions.try_emplace(id, std::move(function)).first->second;
}

// Calls point to the name as long as the process lives.
const Identity* KeepLocked(Registry& registry, Identity identity) {
  const std::uint64_t id = identity.id;
  return &registry.identities.try_emplace(id, std::move(identity)).first->second;
}

}  // namespace

void RegisterFunction(Function function) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  const Function& holder = InsertLocked(registry, function);
  if (!IsSame(holder, function) || holder.name != function.name) DieOfCollision(holder, function);
}

const Function* FindFunction(std::uint64_t id) {
  Registry& registry = TheRegistry();
  const std::shared_lock lock(registry.mutex);
  const auto found = registry.functions.find(id);
  return found == registry.functions.end() ? nullptr : &found->second;
}

const Identity* RegisterNamed(Identity identity, Invoker invoke, Factory make, const std::type_info* type) {
  RegisterFunction({identity.id, identity.name, invoke, make, type});
  const std::lock_guard lock(TheRegistry().mutex);
  return KeepLocked(TheRegistry(), std::move(identity));
}

const Identity* RegisterLambda(Identity identity, Invoker invoke) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  Function function = {identity.id, identity.name, invoke, nullptr, nullptr};
  for (int number = 2; !IsSame(InsertLocked(registry, function), function); ++number) {
    const std::string suffix = " #" + std::to_string(number);
    function.id = HashName(suffix, identity.id);
    function.name = identity.name + suffix;
  }
  return KeepLocked(registry, {function.id, function.name});
}

}  // namespace troupe::internal
