// The four ways to play, from one process to a grid cut over the cluster. Each returns the last generation of each
// game, for main() to compare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "state.h"

namespace life {

struct Options {
  State start = {};       // of the first game; empty: a random one
  std::size_t games = 8;  // of mode "many"
  std::size_t size = 64;  // cells in a row and in a column
  std::size_t steps = 100;
  std::size_t batch = 10;  // steps in one call
  std::size_t blocks = 4;  // of mode "blocks"
  std::uint64_t seed = 1;
};

// Shown the first game's generations as they become known, to draw them: each of them, or where whole batches are
// played elsewhere the last of each batch. Empty when nobody watches.
using Watch = std::function<void(std::size_t generation, const State&)>;

// How game `index` begins.
State StartOf(const Options& options, std::size_t index);

// (a) One game, in this process, without Troupe.
std::vector<State> PlaySingle(const Options& options, const Watch& watch);
// (b) Many games, an actor each, over all nodes; the next batch of a game is asked for as soon as one arrives.
std::vector<State> PlayMany(const Options& options, const Watch& watch);
// (c) The game and its rules are two actors that call each other.
std::vector<State> PlayPair(const Options& options, const Watch& watch);
// (d) One game cut into blocks of rows over actors that exchange their edges.
std::vector<State> PlayBlocks(const Options& options, const Watch& watch);

}  // namespace life
