// WireTap: a stranger on a TCP port of this machine who writes down every byte, and may pass them on.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::rpc {

// An empty HTTP/2 SETTINGS frame: what a server in plain text says first, and all that a client in plain text waits
// for.
inline const std::string kHttp2Greeting{"\0\0\0\4\0\0\0\0\0", 9};

inline int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << port;
  return fd;
}

class WireTap {
 public:
  struct Options {
    int port = 0;               // 0: any free one
    std::string greeting = {};  // said to whoever connects
    int relay_to = 0;           // another port of this machine; 0: nobody hears what the tap hears
  };

  explicit WireTap(Options options) : options_(std::move(options)) {
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    socklen_t size = sizeof address;
    EXPECT_EQ(setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    // The port of a process that was killed is free once the last of its threads has gone, a moment after the first.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    EXPECT_EQ(pipe(stop_.data()), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~WireTap() {
    close(stop_[1]);
    thread_.join();
    close(stop_[0]);
    close(listener_);
  }
  WireTap(const WireTap&) = delete;
  WireTap& operator=(const WireTap&) = delete;

  int port() const { return port_; }
  // All that clients have said, and all that the server behind the tap has.
  std::string heard() {
    std::lock_guard lock(mutex_);
    return heard_;
  }
  std::string answered() {
    std::lock_guard lock(mutex_);
    return answered_;
  }

 private:
  struct End {
    int other = -1;  // where its bytes go
    bool client = true;
  };

  void Run() {
    while (true) {
      std::vector<pollfd> watched = {{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const auto& [fd, end] : ends_) watched.push_back({fd, POLLIN, 0});
      poll(watched.data(), watched.size(), -1);
      if (watched[0].revents != 0) break;
      if (watched[1].revents != 0) Accept();
      for (std::size_t i = 2; i < watched.size(); ++i) {
        if (watched[i].revents != 0 && ends_.count(watched[i].fd) != 0) Read(watched[i].fd);
      }
    }
    for (const auto& [fd, end] : ends_) close(fd);
  }

  void Accept() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    static_cast<void>(send(client, options_.greeting.data(), options_.greeting.size(), MSG_NOSIGNAL));
    const int server = options_.relay_to == 0 ? -1 : ConnectTo(options_.relay_to);
    ends_[client] = {server, true};
    if (server >= 0) ends_[server] = {client, false};
  }

  void Read(int fd) {
    const End end = ends_[fd];
    std::array<char, 65536> bytes;
    const ssize_t size = read(fd, bytes.data(), bytes.size());
    if (size <= 0) {
      for (const int gone : {fd, end.other}) {
        if (gone >= 0 && ends_.erase(gone) != 0) close(gone);
      }
      return;
    }
    {
      std::lock_guard lock(mutex_);
      (end.client ? heard_ : answered_).append(bytes.data(), static_cast<std::size_t>(size));
    }
    for (ssize_t sent = 0; end.other >= 0 && sent < size;) {
      const ssize_t more = send(end.other, bytes.data() + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += more;
    }
  }

  const Options options_;
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::array<int, 2> stop_{};
  int port_ = 0;
  std::map<int, End> ends_;  // of the thread
  std::mutex mutex_;         // guards what follows
  std::string heard_;
  std::string answered_;
  std::thread thread_;
};

}  // namespace troupe::rpc
