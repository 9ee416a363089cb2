#include "fake_runtime.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "troupe/internal/argument_reader.h"
#include "troupe/internal/function_id.h"
#include "troupe/internal/runtime_access.h"

namespace troupe::internal {
namespace {

class Result final : public ResultSink {
 public:
  Payload* Next() override { return &value; }

  Payload value;
};

std::span<const std::byte> BytesOf(const Payload& value) {
  return {reinterpret_cast<const std::byte*>(value.bytes.data()), value.bytes.size()};
}

// A ref argument that has no value ends the call with its error.
std::vector<ResolvedArgument> Resolve(const Arguments& arguments) {
  std::vector<ResolvedArgument> resolved;
  for (const auto& [position, object] : arguments.refs) {
    const FakeObject& fake = FakeObject::Of(object);
    if (fake.error) Throw(*fake.error);
    resolved.push_back({position, BytesOf(fake.value)});
  }
  return resolved;
}

}  // namespace

ObjectPtr FakeRuntime::Put(Payload value) {
  ObjectPtr object = MakePending();
  Settle(object, std::move(value));
  return object;
}

ObjectPtr FakeRuntime::MakePending() {
  auto* const object = new FakeObject({1, ++last_id_}, objects_);
  object->ready = false;
  object->AddPointer();
  objects_->emplace(object->id, object);
  return ObjectPtr::Counted(object);
}

void FakeRuntime::Settle(const ObjectPtr& object, Payload value) {
  FakeObject::Of(object).value = std::move(value);
  FakeObject::Of(object).ready = true;
}

void FakeRuntime::Fail(const ObjectPtr& object, ErrorInfo error) {
  FakeObject::Of(object).error = std::make_shared<const ErrorInfo>(std::move(error));
  FakeObject::Of(object).ready = true;
}

ObjectPtr FakeRuntime::Find(const ObjectName& name) {
  const auto found = objects_->find(name.id);
  if (found == objects_->end()) return nullptr;
  found->second->AddPointer();
  return ObjectPtr::Counted(found->second);
}

ObjectName FakeRuntime::Name(const ObjectPtr& object) const { return {FakeObject::Of(object).id, {}}; }

std::vector<std::size_t> FakeRuntime::Wait(std::span<ObjectState* const> objects, std::size_t count,
                                           std::optional<std::chrono::nanoseconds>) {
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < objects.size() && ready.size() < count; ++i) {
    if (static_cast<const FakeObject*>(objects[i])->ready) ready.push_back(i);
  }
  return ready;
}

ObjectValue FakeRuntime::Get(const ObjectPtr& object, std::optional<std::chrono::nanoseconds>) {
  const FakeObject& fake = FakeObject::Of(object);
  if (fake.error) return {{}, nullptr, fake.error};
  if (fake.ready) return {BytesOf(fake.value), std::make_shared<const ObjectPtr>(object), nullptr};
  ErrorInfo late;
  late.kind = ErrorKind::kTimeout;
  late.message = "no value yet";
  return {{}, nullptr, std::make_shared<const ErrorInfo>(late)};
}

ErrorInfo FakeRuntime::Describe(const std::string& method, const ActorState* actor) const {
  ErrorInfo info;
  info.kind = ErrorKind::kThrew;
  info.outcome = Outcome::kFailed;
  info.method = method;
  if (actor) {
    info.actor = actor->id;
    info.actor_class = actor->class_name;
  }
  return info;
}

ObjectPtr FakeRuntime::Run(std::uint64_t id, const Arguments& arguments, ActorState* actor) {
  ObjectPtr object = MakePending();
  const Function* const function = FindFunction(id);
  ErrorInfo info = Describe(function ? function->name : "", actor);
  ActorState* const caller = std::exchange(current_, actor);
  try {
    if (!function) throw UnknownMethodError(info);
    const auto resolved = Resolve(arguments);
    ArgumentReader reader(BytesOf(arguments.values), resolved);
    Result result;
    function->invoke(actor ? actor->instance.get() : nullptr, reader, result);
    Settle(object, std::move(result.value));
  } catch (const Error& error) {
    Fail(object, error.info());
  } catch (const std::exception& error) {
    info.remote_type = TypeName(typeid(error));
    info.message = error.what();
    Fail(object, info);
  } catch (const ActorExit&) {
    info.kind = ErrorKind::kActorDied;
    info.message = "it called ExitActor";
    actor->death = std::make_shared<const ErrorInfo>(info);
    Fail(object, info);
  }
  current_ = caller;
  return object;
}

