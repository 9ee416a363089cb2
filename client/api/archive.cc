#include "troupe/internal/archive.h"

#include <string>

#include "troupe/internal/serializable.h"

namespace troupe::internal {
namespace {

void ReadId(InputArchive& archive, ObjectId* id) { archive(id->high, id->low); }

void WriteAddress(OutputArchive& archive, const Address& address) {
  archive(address.node.high, address.node.low, address.process.value);
}

void ReadAddress(InputArchive& archive, Address* address) {
  archive(address->node.high, address->node.low, address->process.value);
}

}  // namespace

void OutputArchive::WriteObject(const ObjectPtr& object) {
  (*this)(object != nullptr);
  if (!object) return;
  const ObjectName name = Runtime::Get().Name(object);
  (*this)(name.id.high, name.id.low);
  WriteAddress(*this, name.owner);
  payload_->objects.push_back(object);
}

void OutputArchive::WriteActor(const ActorPtr& actor) {
  (*this)(actor != nullptr);
  if (!actor) return;
  const ActorName name = Runtime::Get().Name(actor);
  (*this)(name.id.high, name.id.low);
  WriteAddress(*this, name.creator);
  (*this)(name.detached, name.max_task_retries, name.max_pending_calls);
  payload_->actors.push_back(actor);
}

ObjectPtr InputArchive::ReadObject() {
  bool present = false;
  (*this)(present);
  if (!present) return nullptr;
  ObjectName name;
  ReadId(*this, &name.id);
  ReadAddress(*this, &name.owner);
  return Runtime::Get().Find(name);
}

ActorPtr InputArchive::ReadActor() {
  bool present = false;
  (*this)(present);
  if (!present) return nullptr;
  ActorName name;
  (*this)(name.id.high, name.id.low);
  ReadAddress(*this, &name.creator);
  (*this)(name.detached, name.max_task_retries, name.max_pending_calls);
  return Runtime::Get().Find(name);
}

const std::shared_ptr<void>& InputArchive::FindShared(std::uint32_t number, const std::type_info& type) const {
  if (number == 0 || number > shared_.size() || *shared_[number - 1].second != type) {
    ThrowMalformed("a shared pointer refers to number " + std::to_string(number) + ", which no pointer of its type has",
                   position());
  }
  return shared_[number - 1].first;
}

}  // namespace troupe::internal
