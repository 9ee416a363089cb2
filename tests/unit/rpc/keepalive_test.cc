#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "fixture.h"

namespace troupe::rpc {
namespace {

// Forwards one TCP connection until it is frozen; then both ends are connected to a peer that says nothing more, as
// after a cut cable.
class FreezableProxy {
 public:
  explicit FreezableProxy(int target_port) : target_port_(target_port) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Forward(); });
  }
  ~FreezableProxy() {
    frozen_ = true;
    thread_.join();
    for (const int fd : {listener_, client_, server_}) close(fd);
  }

  int port() const { return port_; }
  void Freeze() { frozen_ = true; }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void Forward() {
    client_ = accept(listener_, nullptr, nullptr);
    const sockaddr_in address = Loopback(target_port_);
    if (connect(server_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    std::array<pollfd, 2> ends{pollfd{client_, POLLIN, 0}, pollfd{server_, POLLIN, 0}};
    std::array<char, 4096> buffer;
    while (!frozen_) {
      if (poll(ends.data(), ends.size(), 10) <= 0) continue;
      for (int i = 0; i < 2; ++i) {
        if ((ends[i].revents & POLLIN) == 0) continue;
        const ssize_t size = read(ends[i].fd, buffer.data(), buffer.size());
        if (size <= 0 || write(ends[1 - i].fd, buffer.data(), static_cast<std::size_t>(size)) != size) return;
      }
    }
  }

  const int target_port_;
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int server_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client_ = -1;
  int port_ = 0;
  std::atomic<bool> frozen_{false};
  std::thread thread_;
};

class KeepaliveTest : public RpcTest {
 protected:
  // A peer that a busy machine holds up for so long would rightly be given up.
  static constexpr std::chrono::milliseconds kKeepalive{1000};
};

TEST_F(KeepaliveTest, ClosesBothEndsOfAStreamWhosePeerFallsSilent) {
  ServerOptions options;
  options.credentials = GoodCredentials();
  options.keepalive = kKeepalive;
  server_ = std::make_unique<Server>(options, server_loop_.loop());
  std::shared_ptr<TextStream> server_end;
  Eventually<bool> ready;
  Eventually<Status> server_closed;
  Eventually<Status> client_closed;
  server_->HandleStream<Text, Text>("/t.T/S", [&, server_closed, ready](std::shared_ptr<TextStream> stream) {
    server_end = std::move(stream);
    server_end->SetHandlers({.on_closed = [server_closed](const Status& status) { server_closed.Set(status); }});
    ready.Set(true);
  });
  StartServer();
  FreezableProxy proxy(port_);
  port_ = proxy.port();
  ClientOptions client_options = OptionsFor(GoodCredentials());
  client_options.keepalive = kKeepalive;
  Client client(client_options);
  auto stream = client.OpenStream<Text, Text>(
      "/t.T/S", {.on_closed = [client_closed](const Status& status) { client_closed.Set(status); }});
  ASSERT_TRUE(ready.Get());
  // A quiet stream to a live peer outlasts several rounds of pings; this is time that must pass.
  poll(nullptr, 0, 5 * static_cast<int>(kKeepalive.count()));
  EXPECT_EQ(client_closed.count() + server_closed.count(), 0u);
  proxy.Freeze();
  EXPECT_EQ(client_closed.Get().code(), StatusCode::kUnavailable) << client_closed.Get().ToString();
  EXPECT_EQ(server_closed.Get().code(), StatusCode::kCancelled) << server_closed.Get().ToString();
  server_loop_.Sync([&] { server_end.reset(); });
}

}  // namespace
}  // namespace troupe::rpc
