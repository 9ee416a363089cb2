#include "worker/executor.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/fork_generation.h"
#include "troupe/internal/argument_reader.h"
#include "worker/current_exception.h"

namespace troupe::worker {

namespace {

constexpr std::chrono::seconds kFlushLimit{5};

bool HoldsCpus(const pb::Resources& resources) {
  auto it = resources.units().find("CPU");
  return it != resources.units().end() && it->second > 0;
}

ErrorInfo Refused(std::string why) {
  return {.kind = ErrorKind::kRefused, .outcome = troupe::Outcome::kNotExecuted, .message = std::move(why)};
}

std::span<const std::byte> AsBytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace

Executor::~Executor() = default;

int Executor::Run() {
  std::unique_lock lock(core_.mutex);
  while (!stop_) {
    runtime_.WaitUntil(lock, [this] { return stop_ || assignment_ || HasWork(); });
    if (stop_) break;
    // A process that was stopped may go on when its raylet has long been gone.
    if (fence_ != nullptr && !fence_->raylet_lives()) OnRayletLost("the raylet of this node has ended");
    if (fence_ != nullptr) fence_->Check();
    if (assignment_) {
      const pb::AssignActor assignment = *std::exchange(assignment_, std::nullopt);
      Construct(lock, assignment);
      continue;
    }
    const std::unique_ptr<Mail> mail = std::move(mailbox_.front());
    mailbox_.pop_front();
    if (!actor_ && lease_.Check(mail->from, mail->frame.incarnation) == LeaseGate::Verdict::kRefuse) {
      ReplyError(*mail, Refused("the lease that the task was sent under has ended"));
    } else if (mail->terminate) {
      core_.messenger->SayBegun(mail->from.process, mail->number);
      ExitActor(lock, "terminated after the calls before it");
    } else {
      Execute(lock, *mail);
    }
  }
  // A reply that waits, for an actor to be known or for room in a ring, would be lost with the process.
  const auto deadline = client::Clock::now() + kFlushLimit;
  const bool all_known = runtime_.WaitUntil(
      lock, [this] { return waiting_results_ == 0; }, deadline);
  if (!core_.messenger->FlushBacklogs(lock, kFlushLimit) || !all_known) {
    std::fprintf(stderr, "troupe: this worker ends with replies that their callers did not take in time\n");
  }
  return stop_->status;
}

bool Executor::HasWork() const {
  if (mailbox_.empty()) return false;
  const Mail& next = *mailbox_.front();
  return actor_ || lease_.Check(next.from, next.frame.incarnation) != LeaseGate::Verdict::kWait;
}

// --- What arrives --------------------------------------------------------------------------------------------------

void Executor::OnCall(const Address& from, std::string_view frame, std::uint64_t number) {
  auto mail = std::make_unique<Mail>();
  mail->buffer = frame;
  mail->from = from;
  mail->number = number;
  if (!client::Decode(mail->buffer, &mail->frame)) {
    return core_.outbox->Tell("process " + from.process.Hex() + " sent a call that does not decode; ignored");
  }
  const client::WireArguments& arguments = mail->frame.arguments;
  if (!arguments.contained.empty()) mail->held = runtime_.codec().Adopt(arguments.contained);
  for (const client::WireArgument& argument : arguments.refs) {
    client::Contained inside = runtime_.codec().Adopt(argument.value.contained);
    std::move(inside.objects.begin(), inside.objects.end(), std::back_inserter(mail->held.objects));
    std::move(inside.actors.begin(), inside.actors.end(), std::back_inserter(mail->held.actors));
  }
  if (auto refusal = Refusal(*mail)) return ReplyError(*mail, std::move(*refusal));
  mail->terminate = mail->frame.function == client::kTerminateFunction && mail->frame.actor;
  mailbox_.push_back(std::move(mail));
}

std::optional<ErrorInfo> Executor::Refusal(const Mail& mail) const {
  const client::CallFrame& frame = mail.frame;
  if (!frame.actor) {
    if (actor_) return Refused("the process hosts an actor and runs no tasks");
    return std::nullopt;  // of its lease Run() asks when its turn comes
  }
  if (!actor_ || actor_->id != frame.actor) return Refused("the process does not host this actor");
  if (actor_->incarnation != frame.incarnation) {
    return Refused("the call is for incarnation " + std::to_string(frame.incarnation) + ", this is incarnation " +
                   std::to_string(actor_->incarnation));
  }
  if (actor_->max_pending_calls > 0 && mailbox_.size() >= actor_->max_pending_calls) {
    return Refused("the actor has " + std::to_string(mailbox_.size()) +
                   " calls waiting, as many as its max_pending_calls allows; call again later");
  }
  return std::nullopt;
}

void Executor::OnRaylet(const pb::RayletToClient& message) {
  switch (message.body_case()) {
    case pb::RayletToClient::kAssignActor: assignment_ = message.assign_actor(); break;
    case pb::RayletToClient::kAssignLease: lease_.Assign(message.assign_lease()); break;
    case pb::RayletToClient::kExit: OnExitRequest(message.exit()); break;
    case pb::RayletToClient::kTerminateActor: {
      auto mail = std::make_unique<Mail>();
      mail->terminate = true;
      mailbox_.push_back(std::move(mail));
      break;
    }
    default: break;
  }
}

// The worker is idle. Its user's objects and actors may not be.
void Executor::OnExitRequest(const pb::ExitRequest& request) {
  if (!runtime_.tables().Needed()) {
    stop_ = Stop{0, request.reason()};
    return;
  }
  pb::ClientToRaylet message;
  message.mutable_exit_declined();
  core_.messenger->SendRaylet(message);
}

// Whatever runs now would have nowhere to send its result, and nobody would know that this process exists.
void Executor::OnRayletLost(const std::string& reason) {
  std::fprintf(stderr, "troupe: %s; this worker ends\n", reason.c_str());
  std::fflush(nullptr);
  _exit(1);
}

// --- Actors --------------------------------------------------------------------------------------------------------

void Executor::Construct(std::unique_lock<std::mutex>& lock, const pb::AssignActor& assignment) {
  const pb::ActorSpec& spec = assignment.spec();
  Hosted actor;
  actor.id = ActorId::FromBytes(spec.id()).value_or(ActorId{});
  actor.incarnation = assignment.incarnation();
  actor.class_name = spec.class_name();
  actor.max_pending_calls = spec.max_pending_calls();
  actor.context = runtime_.BaseContext();
  actor.context.job = {spec.job()};
  actor.context.actor = actor.id;
  actor.context.actor_name = spec.name();
  actor.context.name_space = spec.name_space();
  actor.context.incarnation = assignment.incarnation();
  actor.context.was_restarted = assignment.was_restarted();
  actor.context.gpu_ids = gpus_.Show({assignment.gpus().begin(), assignment.gpus().end()});
  core_.hosted_class = actor.class_name;
  actor_ = std::move(actor);
  holds_cpus_ = HoldsCpus(spec.resources());
  runtime_.tables().tasks().SetKeepsIdleLeases(true);
  pb::ClientToRaylet message;
  pb::ActorConstructed& constructed = *message.mutable_actor_constructed();
  constructed.set_id(spec.id());
  constructed.set_incarnation(assignment.incarnation());
  if (auto error = Make(lock, spec)) {
    error->method = "the constructor of " + spec.class_name();
    *constructed.mutable_error() = client::ToProto(Describe(std::move(*error)));
  }
  core_.messenger->SendRaylet(message);
}

std::optional<ErrorInfo> Executor::Make(std::unique_lock<std::mutex>& lock, const pb::ActorSpec& spec) {
  client::WireArguments arguments;
  if (!client::DecodeArguments(spec.arguments(), &arguments)) {
    return ErrorInfo{.kind = ErrorKind::kBadArguments,
                     .outcome = troupe::Outcome::kNotExecuted,
                     .message = "the constructor's arguments do not decode"};
  }
  const internal::Function* function = internal::FindFunction(spec.constructor());
  if (!function || !function->make) {
    return ErrorInfo{.kind = ErrorKind::kUnknownMethod,
                     .outcome = troupe::Outcome::kNotExecuted,
                     .message = "the program of this worker has no constructor of " + spec.class_name() +
                                " with these parameters; is it built from the same sources as its caller?"};
  }
  // Several incarnations may read the same arguments, so nobody counts this process as a holder of refs in them:
  // reading them borrows (client/actor_table.h).
  Prepared prepared = Prepare(lock, arguments);
  if (prepared.error) return std::move(prepared.error);
  client::RuntimeImpl::SetThread({.context = &actor_->context, .lends_cpus = holds_cpus_});
  lock.unlock();
  std::optional<ErrorInfo> error;
  std::shared_ptr<void> instance;
  const std::uint32_t generation = ForkGeneration();
  try {
    internal::ArgumentReader reader(AsBytes(arguments.values), prepared.resolved);
    instance = function->make(reader);
  } catch (...) {
    error = DescribeCurrentException();
  }
  EndFork(generation);
  lock.lock();
  client::RuntimeImpl::SetThread({.context = &actor_->context});
  actor_->instance = std::move(instance);
  actor_->type = function->type;
  return error;
}

void Executor::ExitActor(std::unique_lock<std::mutex>& lock, const std::string& reason) {
  for (const auto& mail : std::exchange(mailbox_, {})) {
    if (!mail->terminate) {
      ReplyError(*mail, {.kind = ErrorKind::kActorDied,
                         .outcome = troupe::Outcome::kNotExecuted,
                         .message = "the actor ended before it came to this call: " + reason});
    }
  }
  pb::ClientToRaylet message;
  message.mutable_exit_intent()->set_no_restart(true);
  message.mutable_exit_intent()->set_reason(reason);
  core_.messenger->SendRaylet(message);
  // The destructor is user code.
  std::shared_ptr<void> instance = actor_ ? std::move(actor_->instance) : nullptr;
  lock.unlock();
  instance.reset();
  lock.lock();
  stop_ = Stop{0, reason};
}

// --- Calls ---------------------------------------------------------------------------------------------------------

void Executor::Execute(std::unique_lock<std::mutex>& lock, Mail& mail) {
  UserResult result = Invoke(lock, mail);
  if (!result.exit) return Reply(lock, mail, std::move(result));
  ReplyError(mail, {.kind = ErrorKind::kActorDied,
                    .outcome = troupe::Outcome::kFailed,
                    .message = "the actor left by ExitActor during this call"});
  ExitActor(lock, "it called ExitActor");
}

Executor::Prepared Executor::Prepare(std::unique_lock<std::mutex>& lock, const client::WireArguments& arguments) {
  Prepared prepared;
  for (const client::WireArgument& argument : arguments.refs) {
    switch (argument.value.kind) {
      case client::WireValue::Kind::kInline:
        prepared.resolved.push_back({argument.position, AsBytes(argument.value.bytes)});
        break;
      case client::WireValue::Kind::kStored: {
        internal::ObjectValue value = runtime_.ReadStored(lock, argument);
        if (value.error) {
          prepared.error = *value.error;
          prepared.error->outcome = troupe::Outcome::kNotExecuted;
          prepared.error->message =
              "its argument " + std::to_string(argument.position + 1) + " cannot be read: " + prepared.error->message;
          return prepared;
        }
        prepared.resolved.push_back({argument.position, value.bytes});
        prepared.keep.push_back(std::move(value.keep));
        break;
      }
      case client::WireValue::Kind::kError:
        prepared.error = *argument.value.error;
        prepared.error->outcome = troupe::Outcome::kNotExecuted;
        return prepared;
    }
  }
  return prepared;
}

// A caller may send any id: a method must find an instance of its own class.
std::optional<ErrorInfo> Executor::CannotRun(const internal::Function* function) const {
  if (actor_ && !actor_->instance) {
    return ErrorInfo{.kind = ErrorKind::kActorDied,
                     .outcome = troupe::Outcome::kNotExecuted,
                     .message = "the actor's constructor failed"};
  }
  const bool known = function && function->invoke;
  const bool fits = known && (actor_ ? function->type && *function->type == *actor_->type : !function->type);
  if (fits) return std::nullopt;
  return ErrorInfo{.kind = ErrorKind::kUnknownMethod,
                   .outcome = troupe::Outcome::kNotExecuted,
                   .message = known ? function->name + (actor_ ? " is no method of the actor's class"
                                                               : " is a method, and this process hosts no actor")
                                    : "the program that hosts it does not know this function; was it built from other "
                                      "sources than the caller, or is the method missing from TROUPE_ACTOR?"};
}

UserResult Executor::Invoke(std::unique_lock<std::mutex>& lock, Mail& mail) {
  const internal::Function* function = internal::FindFunction(mail.frame.function);
  if (auto error = CannotRun(function)) return {.value = {}, .error = std::move(error)};
  Prepared prepared = Prepare(lock, mail.frame.arguments);
  if (prepared.error) return {.value = {}, .error = std::move(prepared.error)};
  const UserCall call{.function = function,
                      .instance = actor_ ? actor_->instance.get() : nullptr,
                      .values = AsBytes(mail.frame.arguments.values),
                      .resolved = std::move(prepared.resolved)};
  const TaskId task{mail.from.process.value, mail.frame.sequence};
  // Before, not after: should the process die from here on, the call may have had an effect.
  core_.messenger->SayBegun(mail.from.process, mail.number);
  if (actor_) {
    actor_->context.task = task;
    UserResult result = RunUserCall(lock, call, {.context = &actor_->context, .lends_cpus = holds_cpus_});
    actor_->context.task = {};
    return result;
  }
  internal::Context context = runtime_.BaseContext();
  context.task = task;
  context.gpu_ids = gpus_.Show(lease_.gpus());  // one lease follows another
  // What a task runs itself would see its GPUs.
  const bool runs_awaited = mail.frame.runs_awaited && lease_.gpus().empty();
  awaited_.Begin(lease_.cpu_units());
  client::TaskTable& tasks = runtime_.tables().tasks();
  tasks.SetKeepsIdleLeases(true);
  UserResult result =
      RunUserCall(lock, call, {.context = &context, .lends_cpus = true, .runner = runs_awaited ? &awaited_ : nullptr});
  tasks.SetKeepsIdleLeases(false);
  return result;
}

void Executor::Reply(std::unique_lock<std::mutex>& lock, const Mail& mail, UserResult result) {
  if (result.error) return ReplyError(mail, std::move(*result.error));
  client::ReplyFrame reply;
  reply.sequence = mail.frame.sequence;
  reply.incarnation = mail.frame.incarnation;
  const std::size_t refs = result.value.objects.size() + result.value.actors.size();
  if (refs * client::kRefNameBytes > client::kMaxValueBytes - runtime_.inline_limit()) {
    return ReplyError(mail, {.kind = ErrorKind::kSystem,
                             .outcome = troupe::Outcome::kFailed,
                             .message = "it ran, but its result cannot be sent: it has " + std::to_string(refs) +
                                        " refs and handles inside, of 53 bytes each in a message, which may have "
                                        "16 MiB"});
  }
  if (result.value.bytes.size() <= runtime_.inline_limit()) {
    reply.value.kind = client::WireValue::Kind::kInline;
  } else {
    const ObjectId id{mail.from.process.value, mail.frame.sequence};
    if (auto error = runtime_.Store(lock, id, result.value.bytes)) {
      error->outcome = troupe::Outcome::kFailed;  // it ran; only its result is lost
      return ReplyError(mail, std::move(*error));
    }
    reply.value.kind = client::WireValue::Kind::kStored;
    reply.value.size = result.value.bytes.size();
    reply.value.nodes = {core_.self.node};
  }
  if (result.value.actors.empty()) return SendResult(mail.from, reply, result.value);
  // Meanwhile other calls run, and others use the CPUs of a task: the value that an actor's constructor waits for may
  // be theirs to make.
  struct Waiting {
    Address to;
    client::ReplyFrame reply;
    internal::Payload value;
    std::size_t unregistered = 0;
  };
  auto waiting = std::make_shared<Waiting>(Waiting{mail.from, std::move(reply), std::move(result.value)});
  waiting->unregistered = client::AwaitRegistered(waiting->value.actors, [this, waiting] {
    if (--waiting->unregistered > 0) return;
    --waiting_results_;
    if (!actor_) SayBlocked(false);
    SendResult(waiting->to, waiting->reply, waiting->value);
  });
  if (waiting->unregistered == 0) return SendResult(mail.from, waiting->reply, waiting->value);
  ++waiting_results_;
  if (!actor_) SayBlocked(true);
}

void Executor::SayBlocked(bool blocked) {
  pb::ClientToRaylet message;
  message.mutable_blocked()->set_blocked(blocked);
  core_.messenger->SendRaylet(message);
}

void Executor::SendResult(const Address& to, client::ReplyFrame& reply, const internal::Payload& result) {
  reply.value.contained = runtime_.codec().NamesFor(result.objects, result.actors, to);
  if (reply.value.kind == client::WireValue::Kind::kInline) reply.value.bytes = result.bytes;
  core_.messenger->Send(to, client::Encode(reply));
}

void Executor::ReplyError(const Mail& mail, ErrorInfo error) {
  client::ReplyFrame reply;
  reply.sequence = mail.frame.sequence;
  reply.incarnation = mail.frame.incarnation;
  reply.value = client::ErrorValue(Describe(std::move(error)));
  core_.messenger->Send(mail.from, client::Encode(reply));
}

// Adds where it happened.
ErrorInfo Executor::Describe(ErrorInfo error) const {
  error.node = core_.self.node;
  error.pid = getpid();
  if (actor_) {
    error.actor = actor_->id;
    error.actor_class = actor_->class_name;
  }
  return error;
}

}  // namespace troupe::worker
