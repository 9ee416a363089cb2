// ChannelSet: the channels of a process to others of its node: how they come, grow and go, and what arrives through
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/outbox.h"
#include "client/peer_channel.h"
#include "client/ring_watch.h"
#include "common/status.h"
#include "proto/client.pb.h"
#include "troupe/ids.h"

namespace troupe::client {

// Channels are made by the raylet at the first frame. They are opened, enlarged and taken apart at the next Drain(),
// when nobody looks at a ring without the mutex, in the order in which the raylet told of them.
class ChannelSet final : public Rings {
 public:
  // What arrives. Functions must not block.
  class Handler {
   public:
    virtual ~Handler() = default;
    // `frame` is valid during the call only.
    virtual void OnFrame(ProcessId from, std::string_view frame, std::uint64_t number) = 0;
    // Nothing sent to `process` arrives any more, and what it sent has been handed out. Of the frames sent to it those
    // after number `reached` were not carried out and never will be.
    virtual void OnProcessGone(ProcessId process, const std::string& reason, std::uint64_t reached) = 0;
    // What was sent to `process` may not have arrived, nor its answers. The next may. Frames after number `reached`
    // have not left this process.
    virtual void OnPathBroken(ProcessId process, const std::string& reason, std::uint64_t reached) = 0;
  };

  // `raylet` and `handler` outlive this. `kick` has Drain() called soon, wherever threads are.
  ChannelSet(Outbox& raylet, Handler& handler, std::function<void()> kick)
      : raylet_(raylet), handler_(handler), kick_(std::move(kick)) {}

  // --- All with the mutex held, but for AnyReadable() --------------------------------------------------------------

  // Queues `frame`; what the ring does not take waits in a backlog. Returns the frame's number.
  std::uint64_t Write(ProcessId process, std::string frame);
  std::size_t Backlog(ProcessId process) const;
  bool AnyBacklog() const;
  // Tells `process` that its frame `number` is carried out now, and all before it were or never will be. It may read
  // that word after this process has been killed.
  void SayBegun(ProcessId process, std::uint64_t number);

  // What the raylet tells: another process has asked for a channel, or one ends.
  void OnOpened(const pb::ChannelOpened& opened);
  void OnClosed(const pb::CloseChannel& closed);
  void OnProcessDied(ProcessId process, const std::string& reason);

  // --- Rings -------------------------------------------------------------------------------------------------------
  void Drain() override;
  void BeforeSleep() override;
  bool AnyReadable() const override;

 private:
  struct Peer {
    std::shared_ptr<PeerChannel> channel = std::make_shared<PeerChannel>();
    std::string name;  // for people
  };
  // What becomes of a channel, until the next Drain().
  struct Change {
    ProcessId process = {};
    std::optional<pb::ChannelOpened> opened = {};  // else it ends:
    std::string reason = {};
    bool gone = false;        // the process, not just the way there
    std::string region = {};  // not empty: only if the channel is this one
  };

  Peer* Find(ProcessId process) const;
  void Open(ProcessId process);
  void AskForLarger(ProcessId process, const PeerChannel& channel);
  void Close(ProcessId process, const std::string& region, const std::string& what);
  void Add(Change change);
  void HandleChanges();
  void HandleOpened(ProcessId process, const pb::ChannelOpened& opened);
  void AwaitEnd(ProcessId process, const std::string& region, const std::string& what);
  void TakeApart(ProcessId process, const std::string& reason, bool gone);
  bool Read(ProcessId process, PeerChannel& channel);

  Outbox& raylet_;
  Handler& handler_;
  const std::function<void()> kick_;
  std::unordered_map<ProcessId, Peer> peers_;
  // One of peers_: what was sought last is mostly what is sought next.
  mutable std::pair<ProcessId, Peer*> last_{};
  // The open ones of peers_. The sleeper looks at their rings without the mutex, and keeps them alive meanwhile.
  std::vector<std::pair<ProcessId, std::shared_ptr<PeerChannel>>> snapshot_;
  bool snapshot_stale_ = true;
  std::vector<Change> changes_;
};

}  // namespace troupe::client
