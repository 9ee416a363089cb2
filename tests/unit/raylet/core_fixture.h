// A whole raylet's core over fakes: the head, other nodes, clients and processes say and hear what a test wants.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/manual_event_loop.h"
#include "fakes.h"
#include "object_store/segment_memory.h"
#include "raylet/convert.h"
#include "raylet/core.h"
#include "rpc/turn_batch.h"

namespace troupe::raylet {

// One end of a stream, whose other end is the test.
template <class In, class Out>
class FakeStream : public MessageStream<In, Out> {
 public:
  struct State {
    MessageStreamHandlers<In> handlers;
    std::vector<Out> sent;
    bool closed = false;
    const bool* stalled = nullptr;  // it takes nothing
  };

  explicit FakeStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~FakeStream() override { state_->handlers = {}; }
  void SetHandlers(MessageStreamHandlers<In> handlers) override { state_->handlers = std::move(handlers); }
  void Send(const Out& message) override { state_->sent.push_back(message); }
  std::size_t pending_bytes() const override { return state_->stalled && *state_->stalled ? 1 : 0; }
  void Close(const Status&) override { state_->closed = true; }

 private:
  const std::shared_ptr<State> state_;
};

class FakeHeadTransport : public HeadTransport {
 public:
  using Stream = FakeStream<pb::HeadToNode, pb::NodeToHead>;

  std::unique_ptr<HeadStream> OpenStream(MessageStreamHandlers<pb::HeadToNode> handlers) override {
    stream = std::make_shared<Stream::State>();
    stream->handlers = std::move(handlers);
    return std::make_unique<Stream>(stream);
  }
  std::string target() const override { return "head:1"; }
  void RegisterJob(const pb::RegisterJobRequest& request, Done<pb::RegisterJobReply> done) override {
    jobs.emplace_back(request, std::move(done));
  }
  void FinishJob(const pb::FinishJobRequest& request, Done<pb::Done> done) override {
    finished.emplace_back(request, std::move(done));
  }
  void GetActor(const pb::FindActor& request, Done<pb::ActorReply>) override { asked.push_back(request); }
  void KillActor(const pb::KillActorRequest& request, Done<pb::ActorReply>) override { killed.push_back(request); }
  void ListActors(const pb::ListActorsRequest& request, Done<pb::ListActorsReply>) override {
    listed.push_back(request);
  }

  // What the head has been told on the stream that is open now.
  std::vector<pb::NodeToHead> Told(pb::NodeToHead::BodyCase kind) const {
    std::vector<pb::NodeToHead> told;
    for (const pb::NodeToHead& batch : stream->sent) {
      rpc::ForEach(batch, [&](const pb::NodeToHead& message) {
        if (message.body_case() == kind) told.push_back(message);
      });
    }
    return told;
  }

  std::shared_ptr<Stream::State> stream;
  std::vector<std::pair<pb::RegisterJobRequest, Done<pb::RegisterJobReply>>> jobs;
  std::vector<std::pair<pb::FinishJobRequest, Done<pb::Done>>> finished;
  std::vector<pb::FindActor> asked;
  std::vector<pb::KillActorRequest> killed;
  std::vector<pb::ListActorsRequest> listed;
};

class FakePeerTransport : public PeerTransport {
 public:
  using Stream = FakeStream<pb::PeerMessage, pb::PeerMessage>;

  std::shared_ptr<PeerStream> Open(NodeId node, const std::string&) override {
    streams[node] = std::make_shared<Stream::State>();
    streams[node]->stalled = &stalled;
    return std::make_shared<Stream>(streams[node]);
  }
  void Forget(NodeId node) override { forgotten.insert(node); }

  // All that the node has been sent, as one message.
  pb::PeerMessage Sent(NodeId node) const {
    pb::PeerMessage all;
    for (const pb::PeerMessage& message : streams.at(node)->sent) all.MergeFrom(message);
    return all;
  }

  std::map<NodeId, std::shared_ptr<Stream::State>> streams;
  std::set<NodeId> forgotten;
  bool stalled = false;
};

class FakeDrivers : public SubmittedDrivers {
 public:
  void Run(const pb::RunDriver& command) override { run.push_back(command); }
  void Stop(const pb::StopDriver& command) override { stopped.push_back(command); }

