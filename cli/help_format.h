// HelpFormat: how --help looks: what a flag takes, what it is for, and its default; nothing of how CLI11 checks it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>

namespace troupe::cli {

class HelpFormat : public CLI::Formatter {
 public:
  // `rest`: what follows the options on the command line of a command that has no arguments of its own.
  explicit HelpFormat(std::string rest = "") : rest_(std::move(rest)) {
    label("SUBCOMMAND", "COMMAND");
    label("Positionals", "Arguments");
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    if (!rest_.empty()) usage.insert(usage.find_last_not_of('\n') + 1, " " + rest_);
    return "\n" + usage;
  }
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    return is_positional ? TypeOf(option) : CLI::Formatter::make_option_name(option, false);
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const bool shows = option->get_type_size() != 0 && !option->get_positional();
    return shows ? " " + TypeOf(option) : "";
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string preset = option->get_default_str();
    return option->get_description() + (preset.empty() ? "" : " [" + preset + "]");
  }

  // "NAME" of what takes a name; what check() adds stands behind a colon.
  static std::string TypeOf(const CLI::Option* option) {
    const std::string type = option->get_type_name();
    return type.substr(0, type.find(':'));
  }

 private:
  std::string rest_;
};

}  // namespace troupe::cli
