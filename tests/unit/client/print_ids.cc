// Prints the ids of functions whose names are hard to mangle; compare_ids.sh compares compilers by it.
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "troupe/internal/actor_methods.h"
#include "troupe/internal/function_id.h"
#include "troupe/internal/function_traits.h"

namespace app {

enum class Colour { kRed };
template <class T, int kSize>
struct Grid {
  T At(std::array<int, kSize>) const { return {}; }
  void Fill(const T&) {}
};
struct Base {
  virtual ~Base() = default;
  virtual std::string Name() const { return ""; }
  int Inherited(std::chrono::milliseconds) { return 0; }
};
struct Thing : Base {
  struct Nested {
    Colour Get(Nested, Nested) { return Colour::kRed; }
  };
  int Add(int) { return 0; }
  double Add(double) const { return 0; }
  std::string Name() const noexcept override { return ""; }
  void Move(std::vector<std::unique_ptr<int>>&&) && {}
  std::optional<std::tuple<int, long, Colour>> Many(const std::map<std::string, std::set<Thing::Nested>>&,
                                                    std::variant<int, std::string>, Grid<double, 2>) volatile {
    return {};
  }
  template <class T>
  T Template(T value) {
    return value;
  }
  __int128 Big(unsigned __int128, long double, char8_t, wchar_t, signed char) { return 0; }
};
double Free(long, const Thing&) noexcept { return 0; }
std::vector<std::string> Tagged(std::string_view) { return {}; }
template <class... T>
void Variadic(T...) {}
namespace {
void Hidden(Thing*) {}
}  // namespace
inline namespace v1 {
void Versioned(std::function<int(int)>) {}
}  // namespace v1

}  // namespace app

static void Local(bool) {}
extern "C" void Plain(int) {}

namespace {

using troupe::internal::FunctionTraits;
using troupe::internal::IdentifyConstructor;
using troupe::internal::IdentifyFunction;
using troupe::internal::Named;
using troupe::internal::Overload;

void Print(const troupe::internal::Identity& identity) {
  std::printf("%016" PRIx64 " %s\n", identity.id, identity.name.c_str());
}

template <class Owner, auto... kMethod>
void PrintMethods() {
  (Print(IdentifyFunction(&typeid(Owner), typeid(Named<kMethod>),
                          typeid(typename FunctionTraits<decltype(kMethod)>::Type))),
   ...);
}

template <auto... kFunction>
void PrintFunctions() {
  (Print(
       IdentifyFunction(nullptr, typeid(Named<kFunction>), typeid(typename FunctionTraits<decltype(kFunction)>::Type))),
   ...);
}

}  // namespace

int main() {
  using app::Thing;
  PrintMethods<Thing, Overload<Thing, int(int)>()(&Thing::Add), Overload<Thing, double(double) const>()(&Thing::Add),
               &Thing::Name, &Thing::Move, &Thing::Many, &Thing::Template<std::string>, &Thing::Inherited,
               &Thing::Big>();
  PrintMethods<app::Base, &app::Base::Name>();
  PrintMethods<Thing::Nested, &Thing::Nested::Get>();
  PrintMethods<app::Grid<double, 2>, &app::Grid<double, 2>::At, &app::Grid<double, 2>::Fill>();
  PrintFunctions<&app::Free, &app::Tagged, &app::Variadic<int, Thing>, &app::Hidden, &app::Versioned, &Local, &Plain>();
  Print(IdentifyConstructor(typeid(Thing), typeid(void (*)(int, std::string, std::vector<Thing::Nested>))));
  Print(IdentifyConstructor(typeid(app::Grid<Thing, 3>), typeid(void (*)())));
}
