#include "head/name_queue.h"

namespace troupe::head {

NameQueue::~NameQueue() {
  for (const auto& [name, entries] : names_) {
    for (const Entry& entry : entries) loop_.Cancel(entry.patience);
  }
}

void NameQueue::Add(pb::RegisterActorRequest request, Reply<pb::ActorReply> reply) {
  const Name name{request.spec().name_space(), request.spec().name()};
  std::list<Entry>& entries = names_[name];
  const auto entry = entries.insert(entries.end(), Entry{.waiting = {std::move(request), std::move(reply)}});
  ++size_;
  entry->patience = loop_.After(kPatience, [this, name, entry] { TellToAskAgain(name, entry); });
}

std::vector<NameQueue::Waiting> NameQueue::Take(const std::string& name_space, const std::string& name) {
  std::vector<Waiting> taken;
  auto node = names_.extract({name_space, name});
  if (node.empty()) return taken;
  for (Entry& entry : node.mapped()) {
    loop_.Cancel(entry.patience);
    taken.push_back(std::move(entry.waiting));
  }
  size_ -= taken.size();
  return taken;
}

void NameQueue::TellToAskAgain(const Name& name, std::list<Entry>::iterator entry) {
  const Reply<pb::ActorReply> reply = std::move(entry->waiting.reply);
  auto entries = names_.find(name);
  entries->second.erase(entry);
  if (entries->second.empty()) names_.erase(entries);
  --size_;
  pb::ActorReply answer;
  answer.set_ask_again(true);
  reply(std::move(answer));
}

}  // namespace troupe::head
