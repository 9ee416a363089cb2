#include "cli/complete.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>

#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/json_view.h"
#include "common/utf8.h"

namespace troupe::cli {
namespace {

constexpr std::chrono::milliseconds kTimeout{1000};

// The commands whose argument names something of the cluster.
const std::map<std::string, Names>& Arguments() {
  static const std::map<std::string, Names> arguments = {
      {"troupe get actor", Names::kActors},  {"troupe kill", Names::kActors},
      {"troupe logs actor", Names::kActors}, {"troupe logs worker", Names::kWorkers},
      {"troupe logs raylet", Names::kNodes}, {"troupe logs job", Names::kJobs},
      {"troupe job status", Names::kJobs},   {"troupe job stop", Names::kJobs},
      {"troupe job logs", Names::kJobs}};
  return arguments;
}

// How far the words before the last have come.
struct Position {
  const CLI::App* command;
  std::string path = "troupe";
  const CLI::Option* value_of = nullptr;  // the option whose value comes next
  int arguments = 0;                      // those given already
  bool program = false;                   // from here on words are another program's
  ConnectionOptions where = {};
  std::string name_space = {};
};

void TakeValue(const CLI::Option& option, const std::string& value, Position* at) {
  if (option.check_lname("address")) at->where.address = value;
  if (option.check_lname("token-file")) at->where.token_file = value;
  if (option.check_lname("namespace")) at->name_space = value;
}

void TakeOption(const std::string& word, Position* at) {
  const std::size_t equals = word.find('=');
  const CLI::Option* option = at->command->get_option_no_throw(word.substr(0, equals));
  if (option == nullptr || option->get_items_expected_max() == 0) return;
  if (equals == std::string::npos) {
    at->value_of = option;
  } else {
    TakeValue(*option, word.substr(equals + 1), at);
  }
}

void TakeWord(const std::string& word, Position* at) {
  if (const CLI::Option* option = std::exchange(at->value_of, nullptr)) return TakeValue(*option, word, at);
  if (word == "--") {
    at->program = true;
    return;
  }
  if (word.starts_with('-')) return TakeOption(word, at);
  for (const CLI::App* child : at->command->get_subcommands(nullptr)) {
    if (child->get_name() != word) continue;
    at->command = child;
    at->path += " " + word;
    return;
  }
  ++at->arguments;
  if (at->command->get_prefix_command()) at->program = true;
}

void AddFlags(const CLI::App& command, std::vector<Candidate>* words) {
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words->push_back({"--" + name, option->get_description()});
    for (const std::string& name : option->get_snames()) words->push_back({"-" + name, option->get_description()});
  }
}

Candidates Offer(const Position& at, const std::string& current, const AskNames& ask) {
  Candidates offer;
  if (at.program || at.command->get_prefix_command()) offer.files = !current.starts_with('-') || at.program;
  if (at.program) return offer;
  if (at.value_of != nullptr) {
    const std::string type = at.value_of->get_type_name();
    offer.files = type == "FILE" || type == "DIR" || type == "ADDRESS";  // a session folder is an address
    return offer;
  }
  if (current.starts_with('-')) {
    AddFlags(*at.command, &offer.words);
    return offer;
  }
  for (const CLI::App* child : at.command->get_subcommands(nullptr)) {
    offer.words.push_back({child->get_name(), child->get_description()});
  }
  const auto names = Arguments().find(at.path);
  if (at.path == "troupe completion" && at.arguments == 0) {
    offer.words = {{"bash", ""}, {"zsh", ""}, {"fish", ""}};
  } else if (names != Arguments().end() && at.arguments == 0) {
    offer.words = ask(at.where, at.name_space, names->second);
  } else if (offer.words.empty() && !offer.files) {
    AddFlags(*at.command, &offer.words);
  }
  return offer;
}

std::string WithoutQuotes(const std::string& text) {
  std::string plain;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote && quote != 0) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      plain += text[++i];
    } else {
      plain += c;
    }
  }
  return plain;
}

bool IsBreak(const std::string& word) { return !word.empty() && word.find_first_not_of(":=") == std::string::npos; }

