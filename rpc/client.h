// Client: calls and streams to one server, over one gRPC channel.
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
#include "rpc/limits.h"
#include "rpc/security.h"
#include "rpc/stream.h"

namespace troupe::rpc {

struct ClientOptions {
  std::string target = {};               // "HOST:PORT"
  std::string peer_name = "the server";  // how error messages call the target: "the head"
  Credentials credentials = {};
  EventLoop* loop = nullptr;  // must outlive the client; nullptr when only CallSync() is used
  std::size_t max_message_bytes = kDefaultMaxMessageBytes;
  std::chrono::milliseconds keepalive = kDefaultKeepalive;
};

// Connects at the first call and again, by itself, after the connection is lost: a call fails at once with UNAVAILABLE
// while the target cannot be reached, and attempts to connect are at most about a second apart. The server's own
// statuses arrive unchanged. Statuses made on this side: UNAVAILABLE "cannot reach PEER at TARGET: …" (not executed) or
// "lost the connection to PEER at TARGET …" (may have been executed), UNAUTHENTICATED when what listens there does not
// prove that it holds the cluster's token, and never did (not executed), DEADLINE_EXCEEDED (may have been executed),
// RESOURCE_EXHAUSTED for messages above max_message_bytes, INTERNAL for a reply that does not decode. Thread-safe.
class Client {
 public:
  explicit Client(ClientOptions options);
  // Cancels calls and streams, and waits for gRPC to let go of them (microseconds; never for the peer). None of their
  // callbacks begins afterwards: a callback that has not run by then is dropped. Not from within CallSync's thread.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Calls `method` and hands `done` the reply, once, on the loop. Does not block.
  template <class Rep>
  void Call(const std::string& method, const google::protobuf::MessageLite& request, std::chrono::milliseconds timeout,
            std::function<void(Result<Rep>)> done);

  // The same, and waits for the reply, `timeout` at most. For programs without a loop; on a loop's thread it would
  // stop the loop meanwhile.
  template <class Rep>
  Result<Rep> CallSync(const std::string& method, const google::protobuf::MessageLite& request,
                       std::chrono::milliseconds timeout);

  // Opens a bidirectional stream; In is what arrives, Out what is sent. Returns at once: a stream that could not be
  // opened is closed with the reason. The handlers run on the loop until the stream is closed or dropped.
  template <class In, class Out>
  std::shared_ptr<Stream<In, Out>> OpenStream(const std::string& method, StreamHandlers<In> handlers);

  // Calls made from now on claim to belong to this cluster. Any thread.
  void SetClusterId(std::string cluster_id);

  const std::string& target() const;

  struct Core;  // of client.cc

 private:
  using MessagePtr = std::unique_ptr<google::protobuf::MessageLite>;

  // `prototype` is the default instance of the reply's type, of static lifetime.
  void CallRaw(const std::string& method, const google::protobuf::MessageLite& request,
               std::chrono::milliseconds timeout, const google::protobuf::MessageLite& prototype,
               std::function<void(Result<MessagePtr>)> done);
  Result<MessagePtr> CallSyncRaw(const std::string& method, const google::protobuf::MessageLite& request,
                                 std::chrono::milliseconds timeout, const google::protobuf::MessageLite& prototype);
  std::shared_ptr<StreamCore> OpenRaw(const std::string& method, const google::protobuf::MessageLite& prototype,
                                      RawStreamHandlers handlers);

  std::shared_ptr<Core> core_;  // shared with the calls in flight
};

template <class Rep>
void Client::Call(const std::string& method, const google::protobuf::MessageLite& request,
                  std::chrono::milliseconds timeout, std::function<void(Result<Rep>)> done) {
  CallRaw(method, request, timeout, Rep::default_instance(), [done = std::move(done)](Result<MessagePtr> reply) {
    done(reply.ok() ? Result<Rep>(std::move(static_cast<Rep&>(**reply))) : reply.status());
  });
}

template <class Rep>
Result<Rep> Client::CallSync(const std::string& method, const google::protobuf::MessageLite& request,
                             std::chrono::milliseconds timeout) {
  TROUPE_ASSIGN_OR_RETURN(MessagePtr reply, CallSyncRaw(method, request, timeout, Rep::default_instance()));
  return std::move(static_cast<Rep&>(*reply));
}

template <class In, class Out>
std::shared_ptr<Stream<In, Out>> Client::OpenStream(const std::string& method, StreamHandlers<In> handlers) {
  return std::make_shared<Stream<In, Out>>(
      OpenRaw(method, In::default_instance(), internal::EraseType(std::move(handlers))));
}

}  // namespace troupe::rpc
