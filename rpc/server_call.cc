#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "rpc/grpc_convert.h"
#include "rpc/server_core.h"
#include "rpc/stream_core.h"

namespace troupe::rpc {
namespace {

using google::protobuf::MessageLite;
using Method = Server::Core::Method;
using CorePtr = std::shared_ptr<Server::Core>;
using Context = grpc::GenericCallbackServerContext;

void MarkStatus(grpc::CallbackServerContext* context, const Status& status) {
  if (!status.ok()) context->AddTrailingMetadata(kStatusKey, "1");
}

std::shared_ptr<internal::CallState> MakeState(const Context& context) {
  auto state = std::make_shared<internal::CallState>();
  state->method = context.method();
  state->peer = PeerAddress(context.peer());
  state->deadline = context.deadline();
  return state;
}

// A call that is turned away before anything of its payload is read.
class RefusedCall : public grpc::ServerGenericBidiReactor {
 public:
  RefusedCall(Context* context, const Status& status) {
    MarkStatus(context, status);
    Finish(ToGrpc(status));
  }
  void OnDone() override { delete this; }
};

// One unary call, from the read of its request to its one reply.
class UnaryCall : public grpc::ServerGenericBidiReactor,
                  public ActiveCall,
                  public std::enable_shared_from_this<UnaryCall> {
 public:
  UnaryCall(CorePtr core, const Method& method, Context* context)
      : core_(std::move(core)), method_(method), context_(context), state_(MakeState(*context)) {}

  void Start() { StartRead(&request_); }

  // Answers the call, unless it has ended by now. Any thread.
  void Reply(Result<std::string> reply) {
    if (reply.ok() && reply->size() > core_->options.max_message_bytes) {
      reply = ResourceExhausted("the reply to " + state_->method + " has " + std::to_string(reply->size()) +
                                " bytes, more than the limit of " + std::to_string(core_->options.max_message_bytes));
    }
    // Whoever sets it finishes; gRPC keeps the call until then, and perhaps no longer.
    if (finished_.exchange(true)) return;
    if (reply.ok()) {
      FillBuffer(*std::move(reply), &response_);
      return StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }
    MarkStatus(context_, reply.status());
    Finish(ToGrpc(reply.status()));
  }

  void Shutdown(const Status& status) override { End(status); }
  void OnCancel() override { End(Cancelled("the caller of " + state_->method + " has gone")); }
  void OnDone() override {
    const CorePtr core = core_;  // outlives this
    core->calls.Remove(this);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Reply(InvalidArgument("a call of " + state_->method + " arrived without a request"));
    std::shared_ptr<MessageLite> request = Decode(*method_.prototype, request_);
    request_.Clear();
    if (!request) {
      return Reply(InvalidArgument("the request of " + state_->method + " is not a valid " +
                                   method_.prototype->GetTypeName() +
                                   "; the two programs may be of different Troupe versions"));
    }
    core_->gate->Post([self = shared_from_this(), request] { self->RunHandler(*request); });
  }

 private:
  // Owned by the handler's reply function.
  class PendingReply {
   public:
    explicit PendingReply(std::shared_ptr<UnaryCall> call) : call_(std::move(call)) {}
    ~PendingReply() {
      if (!replied_) call_->Reply(Internal("the handler of " + call_->state_->method + " dropped the call unanswered"));
    }
    PendingReply(const PendingReply&) = delete;
    PendingReply& operator=(const PendingReply&) = delete;

    void Reply(Result<std::string> reply) {
      TROUPE_CHECK(!replied_.exchange(true));
      call_->Reply(std::move(reply));
    }

   private:
    const std::shared_ptr<UnaryCall> call_;
    std::atomic<bool> replied_{false};
  };

  void RunHandler(MessageLite& request) {
    if (state_->cancelled) return;  // nobody waits any more: better not executed than executed for nobody
    auto pending = std::make_shared<PendingReply>(shared_from_this());
    method_.handler(CallInfo(state_), request,
                    [pending](Result<std::string> reply) { pending->Reply(std::move(reply)); });
  }

  void End(const Status& status) {
    state_->cancelled = true;
    Reply(status);
  }

  const CorePtr core_;
  const Method& method_;
  Context* const context_;
  const std::shared_ptr<internal::CallState> state_;
  std::atomic<bool> finished_{false};
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

// One stream, as its StreamCore sees gRPC.
class StreamCall : public grpc::ServerGenericBidiReactor, public ActiveCall, public StreamTransport {
 public:
  StreamCall(CorePtr core, const Method& method, Context* context)
      : core_(std::move(core)), context_(context), peer_(PeerAddress(context->peer())) {
    StreamCore::Options options;
    options.side = StreamCore::Side::kServer;
    options.peer = peer_;
    options.max_message_bytes = core_->options.max_message_bytes;
    options.prototype = method.prototype;
    options.gate = core_->gate;
    stream_ = std::make_shared<StreamCore>(std::move(options), this);
  }

  void Start(const Method& method) {
    core_->gate->Post([&method, core = core_, stream = stream_] {
      method.open(stream);
      stream->StartReading();
    });
    StartSendInitialMetadata();  // the client learns at once that it was let in
  }

  void Shutdown(const Status& status) override { stream_->Shutdown(status); }

  void StartRead() override { ServerBidiReactor::StartRead(&incoming_); }
  void StartWrite(std::string message, bool more) override {
    FillBuffer(std::move(message), &outgoing_);
    grpc::WriteOptions options;
    if (more) options.set_buffer_hint();
    ServerBidiReactor::StartWrite(&outgoing_, options);
  }
  void StartWritesDone() override {}
  void Abort() override { context_->TryCancel(); }
  void Release(Status status) override {
    MarkStatus(context_, status);
    Finish(ToGrpc(status));
  }

  void OnReadDone(bool ok) override {
    if (!ok) return stream_->OnReadEnd();
    const std::size_t bytes = incoming_.Length();
    auto message = Decode(stream_->prototype(), incoming_);
    incoming_.Clear();
    stream_->OnRead(std::move(message), bytes);
  }
  void OnWriteDone(bool ok) override { stream_->OnWritten(ok); }
  void OnCancel() override {
    stream_->OnPeerGone(Cancelled("the peer at " + peer_ + " cancelled the stream, or is gone"));
  }
  void OnDone() override {
    stream_->OnDone(OkStatus());
    const CorePtr core = core_;  // outlives this
    core->calls.Remove(this);
  }

 private:
  const CorePtr core_;
  Context* const context_;
  const std::string peer_;
  std::shared_ptr<StreamCore> stream_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
};

Status CheckCaller(Server::Core& core, const Context& context) {
  const auto& metadata = context.client_metadata();
  const auto value = [&metadata](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string_view() : std::string_view(found->second.data(), found->second.size());
  };
  return CheckClaims(*core.CurrentCredentials(), {value(kClusterKey), value(kProtocolKey), value(kVersionKey)});
}

}  // namespace

grpc::ServerGenericBidiReactor* ServeCall(const CorePtr& core, Context* context) {
  if (Status status = CheckCaller(*core, *context); !status.ok()) return new RefusedCall(context, status);
  const auto method = core->methods.find(context->method());
  if (method == core->methods.end()) {
    return new RefusedCall(context, Unimplemented("this server has no method " + context->method() +
                                                  "; the two programs may be of different Troupe versions"));
  }
  const Status stopping = Unavailable("the server is stopping; try again later");
  if (method->second.handler) {
    auto call = std::make_shared<UnaryCall>(core, method->second, context);
    if (!core->calls.Add(call)) return new RefusedCall(context, stopping);
    call->Start();
    return call.get();
  }
  auto call = std::make_shared<StreamCall>(core, method->second, context);
  if (!core->calls.Add(call)) return new RefusedCall(context, stopping);
  call->Start(method->second);
  return call.get();
}

}  // namespace troupe::rpc