std::vector<Candidate> ActorNames(jobs::HeadConnection& head, const std::string& name_space) {
  pb::ListActorsRequest request;
  request.set_name_space(Utf8(name_space));
  request.set_all_namespaces(name_space.empty());
  std::vector<Candidate> names;
  const auto reply = head.Call<pb::ListActorsReply>("ListActors", request, kTimeout);
  if (!reply.ok()) return names;
  for (const pb::ActorInfo& actor : reply->actors()) {
    names.push_back({actor.name().empty() ? IdText(actor.id()) : actor.name(), actor.class_name()});
  }
  return names;
}

std::vector<Candidate> NodeNames(jobs::HeadConnection& head) {
  std::vector<Candidate> names;
  const auto reply = head.Call<pb::Status>("GetStatus", pb::GetStatusRequest(), kTimeout);
  if (!reply.ok()) return names;
  for (const pb::NodeInfo& node : reply->nodes()) {
    if (node.death_reason().empty()) names.push_back({IdText(node.id()), node.hostname() + " " + node.address()});
  }
  return names;
}

std::vector<Candidate> WorkerNames(jobs::HeadConnection& head) {
  std::vector<Candidate> names;
  const auto reply = head.Call<pb::ListWorkersReply>("ListWorkers", pb::ListWorkersRequest(), kTimeout);
  if (!reply.ok()) return names;
  for (const pb::WorkerInfo& worker : reply->workers()) {
    names.push_back({IdText(worker.id()), KindText(worker.kind()) + " " + worker.actor_class()});
  }
  return names;
}

std::vector<Candidate> JobNames(jobs::HeadConnection& head) {
  pb::ListJobsRequest request;
  request.set_submissions_only(true);
  std::vector<Candidate> names;
  const auto reply = head.Call<pb::ListJobsReply>("ListJobs", request, kTimeout);
  if (!reply.ok()) return names;
  for (const pb::JobInfo& job : reply->jobs()) {
    names.push_back({job.submission(), std::string(StateText(job.state())) + " " + job.entrypoint()});
  }
  return names;
}

}  // namespace

Candidates Complete(const CLI::App& app, const std::vector<std::string>& words, const AskNames& ask) {
  Position at{.command = &app};
  // `troupe help start` means `troupe start --help`.
  const std::size_t begin = words.size() > 2 && words[1] == "help" ? 2 : 1;
  for (std::size_t i = begin; i + 1 < words.size(); ++i) {
    if (at.program) break;
    TakeWord(words[i], &at);
  }
  const std::string current = words.size() < 2 ? "" : words.back();
  Candidates offer = Offer(at, current, ask);
  std::erase_if(offer.words, [&](const Candidate& candidate) { return !candidate.word.starts_with(current); });
  return offer;
}

BashWords JoinBashWords(const std::vector<std::string>& words) {
  BashWords joined;
  bool open = false;  // the next word belongs to the one before
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_break = IsBreak(words[i]);
    const bool last = i + 1 == words.size();
    const std::string plain = WithoutQuotes(words[i]);
    if ((open || is_break) && !joined.words.empty()) {
      if (last) joined.kept = joined.words.back().size() + (is_break ? plain.size() : 0);
      joined.words.back() += plain;
    } else {
      joined.words.push_back(plain);
    }
    open = is_break;
  }
  return joined;
}

std::vector<Candidate> AskHeadForNames(const ConnectionOptions& where, const std::string& name_space, Names what) {
  const auto head = Connect(where);
  if (!head.ok()) return {};
  switch (what) {
    case Names::kActors: return ActorNames(**head, name_space);
    case Names::kNodes: return NodeNames(**head);
    case Names::kWorkers: return WorkerNames(**head);
    case Names::kJobs: return JobNames(**head);
  }
  return {};
}

int PrintCandidates(const CLI::App& app, const std::vector<std::string>& arguments, Context& context) {
  if (arguments.size() < 2) return kUsage;
  BashWords line{.words = {arguments.begin() + 2, arguments.end()}};
  if (arguments[1] == "bash") line = JoinBashWords(line.words);
  const Candidates offer = Complete(app, line.words, AskHeadForNames);
  for (const Candidate& candidate : offer.words) {
    // No line can hold what would be two.
    if (Printable(candidate.word) != candidate.word) continue;
    context.out << candidate.word.substr(std::min(line.kept, candidate.word.size())) << '\t'
                << Printable(candidate.description) << '\n';
  }
  if (offer.files) context.out << ":files\n";
  return kOk;
}

}  // namespace troupe::cli
