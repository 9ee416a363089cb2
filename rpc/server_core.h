// Server::Core: what a server shares with the calls it is serving. Private to rpc/.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "rpc/call_registry.h"
#include "rpc/loop_gate.h"
#include "rpc/server.h"

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
class GenericCallbackServerContext;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace troupe::rpc {

struct Server::Core {
  // One of the two functions is set.
  struct Method {
    const google::protobuf::MessageLite* prototype = nullptr;
    RawHandler handler;
    RawOpen open;
  };

  Core(ServerOptions server_options, EventLoop& loop)
      : options(std::move(server_options)),
        gate(std::make_shared<LoopGate>(loop)),
        credentials(std::make_shared<const Credentials>(options.credentials)) {}

  std::shared_ptr<const Credentials> CurrentCredentials() {
    std::lock_guard lock(mutex);
    return credentials;
  }

  const ServerOptions options;
  const std::shared_ptr<LoopGate> gate;
  CallRegistry calls;
  std::unordered_map<std::string, Method> methods;  // fixed once the server has started

  std::mutex mutex;
  std::shared_ptr<const Credentials> credentials;  // guarded by mutex
};

// gRPC's entry: decides whether the caller may call, and makes the object that serves the call. That object owns itself
// until gRPC is done with it.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ServeCall(const std::shared_ptr<Server::Core>& core,
                                                                       grpc::GenericCallbackServerContext* context);

}  // namespace troupe::rpc
