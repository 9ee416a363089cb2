// CliTest: runs command lines against a head in the test's process and daemons that are fakes.
#pragma once

#include <gmock/gmock.h>

#include <signal.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "tests/unit/common/session_fixture.h"
#include "tests/unit/jobs/fake_head.h"

namespace troupe::cli {

// Commands take these signals by waiting for them, which every thread of the process has to leave to them.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }
};

class CliTest : public test::SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    WriteText(base_ + "/secret/token", test::kToken);
    std::filesystem::permissions(base_ + "/secret/token", std::filesystem::perms(0600));
  }

  // Without "troupe"; what it printed is in out_ and err_.
  int Troupe(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Context context{.out = out, .err = err};
    const int exit_code = cli::Run(arguments, context);
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }
  // The same, at the head.
  int AtHead(std::vector<std::string> arguments) {
    SetEnv("TROUPE_ADDRESS", head_.address());
    const int exit_code = Troupe(arguments);
    unsetenv("TROUPE_ADDRESS");
    return exit_code;
  }
  nlohmann::json Json() const { return nlohmann::json::parse(out_, nullptr, false); }

  BlockedSignals signals_;
  test::FakeHead head_;
  std::string out_;
  std::string err_;
};

}  // namespace troupe::cli
