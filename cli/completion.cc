#include "cli/completion.h"

namespace troupe::cli {
namespace {

// Bash replaces what comes after the last ':' or '=' only; `troupe __complete` knows. What is not plain is quoted by
// readline, which does so for file names.
constexpr const char* kBash = R"SH(_troupe() {
  local line word
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
      continue
    fi
    word=${line%%$'\t'*}
    [[ $word == *[!A-Za-z0-9_./:@%+,=-]* ]] && compopt -o filenames
    COMPREPLY+=("$word")
  done < <("${1/#\~/$HOME}" __complete bash "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
} 2>/dev/null
complete -F _troupe troupe
)SH";

constexpr const char* kZsh = R"SH(#compdef troupe
_troupe() {
  local line
  local -a offers
  local files=0
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      offers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done < <("${(Q)words[1]/#\~/$HOME}" __complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
  (( $#offers )) && _describe troupe offers
  (( files )) && _files
}
if [[ $funcstack[1] == _troupe ]]; then _troupe "$@"; else compdef _troupe troupe; fi
)SH";

constexpr const char* kFish = R"SH(function __troupe_complete
  set -l words (commandline -opc)
  set -l current (string unescape -- (commandline -ct))
  for line in ($words[1] __complete fish $words "$current" 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c troupe -f -a '(__troupe_complete)'
)SH";

}  // namespace

Result<std::string> CompletionScript(const std::string& shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return InvalidArgument("there is no completion for '" + shell + "': choose bash, zsh or fish");
}

}  // namespace troupe::cli
