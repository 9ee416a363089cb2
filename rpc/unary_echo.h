// Plain gRPC's unary calls, to compare Troupe with: its synchronous API, as its tutorial uses it, and nothing of ours.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace troupe::rpc {

// Answers each request with its bytes, on a unix socket at `path`, until destroyed.
class UnaryEchoServer {
 public:
  // Throws std::runtime_error when it cannot listen there.
  explicit UnaryEchoServer(const std::string& path);
  ~UnaryEchoServer();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Calls that server one call at a time. One thread.
class UnaryEchoClient {
 public:
  explicit UnaryEchoClient(const std::string& path);
  ~UnaryEchoClient();
  // Sends `bytes` and waits for the answer. False when the call failed or the answer differs.
  bool Call(const std::string& bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace troupe::rpc
