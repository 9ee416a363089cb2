// Game: a game with its history. An ordinary class; Troupe makes an actor of it.
#pragma once

#include <cstddef>
#include <vector>

#include "conways_rules.h"
#include "state.h"

namespace life {

class Game {
 public:
  explicit Game(State start) : states_{std::move(start)} {}

  // Plays `steps` generations and returns them.
  std::vector<State> Step(std::size_t steps) {
    std::vector<State> played;
    for (std::size_t i = 0; i < steps; ++i) {
      states_.push_back(rules_.Next(states_.back()));
      played.push_back(states_.back());
    }
    return played;
  }

  // Takes over a generation that somebody else has worked out.
  void Append(State state) { states_.push_back(std::move(state)); }

  const State& Last() const { return states_.back(); }
  const State& At(std::size_t generation) const { return states_.at(generation); }
  // Generations after the start.
  std::size_t Generations() const { return states_.size() - 1; }
  std::size_t Population() const { return Last().population(); }

 private:
  ConwaysRules rules_;
  std::vector<State> states_;
};

}  // namespace life
