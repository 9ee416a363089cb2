// Stream<In, Out>: one end of a bidirectional stream of messages between two processes.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "common/status.h"
#include "rpc/stream_core.h"

namespace troupe::rpc {

// What an end of a stream is told, always on the loop. Each may be empty.
template <class In>
struct StreamHandlers {
  std::function<void(In)> on_message = nullptr;     // every message, in the order the peer sent them
  std::function<void(Status)> on_closed = nullptr;  // once, last
  std::function<void()> on_drained = nullptr;  // whenever the last queued message has gone out: time for the next batch
};

namespace internal {
template <class In>
RawStreamHandlers EraseType(StreamHandlers<In> handlers) {
  RawStreamHandlers raw;
  if (handlers.on_message) {
    raw.on_message = [on_message = std::move(handlers.on_message)](google::protobuf::MessageLite& message) {
      on_message(std::move(static_cast<In&>(message)));
    };
  }
  raw.on_closed = std::move(handlers.on_closed);
  raw.on_drained = std::move(handlers.on_drained);
  return raw;
}
}  // namespace internal

// Made by Server::HandleStream and Client::OpenStream. Closing concerns both directions, and the other end learns of it
// after the messages sent before. Destroying the last reference cancels the stream; no handler begins afterwards. A
// handler that holds the stream's own shared_ptr is fine: handlers are let go once on_closed has run. Methods never
// block. Handlers are set, and the stream destroyed, on the loop's thread (or when the loop runs no more).
template <class In, class Out>
class Stream {
 public:
  explicit Stream(std::shared_ptr<StreamCore> core) : core_(std::move(core)) {}
  ~Stream() { core_->Abandon(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Queues `message`. Without bound: whoever can produce faster than the peer reads watches pending_bytes() or sends
  // from on_drained. A message above max_message_bytes cancels the stream with RESOURCE_EXHAUSTED; one sent after the
  // stream has closed is dropped.
  void Send(const Out& message) { core_->Send(message.SerializeAsString()); }

  // Serialised bytes queued here and not yet taken by gRPC, which itself buffers up to some 64 KiB more.
  std::size_t pending_bytes() const { return core_->pending_bytes(); }

  // Replaces all handlers. The server's end sets them in the function given to HandleStream, before any message is
  // delivered.
  void SetHandlers(StreamHandlers<In> handlers) { core_->SetHandlers(internal::EraseType(std::move(handlers))); }

  // Sends what is queued, then closes; no further message is delivered here. The server's end may give any status, and
  // the client's on_closed gets it unchanged. gRPC lets a client say no more than "done": there OK lets the server's
  // end close with OK, and any other status cancels. This end's on_closed gets `status` (a client that closes with OK
  // gets the server's last word).
  void Close(Status status = OkStatus()) { core_->Close(std::move(status)); }

  // Ends it at once: what is queued is dropped, both ends get CANCELLED.
  void Cancel() { core_->Cancel(Cancelled("the stream was cancelled by this end")); }

  // The other end: the caller's address, or the client's target.
  const std::string& peer() const { return core_->peer(); }

 private:
  std::shared_ptr<StreamCore> core_;
};

}  // namespace troupe::rpc
