// NameQueue: registrations whose name is held by an actor that is about to end.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "head/environment.h"

namespace troupe::head {

// A name that is about to be free is worth waiting for: who asks for it would otherwise be told of an actor that takes
// no call any more. What ends may run a long call first, so nobody waits here longer than kPatience: it is told to ask
// again, well before its request times out. Each that waits is a call in flight. Loop thread only.
class NameQueue {
 public:
  static constexpr std::chrono::seconds kPatience{5};

  struct Waiting {
    pb::RegisterActorRequest request;
    Reply<pb::ActorReply> reply;
  };

  explicit NameQueue(EventLoop& loop) : loop_(loop) {}
  ~NameQueue();
  NameQueue(const NameQueue&) = delete;
  NameQueue& operator=(const NameQueue&) = delete;

  void Add(pb::RegisterActorRequest request, Reply<pb::ActorReply> reply);
  // The name is free now. Those that wait for it, in the order in which they came; each is to be registered again.
  std::vector<Waiting> Take(const std::string& name_space, const std::string& name);
  std::size_t size() const { return size_; }

 private:
  using Name = std::pair<std::string, std::string>;  // namespace, name
  struct Entry {
    Waiting waiting;
    TimerId patience = 0;
  };

  void TellToAskAgain(const Name& name, std::list<Entry>::iterator entry);

  EventLoop& loop_;
  std::map<Name, std::list<Entry>> names_;
  std::size_t size_ = 0;
};

}  // namespace troupe::head
