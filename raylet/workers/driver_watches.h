// DriverWatches: the real DriverProcesses, by pidfds.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "common/exit_watch.h"
#include "raylet/ports/driver_port.h"

namespace troupe::raylet {

// Loop thread. The context is the loop's own.
class DriverWatches : public DriverProcesses {
 public:
  explicit DriverWatches(boost::asio::io_context& context) : context_(context) {}

  std::unique_ptr<DriverProcess> Watch(pid_t pid, std::function<void()> on_exit) override {
    auto watch = ExitWatch::Begin(context_, pid, std::move(on_exit));
    return watch ? std::make_unique<Watched>(std::move(watch)) : nullptr;
  }

 private:
  class Watched : public DriverProcess {
   public:
    explicit Watched(std::unique_ptr<ExitWatch> watch) : watch_(std::move(watch)) {}
    Status Signal(int signal) override { return watch_->Signal(signal); }

   private:
    const std::unique_ptr<ExitWatch> watch_;
  };

  boost::asio::io_context& context_;
};

}  // namespace troupe::raylet