  std::vector<pb::RunDriver> run;
  std::vector<pb::StopDriver> stopped;
};

class FakeLogs : public LogPort {
 public:
  void Watch(ProcessId worker) override { watched.insert(worker); }
  void Flush(ProcessId worker) override { flushed.push_back(worker); }
  void Unwatch(ProcessId worker, std::function<void()> done) override {
    watched.erase(worker);
    done();
  }
  void Read(const pb::ReadLogRequest& request, std::function<void(pb::LogChunk)> reply) override {
    read.push_back(request);
    reply(pb::LogChunk());
  }

  std::set<ProcessId> watched;
  std::vector<ProcessId> flushed;
  std::vector<pb::ReadLogRequest> read;
};

class FakePacker : public ProgramPacker {
 public:
  void Package(const pb::Program& program, std::function<void(Result<std::string>)>) override {
    packed.push_back(program);
  }
  std::vector<pb::Program> packed;
};

class CoreTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kJob = 1;

  CoreTest() {
    core_.Start({});
    loop_.RunPosted();
    pb::HeadToNode welcome;
    welcome.mutable_welcome()->set_cluster(ClusterId{5, 5}.Bytes());
    welcome.mutable_welcome()->set_lease_ms(1'000'000);
    *welcome.mutable_welcome()->add_nodes() = Node(self_, {{"CPU", 4}});
    *welcome.mutable_welcome()->add_nodes() = Node(peer_, {{"CPU", 4}});
    FromHead(welcome);
    AddClient(driver_, pb::WorkerInfo::DRIVER);
    AddClient(worker_, pb::WorkerInfo::WORKER);
    pb::HeadToNode update;
    update.mutable_job_update()->mutable_job()->set_id(kJob);
    update.mutable_job_update()->mutable_job()->set_state(pb::JobInfo::RUNNING);
    FromHead(update);
  }

  ClientInfo AddClient(ProcessId process, pb::WorkerInfo::Kind kind) {
    ClientInfo info;
    info.process = process;
    info.kind = kind;
    info.pid = static_cast<pid_t>(process.value);
    info.job = JobId{kJob};
    info.name_space = "ns";
    info.doorbell = "bell-" + process.Hex();
    clients_.infos[process] = info;
    clients_.connected.insert(process);
    return info;
  }
  void FromHead(const pb::HeadToNode& message) {
    head_.stream->handlers.on_message(message);
    loop_.RunPosted();
  }
  void FromPeer(const pb::PeerMessage& message) {
    peers_.streams.at(peer_)->handlers.on_message(message);
    loop_.RunPosted();
  }
  Status FromClient(ProcessId client, const pb::ClientToRaylet& message) {
    const Status status = core_.client_handler().OnMessage(clients_.infos.at(client), message);
    loop_.RunPosted();
    return status;
  }
  std::vector<pb::RayletToClient> Replies(ProcessId client, std::uint64_t request) const {
    std::vector<pb::RayletToClient> replies;
    for (const auto& [to, message] : clients_.sent) {
      if (to == client && message.request_id() == request) replies.push_back(message);
    }
    return replies;
  }
  static std::unique_ptr<store::StoreOwner> OpenStore() {
    store::StoreOptions options;
    options.name_prefix = "troupe-test-" + ProcessId::Random().Hex();
    options.capacity = 1 << 20;
    return std::move(store::StoreOwner::Open(options)).value();
  }

  static NodeIdentity Identity(NodeId node) {
    NodeIdentity identity;
    identity.node = node;
    return identity;
  }

  const NodeId self_{0, 1};
  const NodeId peer_{0, 2};
  const ProcessId driver_{21};
  const ProcessId worker_{22};
  ManualEventLoop loop_;
  std::unique_ptr<store::StoreOwner> store_ = OpenStore();
  FakeRegions regions_;
  FakeHeadTransport head_;
  FakePeerTransport peers_;
  FakeClients clients_;
  FakeWorkers workers_;
  FakeDriverProcesses processes_;
  FakeDrivers drivers_;
  FakeLogs logs_;
  FakePacker packer_;
  FakeTransfers transfers_;
  std::vector<Status> refused_;
  std::vector<std::string> shut_down_;
  RayletCore core_{
      {.identity = Identity(self_), .resources = Amounts({{"CPU", 4}}), .labels = {}, .channel_prefix = "ch-"},
      {loop_, *store_, regions_, head_, peers_, clients_, workers_, processes_, drivers_, logs_, packer_, transfers_},
      {.publish_lease = [](MonotonicTime) {},
       .on_welcome = [](const pb::Welcome&) {},
       .on_refused = [this](const Status& why) { refused_.push_back(why); },
       .on_shutdown = [this](const std::string& reason) { shut_down_.push_back(reason); }}};
};

}  // namespace troupe::raylet
