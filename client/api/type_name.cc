#include <cxxabi.h>

#include <cstdlib>
#include <memory>

#include "troupe/internal/function_id.h"

namespace troupe::internal {
namespace {

void ReplaceAll(std::string* text, std::string_view from, std::string_view to) {
  for (std::size_t at = text->find(from); at != std::string::npos; at = text->find(from, at + to.size())) {
    text->replace(at, from.size(), to);
  }
}

// The arguments that nobody writes: "std::map<int, long>" is what its user calls it.
void EraseDefaults(std::string* text, std::string_view start) {
  for (std::size_t at = text->find(start); at != std::string::npos; at = text->find(start, at)) {
    std::size_t end = at + start.size();
    for (int depth = 1; depth > 0 && end < text->size(); ++end) {
      if ((*text)[end] == '<') ++depth;
      if ((*text)[end] == '>') --depth;
    }
    text->erase(at, end - at);
  }
}

}  // namespace

std::string TypeName(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  if (!demangled) return type.name();
  std::string text = demangled.get();
  ReplaceAll(&text, "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string");
  ReplaceAll(&text, "[abi:cxx11]", "");
  ReplaceAll(&text, "std::__cxx11::", "std::");
  for (const char* start :
       {", std::allocator<", ", std::less<", ", std::hash<", ", std::equal_to<", ", std::default_delete<"}) {
    EraseDefaults(&text, start);
  }
  ReplaceAll(&text, " >", ">");
  ReplaceAll(&text, ", troupe::internal::list_the_method_in_TROUPE_ACTOR>", ">");
  ReplaceAll(&text, "troupe::ActorHandleOf<", "troupe::ActorHandle<");
  return text;
}

}  // namespace troupe::internal
