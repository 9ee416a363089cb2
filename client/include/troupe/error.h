// Errors: what Get and its kin throw, and what their Try twins return.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "troupe/ids.h"

namespace troupe {

// What an error says about the call it ended.
enum class Outcome : std::uint8_t {
  kUnknown = 0,      // it may have run, wholly or in part
  kFailed = 1,       // it ran and failed
  kNotExecuted = 2,  // it did not run: safe to send again
};

// The numbers travel in messages (proto/common.proto).
enum class ErrorKind : std::uint8_t {
  kUnspecified = 0,
  kThrew = 1,          // TaskError
  kActorDied = 2,      // ActorDiedError
  kWorkerDied = 3,     // WorkerDiedError
  kObjectLost = 4,     // ObjectLostError
  kUnknownMethod = 5,  // UnknownMethodError
  kBadArguments = 6,   // SerializationError
  kUnschedulable = 7,  // UnschedulableError
  kProgram = 8,        // ProgramError
  kCancelled = 9,      // CancelledError
  kRefused = 10,       // RefusedError
  kSystem = 11,        // SystemError
  kTimeout = 12,       // TimeoutError; local, never in a message
  kUsage = 13,         // UsageError; local, never in a message
  kConnection = 14,    // ConnectionError; local, never in a message
};

// Everything known about a failure. A plain value; travels between processes.
struct ErrorInfo {
  ErrorKind kind = ErrorKind::kUnspecified;
  Outcome outcome = Outcome::kUnknown;
  std::string message = {};
  std::string remote_type = {};  // of the exception that user code threw, demangled: "std::out_of_range"
  std::string actor_class = {};
  std::string method = {};
  // What this failure kept from running: "Step(int) was not executed, because its argument 1 failed". All the rest is
  // about what failed then, which may be another call. Empty: it is the call itself that failed.
  std::string context = {};
  ActorId actor = {};
  NodeId node = {};
  int pid = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(kind, outcome, message, remote_type, actor_class, method, context, actor, node, pid);
  }
};

// Base of all errors of Troupe. what() is one readable paragraph; info() has the parts.
class Error : public std::runtime_error {
 public:
  explicit Error(ErrorInfo info);
  const ErrorInfo& info() const { return info_; }
  Outcome outcome() const { return info_.outcome; }

 private:
  ErrorInfo info_;
};

// The function, method or constructor threw. remote_type() and remote_message() are what it threw.
class TaskError : public Error {
 public:
  using Error::Error;
  const std::string& remote_type() const { return info().remote_type; }
  const std::string& remote_message() const { return info().message; }
};

class ActorDiedError : public Error {
  using Error::Error;
};  // the actor is dead, or died during the call
class WorkerDiedError : public Error {
  using Error::Error;
};  // the process of a task died, retries are used up
class ObjectLostError : public Error {
  using Error::Error;
};  // no copy is left, or its owner died
class UnknownMethodError : public Error {
  using Error::Error;
};  // the hosting program does not know the method
class SerializationError : public Error {
  using Error::Error;
};  // a value does not encode or decode
class UnschedulableError : public Error {
  using Error::Error;
};  // no node of the cluster could ever run it
class ProgramError : public Error {
  using Error::Error;
};  // the program could not be started on the node
class CancelledError : public Error {
  using Error::Error;
};  // its job ended
class RefusedError : public Error {
  using Error::Error;
};  // mailbox full, name taken, draining
class SystemError : public Error {
  using Error::Error;
};  // store full, limits, transport
class TimeoutError : public Error {
  using Error::Error;
};  // the given time passed; the call goes on
class UsageError : public Error {
  using Error::Error;
};  // the program misused the library
class ConnectionError : public Error {
  using Error::Error;
};  // no cluster to talk to, refused, or lost

// Throws the class above that belongs to info.kind.
[[noreturn]] void Throw(ErrorInfo info);

}  // namespace troupe
