// A program outside Troupe's tree that is no part of a cluster: has one run a program, and prints what that printed.
#include <troupe/job_client.h>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: submit PROGRAM [ARGUMENTS...]\n");
    return 2;
  }
  try {
    troupe::JobClient client;  // of $TROUPE_ADDRESS, else of the newest cluster of this machine
    const std::string id = client.Submit({.argv = {argv + 1, argv + argc}, .program = argv[1]});
    client.TailLogs(id, [](std::string_view output) {
      return std::fwrite(output.data(), 1, output.size(), stdout) == output.size();
    });
    return client.Wait(id).exit_code.value_or(1);
  } catch (const troupe::JobError& error) {
    std::fprintf(stderr, "submit: %s\n", error.what());
    return 1;
  }
}
