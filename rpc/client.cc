#include "rpc/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/signal_mask.h"
#include "rpc/call_registry.h"
#include "rpc/connect_error.h"
#include "rpc/grpc_convert.h"
#include "rpc/loop_gate.h"
#include "rpc/tls.h"

namespace troupe::rpc {
namespace {

using google::protobuf::MessageLite;

grpc::ChannelArguments ChannelArgs(const ClientOptions& options) {
  const int keepalive = static_cast<int>(options.keepalive.count());
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  args.SetMaxSendMessageSize(-1);  // checked with a better message where messages are made
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3000);  // despite its name, how long one attempt may take
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);     // whether a call may run twice is the caller's decision
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // what a cluster says does not go through $http_proxy
  args.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a client's connection is its own
  return args;
}

struct UnaryCall : public ActiveCall {
  void Shutdown(const Status&) override { context.TryCancel(); }

  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

}  // namespace

struct Client::Core {
  explicit Core(ClientOptions client_options)
      : options(std::move(client_options)),
        gate(options.loop == nullptr ? nullptr : std::make_shared<LoopGate>(*options.loop)),
        cluster_id(options.credentials.cluster_id) {}

  void AddClaims(grpc::ClientContext* context) {
    context->AddMetadata(kProtocolKey, std::to_string(options.credentials.protocol_version));
    context->AddMetadata(kVersionKey, std::string(SoftwareVersion()));
    std::lock_guard lock(mutex);
    if (!cluster_id.empty()) context->AddMetadata(kClusterKey, cluster_id);
  }

  // The server's own words unchanged; gRPC's, in words that name the peer.
  Status Explain(const grpc::ClientContext& context, const grpc::Status& status, const std::string& method) {
    Status plain = FromGrpc(status);
    if (plain.ok() || context.GetServerTrailingMetadata().count(kStatusKey) != 0) {
      proved = true;
      return plain;
    }
    if (!no_key.ok()) return no_key;
    const std::string peer = options.peer_name + " at " + options.target;
    if (plain.code() == StatusCode::kDeadlineExceeded) {
      return DeadlineExceeded("no answer to " + method + " from " + peer + " in time; it may have been executed");
    }
    // CANCELLED that did not come from a handler: the server's gRPC stopped, or cut off what stood in its way.
    if (plain.code() != StatusCode::kUnavailable && plain.code() != StatusCode::kCancelled) {
      return plain.WithContext(method + " of " + peer);
    }
    if (IsConnectError(plain.message())) return ExplainConnectError(peer, plain.message(), proved);
    return Unavailable(plain.message()).WithContext("lost the connection to " + peer + " during " + method);
  }

  Status CheckSize(const std::string& method, std::size_t bytes) const {
    if (bytes <= options.max_message_bytes) return OkStatus();
    return ResourceExhausted("the request of " + method + " has " + std::to_string(bytes) +
                             " bytes, more than the limit of " + std::to_string(options.max_message_bytes) +
                             "; send large data through the object store");
  }

  using Complete = std::function<void(Result<MessagePtr>)>;

  // What became of a call that is over.
  Result<MessagePtr> Outcome(UnaryCall& call, const grpc::Status& status, const std::string& method,
                             const MessageLite& prototype) {
    if (Status explained = Explain(call.context, status, method); !explained.ok()) return explained;
    if (MessagePtr reply = Decode(prototype, call.response)) return reply;
    return Internal("the reply to " + method + " from " + options.target + " is not a valid " +
                    prototype.GetTypeName());
  }

  // `complete` runs once, on one of gRPC's threads or within the call.
  static void StartUnary(const std::shared_ptr<Core>& core, const std::string& method, const MessageLite& request,
                         std::chrono::milliseconds timeout, const MessageLite& prototype, Complete complete);

  const ClientOptions options;
  const std::shared_ptr<LoopGate> gate;
  CallRegistry calls;
  std::atomic<bool> proved = false;  // a server that holds the token has answered
  Status no_key;                     // why there is no cluster key, and so no connection
  // Owned by the Client alone, and let go on its thread: the last one to do so joins gRPC's threads.
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<grpc::GenericStub> stub;

  std::mutex mutex;
  std::string cluster_id;  // guarded by mutex
};

