// expect: Troupe: this type cannot be serialised: it has private members
#include "actors.h"

struct Inner {
  std::vector<NotSerializable> values;
};
struct Outer {
  Inner inner;
};
int Count(const Outer& outer) { return static_cast<int>(outer.inner.values.size()); }
void Use() { troupe::Run<&Count>(Outer()); }
