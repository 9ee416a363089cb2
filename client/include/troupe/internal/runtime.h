// The seam between the typed public API (templates) and the runtime behind it (client/). Users need none of this.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "troupe/error.h"
#include "troupe/ids.h"
#include "troupe/internal/object_ptr.h"
#include "troupe/options.h"

namespace troupe::internal {

// One actor, as this process knows it. All handles to it in this process share the state, which tells the creator when
// the last of them is gone. ObjectState is the same for an object and its refs.
class ActorState;
using ActorPtr = std::shared_ptr<ActorState>;

// A serialised value: its bytes, and the refs and handles inside them, which keep what they name alive.
struct Payload {
  std::string bytes;
  std::vector<ObjectPtr> objects;
  std::vector<ActorPtr> actors;
};

// Arguments of a call: those given by value one after another in `values`, the others as objects whose value
// takes their place. Positions count from 0 over all arguments, ascending.
struct Arguments {
  Payload values;
  std::vector<std::pair<std::uint32_t, ObjectPtr>> refs;
};

// A value to read: `bytes` stay valid as long as `keep`. Or the error that took the value's place.
struct ObjectValue {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keep;
  std::shared_ptr<const ErrorInfo> error;
};

// What ends up in an ObjectRef or ActorHandle inside serialised bytes.
struct ObjectName {
  ObjectId id;
  Address owner;
};
struct ActorName {
  ActorId id;
  Address creator;        // counts handles
  bool detached = false;  // nobody counts
  std::int64_t max_task_retries = 0;
  std::uint32_t max_pending_calls = 0;
};

struct TaskCall {
  std::uint64_t function = 0;
  const char* name = "";  // for people; static storage
  Arguments arguments;
  TaskOptions options;
};

struct ActorCall {
  std::uint64_t function = 0;
  const char* name = "";  // "Counter::Add(int)"; static storage
  Arguments arguments;
  CallOptions options;
};

struct ActorCreation {
  std::uint64_t constructor = 0;
  std::string class_name;
  Arguments arguments;
  ActorOptions options;
};

struct FoundActor {
  ActorPtr actor;
  std::string class_name;
};

struct NodeDescription {
  NodeId id;
  std::string address;
  std::string hostname;
  bool alive = false;
  bool is_head_node = false;
  std::map<std::string, double> resources;
  std::map<std::string, double> available;
  std::map<std::string, std::string> labels;
};

struct ActorDescription {
  ActorId id;
  std::string name;
  std::string name_space;
  std::string class_name;
};

struct Context {
  JobId job;
  NodeId node;
  ProcessId process;
  ActorId actor;  // none outside actors
  TaskId task;    // none outside calls
  std::string name_space;
  std::string actor_name;
  std::uint64_t incarnation = 0;
  bool was_restarted = false;
  bool is_driver = false;
  std::vector<int> gpu_ids;
  std::string session_dir;
};

// Implemented by client/runtime_impl. All functions are thread-safe and throw the errors of troupe/error.h.
class Runtime {
 public:
  virtual ~Runtime() = default;

  // The process's runtime; throws UsageError ("call troupe::Init first") when there is none.
  static Runtime& Get();
  static bool IsInitialized();

  // Values above this many bytes go to the object store instead of travelling in messages.
  virtual std::size_t inline_limit() const = 0;

  virtual ObjectPtr Put(Payload value) = 0;
  virtual ObjectPtr Find(const ObjectName& name) = 0;
  virtual ObjectName Name(const ObjectPtr& object) const = 0;

  // Blocks until at least `count` of `objects`, which the caller keeps, have a value or an error, or the time is over.
  // Returns where in `objects` the first of these are, `count` at most, ascending. The value of an object that another
  // process owns counts as soon as its owner has it. UsageError when an object is given twice.
  virtual std::vector<std::size_t> Wait(std::span<ObjectState* const> objects, std::size_t count,
                                        std::optional<std::chrono::nanoseconds> timeout) = 0;
  // Blocks until the value can be read here, or the time is over (error kTimeout).
  virtual ObjectValue Get(const ObjectPtr& object, std::optional<std::chrono::nanoseconds> timeout) = 0;

  virtual ObjectPtr RunTask(TaskCall call) = 0;
  virtual ObjectPtr CallActor(const ActorPtr& actor, ActorCall call) = 0;

  // Returns at once for anonymous actors; for named ones when the head has registered the name.
  virtual ActorPtr CreateActor(ActorCreation creation) = 0;
  virtual FoundActor FindActor(const std::string& name, const std::string& name_space) = 0;
  virtual ActorPtr Find(const ActorName& name) = 0;
  virtual ActorName Name(const ActorPtr& actor) const = 0;
  virtual std::vector<ActorDescription> ListNamedActors(bool all_namespaces) = 0;
  virtual void Kill(const ActorPtr& actor, bool no_restart) = 0;
  virtual void Terminate(const ActorPtr& actor) = 0;
  // Blocks until the actor's constructor has returned; throws what it threw.
  virtual void WaitAlive(const ActorPtr& actor, std::optional<std::chrono::nanoseconds> timeout) = 0;

  virtual std::vector<NodeDescription> Nodes() = 0;
  virtual Context CurrentContext() const = 0;
};

// Thrown by ExitActor through the user's method to the executor; deliberately no std::exception.
struct ActorExit {};

// --- What the hosting program knows --------------------------------------------------------------------------

// Reads the arguments of one call in order.
class ArgumentReader;

// ResultSink: where the results of one call are written, so that they need not be carried there: into the reply, for
// who runs a call for another process.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  // The place of the next result, to which its encoding is appended; valid until the sink goes. A call has one so far.
  virtual Payload* Next() = 0;
};

// Runs a function (instance null) or a method on `instance` and writes the serialised result. Throws what the
// user's code throws, and SerializationError when the arguments do not decode.
using Invoker = void (*)(void* instance, ArgumentReader& arguments, ResultSink& results);
// Makes an actor.
using Factory = std::shared_ptr<void> (*)(ArgumentReader& arguments);

struct Function {
  std::uint64_t id = 0;
  std::string name;
  Invoker invoke = nullptr;  // functions and methods
  Factory make = nullptr;    // constructors
  // The class that `invoke` needs an instance of, or that `make` makes; null: a function.
  const std::type_info* type = nullptr;
};

// Adds a function before main() or later; thread-safe. Two different ones of one id: the process ends with a
// message that names both.
void RegisterFunction(Function function);
// Null when the program has no such function.
const Function* FindFunction(std::uint64_t id);

// Set by the worker while it runs a call: one argument given as an object, already fetched.
struct ResolvedArgument {
  std::uint32_t position = 0;
  std::span<const std::byte> bytes;
};

}  // namespace troupe::internal
