// Server: answers gRPC calls and streams on one TCP port, on an event loop.
#pragma once

#include <google/protobuf/message_lite.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/event_loop.h"
#include "common/status.h"
#include "rpc/call_info.h"
#include "rpc/limits.h"
#include "rpc/security.h"
#include "rpc/stream.h"

namespace troupe::rpc {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;                  // 0: any free one
  Credentials credentials = {};  // callers must hold the same token
  std::size_t max_message_bytes = kDefaultMaxMessageBytes;
  std::chrono::milliseconds keepalive = kDefaultKeepalive;  // and how long a handshake may take
};

// Register handlers, then Start(). Every handler runs on the loop, which must outlive the server; a handler never
// starts before its caller has proved that it holds the cluster's token, its claims are accepted and its request is
// decoded. What callers see otherwise: no connection, FAILED_PRECONDITION (CheckClaims() of rpc/security.h),
// UNIMPLEMENTED for an unknown method, INVALID_ARGUMENT for a request that does not decode, RESOURCE_EXHAUSTED for one
// above max_message_bytes.
class Server {
 public:
  Server(ServerOptions options, EventLoop& loop);
  // Stops.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves the unary `method` ("/troupe.Head/CreateActor"). The handler calls `reply` exactly once, now or later, on
  // any thread; a reply after the caller has gone or the server has stopped goes nowhere. Destroying the last copy of
  // `reply` uncalled answers INTERNAL. Before Start() only.
  template <class Req, class Rep>
  void Handle(std::string method,
              std::function<void(const CallInfo& call, Req request, std::function<void(Result<Rep>)> reply)> handler);

  // Serves the bidirectional stream `method`: `open` gets each new stream, sets its handlers, and keeps it. In is what
  // arrives, Out what is sent. Before Start() only.
  template <class In, class Out>
  void HandleStream(std::string method, std::function<void(std::shared_ptr<Stream<In, Out>>)> open);

  // Listens, and returns the port. Once only. INVALID_ARGUMENT for an address that CheckBind() refuses, an empty token
  // or a bad port, ALREADY_EXISTS for a port in use, UNAVAILABLE when the address cannot be bound. Blocks for name
  // resolution of the host only.
  Result<int> Start();

  // From now on callers that know a cluster id must know this one. Any thread.
  void SetClusterId(std::string cluster_id);

  // Refuses new calls, ends those in flight and all streams with UNAVAILABLE, closes the port, joins. No handler runs
  // once it has returned. Blocks for a second at most, and for a handler that is running on another thread; do not
  // call it while holding what such a handler waits for. Idempotent; any one thread at a time, the loop's included.
  void Stop();

  struct Core;  // of server.cc

 private:
  using RawReply = std::function<void(Result<std::string>)>;
  using RawHandler = std::function<void(const CallInfo&, google::protobuf::MessageLite& request, RawReply reply)>;
  using RawOpen = std::function<void(std::shared_ptr<StreamCore>)>;

  // `prototype` is the default instance of the request's type, of static lifetime.
  void AddUnary(std::string method, const google::protobuf::MessageLite& prototype, RawHandler handler);
  void AddStream(std::string method, const google::protobuf::MessageLite& prototype, RawOpen open);

  struct Listener;
  friend struct Core;

  std::shared_ptr<Core> core_;          // shared with the calls in flight
  std::unique_ptr<Listener> listener_;  // while started
};

template <class Req, class Rep>
void Server::Handle(
    std::string method,
    std::function<void(const CallInfo& call, Req request, std::function<void(Result<Rep>)> reply)> handler) {
  AddUnary(std::move(method), Req::default_instance(),
           [handler = std::move(handler)](const CallInfo& call, google::protobuf::MessageLite& request, RawReply raw) {
             handler(call, std::move(static_cast<Req&>(request)), [raw = std::move(raw)](Result<Rep> reply) {
               raw(reply.ok() ? Result<std::string>(reply->SerializeAsString()) : reply.status());
             });
           });
}

template <class In, class Out>
void Server::HandleStream(std::string method, std::function<void(std::shared_ptr<Stream<In, Out>>)> open) {
  AddStream(std::move(method), In::default_instance(), [open = std::move(open)](std::shared_ptr<StreamCore> core) {
    open(std::make_shared<Stream<In, Out>>(std::move(core)));
  });
}

}  // namespace troupe::rpc
