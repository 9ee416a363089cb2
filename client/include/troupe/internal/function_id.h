// The identity of functions, methods and constructors on the wire.
//
// The id is a hash of mangled names: of the class, of the function with its parameter types, and of its type. Every
// compiler for Linux mangles alike (Itanium C++ ABI), so programs of different compilers agree on the ids, and a
// changed signature is a different function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>

namespace troupe::internal {

// Carries a function or method as a type, whose mangled name holds that of the function.
template <auto kFunction>
struct Named {};

// FNV-1a, 64 bits (Fowler, Noll, Vo; http://www.isthe.com/chongo/tech/comp/fnv/). Never 0.
constexpr std::uint64_t HashName(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325ULL) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return seed == 0 ? 1 : seed;
}

// "std::vector<int>"; standard strings by their usual name.
std::string TypeName(const std::type_info& type);

struct Identity {
  std::uint64_t id = 0;
  std::string name;  // for people: "Counter::Add(int)"
};

// `named` is Named<&F>; `type` is the function's type, R(P...). `owner` is the class it is listed for, null for
// functions; it may derive from the class that defines the method.
Identity IdentifyFunction(const std::type_info* owner, const std::type_info& named, const std::type_info& type);
// `arguments` is void(A...), the types the constructor is called with.
Identity IdentifyConstructor(const std::type_info& type, const std::type_info& arguments);
// `closure` is the type of a lambda; `type` as above.
Identity IdentifyLambda(const std::type_info& closure, const std::type_info& type);

}  // namespace troupe::internal
