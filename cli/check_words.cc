#include "cli/check_words.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

namespace troupe::cli {
namespace {

// How many letters have to be added, left out, changed or swapped with the next to make `a` of `b` (Damerau and
// Levenshtein, in the form that changes no letter twice).
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

// "a", "a or b", "a, b or c".
std::string AnyOf(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  return text;
}

// Empty where no word is near.
std::string Suggestion(const std::string& word, const std::vector<std::string>& words) {
  const std::vector<std::string> near = NearestWords(word, words);
  return near.empty() ? "" : "; did you mean " + AnyOf(near) + "?";
}

std::vector<std::string> Commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

Status UnknownCommand(const CLI::App& app, const std::string& word) {
  const std::string suggestion = Suggestion(word, Commands(app));
  return InvalidArgument(FullName(app) + " has no command '" + word + "'" +
                         (suggestion.empty() ? "; give " + AnyOf(Commands(app)) : suggestion) + SeeHelp(app));
}

std::vector<std::string> Flags(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

const CLI::App* FindCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

// `flag` with its dashes, without "=VALUE".
Result<const CLI::Option*> FindFlag(const CLI::App& app, const std::string& flag) {
  const CLI::Option* option = app.get_option_no_throw(flag);
  if (option) return option;
  return InvalidArgument(FullName(app) + " has no option '" + flag + "'" + Suggestion(flag, Flags(app)) + SeeHelp(app));
}

}  // namespace

std::vector<std::string> NearestWords(const std::string& word, const std::vector<std::string>& words) {
  constexpr std::size_t kMost = 3;
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& candidate : words) {
    const std::size_t distance = Distance(word, candidate);
    const bool begins = word.size() >= 2 && candidate.starts_with(word);
    if (begins || distance <= 1 + word.size() / 5) near.emplace_back(begins ? 0 : distance, candidate);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> best;
  for (const auto& [distance, candidate] : near) {
    if (best.size() < kMost) best.push_back(candidate);
  }
  return best;
}

std::string FullName(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent ? FullName(*parent) + " " + app.get_name() : app.get_name();
}

std::string SeeHelp(const CLI::App& app) { return "\nSee " + FullName(app) + " --help"; }

Status CheckWords(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* command = &app;
  for (std::size_t i = 0; i < arguments.size() && !command->get_prefix_command(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--" || word == "-h" || word == "--help" || word == "--version") return OkStatus();
    if (word.starts_with("--")) {
      const std::string flag = word.substr(0, word.find('='));
      TROUPE_ASSIGN_OR_RETURN(const CLI::Option* option, FindFlag(*command, flag));
      const bool value_follows = option->get_items_expected_max() > 0 && flag == word;
      if (value_follows) ++i;
    } else if (!word.starts_with('-') && !Commands(*command).empty()) {
      const CLI::App* next = FindCommand(*command, word);
      if (!next) return UnknownCommand(*command, word);
      command = next;
    }
  }
  const std::vector<std::string> commands = Commands(*command);
  if (commands.empty()) return OkStatus();
  return InvalidArgument(FullName(*command) + " needs a command: " + AnyOf(commands) + SeeHelp(*command));
}

}  // namespace troupe::cli
