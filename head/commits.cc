#include "head/commits.h"

#include <iterator>

namespace troupe::head {
namespace {

void Run(const std::vector<Commits::Effect>& effects) {
  for (const Commits::Effect& effect : effects) effect();
}

}  // namespace

void Commits::Changed(Table table, std::string key) {
  changed_.emplace(table, std::move(key));
  EndTurnLater();
}

void Commits::Then(Effect effect) {
  effects_.push_back(std::move(effect));
  EndTurnLater();
}

void Commits::EndTurnLater() {
  if (std::exchange(turn_ends_, true)) return;
  loop_.Post([weak = std::weak_ptr(self_)] {
    if (auto self = weak.lock()) (*self)->EndTurn();
  });
}

void Commits::EndTurn() {
  turn_ends_ = false;
  std::vector<RowChange> changes;
  for (const auto& [table, key] : std::exchange(changed_, {})) changes.push_back({table, key, tables_.at(table)(key)});
  Effects effects = std::exchange(effects_, {});
  if (!changes.empty()) {
    waiting_.push_back(std::move(effects));
    registry_.Commit(std::move(changes), [weak = std::weak_ptr(self_)] {
      if (auto self = weak.lock()) (*self)->OnCommitted();
    });
  } else if (waiting_.empty()) {
    Run(effects);
  } else {  // they rest on no row of this turn, but may on one that is under way
    Effects& last = waiting_.back();
    last.insert(last.end(), std::make_move_iterator(effects.begin()), std::make_move_iterator(effects.end()));
  }
}

void Commits::OnCommitted() {
  const Effects effects = std::move(waiting_.front());
  waiting_.pop_front();
  Run(effects);
}

}  // namespace troupe::head
