#include "tests/chaos/checkers.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace troupe::chaos {
namespace {

constexpr std::size_t kMaxTold = 5;

void Tell(Violations* violations, std::string text) {
  if (violations->size() < kMaxTold) violations->push_back(std::move(text));
}

std::map<std::string, std::vector<const Ran*>> RunsByCall(const History& history) {
  std::map<std::string, std::vector<const Ran*>> runs;
  for (const Ran& ran : history.ran) runs[ran.call].push_back(&ran);
  return runs;
}

std::unordered_map<std::string, const Invoked*> InvokedByCall(const History& history) {
  std::unordered_map<std::string, const Invoked*> invoked;
  for (const Invoked& event : history.invoked) invoked.emplace(event.call, &event);
  return invoked;
}

std::vector<const Ran*> InTime(const History& history) {
  std::vector<const Ran*> ran;
  for (const Ran& event : history.ran) ran.push_back(&event);
  std::stable_sort(ran.begin(), ran.end(), [](const Ran* a, const Ran* b) { return a->at < b->at; });
  return ran;
}

std::string Milliseconds(std::int64_t nanoseconds) { return std::to_string(nanoseconds / 1'000'000) + " ms"; }

}  // namespace

Violations EveryCallEnds(const History& history) {
  Violations violations;
  std::set<std::string> ended;
  for (const Returned& event : history.returned) {
    ended.insert(event.call);
    if (event.how == Ended::kTimeout) Tell(&violations, "call " + event.call + " did not end in time");
    if (event.how == Ended::kWrongValue) Tell(&violations, "call " + event.call + " gave a wrong value: " + event.why);
  }
  const std::set<std::string> killed(history.killed.begin(), history.killed.end());
  for (const Invoked& event : history.invoked) {
    if (ended.contains(event.call) || killed.contains(event.caller)) continue;
    Tell(&violations, "call " + event.call + " of " + event.caller + " never ended");
  }
  return violations;
}

Violations RunsAtMostOnce(const History& history) {
  Violations violations;
  const auto invoked = InvokedByCall(history);
  for (const auto& [call, runs] : RunsByCall(history)) {
    auto made = invoked.find(call);
    if (made == invoked.end()) {
      Tell(&violations, "call " + call + " ran and was never made");
      continue;
    }
    if (!made->second->retries && runs.size() > 1) {
      Tell(&violations, "call " + call + ", which has no retries, ran " + std::to_string(runs.size()) + " times");
    }
    std::set<std::string> holders;
    for (const Ran* run : runs) {
      if (holders.insert(run->holder).second) continue;
      Tell(&violations, "call " + call + " ran twice in " + run->holder);
    }
  }
  return violations;
}

Violations NotExecutedDidNotRun(const History& history) {
  Violations violations;
  const auto runs = RunsByCall(history);
  for (const Returned& event : history.returned) {
    if (event.how != Ended::kNotExecuted || !runs.contains(event.call)) continue;
    Tell(&violations, "call " + event.call + " ran, and was said to be not executed: " + event.why);
  }
  return violations;
}

Violations ValuesWereMade(const History& history) {
  Violations violations;
  const auto runs = RunsByCall(history);
  for (const Returned& event : history.returned) {
    if (event.how != Ended::kValue || runs.contains(event.call)) continue;
    Tell(&violations, "call " + event.call + " gave a value and never ran");
  }
  return violations;
}

Violations KeepsOrder(const History& history) {
  Violations violations;
  const auto invoked = InvokedByCall(history);
  std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, std::string>> last;
  for (const Ran* ran : InTime(history)) {
    auto made = invoked.find(ran->call);
    if (made == invoked.end() || made->second->target.empty()) continue;  // tasks have no order
    auto& [sequence, call] = last[{ran->holder, made->second->caller}];
    if (!call.empty() && made->second->sequence < sequence) {
      Tell(&violations, "in " + ran->holder + " call " + ran->call + " ran after " + call + ", which was made later");
    }
    sequence = made->second->sequence;
    call = ran->call;
  }
  return violations;
}

Violations OneHolderOfAName(const History& history) {
  struct Holding {
    std::string holder;
    std::set<std::string> before;
    std::int64_t since = 0;
  };
  Violations violations;
  std::map<std::string, Holding> names;
  for (const Ran* ran : InTime(history)) {
    if (ran->name.empty()) continue;
    Holding& now = names[ran->name];
    if (now.holder == ran->holder) continue;
    if (now.before.contains(ran->holder)) {
      Tell(&violations, ran->name + ": " + ran->holder + " ran " + ran->call + " " + Milliseconds(ran->at - now.since) +
                            " after the first call of " + now.holder);
      continue;
    }
    now.before.insert(now.holder);
    now.holder = ran->holder;
    now.since = ran->at;
  }
  return violations;
}

Violations IncarnationsGrow(const History& history) {
  Violations violations;
  std::map<std::string, std::uint64_t> last;
  for (const Ran* ran : InTime(history)) {
    if (ran->incarnation == 0) continue;  // a task
    const std::string actor = ran->holder.substr(0, ran->holder.find('#'));
    std::uint64_t& known = last[actor];
    if (ran->incarnation < known) {
      Tell(&violations, "actor " + actor + ": incarnation " + std::to_string(ran->incarnation) + " ran " + ran->call +
                            " after a call of incarnation " + std::to_string(known));
    }
    known = std::max(known, ran->incarnation);
  }
  return violations;
}

Violations CheckAll(const History& history) {
  Violations all;
  const auto take = [&](const char* checker, const Violations& found) {
    for (const std::string& text : found) all.push_back(std::string(checker) + ": " + text);
  };
  take("EveryCallEnds", EveryCallEnds(history));
  take("RunsAtMostOnce", RunsAtMostOnce(history));
  take("NotExecutedDidNotRun", NotExecutedDidNotRun(history));
  take("ValuesWereMade", ValuesWereMade(history));
  take("KeepsOrder", KeepsOrder(history));
  take("OneHolderOfAName", OneHolderOfAName(history));
  take("IncarnationsGrow", IncarnationsGrow(history));
  return all;
}

}  // namespace troupe::chaos