void FakeRuntime::Note(const std::string& name, const Arguments& arguments) {
  last.name = name;
  last.value_bytes = arguments.values.bytes.size();
  last.values_objects = arguments.values.objects.size();
  last.refs = arguments.refs.size();
}

ObjectPtr FakeRuntime::RunTask(TaskCall call) {
  Note(call.name, call.arguments);
  last.task_options = call.options;
  return Run(call.function, call.arguments, nullptr);
}

ObjectPtr FakeRuntime::CallActor(const ActorPtr& actor, ActorCall call) {
  Note(call.name, call.arguments);
  last.call_options = call.options;
  if (!actor->death) return Run(call.function, call.arguments, actor.get());
  ObjectPtr object = MakePending();
  Fail(object, *actor->death);
  return object;
}

ActorPtr FakeRuntime::CreateActor(ActorCreation creation) {
  Note(creation.class_name, creation.arguments);
  last.actor_options = creation.options;
  auto actor = std::make_shared<ActorState>();
  actor->id = {2, ++last_id_};
  actor->class_name = creation.class_name;
  actor->options = creation.options;
  actors_[actor->id] = actor;
  try {
    const auto resolved = Resolve(creation.arguments);
    ArgumentReader reader(BytesOf(creation.arguments.values), resolved);
    actor->instance = FindFunction(creation.constructor)->make(reader);
  } catch (const std::exception& error) {
    ErrorInfo info = Describe(creation.class_name, actor.get());
    info.message = error.what();
    info.remote_type = TypeName(typeid(error));
    actor->death = std::make_shared<const ErrorInfo>(info);
  }
  return actor;
}

FoundActor FakeRuntime::FindActor(const std::string& name, const std::string& name_space) {
  for (const auto& [id, weak] : actors_) {
    const ActorPtr actor = weak.lock();
    if (actor && actor->options.name == name && actor->options.name_space == name_space) {
      return {actor, actor->class_name};
    }
  }
  ErrorInfo info;
  info.kind = ErrorKind::kActorDied;
  info.message = "there is no actor \"" + name + "\"";
  throw ActorDiedError(info);
}

ActorPtr FakeRuntime::Find(const ActorName& name) { return actors_[name.id].lock(); }

ActorName FakeRuntime::Name(const ActorPtr& actor) const { return {actor->id, {}, false, 0, 0}; }

std::vector<ActorDescription> FakeRuntime::ListNamedActors(bool all_namespaces) {
  std::vector<ActorDescription> found;
  for (const auto& [id, weak] : actors_) {
    const ActorPtr actor = weak.lock();
    if (!actor || actor->options.name.empty()) continue;
    if (!all_namespaces && !actor->options.name_space.empty()) continue;
    found.push_back({id, actor->options.name, actor->options.name_space, actor->class_name});
  }
  return found;
}

void FakeRuntime::Kill(const ActorPtr& actor, bool no_restart) {
  last.no_restart = no_restart;
  ErrorInfo info = Describe("", actor.get());
  info.kind = ErrorKind::kActorDied;
  info.message = "it was killed";
  actor->death = std::make_shared<const ErrorInfo>(info);
}

void FakeRuntime::Terminate(const ActorPtr& actor) { Kill(actor, true); }

void FakeRuntime::WaitAlive(const ActorPtr& actor, std::optional<std::chrono::nanoseconds>) {
  if (actor->death) Throw(*actor->death);
}

std::vector<NodeDescription> FakeRuntime::Nodes() { return nodes; }

Context FakeRuntime::CurrentContext() const {
  Context context;
  context.is_driver = current_ == nullptr;
  if (current_) context.actor = current_->id;
  return context;
}

ScopedRuntime::ScopedRuntime() : runtime_(std::make_shared<FakeRuntime>()) { SetRuntime(runtime_); }

ScopedRuntime::~ScopedRuntime() { SetRuntime(nullptr); }

}  // namespace troupe::internal
