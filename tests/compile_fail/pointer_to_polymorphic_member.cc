// expect: Troupe: a pointer to a polymorphic class cannot travel: an object of a derived class would arrive as its base
#include "actors.h"

struct Shape {
  virtual ~Shape() = default;
  int colour = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(colour);
  }
};
struct Drawing {
  std::shared_ptr<Shape> shape;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(shape);
  }
};
void Draw(const Drawing&) {}
void Use() { troupe::Run<&Draw>(Drawing()); }
