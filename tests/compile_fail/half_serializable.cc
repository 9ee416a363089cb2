// expect: Troupe: this type cannot be serialised: it can be written but not read
#include "actors.h"

class Written {
 public:
  template <class Archive>
  void save(Archive& archive) const {
    archive(value_);
  }

 private:
  int value_ = 0;
};
void Take(const Written&) {}
void Use() { troupe::Run<&Take>(Written()); }
