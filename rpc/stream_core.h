// StreamCore: the queues and the life of one end of a stream, without gRPC. Stream<In, Out> is its typed face.
#pragma once

#include <google/protobuf/message_lite.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "rpc/loop_gate.h"

namespace troupe::rpc {

// StreamHandlers of a type that is known only to the Stream.
struct RawStreamHandlers {
  std::function<void(google::protobuf::MessageLite&)> on_message;
  std::function<void(Status)> on_closed;
  std::function<void()> on_drained;
};

// What a StreamCore needs from gRPC. Completions come back through the core's On… functions, from any thread, possibly
// within the call that starts the operation. Nothing is called after Release(), which is the last.
class StreamTransport {
 public:
  virtual void StartRead() = 0;
  // `more` promises that another write follows, so that both may share a packet.
  virtual void StartWrite(std::string message, bool more) = 0;
  // Client: no more writes. Called at most once, with no write under way. A server's does nothing.
  virtual void StartWritesDone() = 0;
  // Makes every operation under way fail soon.
  virtual void Abort() = 0;
  // Server: ends the stream with `status`. Client: lets gRPC end it, `status` is unused. No write is under way.
  virtual void Release(Status status) = 0;

 protected:
  ~StreamTransport() = default;
};

// Thread-safe. Handlers run on the gate's loop, one batch of messages per post; the next read starts only while the
// messages not yet handled are few, so a slow loop slows the peer instead of filling memory.
class StreamCore : public std::enable_shared_from_this<StreamCore> {
 public:
  enum class Side { kClient, kServer };
  struct Options {
    Side side = Side::kClient;
    std::string peer;
    std::size_t max_message_bytes = 0;
    const google::protobuf::MessageLite* prototype = nullptr;  // of the messages that arrive; static lifetime
    std::shared_ptr<LoopGate> gate;
  };
  // At most this many messages wait for the loop (bytes: and one message), and as many are in the loop's hands.
  static constexpr std::size_t kMaxInboxMessages = 256;
  static constexpr std::size_t kMaxInboxBytes = 1u << 20;

  // `transport` must stay valid until Release() has been called on it.
  StreamCore(Options options, StreamTransport* transport) : options_(std::move(options)), transport_(transport) {}

  // For Stream; see there.
  void Send(std::string message);
  void SetHandlers(RawStreamHandlers handlers);
  void Close(Status status);
  void Cancel(Status status);
  void Abandon();
  // Abandon() and Cancel(): for a server or client that goes.
  void Shutdown(Status status);
  std::size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  const std::string& peer() const { return options_.peer; }

  // For the transport. StartReading() once, when messages may be delivered.
  const google::protobuf::MessageLite& prototype() const { return *options_.prototype; }
  void StartReading();
  void OnRead(std::unique_ptr<google::protobuf::MessageLite> message, std::size_t bytes);
  void OnReadEnd();
  void OnWritten(bool ok);
  // The peer cancelled, or is gone (servers only: a client learns it from OnReadEnd).
  void OnPeerGone(Status status);
  // After Release(), everything is over: `status` is what gRPC says about it.
  void OnDone(Status status);

 private:
  using Lock = std::unique_lock<std::mutex>;

  // Starts everything that may be started now. The lock is released and taken again.
  void Pump(Lock& lock);
  bool PumpOne(Lock& lock);
  bool ReadyToRead() const;
  bool ReadyToEndWrites() const;
  bool ReadyToRelease() const;
  template <class Call>
  void CallTransport(Lock& lock, Call call);
  void EndNow(Status status, Lock& lock);
  void DropOutbox();

  void PostDrain();
  void Drain();
  void DeliverClosed();
  std::shared_ptr<const RawStreamHandlers> LiveHandlers();

  const Options options_;
  StreamTransport* const transport_;
  std::atomic<std::size_t> pending_bytes_{0};

  std::mutex mutex_;  // guards all below; never held while a handler or the transport runs
  std::shared_ptr<const RawStreamHandlers> handlers_;
  std::deque<std::string> outbox_;
  std::size_t writing_bytes_ = 0;
  std::vector<std::unique_ptr<google::protobuf::MessageLite>> inbox_;
  std::size_t inbox_bytes_ = 0;
  std::optional<Status> end_;   // why this end closes
  std::optional<Status> done_;  // what on_closed gets, once gRPC has let go
  int calls_ = 0;               // threads inside transport_
  bool started_ = false;        // reads may begin
  bool reading_ = false;
  bool read_ended_ = false;
  bool writing_ = false;
  bool write_failed_ = false;
  bool writes_ended_ = false;
  bool abort_wanted_ = false;
  bool aborted_ = false;
  bool released_ = false;
  bool ended_by_peer_ = false;
  bool deliver_ = true;  // messages still reach on_message
  bool closed_ = false;  // on_closed has run, or never will
  bool drain_posted_ = false;
  bool drained_ = false;  // on_drained is due
};

}  // namespace troupe::rpc
