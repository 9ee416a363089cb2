// expect: Troupe: this type cannot be serialised, for it has no default constructor
#include "actors.h"

struct Made {
  explicit Made(int start) : value(start) {}
  int value;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
void Take(const Made&) {}
void Use() { troupe::Run<&Take>(Made(1)); }
