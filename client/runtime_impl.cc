#include "client/runtime_impl.h"

#include <cstdio>
#include <utility>

#include "client/option_values.h"
#include "common/utf8.h"
#include "troupe/internal/throw.h"

namespace troupe::client {
namespace {

thread_local RuntimeImpl::ThreadState t_state;

constexpr char kActorName[] = "an actor's name";

Deadline ToDeadline(std::optional<std::chrono::nanoseconds> timeout) {
  if (!timeout) return std::nullopt;
  // A timeout of centuries must not wrap round.
  constexpr auto kForever = std::chrono::hours(24 * 365);
  return Clock::now() + std::min<std::chrono::nanoseconds>(*timeout, kForever);
}

std::shared_ptr<const ErrorInfo> Shared(ErrorInfo error) { return std::make_shared<const ErrorInfo>(std::move(error)); }

// What the head takes, less what the encoding adds.
constexpr std::size_t kMaxKeptArguments = (8u << 20) - (64u << 10);

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

RuntimeImpl::RuntimeImpl()
    : hook_([this](bool sleeping) {
        if (!t_state.lends_cpus) return;
        pb::ClientToRaylet message;
        message.mutable_blocked()->set_blocked(sleeping);
        core_->messenger->SendRaylet(message);
        // What it waits for may itself wait for the CPUs of a lease that is kept here in case another task follows.
        std::lock_guard lock(core_->mutex);
        tasks_.SetKeepsIdleLeases(!sleeping);
      }),
      tables_(*core_),
      objects_(tables_.objects()),
      actors_(tables_.actors()),
      tasks_(tables_.tasks()),
      store_(core_, &hook_) {}

RuntimeImpl::~RuntimeImpl() { Stop(); }

Status RuntimeImpl::Start(const std::string& socket_path, const pb::RegisterClient& hello, CallSink* sink) {
  tables_.SetSink(sink);
  core_->messenger = std::make_unique<Messenger>(core_->mutex, tables_);
  core_->outbox = core_->messenger.get();
  core_->messenger->OnDrain([this] { tables_.TakeReleased(); });
  std::unique_lock lock(core_->mutex);  // messages wait until this process knows who it is
  Result<pb::Registered> registered = core_->messenger->Start(socket_path, hello);
  if (!registered.ok()) return registered.status();
  core_->info = std::move(*registered);
  core_->self = {NodeId::FromBytes(core_->info.node()).value_or(NodeId{}), ProcessId{core_->info.process()}};
  if (core_->info.inline_limit() > 0) inline_limit_ = core_->info.inline_limit();
  core_->releases->SetWake([core = std::weak_ptr(core_)] {
    if (auto alive = core.lock()) alive->messenger->WakeService();
  });
  return OkStatus();
}

void RuntimeImpl::Stop() {
  if (!core_->messenger) return;
  core_->releases->SetWake({});
  core_->messenger->Stop();
}

void RuntimeImpl::ThrowLost() const {
  Throw({.kind = ErrorKind::kConnection, .outcome = Outcome::kNotExecuted, .message = core_->lost});
}

void RuntimeImpl::ThrowOfEndedJob() {
  Throw({.kind = ErrorKind::kUsage,
         .outcome = Outcome::kNotExecuted,
         .message = "this ObjectRef is of a job that has ended: troupe::Shutdown was called after it was made, and its "
                    "value went with that job; make the call or the Put again"});
}

void RuntimeImpl::ThrowOfEndedJob(const ActorRecord& actor) {
  Throw({.kind = ErrorKind::kUsage,
         .outcome = Outcome::kNotExecuted,
         .message = "this ActorHandle is of a job that has ended: troupe::Shutdown was called after it was made; Spawn "
                    "the actor again, or, if it is detached, find it with GetActor",
         .actor_class = actor.class_name});
}

void RuntimeImpl::CheckOurs(const internal::Payload& value) const {
  for (const internal::ObjectPtr& object : value.objects) CheckOurs(object);
  for (const internal::ActorPtr& actor : value.actors) CheckOurs(actor);
}

void RuntimeImpl::CheckOurs(const internal::Arguments& arguments) const {
  CheckOurs(arguments.values);
  for (const auto& [position, object] : arguments.refs) CheckOurs(object);
}

pb::RayletToClient RuntimeImpl::Ask(std::unique_lock<std::mutex>& lock, pb::ClientToRaylet message) {
  pb::RayletToClient reply = *core_->messenger->Ask(lock, std::move(message), &hook_);
  if (!reply.has_error()) return reply;
  CheckConnected();
  ErrorInfo error = FromProto(reply.error());
  lock.unlock();
  Throw(std::move(error));
}

// --- Objects -------------------------------------------------------------------------------------------------------

internal::ObjectPtr RuntimeImpl::Put(internal::Payload value) {
  CheckOurs(value);
  std::unique_lock lock(core_->mutex);
  CheckConnected();
  core_->messenger->OnCallMade();
  if (value.bytes.size() <= inline_limit_) return objects_.NewInline(std::move(value));
  const ObjectId id = objects_.NextId();
  if (auto error = store_.Write(lock, id, value.bytes)) {
    lock.unlock();
    Throw(std::move(*error));
  }
  const std::uint64_t size = value.bytes.size();
  value.bytes = {};
  return objects_.NewStored(id, size, std::move(value));
}

internal::ObjectPtr RuntimeImpl::Find(const internal::ObjectName& name) {
  std::lock_guard lock(core_->mutex);
  return objects_.Borrow(name);
}

internal::ObjectName RuntimeImpl::Name(const internal::ObjectPtr& object) const {
  return {object->record()->id, object->record()->owner};
}

std::size_t RuntimeImpl::BeginWait(std::span<internal::ObjectState* const> objects) {
  ++last_wait_;
  std::size_t ready = 0;
  for (const internal::ObjectState* const object : objects) {
    CheckOurs(*object);
    ObjectRecord& record = *object->record();
    if (std::exchange(record.last_wait, last_wait_) == last_wait_) {
      internal::ThrowUsage("Wait was given the same ObjectRef twice; give each once");
    }
    objects_.Ask(record);
    if (record.ready()) ++ready;
  }
  return ready;
}

std::vector<std::size_t> RuntimeImpl::Wait(std::span<internal::ObjectState* const> objects, std::size_t count,
                                           std::optional<std::chrono::nanoseconds> timeout) {
  std::unique_lock lock(core_->mutex);
  if (const std::size_t ready = BeginWait(objects); ready < count) {
    ObjectWatch watch(objects.size() - ready);
    for (const internal::ObjectState* const object : objects) {
      if (!object->record()->ready()) watch.Add(object->record()->watches);
    }
    if (!timeout && count == objects.size()) {  // else one that another runs may be the one that is ready first
      for (const internal::ObjectState* const object : objects) RunAwaited(lock, *object->record());
    }
    core_->messenger->WaitUntil(
        lock, [&] { return ready + watch.ready() >= count; }, ToDeadline(timeout), &hook_);
  } else {
    core_->messenger->OnCallMade();  // who does nothing but this takes up what arrives, too
  }
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < objects.size() && ready.size() < count; ++i) {
    if (objects[i]->record()->ready()) ready.push_back(i);
  }
  return ready;
}

internal::ObjectValue RuntimeImpl::Get(const internal::ObjectPtr& object,
                                       std::optional<std::chrono::nanoseconds> timeout) {
  CheckOurs(object);
  std::unique_lock lock(core_->mutex);
  const std::shared_ptr<ObjectRecord>& record = object->record();
  if (record->state == ObjectRecord::State::kInline && !record->asked) {  // the most common by far
    return {AsBytes(record->bytes), record, nullptr};
  }
  // What is run here meanwhile may assign to the user's ref.
  const internal::ObjectPtr keep = t_state.runner ? object : nullptr;
  return Read(lock, keep ? keep : object, ToDeadline(timeout));
}

internal::ObjectValue RuntimeImpl::Read(std::unique_lock<std::mutex>& lock, const internal::ObjectPtr& object,
                                        Deadline deadline) {
  const std::shared_ptr<ObjectRecord>& record = object->record();
  for (int attempt = 0;; ++attempt) {
    objects_.Ask(*record);
    const auto answered = [&] { return record->ready() && !record->asked; };
    if (!deadline) RunAwaited(lock, *record);  // who has no time to lose does not begin a task that takes any
    if (!answered() && !core_->messenger->WaitUntil(lock, answered, deadline, &hook_)) {
      return {{},
              nullptr,
              Shared({.kind = ErrorKind::kTimeout,
                      .outcome = Outcome::kUnknown,
                      .message = "no value came in the time given; " + tables_.WhyPending(*record)})};
    }
    if (record->state == ObjectRecord::State::kInline) return {AsBytes(record->bytes), record, nullptr};
    if (record->state == ObjectRecord::State::kError) {
      record->heard = true;
      return {{}, nullptr, record->error};
    }
    ErrorInfo error;
    if (auto pin = store_.Read(lock, *record, deadline, &error)) return {pin->bytes, pin, nullptr};
    // A borrower may know only of copies that are gone: the owner is asked once more.
    const bool borrowed = record->owner.process != core_->self.process;
    if (error.kind != ErrorKind::kObjectLost || !borrowed || attempt > 0)
      return {{}, nullptr, Shared(std::move(error))};
    objects_.AskAgain(*record);
  }
}

void RuntimeImpl::RunAwaited(std::unique_lock<std::mutex>& lock, const ObjectRecord& object) {
  if (!t_state.runner) return;
  while (!object.ready() && t_state.runner->RunOne(lock, object)) {
  }
}

internal::ObjectValue RuntimeImpl::ReadStored(std::unique_lock<std::mutex>& lock, const WireArgument& argument) {
  std::shared_ptr<ObjectRecord> record = objects_.Find(argument.name.id);
  if (!record || record->state != ObjectRecord::State::kStored) {
    record = std::make_shared<ObjectRecord>();  // in no table: it lives as long as the call
    record->id = argument.name.id;
    record->owner = argument.name.owner;
    record->size = argument.value.size;
    record->nodes = RareVector<NodeId>(argument.value.nodes);
  }
  ErrorInfo error;
  auto pin = store_.Read(lock, *record, {}, &error);
  if (!pin) return {{}, nullptr, Shared(std::move(error))};
  return {pin->bytes, pin, nullptr};
}

// --- Tasks and calls -----------------------------------------------------------------------------------------------

internal::ObjectPtr RuntimeImpl::RunTask(internal::TaskCall call) {
  CheckOurs(call.arguments);
  auto pending = std::make_shared<PendingCall>();
  pending->function = call.function;
  pending->name = call.name;
  if (!call.options.name.empty()) {
    pending->own_name = std::make_unique<const std::string>(std::move(call.options.name));
    pending->name = *pending->own_name;
  }
  pending->arguments = std::move(call.arguments);
  pending->retries_left = CheckedRetries("max_retries", call.options.max_retries.value_or(3));
  pending->retry_exceptions = call.options.retry_exceptions.value_or(false);
  std::unique_lock lock(core_->mutex);
  const ShapePtr shape = ShapeOf(call.options);
  if (tasks_.Congested()) {
    core_->messenger->WaitUntil(
        lock, [this] { return !tasks_.Congested() || !core_->lost.empty(); }, {}, &hook_);
  }
  CheckConnected();
  core_->messenger->OnCallMade();
  pending->sequence = core_->NextSequence();
  return tasks_.Run(pending, shape);
}

// Most tasks have the options of the one before, none as a rule.
ShapePtr RuntimeImpl::ShapeOf(const TaskOptions& options) {
  const bool plain = options.resources.empty() && !options.scheduling;
  const std::array amounts{options.num_cpus, options.num_gpus, options.memory};
  if (plain && last_shape_ && amounts == last_amounts_) return last_shape_;
  ShapePtr shape = MakeShape(ToResources(options), ToPlacement(options.scheduling));
  if (!plain) return shape;
  last_amounts_ = amounts;
  return last_shape_ = std::move(shape);
}

internal::ObjectPtr RuntimeImpl::CallActor(const internal::ActorPtr& actor, internal::ActorCall call) {
  CheckOurs(actor);
  CheckOurs(call.arguments);
  const std::shared_ptr<ActorRecord>& record = actor->record();
  auto pending = std::make_shared<PendingCall>();
  pending->function = call.function;
  pending->name = call.name;
  pending->arguments = std::move(call.arguments);
  pending->retries_left = call.options.max_task_retries
                              ? CheckedRetries("max_task_retries", *call.options.max_task_retries)
                              : record->max_task_retries;
  pending->retry_exceptions = call.options.retry_exceptions.value_or(false);
  std::unique_lock lock(core_->mutex);
  if (actors_.Congested(*record)) AwaitRoom(lock, record, call.name);
  CheckConnected();
  core_->messenger->OnCallMade();
  pending->sequence = core_->NextSequence();
  return actors_.Call(record, std::move(pending));
}

// In a method this process's actor answers nobody, so that the wait may be one of a ring.
void RuntimeImpl::AwaitRoom(std::unique_lock<std::mutex>& lock, const std::shared_ptr<ActorRecord>& actor,
                            const std::string& method) {
  const bool in_method = t_state.context && t_state.context->actor;
  CallCycles& cycles = tables_.cycles();
  if (in_method) cycles.Begin(CallCycles::NameOf(core_->hosted_class, t_state.context->actor), actor);
  core_->messenger->WaitUntil(
      lock, [&] { return !actors_.Congested(*actor) || !core_->lost.empty() || (in_method && cycles.found()); }, {},
      &hook_);
  if (!in_method) return;
  const std::optional<std::string> ring = cycles.found();
  cycles.End();
  if (!ring || !actors_.Congested(*actor) || !core_->lost.empty()) return;
  ErrorInfo error{
      .kind = ErrorKind::kRefused,
      .outcome = Outcome::kNotExecuted,
      .message = "the call would wait for ever: " + std::to_string(actor->in_flight) +
                 " calls of this actor to it are unanswered, and it answers none of them while each of these "
                 "is in a method that waits to call the next: " +
                 *ring + ". Let the method return before it has made so many calls, or wait for their results",
      .actor_class = actor->class_name,
      .method = method,
      .actor = actor->id};
  lock.unlock();
  Throw(std::move(error));
}

// --- Actors --------------------------------------------------------------------------------------------------------

std::string RuntimeImpl::NameSpace(const std::string& given) const {
  return given.empty() ? core_->info.name_space() : CheckedName("a namespace", given);
}

pb::ActorSpec RuntimeImpl::ToSpec(const internal::ActorCreation& creation) const {
  const ActorOptions& options = creation.options;
  pb::ActorSpec spec;
  spec.set_job(core_->info.job());
  spec.mutable_creator()->set_node(core_->self.node.Bytes());
  spec.mutable_creator()->set_process(core_->self.process.value);
  spec.set_class_name(creation.class_name);
  spec.set_constructor(creation.constructor);
  if (!options.name.empty()) spec.set_name(CheckedName(kActorName, options.name));
  spec.set_name_space(NameSpace(options.name_space));
  spec.set_detached(options.lifetime.value_or(Lifetime::kScoped) == Lifetime::kDetached);
  *spec.mutable_resources() = ToResources(options);
  *spec.mutable_placement_resources() = ToPlacementResources(options);
  *spec.mutable_placement() = ToPlacement(options.scheduling);
  spec.set_max_restarts(CheckedRetries("max_restarts", options.max_restarts.value_or(0)));
  spec.set_max_task_retries(CheckedRetries("max_task_retries", options.max_task_retries.value_or(0)));
  spec.set_max_pending_calls(options.max_pending_calls.value_or(0));
  if (spec.detached() && spec.name().empty()) {
    Throw({.kind = ErrorKind::kUsage,
           .outcome = Outcome::kNotExecuted,
           .message = "a detached actor needs a name, or nobody could find it again; give .name",
           .actor_class = creation.class_name});
  }
  if (options.get_if_exists.value_or(false) && spec.name().empty()) {
    Throw({.kind = ErrorKind::kUsage,
           .outcome = Outcome::kNotExecuted,
           .message = "get_if_exists asks for the actor that has a name, and none was given; give .name",
           .actor_class = creation.class_name});
  }
  return spec;
}

void RuntimeImpl::KeepWithSpec(std::unique_lock<std::mutex>& lock, const pb::ActorSpec& spec,
                               internal::Arguments* arguments) {
  std::size_t total = arguments->values.bytes.size();
  std::vector<std::pair<internal::ObjectPtr*, internal::ObjectValue>> stored;
  for (auto& [position, object] : arguments->refs) {
    internal::ObjectValue value = Read(lock, object, {});
    if (value.error) return;  // the creation fails with it
    total += value.bytes.size();
    if (object->record()->state == ObjectRecord::State::kStored) stored.emplace_back(&object, std::move(value));
  }
  if (total > kMaxKeptArguments) {
    if (spec.max_restarts() == 0) return;
    lock.unlock();
    Throw({.kind = ErrorKind::kUsage,
           .outcome = Outcome::kNotExecuted,
           .message = "its constructor arguments take " + std::to_string(total) + " bytes, and of a detached actor " +
                      "that may restart at most " + std::to_string(kMaxKeptArguments) +
                      " are kept for that; pass where the data lies, give it in a call, or set max_restarts to 0",
           .actor_class = spec.class_name()});
  }
  for (auto& [object, value] : stored) {
    const ObjectRecord& record = *(*object)->record();
    std::string bytes(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    *object = objects_.NewInline({std::move(bytes), record.contained_objects.all(), record.contained_actors.all()});
  }
}

internal::ActorPtr RuntimeImpl::CreateActor(internal::ActorCreation creation) {
  CheckOurs(creation.arguments);
  pb::ActorSpec spec = ToSpec(creation);
  const bool named = !spec.name().empty();
  std::unique_lock lock(core_->mutex);
  CheckConnected();
  if (spec.detached()) KeepWithSpec(lock, spec, &creation.arguments);
  auto registered = std::make_shared<std::optional<pb::RayletToClient>>();
  auto other = std::make_shared<internal::ActorPtr>();  // that has the name
  const auto on_registered = [this, registered, other](const pb::RayletToClient& reply) {
    *registered = reply;
    // At once, while it is sure to be held.
    if (reply.actor_reply().existed())
      actors_.Obtain(reply.actor_reply().info(), [other](auto actor) { *other = actor; });
  };
  internal::ActorPtr actor = actors_.Create(std::move(spec), creation.options.get_if_exists.value_or(false),
                                            std::move(creation.arguments), on_registered);
  if (!named) return actor;
  core_->messenger->WaitUntil(
      lock, [&] { return registered->has_value(); }, {}, &hook_);
  const pb::RayletToClient& reply = **registered;
  if (reply.has_error()) {
    ErrorInfo error = FromProto(reply.error());
    if (error.context.empty()) error.actor_class = creation.class_name;  // else it is another call that failed
    lock.unlock();
    Throw(std::move(error));
  }
  if (!reply.actor_reply().existed()) return actor;
  CheckConnected();
  return *other;
}

internal::FoundActor RuntimeImpl::FindActor(const std::string& name, const std::string& name_space) {
  pb::ClientToRaylet message;
  message.mutable_find_actor()->set_name(CheckedName(kActorName, name));
  message.mutable_find_actor()->set_name_space(NameSpace(name_space));
  std::unique_lock lock(core_->mutex);
  CheckConnected();
  for (;;) {
    auto reply = std::make_shared<pb::RayletToClient>();
    auto found = std::make_shared<std::optional<internal::ActorPtr>>();
    core_->messenger->Request(message, [this, reply, found](const pb::RayletToClient& got) {
      *reply = got;
      if (got.has_error()) {
        *found = internal::ActorPtr();
        return;
      }
      // Here, not on the thread that waits: what the raylet tells next of the actor, its end maybe, may come before
      // that has woken up, and is told once.
      actors_.Obtain(got.actor_reply().info(), [found](const internal::ActorPtr& actor) { *found = actor; });
    });
    core_->messenger->WaitUntil(
        lock, [&] { return found->has_value(); }, {}, &hook_);
    CheckConnected();
    if (reply->has_error()) {
      lock.unlock();
      Throw(FromProto(reply->error()));
    }
    if (**found) return {**found, reply->actor_reply().info().class_name()};
  }
}

internal::ActorPtr RuntimeImpl::Find(const internal::ActorName& name) {
  std::lock_guard lock(core_->mutex);
  return actors_.Borrow(name);
}

internal::ActorName RuntimeImpl::Name(const internal::ActorPtr& actor) const {
  const ActorRecord& record = *actor->record();
  return {record.id, record.creator, record.detached, record.max_task_retries, record.max_pending_calls};
}

std::vector<internal::ActorDescription> RuntimeImpl::ListNamedActors(bool all_namespaces) {
  std::unique_lock lock(core_->mutex);
  CheckConnected();
  pb::ClientToRaylet message;
  message.mutable_list_named()->set_all_namespaces(all_namespaces);
  message.mutable_list_named()->set_name_space(core_->info.name_space());
  const pb::RayletToClient reply = Ask(lock, std::move(message));
  std::vector<internal::ActorDescription> actors;
  for (const pb::ActorInfo& info : reply.named_actors().actors()) {
    actors.push_back(
        {ActorId::FromBytes(info.id()).value_or(ActorId{}), info.name(), info.name_space(), info.class_name()});
  }
  return actors;
}

void RuntimeImpl::Kill(const internal::ActorPtr& actor, bool no_restart) {
  CheckOurs(actor);
  std::unique_lock lock(core_->mutex);
  CheckConnected();
  // An actor whose creation is still on its way to the head cannot be named there yet.
  const std::shared_ptr<ActorRecord>& record = actor->record();
  core_->messenger->WaitUntil(
      lock, [&] { return !record->registering() || !core_->lost.empty(); }, {}, &hook_);
  if (record->dead()) return;
  pb::ClientToRaylet message;
  message.mutable_kill_actor()->set_id(record->id.Bytes());
  message.mutable_kill_actor()->set_no_restart(no_restart);
  message.mutable_kill_actor()->set_requester(core_->self.process.value);
  (void)Ask(lock, std::move(message));
}

void RuntimeImpl::Terminate(const internal::ActorPtr& actor) {
  const internal::ObjectPtr result = CallActor(actor, {.function = kTerminateFunction,
                                                       .name = "troupe::Terminate",
                                                       .arguments = {},
                                                       .options = {.max_task_retries = 0, .retry_exceptions = false}});
  std::lock_guard lock(core_->mutex);
  result->record()->heard = true;  // that it is dead already is what was wanted
}

void RuntimeImpl::WaitAlive(const internal::ActorPtr& actor, std::optional<std::chrono::nanoseconds> timeout) {
  CheckOurs(actor);
  const std::shared_ptr<ActorRecord>& record = actor->record();
  std::unique_lock lock(core_->mutex);
  // Who gives no time does not want to wait for a node that may never join.
  const auto decided = [&] { return record->running() || record->dead() || (record->infeasible && !timeout); };
  core_->messenger->WaitUntil(lock, decided, ToDeadline(timeout), &hook_);
  if (record->running()) return;
  ErrorInfo error = ActorTable::DeathError(*record, Outcome::kNotExecuted, "");
  if (!record->dead()) {
    error = {.kind = record->infeasible ? ErrorKind::kUnschedulable : ErrorKind::kTimeout,
             .outcome = record->infeasible ? Outcome::kNotExecuted : Outcome::kUnknown,
             .message = record->infeasible
                            ? "it" + ActorTable::WhyPending(*record)
                            : "it was not running in the time given" +
                                  (record->pending_reason.empty() ? "" : ": it" + ActorTable::WhyPending(*record)),
             .actor_class = record->class_name,
             .actor = record->id};
  }
  lock.unlock();
  Throw(std::move(error));
}

// --- Cluster -------------------------------------------------------------------------------------------------------

std::vector<internal::NodeDescription> RuntimeImpl::Nodes() {
  std::unique_lock lock(core_->mutex);
  CheckConnected();
  pb::ClientToRaylet message;
  message.mutable_cluster_state();
  const pb::RayletToClient reply = Ask(lock, std::move(message));
  std::vector<internal::NodeDescription> nodes;
  for (const pb::NodeInfo& info : reply.cluster_state().nodes()) {
    nodes.push_back({.id = NodeId::FromBytes(info.id()).value_or(NodeId{}),
                     .address = info.address(),
                     .hostname = info.hostname(),
                     .alive = info.alive(),
                     .is_head_node = info.is_head_node(),
                     .resources = ToAmounts(info.total()),
                     .available = ToAmounts(info.available()),
                     .labels = {info.labels().begin(), info.labels().end()}});
  }
  return nodes;
}

RuntimeImpl::ThreadState RuntimeImpl::SetThread(const ThreadState& state) { return std::exchange(t_state, state); }

internal::Context RuntimeImpl::BaseContext() const {
  internal::Context context;
  context.job = {core_->info.job()};
  context.node = core_->self.node;
  context.process = core_->self.process;
  context.name_space = core_->info.name_space();
  context.session_dir = core_->info.session_dir();
  context.is_driver = tables_.sink() == nullptr;
  return context;
}

internal::Context RuntimeImpl::CurrentContext() const { return t_state.context ? *t_state.context : BaseContext(); }

}  // namespace troupe::client
