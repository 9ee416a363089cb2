// expect: Troupe: this type cannot be serialised: it has private members
#include "actors.h"

struct Outer {
  NotSerializable inner;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(inner);
  }
};
int Read(const Outer& outer) { return outer.inner.Get(); }
void Use() { troupe::Run<&Read>(Outer()); }
