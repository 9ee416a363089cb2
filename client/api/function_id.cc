#include "troupe/internal/function_id.h"

#include <utility>

namespace troupe::internal {
namespace {

// "(int, long)" of "double (int, long)".
std::string Parameters(const std::string& function_type) {
  int depth = 0;
  for (std::size_t i = function_type.size(); i-- > 0;) {
    if (function_type[i] == ')') ++depth;
    if (function_type[i] == '(' && --depth == 0) return function_type.substr(i);
  }
  return "()";
}

// "Counter::Add(int)" of "troupe::internal::Named<&Counter::Add>" or "...Named<&(Counter::Count() const)>": the
// demangler writes the parameters only where they cannot be guessed from the name.
std::string FunctionName(const std::string& named, const std::string& function_type) {
  const std::size_t start = named.find('&');
  const std::size_t end = named.rfind('>');
  if (start == std::string::npos || end == std::string::npos || end < start) return named;
  std::string name = named.substr(start + 1, end - start - 1);
  const bool is_whole =
      name.size() > 1 && name.front() == '(' && name.back() == ')' && !name.starts_with("(anonymous namespace)");
  if (is_whole) return name.substr(1, name.size() - 2);
  return name + Parameters(function_type);
}

std::uint64_t HashOf(std::string_view kind, std::string_view owner, std::string_view name, std::string_view type) {
  std::uint64_t hash = HashName(kind);
  for (const std::string_view part : {owner, name, type}) hash = HashName(part, HashName("|", hash));
  return hash;
}

}  // namespace

Identity IdentifyFunction(const std::type_info* owner, const std::type_info& named, const std::type_info& type) {
  const std::uint64_t id = HashOf("function", owner ? owner->name() : "", named.name(), type.name());
  std::string name = FunctionName(TypeName(named), TypeName(type));
  if (owner) {
    const std::string class_name = TypeName(*owner);
    if (!name.starts_with(class_name + "::")) name = class_name + ": " + name;
  }
  return {id, std::move(name)};
}

Identity IdentifyConstructor(const std::type_info& type, const std::type_info& arguments) {
  return {HashOf("constructor", type.name(), "", arguments.name()), TypeName(type) + Parameters(TypeName(arguments))};
}

Identity IdentifyLambda(const std::type_info& closure, const std::type_info& type) {
  return {HashOf("lambda", "", closure.name(), type.name()), TypeName(closure)};
}

}  // namespace troupe::internal
