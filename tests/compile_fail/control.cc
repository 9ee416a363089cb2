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

namespace app {

struct Point {
  int x = 0;
  int y = 0;
};

class Pen {
 public:
  int Line(const Point& from, const Point& to, int width) { return from.x + to.y + width; }
  void Fill(std::vector<int>) {}
  template <class T>
  T Colour(T colour) {
    return colour;
  }
};
TROUPE_ACTOR(Pen, Line, Fill, (Colour, int(int)));

namespace {
class Hidden {
 public:
  int Method() { return 0; }
};
TROUPE_ACTOR(Hidden, Method);
}  // namespace

namespace detail {
template <class A, class B>
class Both {
 public:
  A First() const { return {}; }
};
using Pair = Both<int, long>;
TROUPE_ACTOR(Pair, First);
}  // namespace detail

}  // namespace app

class Shape final {
 public:
  virtual ~Shape() = default;
  template <class Archive>
  void serialize(Archive&) {}
};

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
  troupe::Put(std::shared_ptr<Shape>());

  const auto pen = troupe::Spawn<app::Pen>();
  pen.Line({1, 2}, {.x = 3, .y = 4}, 5);
  pen.Line(app::Point(), {}, 5);
  pen.With({.max_task_retries = 1}).Fill({1, 2, 3});
  pen.Colour(7);
  troupe::Spawn<app::Hidden>().Method();
  troupe::Spawn<app::detail::Pair>().First();
}
