#include "screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>
#include <thread>

namespace life {
namespace {

constexpr std::chrono::milliseconds kFrameTime{100};

// The upper left corner of `text` that a terminal shows beside one more line.
std::string Visible(const std::string& text) {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row < 2 || window.ws_col == 0) return text;
  std::istringstream lines(text);
  std::string visible;
  std::string line;
  for (int row = 0; row + 2 < window.ws_row && std::getline(lines, line); ++row) {
    visible += line.substr(0, window.ws_col) + "\n";
  }
  return visible;
}

}  // namespace

void Screen::Draw(std::size_t generation, const State& state) {
  const auto begin = std::chrono::steady_clock::now();
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const char* clear = !terminal ? "" : drawn_ ? "\x1b[H" : "\x1b[2J\x1b[H";
  drawn_ = true;
  const std::string grid = terminal ? Visible(state.ToString()) : state.ToString();
  std::printf("%s%s%s: generation %zu, %zu alive%s\n", clear, grid.c_str(), title_.c_str(), generation,
              state.population(), terminal ? "\x1b[K" : "");
  std::fflush(stdout);
  if (terminal) std::this_thread::sleep_for(kFrameTime);
  time_spent_ += std::chrono::steady_clock::now() - begin;
}

}  // namespace life
