#include "rpc/unary_echo.h"

#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/method_handler.h>

#include <stdexcept>

namespace troupe::rpc {
namespace {

using Message = google::protobuf::BytesValue;
constexpr const char* kMethod = "/troupe.bench.Echo/Echo";

// What the code generator would write for a service with one unary method.
class EchoService final : public grpc::Service {
 public:
  EchoService() {
    AddMethod(new grpc::internal::RpcServiceMethod(
        kMethod, grpc::internal::RpcMethod::NORMAL_RPC,
        new grpc::internal::RpcMethodHandler<EchoService, Message, Message, google::protobuf::MessageLite,
                                             google::protobuf::MessageLite>(
            [](EchoService*, grpc::ServerContext*, const Message* request, Message* reply) {
              reply->set_value(request->value());
              return grpc::Status::OK;
            },
            this)));
  }
};

}  // namespace

struct UnaryEchoServer::State {
  EchoService service;
  std::unique_ptr<grpc::Server> server;
};

UnaryEchoServer::UnaryEchoServer(const std::string& path) : state_(std::make_unique<State>()) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  builder.RegisterService(&state_->service);
  state_->server = builder.BuildAndStart();
  if (!state_->server) throw std::runtime_error("gRPC cannot listen on " + path);
}

UnaryEchoServer::~UnaryEchoServer() {
  if (state_->server) state_->server->Shutdown();
}

struct UnaryEchoClient::State {
  explicit State(const std::string& path)
      : channel(grpc::CreateChannel("unix:" + path, grpc::InsecureChannelCredentials())),
        method(kMethod, grpc::internal::RpcMethod::NORMAL_RPC, channel) {}

  std::shared_ptr<grpc::Channel> channel;
  grpc::internal::RpcMethod method;
};

UnaryEchoClient::UnaryEchoClient(const std::string& path) : state_(std::make_unique<State>(path)) {}
UnaryEchoClient::~UnaryEchoClient() = default;

bool UnaryEchoClient::Call(const std::string& bytes) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  Message request, reply;
  request.set_value(bytes);
  const grpc::Status status = grpc::internal::BlockingUnaryCall<Message, Message>(state_->channel.get(), state_->method,
                                                                                  &context, request, &reply);
  return status.ok() && reply.value() == bytes;
}

}  // namespace troupe::rpc
