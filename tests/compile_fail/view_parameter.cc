// expect: of std::string_view and std::span: take std::string and std::vector
#include "actors.h"

int Size(std::string_view text) { return static_cast<int>(text.size()); }
void Use() { troupe::Run<&Size>("x"); }
