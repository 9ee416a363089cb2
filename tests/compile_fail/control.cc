// Compiles: what the other programs do wrong, done right.
#include "actors.h"

class Right {
 public:
  explicit Right(std::vector<std::string> names) : names_(std::move(names)) {}
  std::string First(const std::string& otherwise) const { return names_.empty() ? otherwise : names_[0]; }

 private:
  std::vector<std::string> names_;
};
TROUPE_ACTOR(Right, First);

void Use(troupe::ActorHandle<Counter> counter) {
  counter.Add(1);
  counter.Add(short{1});
  counter.Add(troupe::Put(1));
  counter.Write('a');
  counter.Length("text");
  counter.Over("text");
  counter.Call<&Counter::Add>(1);
  troupe::Spawn<Counter>(1);
  troupe::Spawn<Right>(std::vector<std::string>{"a"}).First("none").Get();
  troupe::Run<&Half>(1);
  troupe::Run([](int x) { return x; }, 1);
  troupe::Get(troupe::Put(5));
}
