// NumberText: a number for messages and command lines, the same in every locale.
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace troupe {

// As printf's %.<digits>g in the C locale. A program may have chosen another, with a comma where other processes look
// for a point, so what they read is never made by printf or a stream.
inline std::string NumberText(double value, int digits) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, digits).ptr;
  return {text.data(), end};
}

}  // namespace troupe
