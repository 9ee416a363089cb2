// Utf8: text from outside, as messages of proto/ can carry it.
#pragma once

#include <string>

namespace troupe {

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD. A message whose string is not UTF-8 does
// not parse as a whole, and ends the connection it came by: so text that a user, a program or the system made (output,
// exceptions, names) passes through here on its way into a message.
std::string Utf8(std::string text);

}  // namespace troupe
