// OwnCluster: programs that start a cluster of their own, and a check that nothing of it outlives them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/program.h"

namespace troupe::integration {

class OwnCluster : public testing::Test {
 protected:
  OwnCluster();
  // Fails when a process that was started under this test is left.
  ~OwnCluster() override;

  // A driver that finds no cluster, so that its Init starts one.
  Program Drive(const std::string& role, std::vector<std::string> arguments = {},
                std::vector<Program::Variable> environment = {});
  // The same, started by `/bin/sh -c script`, in which "$@" is the driver.
  Program DriveBy(const std::string& script, const std::string& role, std::vector<std::string> arguments = {},
                  std::vector<Program::Variable> environment = {});

  // The daemons' folders, tokens and marks.
  const std::string& root() const { return root_; }

 private:
  std::vector<Program::Variable> Environment(std::vector<Program::Variable> more) const;

  std::string root_;
};

}  // namespace troupe::integration
