// ConwaysRules: how one generation follows from another.
#pragma once

#include <cstddef>
#include <span>

#include "state.h"

namespace life {

// A live cell with two or three live neighbours lives on, a dead one with three comes alive, all others are dead.
class ConwaysRules {
 public:
  State Next(const State& state) const;

  // The next generation of `rows`, whose rows have `width` cells and wrap round; `above` and `below` are the rows
  // before the first and after the last.
  Rows Next(const Rows& rows, std::size_t width, std::span<const std::uint8_t> above,
            std::span<const std::uint8_t> below) const;
};

}  // namespace life
