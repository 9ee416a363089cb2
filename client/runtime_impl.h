// RuntimeImpl: the runtime of a driver or worker process.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/store_client.h"
#include "client/stored_values.h"
#include "client/tables.h"
#include "troupe/internal/runtime.h"

namespace troupe::client {

// Function id of Terminate: an actor that is called with it exits once it has run what came before.
inline constexpr std::uint64_t kTerminateFunction = 1;

// What a worker adds to the waiting of a task: it runs what is waited for.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  // Runs one task that brings `awaited` nearer to its value, without `lock` meanwhile; false: there is none that may
  // run here.
  virtual bool RunOne(std::unique_lock<std::mutex>& lock, const ObjectRecord& awaited) = 0;
};

class RuntimeImpl final : public internal::Runtime, public StoredValues {
 public:
  RuntimeImpl();
  ~RuntimeImpl() override;

  // Registers with the raylet at `socket_path`. Once. Blocks. `sink` (null: a driver) must outlive the runtime.
  Status Start(const std::string& socket_path, const pb::RegisterClient& hello, CallSink* sink);
  // Leaves the cluster. Idempotent; nothing works afterwards.
  void Stop();

  // --- internal::Runtime ---------------------------------------------------------------------------------------------
  std::size_t inline_limit() const override { return inline_limit_; }
  internal::ObjectPtr Put(internal::Payload value) override;
  internal::ObjectPtr Find(const internal::ObjectName& name) override;
  internal::ObjectName Name(const internal::ObjectPtr& object) const override;
  std::vector<std::size_t> Wait(std::span<internal::ObjectState* const> objects, std::size_t count,
                                std::optional<std::chrono::nanoseconds> timeout) override;
  internal::ObjectValue Get(const internal::ObjectPtr& object,
                            std::optional<std::chrono::nanoseconds> timeout) override;
  internal::ObjectPtr RunTask(internal::TaskCall call) override;
  internal::ObjectPtr CallActor(const internal::ActorPtr& actor, internal::ActorCall call) override;
  internal::ActorPtr CreateActor(internal::ActorCreation creation) override;
  internal::FoundActor FindActor(const std::string& name, const std::string& name_space) override;
  internal::ActorPtr Find(const internal::ActorName& name) override;
  internal::ActorName Name(const internal::ActorPtr& actor) const override;
  std::vector<internal::ActorDescription> ListNamedActors(bool all_namespaces) override;
  void Kill(const internal::ActorPtr& actor, bool no_restart) override;
  void Terminate(const internal::ActorPtr& actor) override;
  void WaitAlive(const internal::ActorPtr& actor, std::optional<std::chrono::nanoseconds> timeout) override;
  std::vector<internal::NodeDescription> Nodes() override;
  internal::Context CurrentContext() const override;

  // --- For worker/ -------------------------------------------------------------------------------------------------
  Core& core() { return *core_; }
  ObjectTable& objects() { return objects_; }
  RefCodec& codec() { return tables_; }
  Tables& tables() { return tables_; }
  // The value of an object for as long as the result's `keep`; blocks. `lock` is on the core's mutex.
  internal::ObjectValue Read(std::unique_lock<std::mutex>& lock, const internal::ObjectPtr& object, Deadline deadline);
  internal::ObjectValue ReadStored(std::unique_lock<std::mutex>& lock, const WireArgument& argument) override;
  std::optional<ErrorInfo> Store(std::unique_lock<std::mutex>& lock, ObjectId id, std::string_view bytes) override {
    return store_.Write(lock, id, bytes);
  }
  // Waits like user code does, without lending CPUs.
  bool WaitUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done, Deadline deadline = {}) {
    return core_->messenger->WaitUntil(lock, done, deadline);
  }
  // What a thread does for a call that it runs.
  struct ThreadState {
    const internal::Context* context = nullptr;  // what CurrentContext() says; null: the process's own
    bool lends_cpus = false;                     // it holds CPUs, which it lends away while it waits
    TaskRunner* runner = nullptr;                // runs what it waits for; null: nobody
  };
  // Of the calling thread. Returns what was before.
  static ThreadState SetThread(const ThreadState& state);
  internal::Context BaseContext() const;

 private:
  void CheckConnected() const {
    if (!core_->lost.empty()) ThrowLost();
  }
  // UsageError for refs and handles that the runtime of an earlier job of this process made.
  void CheckOurs(const internal::ObjectPtr& object) const { CheckOurs(*object); }
  void CheckOurs(const internal::ObjectState& object) const {
    if (!object.record()->NotesGoTo(*core_->releases)) ThrowOfEndedJob();
  }
  void CheckOurs(const internal::ActorPtr& actor) const {
    if (!actor->NotesGoTo(*core_->releases)) ThrowOfEndedJob(*actor->record());
  }
  void CheckOurs(const internal::Payload& value) const;
  void CheckOurs(const internal::Arguments& arguments) const;
  // Asks for the values, and returns how many are there already.
  std::size_t BeginWait(std::span<internal::ObjectState* const> objects);
  [[noreturn]] void ThrowLost() const;
  [[noreturn]] static void ThrowOfEndedJob();
  [[noreturn]] static void ThrowOfEndedJob(const ActorRecord& actor);
  // Runs what `object` waits for, as far as this thread may.
  static void RunAwaited(std::unique_lock<std::mutex>& lock, const ObjectRecord& object);
  // Sends a request and waits for its reply; throws its error.
  pb::RayletToClient Ask(std::unique_lock<std::mutex>& lock, pb::ClientToRaylet message);
  // Of a task with such options; throws UsageError. With the mutex held.
  ShapePtr ShapeOf(const TaskOptions& options);
  // A detached actor may start again when its creator and its node are gone, so its arguments go with its spec to the
  // head. Waits for them.
  void KeepWithSpec(std::unique_lock<std::mutex>& lock, const pb::ActorSpec& spec, internal::Arguments* arguments);
  // Waits until the actor takes another call of this process; throws when it never will.
  void AwaitRoom(std::unique_lock<std::mutex>& lock, const std::shared_ptr<ActorRecord>& actor,
                 const std::string& method);
  std::string NameSpace(const std::string& given) const;  // the job's when none is given
  pb::ActorSpec ToSpec(const internal::ActorCreation& creation) const;

  const std::shared_ptr<Core> core_ = std::make_shared<Core>();
  std::size_t inline_limit_ = 64 * 1024;
  SleepHook hook_;
  Tables tables_;
  ObjectTable& objects_;
  ActorTable& actors_;
  TaskTable& tasks_;
  StoreClient store_;
  std::uint64_t last_wait_ = 0;
  ShapePtr last_shape_;  // of a task that asked for nothing but these amounts
  std::array<std::optional<double>, 3> last_amounts_;
};

}  // namespace troupe::client
