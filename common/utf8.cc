#include "common/utf8.h"

#include <cstddef>
#include <string_view>

namespace troupe {
namespace {

// Bytes of the character at `at`; 0 when there is none (RFC 3629: no overlong forms, no surrogates, none above
// U+10FFFF).
std::size_t CharacterAt(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool no_character = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || no_character ? 0 : size;
}

// Where `text` stops being UTF-8, from `at` on.
std::size_t ValidUntil(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const std::size_t size = CharacterAt(text, at);
    if (size == 0) return at;
    at += size;
  }
  return at;
}

}  // namespace

std::string Utf8(std::string text) {
  std::size_t end = ValidUntil(text, 0);
  if (end == text.size()) return text;
  std::string out;
  for (std::size_t begin = 0;;) {
    out.append(text, begin, end - begin);
    if (end == text.size()) return out;
    out += "\xef\xbf\xbd";
    begin = end + 1;
    end = ValidUntil(text, begin);
  }
}

}  // namespace troupe
