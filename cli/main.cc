#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/command_line.h"

int main(int argc, char** argv) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
  troupe::cli::Context context{.out = std::cout, .err = std::cerr, .color = color};
  const int exit_code = troupe::cli::Run({argv + 1, argv + argc}, context);
  std::cout.flush();
  return exit_code;
}
