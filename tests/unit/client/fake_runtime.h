// FakeRuntime: the runtime's seam in one process. Calls run at once, on the caller's thread, from serialised bytes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "troupe/internal/runtime.h"

namespace troupe::internal {

struct FakeObject final : ObjectState {
  using All = std::map<ObjectId, FakeObject*>;
  FakeObject(ObjectId id_of_object, std::shared_ptr<All> all_objects) : id(id_of_object), all(std::move(all_objects)) {}

  const ObjectId id;
  const std::shared_ptr<All> all;
  bool ready = true;
  Payload value;
  std::shared_ptr<const ErrorInfo> error;

  static FakeObject& Of(const ObjectPtr& object) { return static_cast<FakeObject&>(*object); }

 private:
  void OnUnused() override {
    all->erase(id);
    delete this;
  }
};

class ActorState {
 public:
  ActorId id;
  ActorOptions options;
  std::string class_name;
  std::shared_ptr<void> instance;
  std::shared_ptr<const ErrorInfo> death;
};

// Not thread-safe.
class FakeRuntime : public Runtime {
 public:
  std::size_t inline_limit() const override { return 64; }
  ObjectPtr Put(Payload value) override;
  ObjectPtr Find(const ObjectName& name) override;
  ObjectName Name(const ObjectPtr& object) const override;
  std::vector<std::size_t> Wait(std::span<ObjectState* const> objects, std::size_t count,
                                std::optional<std::chrono::nanoseconds> timeout) override;
  ObjectValue Get(const ObjectPtr& object, std::optional<std::chrono::nanoseconds> timeout) override;
  ObjectPtr RunTask(TaskCall call) override;
  ObjectPtr CallActor(const ActorPtr& actor, ActorCall call) override;
  ActorPtr CreateActor(ActorCreation creation) override;
  FoundActor FindActor(const std::string& name, const std::string& name_space) override;
  ActorPtr Find(const ActorName& name) override;
  ActorName Name(const ActorPtr& actor) const override;
  std::vector<ActorDescription> ListNamedActors(bool all_namespaces) override;
  void Kill(const ActorPtr& actor, bool no_restart) override;
  void Terminate(const ActorPtr& actor) override;
  void WaitAlive(const ActorPtr& actor, std::optional<std::chrono::nanoseconds> timeout) override;
  std::vector<NodeDescription> Nodes() override;
  Context CurrentContext() const override;

  // An object without a value, which only Settle gives it.
  ObjectPtr MakePending();
  static void Settle(const ObjectPtr& object, Payload value);
  static void Fail(const ObjectPtr& object, ErrorInfo error);

  // What the last call through the seam was given.
  struct Last {
    std::string name;
    std::size_t value_bytes = 0;
    std::size_t values_objects = 0;
    std::size_t refs = 0;
    ActorOptions actor_options;
    TaskOptions task_options;
    CallOptions call_options;
    bool no_restart = false;
  };
  Last last;
  std::vector<NodeDescription> nodes;

 private:
  // Runs `function` and returns the object of its result or error; `actor` is null for tasks.
  ObjectPtr Run(std::uint64_t function, const Arguments& arguments, ActorState* actor);
  ErrorInfo Describe(const std::string& method, const ActorState* actor) const;
  void Note(const std::string& name, const Arguments& arguments);

  std::uint64_t last_id_ = 0;
  ActorState* current_ = nullptr;
  const std::shared_ptr<FakeObject::All> objects_ = std::make_shared<FakeObject::All>();
  std::map<ActorId, std::weak_ptr<ActorState>> actors_;
};

// Sets a FakeRuntime for the time of a test.
class ScopedRuntime {
 public:
  ScopedRuntime();
  ~ScopedRuntime();
  ScopedRuntime(const ScopedRuntime&) = delete;
  ScopedRuntime& operator=(const ScopedRuntime&) = delete;
  FakeRuntime* operator->() { return runtime_.get(); }

 private:
  std::shared_ptr<FakeRuntime> runtime_;
};

}  // namespace troupe::internal
