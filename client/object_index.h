// ObjectIndex: the objects that a process knows, by their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "client/records.h"

namespace troupe::client {

// A hash table in one piece of memory: an object that comes and goes allocates nothing here. Objects that meet in a
// place lie behind one another; what is taken out is closed up. No locks.
class ObjectIndex {
 public:
  using Pointer = std::shared_ptr<ObjectRecord>;

  // Null: there is none.
  Pointer Find(const ObjectId& id) const {
    if (slots_.empty()) return nullptr;
    return slots_[PlaceOf(id)];
  }
  // In place of one that has the same id.
  void Put(Pointer record) {
    if ((size_ + 1) * 4 > slots_.size() * 3) Resize(slots_.empty() ? kFewest : slots_.size() * 2);
    Pointer& slot = slots_[PlaceOf(record->id)];
    if (!slot) ++size_;
    slot = std::move(record);
  }
  // Takes that record out, if it is here. The record is destroyed when all is in order again: it may hold others.
  void Erase(const ObjectRecord& record);

  std::size_t size() const { return size_; }
  // `look` must not change the index.
  template <class Look>
  void ForEach(const Look& look) const {
    for (const Pointer& slot : slots_) {
      if (slot) look(slot);
    }
  }

 private:
  static constexpr std::size_t kFewest = 64;

  // A process numbers its objects one after another: the product spreads them.
  std::size_t HomeOf(const ObjectId& id) const {
    return static_cast<std::size_t>(((id.low ^ (id.high << 1)) * 0x9e3779b97f4a7c15ULL) >> shift_);
  }
  std::size_t Next(std::size_t place) const { return (place + 1) & (slots_.size() - 1); }
  // Where the object is, or would be.
  std::size_t PlaceOf(const ObjectId& id) const {
    std::size_t place = HomeOf(id);
    while (slots_[place] && slots_[place]->id != id) place = Next(place);
    return place;
  }
  void Resize(std::size_t size);

  std::vector<Pointer> slots_;  // a power of two, or none
  int shift_ = 64;
  std::size_t size_ = 0;
};

}  // namespace troupe::client
