// What may come next on a command line: what the completion scripts ask for at each Tab.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/connection.h"

namespace troupe::cli {

struct Candidate {
  std::string word;
  std::string description;
};

struct Candidates {
  std::vector<Candidate> words;
  bool files = false;  // and the shell's own file names
};

// What a command's argument names.
enum class Names { kActors, kNodes, kWorkers, kJobs };

// Those that the cluster has; none when it does not answer. `name_space` empty: any.
using AskNames =
    std::function<std::vector<Candidate>(const ConnectionOptions& where, const std::string& name_space, Names what)>;

// `words` are the line's without quotes: the command's own name first, and last the one that is being completed, which
// may be empty. Only words that begin with that one are offered.
Candidates Complete(const CLI::App& app, const std::vector<std::string>& words, const AskNames& ask);

// A line as bash takes it apart: with quotes, and with ':' and '=' as words of their own.
struct BashWords {
  std::vector<std::string> words;  // put together again, and without quotes
  std::size_t kept = 0;  // how much of the last word stays on the line when bash replaces what it calls the word
};
BashWords JoinBashWords(const std::vector<std::string>& words);

// Asks the head, and waits for a second at most.
std::vector<Candidate> AskHeadForNames(const ConnectionOptions& where, const std::string& name_space, Names what);

// `troupe __complete SHELL WORD...`: prints a candidate a line, with its description after a tab, and ":files" where
// file names fit. Silent whatever happens; nobody asked for it but by a Tab.
int PrintCandidates(const CLI::App& app, const std::vector<std::string>& arguments, Context& context);

}  // namespace troupe::cli
