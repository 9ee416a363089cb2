// expect: Troupe: TROUPE_ACTOR stands in the namespace of its class or in the global one
#include "actors.h"

namespace app {
namespace detail {
class Clock {
 public:
  int Now() const { return 1; }
};
}  // namespace detail
TROUPE_ACTOR(detail::Clock, Now);
}  // namespace app
