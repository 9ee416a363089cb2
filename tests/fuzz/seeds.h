// Seeds: inputs from which the search begins, made by the target itself at run time.
//
//   TROUPE_FUZZ_SEEDS(MySeeds())   // a std::vector<std::string>
//
// Given a folder, libFuzzer keeps what it finds there; the seeds are in no file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace troupe::fuzz {

// One input in 32 starts anew from a seed, one goes on with a seed after what it has; the rest are changed as ever.
inline std::size_t MutateWithSeeds(const std::vector<std::string>& seeds, std::uint8_t* data, std::size_t size,
                                   std::size_t max_size, unsigned random) {
  const bool anew = size <= 1 || random % 32 == 0;
  if (anew || random % 32 == 1) {
    const std::string& seed = seeds[random / 32 % seeds.size()];
    const std::size_t kept = anew ? 0 : size;
    const std::size_t added = std::min(seed.size(), max_size - kept);
    std::memcpy(data + kept, seed.data(), added);
    return kept + added;
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

}  // namespace troupe::fuzz

#define TROUPE_FUZZ_SEEDS(list)                                                                              \
  extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, \
                                                 unsigned random) {                                          \
    static const std::vector<std::string> seeds = list;                                                      \
    return troupe::fuzz::MutateWithSeeds(seeds, data, size, max_size, random);                               \
  }
