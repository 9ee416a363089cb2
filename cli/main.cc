#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "common/stdio_descriptors.h"

int main(int argc, char** argv) {
  troupe::ReserveStdio();
  const char* no_color = std::getenv("NO_COLOR");
  const bool color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
  troupe::cli::Output out(STDOUT_FILENO);
  troupe::cli::Context context{.out = out, .err = std::cerr, .color = color};
  try {
    const int exit_code = troupe::cli::Run({argv + 1, argv + argc}, context);
    out.flush();
    return exit_code;
  } catch (const troupe::cli::WriteError& error) {
    if (!error.reader_gone()) context.Fail(troupe::cli::kFailed, error.what());
    return troupe::cli::kFailed;
  }
}
