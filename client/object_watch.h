// ObjectWatch: counts those of some objects that have a value, as they get it.
#pragma once

#include <cstddef>
#include <vector>

namespace troupe::client {

// Costs one piece of memory for all objects, and a few steps for each: when it is added, when it has its value, and
// when the watch ends. An object may be in several watches. Needs the core's mutex; not movable.
class ObjectWatch {
 public:
  // Of an object that has no value yet, in each watch that it is in; ObjectRecord::watches is the first.
  struct Link {
    ObjectWatch* watch = nullptr;
    Link* next = nullptr;
    Link** at = nullptr;  // what points here; null: in no list
  };

  // Of at most `capacity` objects.
  explicit ObjectWatch(std::size_t capacity) { links_.reserve(capacity); }
  ~ObjectWatch() {
    for (Link& link : links_) Unlink(link);
  }
  ObjectWatch(const ObjectWatch&) = delete;
  ObjectWatch& operator=(const ObjectWatch&) = delete;

  // `first` is that of an object without a value, which must outlive this.
  void Add(Link*& first) {
    Link& link = links_.emplace_back(Link{this, first, &first});
    if (first) first->at = &link.next;
    first = &link;
  }
  // How many have got their value since they were added.
  std::size_t ready() const { return ready_; }

  // The object whose list this is has its value.
  static void Ready(Link*& first) {
    while (first) {
      ++first->watch->ready_;
      Unlink(*first);
    }
  }

 private:
  static void Unlink(Link& link) {
    if (!link.at) return;
    *link.at = link.next;
    if (link.next) link.next->at = link.at;
    link.at = nullptr;
  }

  std::vector<Link> links_;
  std::size_t ready_ = 0;
};

}  // namespace troupe::client
