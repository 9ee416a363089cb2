// Commits: commit, then publish. What the head decides in one turn of its loop is committed together, and what rests on
// it is told to others after that.
//
// Invariant: when an effect runs, the registry has committed every change that was made before the effect was asked
// for, and with it all other changes of that turn. Effects run in the order in which they were asked for.
//
// So the state in memory may run ahead: placing, budgets and look-ups see what is not committed yet, and whatever is
// said of it waits. A head that dies at any moment has told nobody anything that the next one will not know. An answer
// to a look-up waits as well, behind the last commit and not only that of its record: it is then given as it was found,
// no second copy of any record is needed, and look-ups see what those before them saw.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/event_loop.h"
#include "common/status.h"
#include "head/registry.h"

namespace troupe::head {

// Loop thread only. A turn ends when the loop comes to what was posted at its first change or effect: messages that
// arrived together are one commit. What waits is bounded by the registry, which commits or ends the head.
class Commits {
 public:
  using Effect = std::function<void()>;
  // The row of a record as it is now; nullopt when there is no such record (any more).
  using RowOf = std::function<std::optional<std::string>(const std::string& key)>;

  // Both outlive this. No effect runs after the end of this.
  Commits(EventLoop& loop, Registry& registry)
      : loop_(loop), registry_(registry), self_(std::make_shared<Commits*>(this)) {}
  Commits(const Commits&) = delete;
  Commits& operator=(const Commits&) = delete;

  // Who owns the table says what its rows hold. Before the first change of the table.
  void Keep(Table table, RowOf row_of) { tables_[table] = std::move(row_of); }
  // The record is new, has changed or is gone: its row is written at the end of this turn, as the record is then.
  void Changed(Table table, std::string key);
  // Runs `effect` once this turn is committed.
  void Then(Effect effect);
  // A reply that is given once the turn in which it is called is committed.
  template <class T>
  std::function<void(Result<T>)> Held(std::function<void(Result<T>)> reply) {
    return [weak = std::weak_ptr(self_), reply = std::move(reply)](Result<T> result) {
      auto self = weak.lock();
      if (self) (*self)->Then([reply, result = std::move(result)]() mutable { reply(std::move(result)); });
    };
  }

 private:
  using Effects = std::vector<Effect>;

  void EndTurnLater();
  void EndTurn();
  void OnCommitted();

  EventLoop& loop_;
  Registry& registry_;
  std::map<Table, RowOf> tables_;
  std::set<std::pair<Table, std::string>> changed_;  // in this turn
  Effects effects_;                                  // of this turn
  bool turn_ends_ = false;                           // its end is posted
  std::deque<Effects> waiting_;                      // for each commit under way
  std::shared_ptr<Commits*> self_;                   // what is posted, or committed, holds weakly: gone with this
};

}  // namespace troupe::head