namespace {

// One stream, as its StreamCore sees gRPC.
class StreamCall : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                   public ActiveCall,
                   public StreamTransport {
 public:
  StreamCall(std::shared_ptr<Client::Core> core, std::string method, const MessageLite& prototype)
      : core_(std::move(core)), method_(std::move(method)) {
    StreamCore::Options options;
    options.peer = core_->options.target;
    options.max_message_bytes = core_->options.max_message_bytes;
    options.prototype = &prototype;
    options.gate = core_->gate;
    stream_ = std::make_shared<StreamCore>(std::move(options), this);
  }

  const std::shared_ptr<StreamCore>& stream() const { return stream_; }

  void Start() {
    core_->AddClaims(&context_);
    core_->stub->PrepareBidiStreamingCall(&context_, method_, {}, this);
    AddHold();  // operations start on any thread, until Release()
    StartCall();
    stream_->StartReading();
  }

  void Shutdown(const Status& status) override { stream_->Shutdown(status); }

  void StartRead() override { ClientBidiReactor::StartRead(&incoming_); }
  void StartWrite(std::string message, bool more) override {
    FillBuffer(std::move(message), &outgoing_);
    grpc::WriteOptions options;
    if (more) options.set_buffer_hint();
    ClientBidiReactor::StartWrite(&outgoing_, options);
  }
  void StartWritesDone() override { ClientBidiReactor::StartWritesDone(); }
  void Abort() override { context_.TryCancel(); }
  void Release(Status) override { RemoveHold(); }

  void OnReadDone(bool ok) override {
    if (!ok) return stream_->OnReadEnd();
    core_->proved = true;
    const std::size_t bytes = incoming_.Length();
    auto message = Decode(stream_->prototype(), incoming_);
    incoming_.Clear();
    stream_->OnRead(std::move(message), bytes);
  }
  void OnWriteDone(bool ok) override { stream_->OnWritten(ok); }
  void OnDone(const grpc::Status& status) override {
    stream_->OnDone(core_->Explain(context_, status, method_));
    const auto core = core_;  // outlives this
    core->calls.Remove(this);
  }

 private:
  const std::shared_ptr<Client::Core> core_;
  const std::string method_;
  std::shared_ptr<StreamCore> stream_;
  grpc::ClientContext context_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
};

}  // namespace

void Client::Core::StartUnary(const std::shared_ptr<Core>& core, const std::string& method, const MessageLite& request,
                              std::chrono::milliseconds timeout, const MessageLite& prototype, Complete complete) {
  std::string bytes = request.SerializeAsString();
  if (Status status = core->CheckSize(method, bytes.size()); !status.ok()) return complete(status);
  auto owned = std::make_shared<UnaryCall>();
  UnaryCall* call = owned.get();
  if (!core->calls.Add(std::move(owned))) return complete(Cancelled("the client is closing"));
  core->AddClaims(&call->context);
  call->context.set_deadline(std::chrono::system_clock::now() + timeout);
  FillBuffer(std::move(bytes), &call->request);
  // gRPC starts threads when it pleases.
  const BlockSignals block;
  // The client may go, and the loop with it, as soon as the call is removed: nothing of the caller's is left by then.
  core->stub->UnaryCall(
      &call->context, method, {}, &call->request, &call->response,
      [core, call, method, &prototype, complete = std::move(complete)](const grpc::Status& s) mutable {
        std::exchange(complete, nullptr)(core->Outcome(*call, s, method, prototype));
        core->calls.Remove(call);
      });
}

Client::Client(ClientOptions options) : core_(std::make_shared<Core>(std::move(options))) {
  QuietGrpc();
  const BlockSignals block;
  grpc::ChannelArguments args = ChannelArgs(core_->options);
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // without any, every call fails
  Result<ClusterKey> key = DeriveClusterKey(core_->options.credentials.token);
  if (key.ok()) credentials = ChannelCredentialsFor(*key, &args);
  core_->no_key = key.status();
  core_->channel = grpc::CreateCustomChannel(core_->options.target, credentials, args);
  core_->stub = std::make_unique<grpc::GenericStub>(core_->channel);
}

Client::~Client() {
  if (core_->gate) core_->gate->Close();
  core_->calls.Shutdown(Cancelled("the client is closing"));
  core_->calls.WaitUntilEmpty();
  core_->stub.reset();
  core_->channel.reset();
}

void Client::CallRaw(const std::string& method, const MessageLite& request, std::chrono::milliseconds timeout,
                     const MessageLite& prototype, std::function<void(Result<MessagePtr>)> done) {
  TROUPE_CHECK(core_->gate != nullptr);
  Core::StartUnary(core_, method, request, timeout, prototype,
                   [gate = core_->gate, done = std::move(done)](Result<MessagePtr> reply) mutable {
                     // Shared because what a loop takes must be copyable; `done` is moved because what it holds is the
                     // loop's to let go.
                     auto shared = std::make_shared<Result<MessagePtr>>(std::move(reply));
                     gate->Post([done = std::move(done), shared] { done(std::move(*shared)); });
                   });
}

Result<Client::MessagePtr> Client::CallSyncRaw(const std::string& method, const MessageLite& request,
                                               std::chrono::milliseconds timeout, const MessageLite& prototype) {
  auto reply = std::make_shared<std::promise<Result<MessagePtr>>>();
  auto answered = reply->get_future();
  Core::StartUnary(core_, method, request, timeout, prototype,
                   [reply](Result<MessagePtr> result) { reply->set_value(std::move(result)); });
  return answered.get();
}

std::shared_ptr<StreamCore> Client::OpenRaw(const std::string& method, const MessageLite& prototype,
                                            RawStreamHandlers handlers) {
  TROUPE_CHECK(core_->gate != nullptr);
  auto call = std::make_shared<StreamCall>(core_, method, prototype);
  std::shared_ptr<StreamCore> stream = call->stream();
  stream->SetHandlers(std::move(handlers));
  TROUPE_CHECK(core_->calls.Add(call));  // fails only within the destructor
  call->Start();
  return stream;
}

void Client::SetClusterId(std::string cluster_id) {
  std::lock_guard lock(core_->mutex);
  core_->cluster_id = std::move(cluster_id);
}

const std::string& Client::target() const { return core_->options.target; }

}  // namespace troupe::rpc
