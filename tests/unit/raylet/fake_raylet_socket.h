// FakeRayletSocket: what a raylet's client sessions do for its worker pool, over a socket that keeps packets apart.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "raylet/workers/worker_pool.h"

namespace troupe::test {

class FakeRayletSocket {
 public:
  FakeRayletSocket(boost::asio::io_context& context, const std::string& path) : context_(context), listener_(context) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 64) != 0) abort();
    listener_.assign(fd);
    Accept();
  }

  void Serve(raylet::WorkerPool* pool) { pool_ = pool; }

  // Closes what process `pid` has connected.
  void Hangup(pid_t pid) { clients_.erase(pid); }

  int refused() const { return refused_; }

 private:
  struct Client {
    explicit Client(boost::asio::io_context& context) : socket(context) {}
    boost::asio::posix::stream_descriptor socket;
    bool is_template = false;
  };
  static constexpr auto kReadable = boost::asio::posix::stream_descriptor::wait_read;

  void Accept() {
    listener_.async_wait(kReadable, [this](const boost::system::error_code& error) {
      if (error) return;
      const int fd = accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      ucred peer = {};
      socklen_t size = sizeof peer;
      if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        auto& client = clients_[peer.pid];
        client = std::make_unique<Client>(context_);
        client->socket.assign(fd);
        Await(peer.pid);
      }
      Accept();
    });
  }

  void Await(pid_t pid) {
    clients_[pid]->socket.async_wait(kReadable, [this, pid](const boost::system::error_code& error) {
      if (!error) OnReadable(pid);
    });
  }

  void OnReadable(pid_t pid) {
    const auto found = clients_.find(pid);
    if (found == clients_.end()) return;
    char buffer[4096];
    const ssize_t size = recv(found->second->socket.native_handle(), buffer, sizeof buffer, 0);
    pb::ClientToRaylet message;
    if (size > 0 && message.ParseFromArray(buffer, static_cast<int>(size)) && Handle(pid, *found->second, message)) {
      return Await(pid);
    }
    const bool is_template = found->second->is_template;
    clients_.erase(found);
    if (is_template && pool_ != nullptr) pool_->OnTemplateClosed(pid);
  }

  bool Handle(pid_t pid, Client& client, const pb::ClientToRaylet& message) {
    if (pool_ == nullptr) return false;
    if (!message.has_register_()) return pool_->OnTemplateMessage(pid, message).ok();
    const pb::RegisterClient& request = message.register_();
    client.is_template = request.kind() == pb::WorkerInfo::TEMPLATE;
    const Status accepted = client.is_template
                                ? pool_->OnTemplateConnected(pid, request.cookie(),
                                                             [fd = client.socket.native_handle()](const auto& reply) {
                                                               const std::string bytes = reply.SerializeAsString();
                                                               (void)send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                                                             })
                                : pool_->OnRegister({request.process()}, pid, request.cookie()).status();
    if (!accepted.ok()) ++refused_;
    return accepted.ok();
  }

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor listener_;
  std::map<pid_t, std::unique_ptr<Client>> clients_;
  raylet::WorkerPool* pool_ = nullptr;
  int refused_ = 0;
};

}  // namespace troupe::test
