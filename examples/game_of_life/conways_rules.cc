#include "conways_rules.h"

namespace life {
namespace {

using Row = std::span<const std::uint8_t>;

void NextRow(Row above, Row row, Row below, std::uint8_t* out) {
  const std::size_t width = row.size();
  for (std::size_t column = 0; column < width; ++column) {
    const std::size_t left = column == 0 ? width - 1 : column - 1;
    const std::size_t right = column + 1 == width ? 0 : column + 1;
    const int neighbours = above[left] + above[column] + above[right] + row[left] + row[right] + below[left] +
                           below[column] + below[right];
    out[column] = neighbours == 3 || (neighbours == 2 && row[column] != 0) ? 1 : 0;
  }
}

}  // namespace

State ConwaysRules::Next(const State& state) const {
  const std::size_t size = state.size();
  if (size == 0) return state;
  const Row cells(state.cells());
  return {size, Next(state.cells(), size, cells.last(size), cells.first(size))};
}

Rows ConwaysRules::Next(const Rows& rows, std::size_t width, Row above, Row below) const {
  const std::size_t height = rows.size() / width;
  const Row cells(rows);
  Rows next(rows.size());
  for (std::size_t row = 0; row < height; ++row) {
    NextRow(row == 0 ? above : cells.subspan((row - 1) * width, width), cells.subspan(row * width, width),
            row + 1 == height ? below : cells.subspan((row + 1) * width, width), &next[row * width]);
  }
  return next;
}

}  // namespace life
