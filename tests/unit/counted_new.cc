#include "tests/unit/counted_new.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t news = 0;

}  // namespace

std::size_t troupe::NewCount() { return news; }

void* operator new(std::size_t size) {
  ++news;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
