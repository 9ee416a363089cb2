#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "common/shell_quote.h"

namespace troupe::cli {
namespace {

struct Word {
  std::string text;  // "status" or "--json"
  std::string description;
  bool takes_value = false;
};

// A command, and what may follow it.
struct Node {
  std::string path;  // "troupe job logs"
  std::vector<Word> commands;
  std::vector<Word> flags;
};

void AddFlags(const CLI::Option& option, std::vector<Word>* flags) {
  const bool takes_value = option.get_items_expected_max() > 0;
  for (const std::string& name : option.get_lnames())
    flags->push_back({"--" + name, option.get_description(), takes_value});
  for (const std::string& name : option.get_snames())
    flags->push_back({"-" + name, option.get_description(), takes_value});
}

void Walk(const CLI::App& app, const std::string& path, std::vector<Node>* nodes) {
  Node node{.path = path, .commands = {}, .flags = {}};
  for (const CLI::Option* option : app.get_options()) AddFlags(*option, &node.flags);
  const auto children = app.get_subcommands(nullptr);
  for (const CLI::App* child : children) node.commands.push_back({child->get_name(), child->get_description(), false});
  nodes->push_back(std::move(node));
  for (const CLI::App* child : children) Walk(*child, path + " " + child->get_name(), nodes);
}

std::string Joined(const std::vector<Word>& first, const std::vector<Word>& second) {
  std::string text;
  for (const auto* words : {&first, &second}) {
    for (const Word& word : *words) text += (text.empty() ? "" : " ") + word.text;
  }
  return text;
}

// Finds the longest path of commands among the words, and offers what may follow it; file names elsewhere.
std::string BashScript(const std::vector<Node>& nodes) {
  std::string script =
      "_troupe() {\n"
      "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" path=troupe i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    [[ ${COMP_WORDS[i]} == -- ]] && { COMPREPLY=($(compgen -f -- \"$cur\")); return; }\n"
      "    case \"$path ${COMP_WORDS[i]}\" in\n";
  for (const Node& node : nodes) {
    if (node.path != "troupe") script += "      '" + node.path + "') path='" + node.path + "' ;;\n";
  }
  script +=
      "    esac\n"
      "  done\n"
      "  local words=\n"
      "  case \"$path\" in\n";
  for (const Node& node : nodes)
    script += "    '" + node.path + "') words='" + Joined(node.commands, node.flags) + "' ;;\n";
  script +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "}\n"
      "complete -o default -F _troupe troupe\n";
  return script;
}

std::string ZshScript(const std::vector<Node>& nodes) {
  std::string script =
      "#compdef troupe\n"
      "_troupe() {\n"
      "  local path_=troupe i\n"
      "  local -a words_\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    [[ ${words[i]} == -- ]] && { _files; return }\n"
      "    case \"$path_ ${words[i]}\" in\n";
  for (const Node& node : nodes) {
    if (node.path != "troupe") script += "      '" + node.path + "') path_='" + node.path + "' ;;\n";
  }
  script +=
      "    esac\n"
      "  done\n"
      "  case \"$path_\" in\n";
  for (const Node& node : nodes) {
    script += "    '" + node.path + "') words_=(";
    for (const auto* words : {&node.commands, &node.flags}) {
      for (const Word& word : *words) script += "\n      " + ShellQuote(word.text + ":" + word.description);
    }
    script += ") ;;\n";
  }
  script +=
      "  esac\n"
      "  _describe troupe words_ || _files\n"
      "}\n"
      "if [[ $funcstack[1] == _troupe ]]; then _troupe \"$@\"; else compdef _troupe troupe; fi\n";
  return script;
}

// "troupe job logs" holds while `job` and then `logs` were given.
std::string FishCondition(const Node& node) {
  std::string condition = "__troupe_at";
  for (std::size_t begin = node.path.find(' '); begin != std::string::npos;) {
    const std::size_t end = node.path.find(' ', begin + 1);
    condition += " " + node.path.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
    begin = end;
  }
  return condition;
}

std::string FishScript(const std::vector<Node>& nodes) {
  std::string script =
      "function __troupe_at\n"
      "  set -l given (commandline -opc | string match -v -- '-*')\n"
      "  test (count $given) -gt (count $argv); or return 1\n"
      "  test (count $argv) -eq 0; and return (test (count $given) -eq 1)\n"
      "  test \"$given[2..(math (count $argv) + 1)]\" = \"$argv\"\n"
      "end\n";
  for (const Node& node : nodes) {
    const std::string begin = "complete -c troupe -n " + ShellQuote(FishCondition(node));
    for (const Word& word : node.commands) {
      script += begin + " -f -a " + ShellQuote(word.text) + " -d " + ShellQuote(word.description) + "\n";
    }
    for (const Word& word : node.flags) {
      const bool is_long = word.text.starts_with("--");
      script += begin + (is_long ? " -l " + word.text.substr(2) : " -s " + word.text.substr(1)) +
                (word.takes_value ? " -r" : "") + " -d " + ShellQuote(word.description) + "\n";
    }
  }
  return script;
}

}  // namespace

Result<std::string> CompletionScript(const CLI::App& app, const std::string& shell) {
  std::vector<Node> nodes;
  Walk(app, "troupe", &nodes);
  if (shell == "bash") return BashScript(nodes);
  if (shell == "zsh") return ZshScript(nodes);
  if (shell == "fish") return FishScript(nodes);
  return InvalidArgument("there is no completion for '" + shell + "': choose bash, zsh or fish");
}

}  // namespace troupe::cli
