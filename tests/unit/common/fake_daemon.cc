// Stands in for troupe-head or troupe-raylet, whichever name it is run by: writes the ready file, waits for SIGTERM.
// $TROUPE_FAKE names what goes wrong: head-fails, head-refuses, raylet-fails, never-ready, ignores-term.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>

namespace {

// "--head-node" takes no value; every other flag does.
std::map<std::string, std::string> Flags(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    flags[flag] = flag == "--head-node" || i + 1 == argc ? "" : argv[++i];
  }
  return flags;
}

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

std::string ReadyText(bool is_head, const std::map<std::string, std::string>& flags) {
  const std::string common = R"(,"cluster_id":"c1","version":"0.1.0","pid":)" + std::to_string(getpid());
  const std::string address = Quoted("127.0.0.1:" + std::to_string(20'000 + getpid() % 40'000));
  if (is_head) return "{\"address\":" + address + ",\"started_ms\":1" + common + "}";
  return "{\"node_id\":\"n1\",\"address\":" + address + ",\"head\":" + Quoted(flags.at("--head")) +
         ",\"socket\":" + Quoted(flags.at("--session-dir") + "/raylet.sock") + common + "}";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argv[0];
  const bool is_head = name.ends_with("troupe-head");
  const auto flags = Flags(argc, argv);
  const char* given = getenv("TROUPE_FAKE");
  const std::string fault = given ? given : "";
  if (fault == (is_head ? "head-fails" : "raylet-fails")) {
    std::fprintf(stderr, "port 6480 is in use\nchoose another with --port\n");
    return 1;
  }
  if (fault == "head-refuses" && is_head) {
    std::fprintf(stderr, "no such host\n");
    return 2;
  }
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
  // A test that fails halfway leaves nothing behind for long.
  alarm(120);
  if (fault != "never-ready") {
    std::ofstream arguments(flags.at("--session-dir") + (is_head ? "/head.args" : "/raylet.args"));
    for (int i = 1; i < argc; ++i) arguments << argv[i] << '\n';
    arguments.close();
    // Last: whoever waits for it looks at the arguments next.
    const std::string path = flags.at("--session-dir") + (is_head ? "/head.json" : "/node.json");
    std::ofstream(path + ".new") << ReadyText(is_head, flags);
    std::rename((path + ".new").c_str(), path.c_str());
  }
  if (fault == "ignores-term") {
    for (;;) pause();
  }
  int signal = 0;
  sigwait(&term, &signal);
  return 0;
}
