// Screen: draws generations, in place on a terminal, one below the other elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "state.h"

namespace life {

class Screen {
 public:
  explicit Screen(std::string title) : title_(std::move(title)) {}

  // On a terminal takes a tenth of a second, so that eyes can follow, and shows what fits.
  void Draw(std::size_t generation, const State& state);

  std::chrono::steady_clock::duration time_spent() const { return time_spent_; }

 private:
  std::string title_;
  bool drawn_ = false;
  std::chrono::steady_clock::duration time_spent_{};
};

}  // namespace life
