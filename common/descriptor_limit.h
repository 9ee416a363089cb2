// How many descriptors this process may have open.
#pragma once

#include <cstdint>

namespace troupe {

// Raises the soft limit to the hard one, to a million at most. The soft one is low for the sake of select(2), whose
// sets end at descriptor 1023; nothing of Troupe's uses it.
void RaiseDescriptorLimit();

struct DescriptorUse {
  std::uint64_t open = 0;  // about: the lowest that is free
  std::uint64_t limit = 0;

  bool HasRoom(std::uint64_t more) const { return open + more <= limit; }
};

// Any thread; three system calls.
DescriptorUse LookAtDescriptors();

}  // namespace troupe
