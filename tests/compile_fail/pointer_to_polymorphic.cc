// expect: Troupe: a pointer to a polymorphic class cannot travel
#include "actors.h"

struct Shape {
  virtual ~Shape() = default;
  template <class Archive>
  void serialize(Archive&) {}
};
void Draw(const std::vector<std::shared_ptr<Shape>>&) {}
void Use() { troupe::Run<&Draw>(std::vector<std::shared_ptr<Shape>>()); }
