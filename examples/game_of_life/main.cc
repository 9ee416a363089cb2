// Conway's Game of Life over a cluster: plays the same games in up to four ways, checks that all agree cell by cell,
// and says how fast each was.
#include <troupe/troupe.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "game.h"
#include "modes.h"
#include "screen.h"

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

// The first cell in which two states differ, for people; empty when there is none.
std::string Difference(const life::State& got, const life::State& expected) {
  if (got.size() != expected.size()) return "its size is " + std::to_string(got.size());
  for (std::size_t i = 0; i < got.cells().size(); ++i) {
    if (got.cells()[i] == expected.cells()[i]) continue;
    return "row " + std::to_string(i / got.size()) + ", column " + std::to_string(i % got.size()) + " differs";
  }
  return {};
}

// Plays each game again in this process, as mode "single" does, and compares the last generations.
std::string Verdict(const life::Options& options, const std::vector<life::State>& last) {
  for (std::size_t i = 0; i < last.size(); ++i) {
    life::Game game(life::StartOf(options, i));
    for (std::size_t step = 0; step < options.steps; ++step) game.Step(1);
    if (const std::string difference = Difference(last[i], game.Last()); !difference.empty()) {
      return "WRONG: game " + std::to_string(i) + ", " + difference;
    }
  }
  return "correct";
}

// Plays, prints one line, and says whether the result is right.
bool Run(const Mode& mode, const life::Options& options, bool draw) {
  life::Screen screen(mode.name);
  life::Watch watch;
  if (draw) watch = [&screen](std::size_t generation, const life::State& state) { screen.Draw(generation, state); };
  const auto start = std::chrono::steady_clock::now();
  if (watch) watch(0, life::StartOf(options, 0));
  const std::vector<life::State> last = mode.play(options, watch);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start - screen.time_spent();
  const double steps = static_cast<double>(options.steps * last.size());
  const double cells = steps * static_cast<double>(last.front().cells().size());
  const std::string verdict = Verdict(options, last);
  std::printf("%-7s %-31s %4zu game%s %10.0f steps/s %10.3g cells/s  %s\n", mode.name, mode.what, last.size(),
              last.size() == 1 ? " " : "s", steps / took.count(), cells / took.count(), verdict.c_str());
  std::fflush(stdout);
  return verdict == "correct";
}

void ReadStart(const std::string& path, life::Options* options) {
  std::ifstream file(path);
  if (!file) throw std::invalid_argument("cannot read " + path);
  try {
    options->start = life::State::Parse({std::istreambuf_iterator<char>(file), {}});
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(path + ": " + error.what());
  }
  if (options->start.size() == 0) throw std::invalid_argument(path + " is empty: give rows of * and .");
  options->size = options->start.size();
}

struct CommandLine {
  life::Options options;
  std::string mode = "all";
  std::string start_file;
  std::string address;
  bool frames = false;
};

void AddOptions(CLI::App& app, CommandLine& line) {
  life::Options& options = line.options;
  app.option_defaults()->always_capture_default();
  app.add_option("--mode", line.mode, "single, many, pair, blocks or all")
      ->check(CLI::IsMember({"single", "many", "pair", "blocks", "all"}));
  app.add_option("--games", options.games, "games of mode many")->check(CLI::Range(1, 10'000));
  app.add_option("--size", options.size, "cells in a row")->check(CLI::Range(1, 20'000));
  app.add_option("--steps", options.steps, "generations")->check(CLI::Range(1, 1'000'000));
  app.add_option("--batch", options.batch, "generations in one call")->check(CLI::Range(1, 100'000));
  app.add_option("--blocks", options.blocks, "actors of mode blocks")->check(CLI::Range(1, 1'000));
  app.add_option("--seed", options.seed, "of the first game; the others count on from it");
  app.add_option("--start", line.start_file, "file with the first game's start: rows of * and .");
  app.add_option("--address", line.address,
                 "head's HOST:PORT or a session folder; else $TROUPE_ADDRESS, else a cluster of its own");
  app.add_flag("--frames", line.frames, "draw the first game of each mode");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Conway's Game of Life over a Troupe cluster", "game_of_life");
  CommandLine line;
  AddOptions(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    // Workers of this program stop here and serve; only the driver goes on.
    troupe::Init(argc, argv, {.address = line.address});
    if (!line.start_file.empty()) ReadStart(line.start_file, &line.options);
    bool correct = true;
    for (const Mode& mode : kModes) {
      if (line.mode == "all" || line.mode == mode.name) correct = Run(mode, line.options, line.frames) && correct;
    }
    return correct ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "game_of_life: %s\n", error.what());
    return 1;
  }
}
