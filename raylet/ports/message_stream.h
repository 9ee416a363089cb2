// MessageStream: one end of a bidirectional stream of messages, as the raylet's core sees it.
#pragma once

#include <cstddef>
#include <functional>

#include "common/status.h"

namespace troupe::raylet {

// What an end of a stream is told, always in a turn of its own. Each may be empty.
template <class In>
struct MessageStreamHandlers {
  std::function<void(In)> on_message = nullptr;     // every message, in the order the peer sent them
  std::function<void(Status)> on_closed = nullptr;  // once, last
  std::function<void()> on_drained = nullptr;       // whenever the last queued message has gone out
};

// Loop thread; nothing here blocks. Destroying it cancels the stream, and no handler begins afterwards. The real one is
// rpc::Stream.
template <class In, class Out>
class MessageStream {
 public:
  virtual ~MessageStream() = default;

  virtual void SetHandlers(MessageStreamHandlers<In> handlers) = 0;
  // Queues `message`; dropped when the stream has closed.
  virtual void Send(const Out& message) = 0;
  // Bytes queued and not yet taken by the network.
  virtual std::size_t pending_bytes() const = 0;
  // Sends what is queued, then closes both directions.
  virtual void Close(const Status& status) = 0;
};

}  // namespace troupe::raylet
