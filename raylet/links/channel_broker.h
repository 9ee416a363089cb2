// ChannelBroker: brings two clients of this node together over shared memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "proto/client.pb.h"
#include "raylet/ports/client_info.h"
#include "raylet/ports/outbox.h"
#include "raylet/ports/process_observer.h"
#include "raylet/ports/regions.h"
#include "troupe/ids.h"

namespace troupe::raylet {

// One channel per pair of processes, whoever asks first. It is small until one of them asks for a larger one, which
// takes over from it; and it goes when one of them says that it is of no use, or ends. Loop thread.
class ChannelBroker : public ProcessObserver {
 public:
  // Null when there is no such registered client.
  using FindClient = std::function<const ClientInfo*(ProcessId)>;

  // `name_prefix` begins the names of the regions.
  ChannelBroker(std::string name_prefix, Regions& regions, ClientOutbox& clients, FindClient find);
  // Removes every name.
  ~ChannelBroker() override;

  // Answers `request_id` with the channel, and tells the peer of a new one; or with an error: no such process here, no
  // memory for it, or nothing to be larger than. Who asks for a larger one knows that the peer has opened the one they
  // have: its name goes.
  void Open(const ClientInfo& client, std::uint64_t request_id, const pb::OpenChannel& open);

  // Forgets the channel and tells the peer, so that both know what may be lost. A channel that they do not have any
  // more is none: both may find the same one broken.
  void Close(const ClientInfo& client, const pb::CloseChannel& close);

  void OnClientGone(ProcessId client);

  void OnProcessOver(const EndedProcess& process) override {
    if (process.is_local) OnClientGone(process.address.process);
  }

  std::size_t size() const { return channels_.size(); }

 private:
  using Pair = std::pair<ProcessId, ProcessId>;  // the smaller first
  struct Channel {
    std::string region;
    std::string follows;  // the smaller one before it, if any
    ProcessId side_a;
  };

  Status Check(const ClientInfo& client, ProcessId peer) const;
  Result<const Channel*> Make(const ClientInfo& client, const ClientInfo& peer);
  Result<const Channel*> Enlarge(Channel& channel, const std::string& larger_than, const ClientInfo& peer,
                                 const ClientInfo& client);
  Result<const Channel*> Find(const ClientInfo& client, const ClientInfo& peer, const pb::OpenChannel& open);
  void SendOpened(ProcessId to, std::uint64_t request_id, const Channel& channel, const ClientInfo& peer);

  const std::string name_prefix_;
  Regions& regions_;
  ClientOutbox& clients_;
  const FindClient find_;
  std::uint64_t last_ = 0;
  std::map<Pair, Channel> channels_;
};

}  // namespace troupe::raylet
