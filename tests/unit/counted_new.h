// CountNew: how often this thread asks for memory, in a program with counted_new.cc, which replaces operator new.
#pragma once

#include <cstddef>

namespace troupe {

// Calls of operator new by this thread so far.
std::size_t NewCount();

// Runs `work` and returns how many times it called operator new.
template <class Work>
std::size_t CountNew(const Work& work) {
  const std::size_t before = NewCount();
  work();
  return NewCount() - before;
}

}  // namespace troupe
