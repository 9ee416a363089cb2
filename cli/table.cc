#include "cli/table.h"

#include <algorithm>

#include "cli/format.h"
#include "common/check.h"

namespace troupe::cli {
namespace {

const char* Escape(Color color) {
  switch (color) {
    case Color::kPlain: return "";
    case Color::kGreen: return "\033[32m";
    case Color::kYellow: return "\033[33m";
    case Color::kRed: return "\033[31m";
    case Color::kDim: return "\033[2m";
  }
  return "";
}

// Code points, not bytes.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Colored(const std::string& text, Color color, bool enabled) {
  const std::string escape = Escape(color);
  return enabled && !escape.empty() ? escape + text + "\033[0m" : text;
}

Table::Table(std::vector<std::string> headers) {
  for (std::string& header : headers) {
    right_.push_back(header.starts_with('>'));
    hidden_.push_back(header.starts_with('?'));
    if (right_.back() || hidden_.back()) header.erase(0, 1);
    widths_.push_back(Width(header));
    headers_.emplace_back(std::move(header));
  }
}

void Table::Add(std::vector<Cell> row) {
  TROUPE_CHECK(row.size() == headers_.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!row[i].text.empty()) hidden_[i] = false;
    row[i].text = row[i].text.empty() ? "-" : Printable(row[i].text);
    widths_[i] = std::max(widths_[i], Width(row[i].text));
  }
  rows_.push_back(std::move(row));
}

void Table::Print(std::ostream& out, bool color) const {
  PrintRow(out, headers_, "\033[1m", color);
  for (const auto& row : rows_) PrintRow(out, row, "", color);
}

void Table::PrintRow(std::ostream& out, const std::vector<Cell>& row, const char* style, bool color) const {
  const auto shown =
      static_cast<std::size_t>(std::find(hidden_.rbegin(), hidden_.rend(), false).base() - hidden_.begin());
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (hidden_[i]) continue;
    const bool last = i + 1 == shown;
    const std::string padding(widths_[i] - Width(row[i].text), ' ');
    const std::string text =
        color && *style ? style + row[i].text + "\033[0m" : Colored(row[i].text, row[i].color, color);
    if (right_[i]) out << padding;
    out << text;
    if (!last) out << (right_[i] ? "  " : padding + "  ");
  }
  out << '\n';
}

}  // namespace troupe::cli
