#include "common/name.h"

#include <cstdint>
#include <cstdio>

#include "common/utf8.h"

namespace troupe {
namespace {

constexpr std::size_t kMaxBytes = 255;

// The character at `at` of valid UTF-8, and how many bytes it has.
std::uint32_t CharacterAt(std::string_view text, std::size_t at, std::size_t* size) {
  const auto first = static_cast<unsigned char>(text[at]);
  *size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (*size == 1) return first;
  std::uint32_t character = first & (0xffu >> (*size + 1));
  for (std::size_t i = 1; i < *size; ++i) {
    character = character << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fu);
  }
  return character;
}

bool IsControl(std::uint32_t character) {
  if (character < 0x20 || (character >= 0x7f && character < 0xa0)) return true;
  if (character >= 0x2028 && character <= 0x202e) return true;  // line and paragraph separator, direction
  return character == 0x200e || character == 0x200f || (character >= 0x2066 && character <= 0x2069);  // direction
}

}  // namespace

Status CheckName(std::string_view name, const std::string& what) {
  if (name.empty() || name.size() > kMaxBytes) {
    return InvalidArgument(what + " must have 1 to 255 bytes, not " + std::to_string(name.size()));
  }
  if (Utf8(std::string(name)) != name) {
    return InvalidArgument(what + " must be text in UTF-8, which '" + Utf8(std::string(name)) + "' was not");
  }
  std::size_t size = 0;
  for (std::size_t at = 0; at < name.size(); at += size) {
    const std::uint32_t character = CharacterAt(name, at, &size);
    if (!IsControl(character)) continue;
    char code[16];
    std::snprintf(code, sizeof code, "U+%04X", static_cast<unsigned>(character));
    return InvalidArgument(what + " may hold any text but control characters: leave out the " + code + " after '" +
                           std::string(name.substr(0, at)) + "'");
  }
  return OkStatus();
}

}  // namespace troupe
