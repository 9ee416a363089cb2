#include "worker/awaited_tasks.h"

#include <memory>
#include <utility>

#include "worker/call_errors.h"

namespace troupe::worker {
namespace {

// The result stays in this process.
class OwnResult final : public internal::ResultSink {
 public:
  internal::Payload* Next() override { return &value; }

  internal::Payload value;
};

}  // namespace

void AwaitedTasks::Begin(std::int64_t cpu_units) {
  cpu_units_ = cpu_units;
  stack_.Begin(__builtin_frame_address(0));
}

bool AwaitedTasks::RunOne(std::unique_lock<std::mutex>& lock, const client::ObjectRecord& awaited) {
  if (!stack_.Allows(__builtin_frame_address(0))) return false;
  const std::shared_ptr<client::PendingCall> call = runtime_.tables().tasks().TakeAwaited(awaited, cpu_units_);
  if (!call) return false;
  client::TaskTable& tasks = runtime_.tables().tasks();
  OwnResult result;
  std::optional<ErrorInfo> error = Run(lock, *call, result).error;
  std::uint64_t stored = 0;
  if (!error && result.value.bytes.size() > runtime_.inline_limit()) {
    stored = result.value.bytes.size();
    error = runtime_.Store(lock, core_.ResultOf(call->sequence), result.value.bytes);
    if (error) error->outcome = Outcome::kFailed;  // it ran; only its result is lost
    result.value.bytes = {};
  }
  if (error) {
    tasks.OnRan(call, HappenedHere(std::move(*error), core_.self));
  } else {
    tasks.OnRan(call, std::move(result.value), stored);
  }
  core_.messenger->KickWaiting();  // other threads of this process may wait for the same
  return true;
}

UserOutcome AwaitedTasks::Run(std::unique_lock<std::mutex>& lock, const client::PendingCall& call,
                              internal::ResultSink& results) {
  UserCall user;
  user.function = internal::FindFunction(call.function);
  user.values = AsBytes(call.arguments.values.bytes);
  std::vector<std::shared_ptr<const void>> keep;
  for (const auto& [position, object] : call.arguments.refs) {
    internal::ObjectValue value = runtime_.Read(lock, object, {});
    if (value.error) {
      UserOutcome failed;
      failed.error = *value.error;
      failed.error->outcome = Outcome::kNotExecuted;
      return failed;
    }
    user.resolved.push_back({position, value.bytes});
    keep.push_back(std::move(value.keep));
  }
  internal::Context context = runtime_.BaseContext();
  context.task = {core_.self.process.value, call.sequence};
  return RunUserCall(lock, user, {.context = &context, .lends_cpus = true, .runner = this}, results);
}

}  // namespace troupe::worker
