// ServerSocket: the unix socket on which a raylet listens for the clients of its machine.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/status.h"
#include "ipc/server_connection.h"

namespace troupe::ipc {

// Accepts clients of this user and refuses all others, with a line in the log. Everything happens on the io_context's
// thread; the io_context outlives it.
class ServerSocket : public std::enable_shared_from_this<ServerSocket> {
 public:
  using OnAccept = std::function<void(std::shared_ptr<ServerConnection> connection)>;

  // Listens at `path`, which is made with mode 0600; its folder should be the user's own (0700). A socket file on which
  // nobody listens is replaced. `on_accept` gets each client's connection, to Start(); it must not own this object.
  // AlreadyExists: somebody listens there. InvalidArgument: the path is too long for a socket address. NotFound,
  // PermissionDenied: the folder.
  static Result<std::shared_ptr<ServerSocket>> Listen(boost::asio::io_context& context, const std::string& path,
                                                      OnAccept on_accept);

  // Use Listen().
  ServerSocket(boost::asio::io_context& context, std::string path, OnAccept on_accept);
  // Close()s.
  ~ServerSocket();

  // Accepts no more and removes the socket file. Connections stay. May be called from on_accept.
  void Close();

 private:
  void WaitForClient();
  void AcceptAll();
  void RetryLater(const Status& why);
  void Admit(int fd);

  boost::asio::local::stream_protocol::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  const std::string path_;
  std::shared_ptr<const OnAccept> on_accept_;  // shared so that it may Close() us while it runs
};

}  // namespace troupe::ipc
