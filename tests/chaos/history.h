// History: what the processes of a chaos run write down of their calls, and the reader of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::chaos {

// One process writes its own file, a line an event. A line is one write(2) to a file that is appended to, so a process
// that is killed leaves whole lines only.
struct Invoked {
  std::string call;            // unique in the run
  std::string caller;          // the driver, and its incarnation: each process has a name of its own
  std::string target;          // an actor's name, or "" for what has none
  std::uint64_t sequence = 0;  // of the caller's calls to the target
  bool retries = false;        // may run once per incarnation, and more often as a task
  std::int64_t at = 0;         // CLOCK_MONOTONIC, ns; the same clock in every process of the machine
};
enum class Ended { kValue, kFailed, kNotExecuted, kUnknown, kWrongValue, kTimeout };
struct Returned {
  std::string call;
  Ended how = Ended::kUnknown;
  std::string why;  // of an error
  std::int64_t at = 0;
};
// Written by the actor or task, before anything else of the call.
struct Ran {
  std::string call;
  std::string name;    // of a named actor, else ""
  std::string holder;  // actor id and incarnation; the process of a task
  std::uint64_t incarnation = 0;
  std::int64_t at = 0;
};

struct History {
  std::vector<Invoked> invoked;
  std::vector<Returned> returned;
  std::vector<Ran> ran;
  std::vector<std::string> killed;  // callers that the run killed: their calls may stay open
};

// The pen of one process: appends to a new file in `folder`. Thread-safe, as each line is one write.
class Pen {
 public:
  explicit Pen(const std::string& folder);
  ~Pen();
  Pen(const Pen&) = delete;
  Pen& operator=(const Pen&) = delete;

  void Write(const Invoked& event);
  void Write(const Returned& event);
  void Write(const Ran& event);

 private:
  void Line(const std::string& text) const;
  int fd_;
};

// Everything that was written in `folder`, in no order between files. Throws std::runtime_error, with the file and
// the line, for a line that it does not understand.
History ReadHistory(const std::string& folder);

std::int64_t Now();
const char* Name(Ended how);

}  // namespace troupe::chaos
