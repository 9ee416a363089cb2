// ShellQuote: a word as a person may paste it into a shell.
#pragma once

#include <string>
#include <string_view>

namespace troupe {

// `word` as it is when every shell reads it as one plain word, else in single quotes, which bash, zsh and fish read
// alike.
std::string ShellQuote(std::string_view word);

}  // namespace troupe
