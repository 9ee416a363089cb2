// What the tests of servers and clients share: a loop, short messages, matching credentials.
#pragma once

#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "eventually.h"
#include "loop_thread.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace troupe::rpc {

using Text = google::protobuf::StringValue;
using TextStream = Stream<Text, Text>;

inline Text MakeText(std::string value) {
  Text text;
  text.set_value(std::move(value));
  return text;
}

class RpcTest : public testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kTimeout = kPatience;

  static Credentials GoodCredentials() { return {.token = "right", .cluster_id = "c1"}; }

  // Before the members of a derived fixture go, which handlers and callbacks may use until then.
  void TearDown() override {
    client_.reset();
    server_.reset();
  }

  // The members' order ends clients before servers, and both before their loops.
  std::unique_ptr<Server> MakeServer(int port = 0) {
    ServerOptions options;
    options.port = port;
    options.credentials = GoodCredentials();
    options.max_message_bytes = 1u << 20;
    return std::make_unique<Server>(options, server_loop_.loop());
  }

  void StartServer() {
    Result<int> port = server_->Start();
    ASSERT_TRUE(port.ok()) << port.status().ToString();
    port_ = *port;
    client_ = MakeClient(GoodCredentials());
  }

  ClientOptions OptionsFor(const Credentials& credentials) {
    ClientOptions options;
    options.target = "127.0.0.1:" + std::to_string(port_);
    options.peer_name = "the head";
    options.credentials = credentials;
    options.loop = &client_loop_.loop();
    options.max_message_bytes = 4u << 20;
    return options;
  }
  std::unique_ptr<Client> MakeClient(const Credentials& credentials) {
    return std::make_unique<Client>(OptionsFor(credentials));
  }

  Status CallStatus(Client& client, const std::string& method, const Text& request = MakeText("x")) {
    return client.CallSync<Text>(method, request, kTimeout).status();
  }

  LoopThread server_loop_;
  LoopThread client_loop_;
  std::unique_ptr<Server> server_ = MakeServer();
  int port_ = 0;
  std::unique_ptr<Client> client_;
};

}  // namespace troupe::rpc
