#include "worker/user_call.h"

#include "troupe/internal/argument_reader.h"
#include "worker/current_exception.h"

namespace troupe::worker {

UserResult RunUserCall(std::unique_lock<std::mutex>& lock, const UserCall& call,
                       const client::RuntimeImpl::ThreadState& state) {
  lock.unlock();
  const client::RuntimeImpl::ThreadState outer = client::RuntimeImpl::SetThread(state);
  UserResult result;
  try {
    internal::ArgumentReader reader(call.values, call.resolved);
    call.function->invoke(call.instance, reader, &result.value);
  } catch (const internal::ActorExit&) {
    result.exit = true;
  } catch (...) {
    result.error = DescribeCurrentException();
  }
  client::RuntimeImpl::SetThread(outer);
  lock.lock();
  return result;
}

}  // namespace troupe::worker
