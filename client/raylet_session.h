// RayletSession: a process's connection to the raylet of its node: requests and their answers, one-way messages, and
// the frames that raylets carry between nodes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "common/status.h"
#include "ipc/client_socket.h"
#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::client {

// How long to wait for a raylet that does not speak; it may be stopped, or starved. One that is silent is asked for a
// sign of life, again after as much silence, and given up after so many questions. The head has given its node up
// earlier.
struct RayletPatience {
  std::chrono::milliseconds registration = std::chrono::seconds(30);
  std::chrono::milliseconds silence = std::chrono::seconds(10);
  int questions = 3;
};

class RayletSession {
 public:
  // What arrives, on the session's thread, with the mutex held where nothing else is said. Functions must not block.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void OnMessage(const pb::RayletToClient& message) = 0;  // that answers no request
    virtual void OnRouted(const Address& from, std::string_view frame) = 0;
    // The raylet is gone for good; requests have been answered with errors.
    virtual void OnLost(const std::string& reason) = 0;
    // After each of these, and after each answer.
    virtual void OnReceived() = 0;
    // What workers of this job print. Without the mutex, as printing may block.
    virtual void OnLogLines(const pb::LogLines& lines) = 0;
    // What was queued for the raylet has gone out. Without the mutex.
    virtual void OnRoom() = 0;
  };
  using Reply = std::function<void(const pb::RayletToClient&)>;

  // `mutex` and `handler` outlive this.
  RayletSession(std::mutex& mutex, Handler& handler, const RayletPatience& patience)
      : mutex_(mutex), handler_(handler), patience_(patience) {}
  ~RayletSession() { Stop(); }

  // Registers with the raylet at `socket_path`. Blocks, but not longer than the patience says: DeadlineExceeded then.
  Result<pb::Registered> Register(const std::string& socket_path, const pb::RegisterClient& hello);
  // Begins to receive, after Register().
  void Listen();
  // Nothing arrives after it. Waits up to a second for what is queued to go out. Without the mutex. Idempotent.
  void Stop();

  // Calls `done` with the raylet's reply. An error is set in it when the raylet refuses, when it is gone, or when the
  // message is too long; `done` is called at once then. With the mutex held.
  void Request(pb::ClientToRaylet message, Reply done);

  // --- Any thread, mutex or not; none blocks. A lost connection shows in OnLost. -----------------------------------

  void Send(const pb::ClientToRaylet& message);
  void SendRouted(const Address& to, std::string_view frame);
  std::size_t queued_bytes() const { return socket_->queued_bytes(); }

 private:
  void ReceiveLoop();
  Result<ipc::Frame> ReceiveOrAsk();
  Status Handle(const ipc::Frame& frame, const pb::RayletToClient* message);
  void Lose(const std::string& reason);

  std::mutex& mutex_;
  Handler& handler_;
  const RayletPatience patience_;
  std::unique_ptr<ipc::ClientSocket> socket_;
  std::thread thread_;
  // Guarded by the mutex.
  bool stop_ = false;
  std::optional<std::string> lost_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::uint64_t, Reply> requests_;
};

}  // namespace troupe::client
