#include "rpc/server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/check.h"
#include "rpc/grpc_convert.h"
#include "rpc/server_core.h"
#include "rpc/tls.h"

namespace troupe::rpc {
namespace {

// Past this, calls whose callers do not take their answer are cut off.
constexpr std::chrono::seconds kStopGrace{1};

class Service : public grpc::CallbackGenericService {
 public:
  explicit Service(std::shared_ptr<Server::Core> core) : core_(std::move(core)) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return ServeCall(core_, context);
  }

 private:
  const std::shared_ptr<Server::Core> core_;
};

std::string HostPort(const std::string& host, int port) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
  return (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// gRPC says only that it cannot listen. The same attempt by hand says why.
Status ExplainBindFailure(std::string host, int port) {
  const std::string where = HostPort(host, port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
    return Unavailable("cannot listen on " + where + ": " + gai_strerror(error) + "; correct the host");
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrnoStatus(errno, "cannot listen on " + where);
  const int on = 1;
  // As gRPC does; its failing would only make the explanation less exact.
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  const int error = bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0 ? 0 : errno;
  close(fd);
  if (error == EADDRINUSE) {
    return AlreadyExists("cannot listen on " + where + ": another process uses that port; stop it, or choose another");
  }
  if (error == EACCES)
    return PermissionDenied("cannot listen on " + where + ": not permitted; choose a port above 1023");
  const std::string reason = error == 0 ? "the port was taken for a moment; try again"
                                        : ErrnoStatus(error, "the address cannot be bound").message();
  return Unavailable("cannot listen on " + where + ": " + reason);
}

void Configure(const ServerOptions& options, grpc::ServerBuilder* builder) {
  const int keepalive = static_cast<int>(options.keepalive.count());
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder->SetMaxSendMessageSize(-1);                        // checked with better messages where messages are made
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a port in use is an error, not a port to share
  // Who connects has as long to prove that it belongs to the cluster.
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, keepalive);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4096);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
}

}  // namespace

// In this order, so that gRPC's server is gone before the service that it calls.
struct Server::Listener {
  explicit Listener(std::shared_ptr<Core> core) : service(std::move(core)) {}
  Service service;
  std::unique_ptr<grpc::Server> server;
};

Server::Server(ServerOptions options, EventLoop& loop) : core_(std::make_shared<Core>(std::move(options), loop)) {
  QuietGrpc();
}

Server::~Server() { Stop(); }

void Server::AddUnary(std::string method, const google::protobuf::MessageLite& prototype, RawHandler handler) {
  TROUPE_CHECK(!listener_ && handler);
  TROUPE_CHECK(core_->methods.emplace(std::move(method), Core::Method{&prototype, std::move(handler), {}}).second);
}

void Server::AddStream(std::string method, const google::protobuf::MessageLite& prototype, RawOpen open) {
  TROUPE_CHECK(!listener_ && open);
  TROUPE_CHECK(core_->methods.emplace(std::move(method), Core::Method{&prototype, {}, std::move(open)}).second);
}

Result<int> Server::Start() {
  TROUPE_CHECK(!listener_);
  const ServerOptions& options = core_->options;
  TROUPE_RETURN_IF_ERROR(CheckBind(options.host));
  if (options.credentials.token.empty()) {
    return InvalidArgument("a server needs a cluster token: without one anybody could run code on this machine");
  }
  if (options.port < 0 || options.port > 65535) {
    return InvalidArgument("port " + std::to_string(options.port) + " is not in 0 to 65535");
  }
  TROUPE_ASSIGN_OR_RETURN(const ClusterKey key, DeriveClusterKey(options.credentials.token));
  auto listener = std::make_unique<Listener>(core_);
  grpc::ServerBuilder builder;
  int port = 0;
  Configure(options, &builder);
  builder.RegisterCallbackGenericService(&listener->service);
  builder.AddListeningPort(HostPort(options.host, options.port), ServerCredentialsFor(key), &port);
  listener->server = builder.BuildAndStart();
  if (!listener->server || port == 0) return ExplainBindFailure(options.host, options.port);
  listener_ = std::move(listener);
  return port;
}

void Server::SetClusterId(std::string cluster_id) {
  std::lock_guard lock(core_->mutex);
  Credentials credentials = *core_->credentials;
  credentials.cluster_id = std::move(cluster_id);
  core_->credentials = std::make_shared<const Credentials>(std::move(credentials));
}

void Server::Stop() {
  core_->gate->Close();
  if (!listener_) return;
  // Every call is told before the port closes; gRPC cuts off what has not ended after the grace.
  core_->calls.Shutdown(Unavailable("the server is stopping; try again later"));
  listener_->server->Shutdown(std::chrono::system_clock::now() + kStopGrace);
  core_->calls.WaitUntilEmpty();
  listener_.reset();
}

}  // namespace troupe::rpc
