#include "client/object_index.h"

#include <bit>

namespace troupe::client {

void ObjectIndex::Erase(const ObjectRecord& record) {
  if (slots_.empty()) return;
  std::size_t hole = PlaceOf(record.id);
  if (slots_[hole].get() != &record) return;
  const Pointer erased = std::move(slots_[hole]);
  --size_;
  // What lies behind moves up, unless it would come before its home.
  for (std::size_t place = Next(hole); slots_[place]; place = Next(place)) {
    const std::size_t home = HomeOf(slots_[place]->id);
    const std::size_t mask = slots_.size() - 1;
    if (((place - home) & mask) < ((place - hole) & mask)) continue;
    slots_[hole] = std::move(slots_[place]);
    hole = place;
  }
  if (slots_.size() > kFewest && size_ * 8 < slots_.size()) Resize(slots_.size() / 2);
}

void ObjectIndex::Resize(std::size_t size) {
  const std::vector<Pointer> before = std::exchange(slots_, std::vector<Pointer>(size));
  shift_ = 64 - std::countr_zero(size);
  for (const Pointer& record : before) {
    if (record) slots_[PlaceOf(record->id)] = record;
  }
}

}  // namespace troupe::client
