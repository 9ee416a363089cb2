#include "worker/executor.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "worker/call_errors.h"

namespace troupe::worker {

namespace {

constexpr std::chrono::seconds kFlushLimit{5};

}  // namespace

Executor::~Executor() = default;

int Executor::Run() {
  std::unique_lock lock(core_.mutex);
  while (!stop_) {
    runtime_.WaitUntil(lock, [this] { return stop_ || assignment_ || HasWork(); });
    if (stop_) break;
    CheckNode();
    if (assignment_) {
      const pb::AssignActor assignment = *std::exchange(assignment_, std::nullopt);
      Host(lock, assignment);
    } else {
      RunNext(lock);
    }
  }
  // A reply that waits, for an actor to be known or for room in a ring, would be lost with the process.
  const auto deadline = client::Clock::now() + kFlushLimit;
  const bool all_known = runtime_.WaitUntil(
      lock, [this] { return replies_.waiting() == 0; }, deadline);
  if (!core_.messenger->FlushBacklogs(lock, kFlushLimit) || !all_known) {
    std::fprintf(stderr, "troupe: this worker ends with replies that their callers did not take in time\n");
  }
  return stop_->status;
}

bool Executor::HasWork() const {
  if (hosted_) return !hosted_->mailbox.empty();
  if (tasks_.empty()) return false;
  const Mail& next = tasks_.first();
  return lease_.Check(next.from, next.frame.incarnation) != LeaseGate::Verdict::kWait;
}

// A process that was stopped may go on when its raylet has long been gone.
void Executor::CheckNode() {
  if (fence_ == nullptr) return;
  if (!fence_->raylet_lives()) OnRayletLost("the raylet of this node has ended");
  fence_->Check();
}

void Executor::RunNext(std::unique_lock<std::mutex>& lock) {
  const std::unique_ptr<Mail> mail = (hosted_ ? hosted_->mailbox : tasks_).TakeFirst();
  return hosted_ ? RunMethod(lock, *mail) : RunTask(lock, *mail);
}

// --- What arrives --------------------------------------------------------------------------------------------------

void Executor::OnCall(const Address& from, std::string_view frame, std::uint64_t number) {
  std::unique_ptr<Mail> mail = Mail::Open(from, frame, number, runtime_.codec());
  if (!mail) return core_.outbox->Tell("process " + from.process.Hex() + " sent a call that does not decode; ignored");
  if (auto refusal = Deliver(&mail)) replies_.SendError(*mail, std::move(*refusal), ActorOf(*mail));
}

std::optional<ErrorInfo> Executor::Deliver(std::unique_ptr<Mail>* mail) {
  if (!(*mail)->frame.actor) {
    if (hosted_) return NotExecuted(ErrorKind::kRefused, "the process hosts an actor and runs no tasks");
    tasks_.Add(std::move(*mail));  // of its lease Run() asks when its turn comes
    return std::nullopt;
  }
  if (!hosted_) return NotExecuted(ErrorKind::kRefused, "the process does not host this actor");
  if (auto refusal = hosted_->actor.Refusal((*mail)->frame)) return refusal;
  if (auto refusal = hosted_->mailbox.Refusal()) return refusal;
  hosted_->mailbox.Add(std::move(*mail));
  return std::nullopt;
}

const ActorInstance* Executor::ActorOf(const Mail& mail) const {
  return hosted_ && hosted_->actor.id() == mail.frame.actor ? &hosted_->actor : nullptr;
}

void Executor::OnRaylet(const pb::RayletToClient& message) {
  switch (message.body_case()) {
    case pb::RayletToClient::kAssignActor: assignment_ = message.assign_actor(); break;
    case pb::RayletToClient::kAssignLease: lease_.Assign(message.assign_lease()); break;
    case pb::RayletToClient::kExit: OnExitRequest(message.exit()); break;
    case pb::RayletToClient::kTerminateActor:
      if (hosted_) hosted_->mailbox.Add(Mail::Terminate(hosted_->actor.id()));
      break;
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
  core_.outbox->SendRaylet(message);
}

// Whatever runs now would have nowhere to send its result, and nobody would know that this process exists.
void Executor::OnRayletLost(const std::string& reason) {
  std::fprintf(stderr, "troupe: %s; this worker ends\n", reason.c_str());
  std::fflush(nullptr);
  _exit(1);
}

// --- Actors --------------------------------------------------------------------------------------------------------

void Executor::Host(std::unique_lock<std::mutex>& lock, const pb::AssignActor& assignment) {
  const pb::ActorSpec& spec = assignment.spec();
  internal::Context context = runtime_.BaseContext();
  context.gpu_ids = gpus_.Show({assignment.gpus().begin(), assignment.gpus().end()});
  ActorInstance& actor = hosted_.emplace(assignment, std::move(context)).actor;
  core_.hosted_class = actor.class_name();
  for (const auto& mail : tasks_.TakeAll()) {
    replies_.SendError(*mail, NotExecuted(ErrorKind::kRefused, "the process hosts an actor and runs no tasks"),
                       nullptr);
  }
  runtime_.tables().tasks().SetKeepsIdleLeases(true);
  pb::ClientToRaylet message;
  pb::ActorConstructed& constructed = *message.mutable_actor_constructed();
  constructed.set_id(spec.id());
  constructed.set_incarnation(assignment.incarnation());
  if (auto error = runner_.Construct(lock, spec, actor)) {
    error->method = "the constructor of " + spec.class_name();
    *constructed.mutable_error() = client::ToProto(HappenedHere(actor.Named(std::move(*error)), core_.self));
  }
  client::RuntimeImpl::SetThread({.context = &actor.context()});  // for its destructor
  core_.outbox->SendRaylet(message);
}

void Executor::RunMethod(std::unique_lock<std::mutex>& lock, const Mail& mail) {
  if (mail.terminates()) {
    core_.outbox->SayBegun(mail.from.process, mail.number);
    return EndActor(lock, "terminated after the calls before it");
  }
  ActorInstance& actor = hosted_->actor;
  actor.SetTask(mail.id());
  const auto then = runner_.Run(lock, mail, &actor, {.context = &actor.context(), .lends_cpus = actor.holds_cpus()});
  actor.SetTask({});
  if (then == CallRunner::Then::kExit) EndActor(lock, "it called ExitActor");
}

void Executor::EndActor(std::unique_lock<std::mutex>& lock, const std::string& reason) {
  for (const auto& mail : hosted_->mailbox.TakeAll()) {
    if (mail->terminates()) continue;
    replies_.SendError(*mail,
                       NotExecuted(ErrorKind::kActorDied, "the actor ended before it came to this call: " + reason),
                       &hosted_->actor);
  }
  pb::ClientToRaylet message;
  message.mutable_exit_intent()->set_no_restart(true);
  message.mutable_exit_intent()->set_reason(reason);
  core_.outbox->SendRaylet(message);
  std::shared_ptr<void> object = hosted_->actor.LetGo();
  lock.unlock();
  object.reset();  // its destructor is user code
  lock.lock();
  stop_ = Stop{0, reason};
}

// --- Tasks ---------------------------------------------------------------------------------------------------------

void Executor::RunTask(std::unique_lock<std::mutex>& lock, const Mail& mail) {
  if (lease_.Check(mail.from, mail.frame.incarnation) == LeaseGate::Verdict::kRefuse) {
    const char* const why = "the lease that the task was sent under has ended";
    return replies_.SendError(mail, NotExecuted(ErrorKind::kRefused, why), nullptr);
  }
  internal::Context context = runtime_.BaseContext();
  context.task = mail.id();
  context.gpu_ids = gpus_.Show(lease_.gpus());  // one lease follows another
  // What a task runs itself would see its GPUs.
  const bool runs_awaited = mail.frame.runs_awaited && lease_.gpus().empty();
  awaited_.Begin(lease_.cpu_units());
  client::TaskTable& tasks = runtime_.tables().tasks();
  tasks.SetKeepsIdleLeases(true);
  (void)runner_.Run(lock, mail, nullptr,
                    {.context = &context, .lends_cpus = true, .runner = runs_awaited ? &awaited_ : nullptr});
  tasks.SetKeepsIdleLeases(false);
}

}  // namespace troupe::worker
