// State: one generation of Conway's Game of Life on a torus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace life {

// Cells of consecutive rows, 1 alive and 0 dead, row after row.
using Rows = std::vector<std::uint8_t>;

// An immutable grid of size × size cells whose edges meet. A value: copies are independent. Travels in calls.
class State {
 public:
  State() = default;

  // Each cell alive with probability 1/3; the same for the same seed on every machine.
  static State Random(std::size_t size, std::uint64_t seed);
  // From rows of '*' (alive) and '.' or ' ' (dead), separated by line ends; short rows are filled up with dead cells.
  // Throws std::invalid_argument when there are other characters or the grid is no square.
  static State Parse(const std::string& text);
  // `cells` has size × size values.
  State(std::size_t size, Rows cells) : size_(size), cells_(std::move(cells)) {}

  std::size_t size() const { return size_; }
  const Rows& cells() const { return cells_; }
  bool alive(std::size_t row, std::size_t column) const { return cells_[row * size_ + column] != 0; }
  std::size_t population() const;
  // Rows of '*' and '.', each ended by '\n'.
  std::string ToString() const;

  bool operator==(const State&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(size_, cells_);
  }

 private:
  std::uint64_t size_ = 0;
  Rows cells_;
};

}  // namespace life
