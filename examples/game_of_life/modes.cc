#include "modes.h"

#include <troupe/troupe.h>

#include <algorithm>
#include <map>

#include "actors.h"
#include "conways_rules.h"
#include "game.h"

namespace life {

State StartOf(const Options& options, std::size_t index) {
  if (index == 0 && options.start.size() != 0) return options.start;
  return State::Random(options.size, options.seed + index);
}

std::vector<State> PlaySingle(const Options& options, const Watch& watch) {
  Game game(StartOf(options, 0));
  for (std::size_t step = 0; step < options.steps; ++step) {
    game.Step(1);
    if (watch) watch(game.Generations(), game.Last());
  }
  return {game.Last()};
}

std::vector<State> PlayMany(const Options& options, const Watch& watch) {
  std::vector<troupe::ActorHandle<Game>> games;
  for (std::size_t i = 0; i < options.games; ++i) games.push_back(troupe::Spawn<Game>(StartOf(options, i)));

  std::vector<State> last(options.games);
  std::vector<std::size_t> left(options.games, options.steps);
  std::vector<troupe::ObjectRef<std::vector<State>>> pending;
  std::map<troupe::ObjectId, std::size_t> game_of;
  const auto ask = [&](std::size_t i) {
    const std::size_t steps = std::min(options.batch, left[i]);
    left[i] -= steps;
    pending.push_back(games[i].Step(steps));
    game_of[pending.back().id()] = i;
  };
  for (std::size_t i = 0; i < options.games; ++i) ask(i);
  while (!pending.empty()) {
    auto [ready, rest] = troupe::Wait(pending, {.num_returns = 1});
    pending = std::move(rest);
    for (const auto& batch : ready) {
      const std::size_t i = game_of.extract(batch.id()).mapped();
      const std::vector<State> states = batch.Get();
      last[i] = states.back();
      if (i == 0 && watch) {
        std::size_t generation = options.steps - left[i] - states.size();
        for (const State& state : states) watch(++generation, state);
      }
      if (left[i] > 0) ask(i);
    }
  }
  return last;
}

std::vector<State> PlayPair(const Options& options, const Watch& watch) {
  auto rules = troupe::Spawn<RulesActor>();
  auto game = troupe::Spawn<GameActor>(StartOf(options, 0), rules);
  for (std::size_t done = 0; done < options.steps;) {
    const std::size_t steps = std::min(options.batch, options.steps - done);
    // The game's answer is the rules' answer to the game: a ref to it, which is followed here.
    troupe::Get(troupe::Get(game.Play(game, steps)));
    done += steps;
    if (watch) watch(done, troupe::Get(game.Last()));
  }
  return {troupe::Get(game.Last())};
}

namespace {

State Assemble(const std::vector<troupe::ActorHandle<Block>>& blocks, std::size_t size) {
  std::vector<troupe::ObjectRef<Rows>> parts;
  parts.reserve(blocks.size());
  for (const auto& block : blocks) parts.push_back(block.Cells());
  Rows cells;
  for (const Rows& rows : troupe::Get(parts)) cells.insert(cells.end(), rows.begin(), rows.end());
  return {size, std::move(cells)};
}

}  // namespace

std::vector<State> PlayBlocks(const Options& options, const Watch& watch) {
  const State start = StartOf(options, 0);
  const std::size_t size = start.size();
  const std::size_t count = std::min(options.blocks, size);
  std::vector<troupe::ActorHandle<Block>> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    const auto begin = start.cells().begin() + static_cast<std::ptrdiff_t>(i * size / count * size);
    const auto end = start.cells().begin() + static_cast<std::ptrdiff_t>((i + 1) * size / count * size);
    blocks.push_back(troupe::Spawn<Block>(size, Rows(begin, end)));
  }
  // Nothing is waited for between steps: each step of a block is given the edges that its neighbours are going to
  // have, and runs when they have them.
  std::vector<troupe::ObjectRef<Edges>> edges;
  edges.reserve(count);
  for (auto& block : blocks) edges.push_back(block.CurrentEdges());
  for (std::size_t step = 1; step <= options.steps; ++step) {
    std::vector<troupe::ObjectRef<Edges>> next;
    for (std::size_t i = 0; i < count; ++i) {
      next.push_back(blocks[i].Step(edges[(i + count - 1) % count], edges[(i + 1) % count]));
    }
    edges = std::move(next);
    if (watch && (step % options.batch == 0 || step == options.steps)) watch(step, Assemble(blocks, size));
  }
  return {Assemble(blocks, size)};
}

}  // namespace life
