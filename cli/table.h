// Table: rows of text in aligned columns.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace troupe::cli {

enum class Color { kPlain, kGreen, kYellow, kRed, kDim };

struct Cell {
  Cell(std::string cell_text, Color cell_color = Color::kPlain)  // NOLINT: implicit, cells are mostly plain text
      : text(std::move(cell_text)), color(cell_color) {}
  Cell(const char* cell_text) : text(cell_text) {}  // NOLINT: implicit

  std::string text;  // control characters are not printed
  Color color = Color::kPlain;
};

class Table {
 public:
  // A header that begins with '>' is that of a column aligned to the right; with '?', of one that is left out as long
  // as all its cells are empty.
  explicit Table(std::vector<std::string> headers);

  // As many cells as headers.
  void Add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }

  void Print(std::ostream& out, bool color) const;

 private:
  void PrintRow(std::ostream& out, const std::vector<Cell>& row, const char* style, bool color) const;

  std::vector<Cell> headers_;
  std::vector<bool> right_;
  std::vector<bool> hidden_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<Cell>> rows_;
};

// `text` in a colour, when `enabled`.
std::string Colored(const std::string& text, Color color, bool enabled);

}  // namespace troupe::cli
