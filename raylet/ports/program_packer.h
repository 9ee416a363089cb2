// ProgramPacker: packs this node's programs for the other nodes.
#pragma once

#include <functional>
#include <string>

#include "common/status.h"
#include "proto/common.pb.h"

namespace troupe::raylet {

// Loop thread; `done` runs once, later.
class ProgramPacker {
 public:
  virtual ~ProgramPacker() = default;
  // Packs the program and the libraries it names, and uploads the package unless the head has it. The SHA-256 of the
  // package in hexadecimal. `program.origin` must be this node.
  virtual void Package(const pb::Program& program, std::function<void(Result<std::string>)> done) = 0;
};

}  // namespace troupe::raylet
