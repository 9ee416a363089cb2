// Overridable<T>: an option that a class may have a default for, and that may be set to be empty nevertheless.
#pragma once

#include <utility>

namespace troupe::internal {

struct FromDefaults {};

// A T, empty or not, or the word that there is none. `.resources = {}` says: none of them, whatever the class asks for;
// saying nothing leaves the choice to the class.
template <class T>
class Overridable : public T {
 public:
  using T::T;
  Overridable() = default;
  Overridable(T value) : T(std::move(value)) {}
  Overridable(FromDefaults) : given_(false) {}

  bool given() const { return given_ || !this->empty(); }

 private:
  bool given_ = true;
};

}  // namespace troupe::internal
