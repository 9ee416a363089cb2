// ArgumentWriter: the arguments of one call, on the caller's side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "troupe/internal/argument_match.h"
#include "troupe/internal/runtime.h"

namespace troupe::internal {

// Add each argument in order, then Take. Not thread-safe.
class ArgumentWriter {
 public:
  // P: the type the parameter travels as; FitOf<P, A>() says that the argument fits.
  template <class P, class A>
  void Add(A&& argument) {
    using Given = std::remove_cvref_t<A>;
    if constexpr (FitOf<P, A>() == ArgumentFit::kResolved) {
      AddRef(RefAccess::State(argument));
    } else if constexpr (std::is_same_v<Given, P>) {
      AddValue(argument);
    } else {
      const P converted = std::forward<A>(argument);
      AddValue(converted);
    }
  }

  Arguments Take() { return std::move(arguments_); }

 private:
  template <class P>
  void AddValue(const P& value) {
    if constexpr (std::is_arithmetic_v<P>) {
      SerializeTo(value, &arguments_.values);
      ++position_;
    } else {
      const Mark mark = {arguments_.values.bytes.size(), arguments_.values.objects.size(),
                         arguments_.values.actors.size()};
      SerializeTo(value, &arguments_.values);
      EndValue(mark);
    }
  }

  // Where a value began.
  struct Mark {
    std::size_t bytes;
    std::size_t objects;
    std::size_t actors;
  };

  // UsageError when `object` is null.
  void AddRef(const ObjectPtr& object);
  // Moves what was written since `mark` into an object if it is too large for a message.
  void EndValue(const Mark& mark);

  Arguments arguments_;
  std::uint32_t position_ = 0;
};

template <class... P, class... A>
Arguments WriteArguments(TypeList<P...>, A&&... arguments) {
  ArgumentWriter writer;
  (writer.template Add<Value<P>>(std::forward<A>(arguments)), ...);
  return writer.Take();
}

}  // namespace troupe::internal
