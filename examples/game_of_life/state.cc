#include "state.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>

namespace life {

State State::Random(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);  // its output is fixed by the standard, that of distributions is not
  Rows cells(size * size);
  for (std::uint8_t& cell : cells) cell = random() % 3 == 0 ? 1 : 0;
  return {size, std::move(cells)};
}

State State::Parse(const std::string& text) {
  std::vector<std::string> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  const std::size_t size = rows.size();
  Rows cells(size * size);
  for (std::size_t row = 0; row < size; ++row) {
    if (rows[row].size() > size)
      throw std::invalid_argument("row " + std::to_string(row + 1) + " is longer than the grid is high");
    for (std::size_t column = 0; column < rows[row].size(); ++column) {
      const char c = rows[row][column];
      if (c != '*' && c != '.' && c != ' ')
        throw std::invalid_argument("a cell is '*', '.' or ' ', not '" + std::string(1, c) + "'");
      cells[row * size + column] = c == '*' ? 1 : 0;
    }
  }
  return {size, std::move(cells)};
}

std::size_t State::population() const { return std::accumulate(cells_.begin(), cells_.end(), std::size_t{0}); }

std::string State::ToString() const {
  std::string text;
  for (std::size_t row = 0; row < size_; ++row) {
    for (std::size_t column = 0; column < size_; ++column) text += alive(row, column) ? '*' : '.';
    text += '\n';
  }
  return text;
}

}  // namespace life
