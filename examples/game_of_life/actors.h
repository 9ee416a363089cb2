// The actors of the example.
#pragma once

#include <troupe/troupe.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "conways_rules.h"
#include "game.h"
#include "state.h"

namespace life {
class Block;
class GameActor;
class RulesActor;
}  // namespace life

// Ahead of the classes, because two of them hold handles to each other.
TROUPE_ACTOR(life::Game, Step, Append, Last, At, Generations, Population);
TROUPE_ACTOR(life::Block, Step, CurrentEdges, Cells);
TROUPE_ACTOR(life::GameActor, Play, Append, Last);
TROUPE_ACTOR(life::RulesActor, Advance);

namespace life {

// First and last row of a block.
struct Edges {
  Rows first;
  Rows last;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, last);
  }
};

// Some consecutive rows of a large grid.
class Block {
 public:
  Block(std::size_t width, Rows cells) : width_(width), cells_(std::move(cells)) {}

  // Plays one generation, given the edges of the blocks before and after this one; returns its own new edges.
  Edges Step(const Edges& before, const Edges& after) {
    cells_ = rules_.Next(cells_, width_, before.last, after.first);
    return CurrentEdges();
  }
  Edges CurrentEdges() const {
    const auto width = static_cast<std::ptrdiff_t>(width_);
    return {Rows(cells_.begin(), cells_.begin() + width), Rows(cells_.end() - width, cells_.end())};
  }
  const Rows& Cells() const { return cells_; }

 private:
  ConwaysRules rules_;
  std::size_t width_;
  Rows cells_;
};

// The rules as an actor: works out generations and hands them to the game.
class RulesActor {
 public:
  // Appends `steps` generations after `last` to `game`. Returns when the game has them all.
  void Advance(const troupe::ActorHandle<GameActor>& game, State last, std::size_t steps);

 private:
  ConwaysRules rules_;
};

// A game that has its generations worked out by a RulesActor.
class GameActor : public Game {
 public:
  GameActor(State start, troupe::ActorHandle<RulesActor> rules) : Game(std::move(start)), rules_(std::move(rules)) {}

  // Starts to play `steps` generations. The result's value is there when the game has them. `self` is this actor.
  troupe::ObjectRef<void> Play(const troupe::ActorHandle<GameActor>& self, std::size_t steps) {
    return rules_.Advance(self, Last(), steps);
  }

 private:
  troupe::ActorHandle<RulesActor> rules_;
};

inline void RulesActor::Advance(const troupe::ActorHandle<GameActor>& game, State last, std::size_t steps) {
  std::vector<troupe::ObjectRef<void>> appended;
  for (std::size_t i = 0; i < steps; ++i) {
    last = rules_.Next(last);
    appended.push_back(game.Append(last));
  }
  troupe::Get(appended);
}

}  // namespace life
