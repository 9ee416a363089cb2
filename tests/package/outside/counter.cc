// A program outside Troupe's tree: one actor in a process of its own, called a few times.
#include <troupe/troupe.h>

#include <cstdio>

class Counter {
 public:
  explicit Counter(int start) : count_(start) {}
  int Add(int by) { return count_ += by; }

 private:
  int count_;
};
TROUPE_ACTOR(Counter, Add);

int main(int argc, char** argv) {
  troupe::Init(argc, argv);
  auto counter = troupe::Spawn<Counter>(40);
  counter.Add(1);
  std::printf("the counter stands at %d\n", troupe::Get(counter.Add(1)));
}
