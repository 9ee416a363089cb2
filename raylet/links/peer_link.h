// PeerLink: the connection to one other node, which may come and go while the node lives.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "common/event_loop.h"
#include "common/status.h"
#include "proto/node.pb.h"
#include "raylet/ports/peer_transport.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// Queues what is sent while a message is on its way, and sends all of it as one message when that has gone out: batches
// grow with the load and nothing waits for a timer. Loop thread.
class PeerLink {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 256u << 20;  // of frames and output
  static constexpr std::size_t kCongestedBytes = 8u << 20;
  static constexpr std::size_t kOverfullBytes = 64u << 20;
  static constexpr std::size_t kBatchBytes = 1u << 20;  // of one message, unless a single part is larger

  struct Events {
    std::function<void(pb::PeerMessage)> on_message;
    std::function<void(Status)> on_broken;
    std::function<void()> on_free;  // not congested() any more
  };

  PeerLink(NodeId peer, Events events) : peer_(peer), events_(std::move(events)) {}
  ~PeerLink();

  // Uses `stream` from now on, in place of any other. Sets its handlers. `hello`: sent before what is queued.
  void Attach(std::shared_ptr<PeerStream> stream, const pb::PeerMessage* hello);
  bool connected() const { return stream_ != nullptr; }

  // ResourceExhausted when kMaxQueuedBytes wait already; never for what keeps the nodes in step, of which there is
  // little.
  Status Send(pb::PeerMessage part);
  // Who has more to send should wait.
  bool congested() const { return queued_bytes_ > kCongestedBytes; }
  bool overfull() const { return queued_bytes_ > kOverfullBytes; }

 private:
  void Flush();
  void OnClosed(const Status& status);

  const NodeId peer_;
  const Events events_;
  std::shared_ptr<PeerStream> stream_;
  struct Batch {
    pb::PeerMessage message;
    std::size_t bytes = 0;
  };
  std::deque<Batch> queue_;
  std::size_t queued_bytes_ = 0;
};

}  // namespace troupe::raylet
