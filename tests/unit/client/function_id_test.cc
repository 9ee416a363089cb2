#include "troupe/internal/function_id.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "fake_runtime.h"
#include "troupe/actor_handle.h"
#include "troupe/internal/argument_reader.h"
#include "troupe/internal/function_traits.h"
#include "troupe/internal/registration.h"

namespace app {

struct Thing {
  int Add(int) { return 0; }
  int Add(long) { return 0; }
  std::string Text() const noexcept { return ""; }
  std::vector<std::string> Many(const std::map<std::string, int>&) && { return {}; }
};
struct Derived : Thing {};
double Free(long, const std::string&) { return 0; }
template <class T>
T Generic(T value) {
  return value;
}

}  // namespace app

namespace {

using troupe::internal::FindFunction;
using troupe::internal::IdentifyFunction;
using troupe::internal::Identity;
using troupe::internal::Named;
using troupe::internal::TypeName;

void Nothing(void*, troupe::internal::ArgumentReader&, troupe::internal::ResultSink&) {}
void NothingElse(void*, troupe::internal::ArgumentReader&, troupe::internal::ResultSink& results) {
  results.Next()->bytes = "x";
}

template <class Owner, auto kMethod>
Identity Identify() {
  using Type = typename troupe::internal::FunctionTraits<decltype(kMethod)>::Type;
  if constexpr (std::is_void_v<Owner>) {
    return IdentifyFunction(nullptr, typeid(Named<kMethod>), typeid(Type));
  } else {
    return IdentifyFunction(&typeid(Owner), typeid(Named<kMethod>), typeid(Type));
  }
}

TEST(FunctionIdTest, HashIsFnv1a) {
  // From the authors' test vectors.
  EXPECT_EQ(troupe::internal::HashName(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(troupe::internal::HashName("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(troupe::internal::HashName("foobar"), 0x85944171f73967e8ULL);
}

TEST(FunctionIdTest, TypesHaveTheNamesTheirUsersGaveThem) {
  EXPECT_EQ(TypeName(typeid(std::string)), "std::string");
  EXPECT_EQ(TypeName(typeid(std::vector<std::vector<std::string>>)), "std::vector<std::vector<std::string>>");
  EXPECT_EQ(TypeName(typeid(std::map<int, std::vector<int>>)), "std::map<int, std::vector<int>>");
  EXPECT_EQ(TypeName(typeid(app::Thing)), "app::Thing");
  EXPECT_EQ(TypeName(typeid(std::vector<troupe::ActorHandle<app::Thing>>)),
            "std::vector<troupe::ActorHandle<app::Thing>>");
}

TEST(FunctionIdTest, NamesSayClassMethodAndParameters) {
  EXPECT_EQ((Identify<app::Thing, static_cast<int (app::Thing::*)(int)>(&app::Thing::Add)>().name),
            "app::Thing::Add(int)");
  EXPECT_EQ((Identify<app::Thing, &app::Thing::Text>().name), "app::Thing::Text() const");
  EXPECT_EQ((Identify<app::Thing, &app::Thing::Many>().name), "app::Thing::Many(std::map<std::string, int> const&) &&");
  EXPECT_EQ((Identify<app::Derived, &app::Derived::Text>().name), "app::Derived: app::Thing::Text() const");
  EXPECT_EQ((Identify<void, &app::Free>().name), "app::Free(long, std::string const&)");
  EXPECT_EQ((Identify<void, &app::Generic<int>>().name), "int app::Generic<int>(int)");
  EXPECT_EQ(troupe::internal::IdentifyConstructor(typeid(app::Thing), typeid(void (*)(int, std::string))).name,
            "app::Thing(int, std::string)");
}

TEST(FunctionIdTest, IdsTellOverloadsAndClassesApart) {
  const auto by_int = Identify<app::Thing, static_cast<int (app::Thing::*)(int)>(&app::Thing::Add)>();
  const auto by_long = Identify<app::Thing, static_cast<int (app::Thing::*)(long)>(&app::Thing::Add)>();
  EXPECT_NE(by_int.id, by_long.id);
  EXPECT_NE((Identify<app::Thing, &app::Thing::Text>().id), (Identify<app::Derived, &app::Thing::Text>().id));
}

TEST(RegistryTest, FindsWhatWasRegistered) {
  const Identity* identity = RegisterNamed({0x1234, "f()"}, &Nothing, nullptr);
  EXPECT_EQ(identity->id, 0x1234u);
  EXPECT_EQ(FindFunction(0x1234)->name, "f()");
  EXPECT_EQ(FindFunction(0x1234)->invoke, &Nothing);
  EXPECT_EQ(FindFunction(0x1235), nullptr);
  EXPECT_EQ(RegisterNamed({0x1234, "f()"}, &Nothing, nullptr)->id, 0x1234u);
}

TEST(RegistryTest, LambdasOfOneIdAreNumbered) {
  const Identity* first = RegisterLambda({0x55, "lambda"}, &Nothing);
  const Identity* second = RegisterLambda({0x55, "lambda"}, &NothingElse);
  EXPECT_EQ(first->id, 0x55u);
  EXPECT_NE(second->id, 0x55u);
  EXPECT_EQ(second->name, "lambda #2");
  EXPECT_EQ(FindFunction(second->id)->invoke, &NothingElse);
  EXPECT_EQ(RegisterLambda({0x55, "lambda"}, &NothingElse)->id, second->id);
}

TEST(RegistryDeathTest, EndsTheProcessWhenTwoFunctionsShareAnId) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        RegisterNamed({0x99, "f()"}, &Nothing, nullptr);
        RegisterNamed({0x99, "g()"}, &NothingElse, nullptr);
      },
      "two functions of this program have the id 0000000000000099: f.. and g..");
}

TEST(ArgumentReaderTest, RefusesBytesThatAreLeftOver) {
  const std::string bytes(8, '\0');
  troupe::internal::ArgumentReader reader(std::as_bytes(std::span(bytes)), {});
  EXPECT_EQ(reader.Next<int>(), 0);
  try {
    reader.Finish();
    FAIL() << "nothing thrown";
  } catch (const troupe::SerializationError& error) {
    EXPECT_EQ(error.outcome(), troupe::Outcome::kNotExecuted);
  }
}

TEST(ArgumentReaderTest, SaysWhichArgumentDoesNotDecode) {
  const std::string bytes(6, '\0');
  troupe::internal::ArgumentReader reader(std::as_bytes(std::span(bytes)), {});
  reader.Next<int>();
  try {
    reader.Next<int>();
    FAIL() << "nothing thrown";
  } catch (const troupe::SerializationError& error) {
    EXPECT_EQ(error.info().message.find("argument 2: cannot decode a int"), 0u) << error.what();
    EXPECT_EQ(error.outcome(), troupe::Outcome::kNotExecuted);
  }
}

TEST(ArgumentReaderTest, TakesObjectsAtTheirPositions) {
  const std::string values("\1\0\0\0\3\0\0\0", 8);
  const std::string object("\2\0\0\0", 4);
  const std::vector<troupe::internal::ResolvedArgument> resolved = {{1, std::as_bytes(std::span(object))}};
  troupe::internal::ArgumentReader reader(std::as_bytes(std::span(values)), resolved);
  EXPECT_EQ(reader.Next<int>(), 1);
  EXPECT_EQ(reader.Next<int>(), 2);
  EXPECT_EQ(reader.Next<int>(), 3);
  EXPECT_NO_THROW(reader.Finish());
}

}  // namespace
