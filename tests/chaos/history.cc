#include "tests/chaos/history.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace troupe::chaos {
namespace {

constexpr std::array<const char*, 6> kNames = {"value", "failed", "not-executed", "unknown", "wrong-value", "timeout"};

// Fields are divided by tabs; text of others may hold anything.
std::string OneField(std::string text) {
  for (char& c : text) {
    if (c == '\t' || c == '\n') c = ' ';
  }
  return text.empty() ? "-" : text;
}

std::vector<std::string> Fields(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '\t');) fields.push_back(field == "-" ? "" : field);
  return fields;
}

Ended EndedFrom(const std::string& name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Ended>(i);
  }
  throw std::invalid_argument("no such end: " + name);
}

void Take(const std::vector<std::string>& f, History* history) {
  const std::string& kind = f.at(0);
  if (kind == "invoked") {
    history->invoked.push_back({f.at(1), f.at(2), f.at(3), std::stoull(f.at(4)), f.at(5) == "1", std::stoll(f.at(6))});
  } else if (kind == "returned") {
    history->returned.push_back({f.at(1), EndedFrom(f.at(2)), f.at(3), std::stoll(f.at(4))});
  } else if (kind == "ran") {
    history->ran.push_back({f.at(1), f.at(2), f.at(3), std::stoull(f.at(4)), std::stoll(f.at(5))});
  } else {
    throw std::invalid_argument("no such event: " + kind);
  }
}

}  // namespace

const char* Name(Ended how) { return kNames.at(static_cast<std::size_t>(how)); }

std::int64_t Now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// A pid may come again within a run, an O_EXCL file does not.
Pen::Pen(const std::string& folder) {
  for (int number = 0;; ++number) {
    const std::string path = folder + "/" + std::to_string(getpid()) + "-" + std::to_string(number);
    fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ >= 0) return;
    if (errno != EEXIST) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
  }
}

Pen::~Pen() { close(fd_); }

void Pen::Line(const std::string& text) const {
  const std::string line = text + "\n";
  if (write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw std::system_error(errno, std::generic_category(), "cannot write the history");
  }
}

void Pen::Write(const Invoked& e) {
  Line("invoked\t" + e.call + "\t" + e.caller + "\t" + OneField(e.target) + "\t" + std::to_string(e.sequence) + "\t" +
       (e.retries ? "1" : "0") + "\t" + std::to_string(e.at));
}

void Pen::Write(const Returned& e) {
  Line("returned\t" + e.call + "\t" + Name(e.how) + "\t" + OneField(e.why) + "\t" + std::to_string(e.at));
}

void Pen::Write(const Ran& e) {
  Line("ran\t" + e.call + "\t" + OneField(e.name) + "\t" + e.holder + "\t" + std::to_string(e.incarnation) + "\t" +
       std::to_string(e.at));
}

History ReadHistory(const std::string& folder) {
  History history;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      try {
        Take(Fields(line), &history);
      } catch (const std::logic_error& error) {
        throw std::runtime_error(entry.path().string() + ": '" + line + "': " + error.what());
      }
    }
  }
  return history;
}

}  // namespace troupe::chaos
