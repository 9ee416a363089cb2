// Conway's Game of Life over a cluster: plays the same games in up to four ways, checks that all agree cell by cell,
// and says how fast each was.
#include <troupe/troupe.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "game.h"
#include "modes.h"

namespace {

struct Mode {
  const char* name;
  const char* what;
  std::vector<life::State> (*play)(const life::Options&, const life::Watch&);
};

constexpr Mode kModes[] = {
    {"single", "one game in this process", life::PlaySingle},
    {"many", "games as actors over all nodes", life::PlayMany},
    {"pair", "game and rules as two actors", life::PlayPair},
    {"blocks", "one game cut over actors", life::PlayBlocks},
};

// Draws generations in place at about ten a second.
class Screen {
 public:
  explicit Screen(bool on) : on_(on) {}

  void Draw(const life::State& state) {
    if (!on_) return;
    std::printf("%s%s", drawn_ ? "\x1b[H" : "\x1b[2J\x1b[H", state.ToString().c_str());
    std::printf("generation %zu, %zu alive \n", generation_++, state.population());
    std::fflush(stdout);
    drawn_ = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

 private:
  const bool on_;
  bool drawn_ = false;
  std::size_t generation_ = 0;
};

// What mode (a) says each game should end with.
std::vector<life::State> Expected(const life::Options& options, std::size_t games) {
  std::vector<life::State> expected;
  for (std::size_t i = 0; i < games; ++i) {
    life::Game game(life::StartOf(options, i));
    for (std::size_t step = 0; step < options.steps; ++step) game.Step(1);
    expected.push_back(game.Last());
  }
  return expected;
}

// The first cell in which two states differ, for people; empty when there is none.
std::string Difference(const life::State& got, const life::State& expected) {
  if (got.size() != expected.size()) return "its size is " + std::to_string(got.size());
  for (std::size_t i = 0; i < got.cells().size(); ++i) {
    if (got.cells()[i] == expected.cells()[i]) continue;
    return "row " + std::to_string(i / got.size()) + ", column " + std::to_string(i % got.size()) + " differs";
  }
  return {};
}

// Plays, prints one line, and says whether the result is right.
bool Run(const Mode& mode, const life::Options& options, bool draw) {
  Screen screen(draw);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<life::State> last = mode.play(options, [&](const life::State& state) { screen.Draw(state); });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double steps = static_cast<double>(options.steps * last.size());
  std::string verdict = "correct";
  const std::vector<life::State> expected = Expected(options, last.size());
  for (std::size_t i = 0; i < last.size(); ++i) {
    if (const std::string difference = Difference(last[i], expected[i]); !difference.empty()) {
      verdict = "WRONG: game " + std::to_string(i) + ", " + difference;
    }
  }
  std::printf("%-7s %-32s %4zu games %10.0f steps/s %12.4g cells/s  %s\n", mode.name, mode.what, last.size(),
              steps / took.count(), steps * static_cast<double>(options.size * options.size) / took.count(),
              verdict.c_str());
  std::fflush(stdout);
  return verdict == "correct";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Conway's Game of Life over a Troupe cluster");
  life::Options options;
  std::string wanted = "all", address;
  bool frames = false;
  app.add_option("--mode", wanted, "single, many, pair, blocks or all")
      ->check(CLI::IsMember({"single", "many", "pair", "blocks", "all"}))
      ->capture_default_str();
  app.add_option("--games", options.games, "games of mode many")->check(CLI::Range(1, 10'000))->capture_default_str();
  app.add_option("--size", options.size, "cells in a row")->check(CLI::Range(1, 20'000))->capture_default_str();
  app.add_option("--steps", options.steps, "generations")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--batch", options.batch, "generations in one call")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--blocks", options.blocks, "actors of mode blocks")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the first game; the others count on from it")->capture_default_str();
  app.add_option("--address", address,
                 "head's HOST:PORT or a session folder; default: $TROUPE_ADDRESS, else a local cluster");
  app.add_flag("--frames", frames, "draw the first game of each mode");
  CLI11_PARSE(app, argc, argv);

  try {
    // Workers of this program stop here and serve; only the driver goes on.
    troupe::Init(argc, argv, {.address = address});
    bool correct = true;
    for (const Mode& mode : kModes) {
      if (wanted == "all" || wanted == mode.name) correct = Run(mode, options, frames) && correct;
    }
    return correct ? 0 : 1;
  } catch (const troupe::Error& error) {
    std::fprintf(stderr, "game_of_life: %s\n", error.what());
    return 1;
  }
}
