#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "ipc/client_socket.h"
#include "ipc/server_socket.h"
#include "ipc/socket_address.h"

namespace troupe::ipc {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// A server on its own thread whose connections do what the test says.
class SocketTest : public ::testing::Test {
 protected:
  SocketTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "troupe-ipc-XXXXXX").string();
    TROUPE_CHECK(mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    path_ = folder + "/raylet.sock";
  }
  ~SocketTest() override {
    if (thread_.joinable()) {
      boost::asio::post(context_, [this] {
        if (server_) server_->Close();
      });
      work_.reset();
      context_.stop();
      thread_.join();
    }
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Serve(ServerSocket::OnAccept on_accept) {
    auto server = ServerSocket::Listen(context_, path_, std::move(on_accept));
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *server;
    thread_ = std::thread([this] { context_.run(); });
  }

  // Sends each frame back.
  void ServeEcho() {
    Serve([this](std::shared_ptr<ServerConnection> connection) {
      std::weak_ptr<ServerConnection> weak = connection;
      connection->Start({.on_frame =
                             [weak](Frame frame) {
                               if (const auto self = weak.lock()) {
                                 EXPECT_TRUE(self->Send(frame.type, std::move(frame.payload)).ok());
                               }
                             },
                         .on_closed = [this](Status why) { closed_.set_value(std::move(why)); }});
    });
  }

  std::unique_ptr<ClientSocket> Connect() {
    auto client = ClientSocket::Connect(path_, 60s);
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return client.ok() ? *std::move(client) : nullptr;
  }

  Status AwaitClosed() {
    auto future = closed_.get_future();
    if (future.wait_for(60s) != std::future_status::ready) return DeadlineExceeded("on_closed was not called");
    return future.get();
  }

  std::string folder_;
  std::string path_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::shared_ptr<ServerSocket> server_;
  std::promise<Status> closed_;
  std::thread thread_;
};

TEST_F(SocketTest, EchoesFramesOfEverySize) {
  ServeEcho();
  auto client = Connect();
  ASSERT_TRUE(client);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, kMaxFramePayload}) {
    const std::string payload(size, 'p');
    std::thread sender([&] { EXPECT_TRUE(client->Send(9, payload).ok()); });
    auto frame = client->Receive();
    sender.join();
    ASSERT_TRUE(frame.ok()) << frame.status().ToString();
    EXPECT_EQ(frame->type, 9);
    EXPECT_EQ(frame->payload == payload, true) << size;
  }
  EXPECT_EQ(client->Send(1, std::string(kMaxFramePayload + 1, 'x')).code(), StatusCode::kInvalidArgument);
  client.reset();
  EXPECT_EQ(AwaitClosed(), OkStatus());
}

// Whatever the modes of the folder and the socket are.
TEST_F(SocketTest, RefusesAClientOfAnotherUserUnheard) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  ServeEcho();
  std::filesystem::permissions(folder_, std::filesystem::perms::all);
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  const pid_t stranger = fork();
  if (stranger == 0) {
    constexpr uid_t kNobody = 65534;
    if (setresuid(kNobody, kNobody, kNobody) != 0) _exit(10);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = UnixAddress(path_);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) _exit(11);
    char byte = 0;
    _exit(read(fd, &byte, 1) == 0 ? 0 : 12);  // closed without a word
  }
  int status = 0;
  ASSERT_EQ(waitpid(stranger, &status, 0), stranger);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(Connect()) << "its own user is served on";
}

TEST_F(SocketTest, DoesNotTalkToAServerOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::string path = folder_ + "/strange.sock";
  const auto address = UnixAddress(path);
  std::filesystem::permissions(folder_, std::filesystem::perms::all);
  const pid_t stranger = fork();  // the kernel remembers who listens
  if (stranger == 0) {
    constexpr uid_t kNobody = 65534;
    if (setresuid(kNobody, kNobody, kNobody) != 0) _exit(10);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) _exit(11);
    _exit(listen(listener, 1) == 0 ? 0 : 12);
  }
  int status = 0;
  ASSERT_EQ(waitpid(stranger, &status, 0), stranger);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  const auto client = ClientSocket::Connect(path, 1s);
  EXPECT_EQ(client.status().code(), StatusCode::kPermissionDenied) << client.status().ToString();
  EXPECT_THAT(client.status().message(), HasSubstr("belongs to user 65534"));
  close(listener);
}

TEST_F(SocketTest, FramesOfSeveralThreadsDoNotMix) {
  ServeEcho();
  auto client = Connect();
  ASSERT_TRUE(client);
  constexpr int kThreads = 4;
  constexpr int kFrames = 500;
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.emplace_back([&, t] {
      for (int i = 0; i < kFrames; ++i) {
        EXPECT_TRUE(client->Send(static_cast<std::uint16_t>(t), std::string(i * 5, static_cast<char>('a' + t))).ok());
      }
    });
  }
  std::vector<int> next(kThreads);
  for (int i = 0; i < kThreads * kFrames; ++i) {
    auto frame = client->Receive();
    ASSERT_TRUE(frame.ok()) << frame.status().ToString();
    ASSERT_LT(frame->type, kThreads);
    EXPECT_EQ(frame->payload, std::string(next[frame->type]++ * 5, static_cast<char>('a' + frame->type)));
  }
  for (auto& sender : senders) sender.join();
}

TEST_F(SocketTest, SendingNeverWaitsForAServerThatDoesNotRead) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = UnixAddress(path_);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&*address), sizeof *address), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  auto client = Connect();
  ASSERT_TRUE(client);
  int drained = 0;
  client->OnDrained([&] { ++drained; });
  constexpr int kFrames = 100;
  for (int i = 0; i < kFrames; ++i) {
    ASSERT_TRUE(client->Send(1, std::string(100'000, static_cast<char>('a' + i % 26))).ok());
  }
  EXPECT_GT(client->queued_bytes(), 5'000'000U);
  EXPECT_EQ(client->Receive(std::chrono::steady_clock::now()).status().code(), StatusCode::kDeadlineExceeded);

  // What is queued goes out, in order, while somebody receives.
  const int server = accept(listener, nullptr, nullptr);
  std::thread reader([&] {
    FrameDecoder decoder;
    std::vector<char> buffer(64 * 1024);
    for (int i = 0; i < kFrames;) {
      const ssize_t bytes = read(server, buffer.data(), buffer.size());
      ASSERT_GT(bytes, 0);
      decoder.Append({buffer.data(), static_cast<std::size_t>(bytes)});
      for (auto frame = decoder.Next(); frame->has_value(); frame = decoder.Next()) {
        ASSERT_EQ((*frame)->payload, std::string(100'000, static_cast<char>('a' + i++ % 26)));
      }
    }
    close(server);
  });
  EXPECT_EQ(client->Receive().status().code(), StatusCode::kUnavailable);
  reader.join();
  EXPECT_EQ(client->queued_bytes(), 0U);
  EXPECT_EQ(drained, 1);
  close(listener);
}

TEST_F(SocketTest, ReceivingEndsAtItsDeadlineAndGoesOnAfterIt) {
  std::shared_ptr<ServerConnection> connection;
  std::promise<void> accepted;
  Serve([&](std::shared_ptr<ServerConnection> opened) {
    connection = std::move(opened);
    connection->Start({.on_frame = [](Frame) {}, .on_closed = [](Status) {}});
    accepted.set_value();
  });
  auto client = Connect();
  accepted.get_future().wait();
  EXPECT_EQ(client->Receive(std::chrono::steady_clock::now() + 5ms).status().code(), StatusCode::kDeadlineExceeded);
  boost::asio::post(context_, [&] { EXPECT_TRUE(connection->Send(1, "late").ok()); });
  EXPECT_EQ(client->Receive(std::chrono::steady_clock::now() + 60s)->payload, "late");
  std::promise<void> closed;
  boost::asio::post(context_, [&] {
    connection->Close();
    connection.reset();
    closed.set_value();
  });
  closed.get_future().wait();
}

TEST_F(SocketTest, TellsTheServerWhichProcessConnected) {
  std::promise<pid_t> pid;
  Serve([&](std::shared_ptr<ServerConnection> connection) {
    pid.set_value(connection->peer_pid());
    connection->Close();
  });
  auto client = Connect();
  ASSERT_TRUE(client);
  EXPECT_EQ(pid.get_future().get(), getpid());
  EXPECT_EQ(client->Receive().status().code(), StatusCode::kUnavailable);
}

TEST_F(SocketTest, ShutdownEndsAReceiveInAnotherThread) {
  ServeEcho();
  auto client = Connect();
  ASSERT_TRUE(client);
  std::thread receiver([&] { EXPECT_EQ(client->Receive().status().code(), StatusCode::kUnavailable); });
  client->Shutdown();
  receiver.join();
  EXPECT_EQ(client->Send(1, "x").code(), StatusCode::kUnavailable);
  EXPECT_EQ(client->Send(1, "x").code(), StatusCode::kUnavailable);
}

TEST_F(SocketTest, CloseAfterFlushDeliversWhatWasQueued) {
  Serve([](std::shared_ptr<ServerConnection> connection) {
    connection->Start({});
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(connection->Send(1, std::string(20'000, 'q')).ok());
    EXPECT_GT(connection->pending_bytes(), 0u);
    connection->CloseAfterFlush();
    EXPECT_EQ(connection->Send(1, "late").code(), StatusCode::kUnavailable);
  });
  auto client = Connect();
  ASSERT_TRUE(client);
  for (int i = 0; i < 200; ++i) {
    auto frame = client->Receive();
    ASSERT_TRUE(frame.ok()) << frame.status().ToString();
    EXPECT_EQ(frame->payload.size(), 20'000u);
  }
  EXPECT_EQ(client->Receive().status().code(), StatusCode::kUnavailable);
}

TEST_F(SocketTest, RefusesToQueueWithoutBoundForAClientThatDoesNotRead) {
  std::promise<Status> refused;
  Serve([&](std::shared_ptr<ServerConnection> connection) {
    connection->Start({});
    Status status;
    while (status.ok()) status = connection->Send(1, std::string(1024 * 1024, 'q'));
    EXPECT_LE(connection->pending_bytes(), ServerConnection::kMaxPendingBytes);
    refused.set_value(status);
    connection->Close();
  });
  auto client = Connect();
  EXPECT_EQ(refused.get_future().get().code(), StatusCode::kResourceExhausted);
}

// Connects without ClientSocket, to send what it would not.
int RawConnect(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = UnixAddress(path);
  return connect(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof(sockaddr_un)) == 0 ? fd : -1;
}

TEST_F(SocketTest, WhatAClientSaidBeforeItLeftIsHeardThoughItReadsNoMore) {
  std::promise<void> gone;
  std::vector<std::string> heard;
  Serve([&](std::shared_ptr<ServerConnection> connection) {
    gone.get_future().wait();  // of the client: nothing has been read so far
    EXPECT_TRUE(connection->Send(1, "anybody there?").ok());
    connection->Start({.on_frame = [&](const Frame& frame) { heard.push_back(frame.payload); },
                       .on_closed = [this](Status why) { closed_.set_value(std::move(why)); }});
  });
  auto client = Connect();
  for (const char* word : {"last", "words"}) ASSERT_TRUE(client->Send(1, word).ok());
  client.reset();
  gone.set_value();
  EXPECT_TRUE(AwaitClosed().ok());
  EXPECT_EQ(heard, (std::vector<std::string>{"last", "words"}));
}

TEST_F(SocketTest, APausedConnectionTakesNothingUntilItIsResumed) {
  std::shared_ptr<ServerConnection> server_end;
  std::promise<void> first;
  std::vector<std::string> heard;
  Serve([&](std::shared_ptr<ServerConnection> connection) {
    server_end = connection;
    connection->Start({.on_frame =
                           [&](const Frame& frame) {
                             heard.push_back(frame.payload);
                             if (heard.size() > 1) return;
                             server_end->PauseReading();
                             first.set_value();
                           },
                       .on_closed = [this](Status why) { closed_.set_value(std::move(why)); }});
  });
  auto client = Connect();
  for (const char* word : {"one", "two", "three"}) ASSERT_TRUE(client->Send(1, word).ok());
  client.reset();
  first.get_future().wait();
  std::promise<std::size_t> before;
  boost::asio::post(context_, [&] {
    before.set_value(heard.size());
    server_end->ResumeReading();
    server_end->PauseReading();
    server_end->ResumeReading();
    server_end.reset();
  });
  EXPECT_EQ(before.get_future().get(), 1U);
  EXPECT_TRUE(AwaitClosed().ok());
  EXPECT_EQ(heard, (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(SocketTest, ClosesAConnectionThatSendsAnOversizedFrame) {
  ServeEcho();
  const int fd = RawConnect(path_);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, "\xff\xff\xff\xff\x01\x00\x00\x00", 8), 8);
  EXPECT_EQ(AwaitClosed().code(), StatusCode::kInvalidArgument);
  char byte;
  EXPECT_EQ(read(fd, &byte, 1), 0);
  close(fd);
}

TEST_F(SocketTest, SaysDataLossWhenAClientLeavesWithinAFrame) {
  ServeEcho();
  const int fd = RawConnect(path_);
  ASSERT_EQ(write(fd, "\x05\x00\x00\x00\x01\x00\x00\x00half", 10), 10);
  close(fd);
  EXPECT_EQ(AwaitClosed().code(), StatusCode::kDataLoss);
}

TEST_F(SocketTest, SocketFileIsOfThisUserOnlyAndGoesWithTheServer) {
  const mode_t umask_before = umask(0);
  auto server = ServerSocket::Listen(context_, path_, [](auto) {});
  umask(umask_before);
  ASSERT_TRUE(server.ok());
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(ServerSocket::Listen(context_, path_, [](auto) {}).status().code(), StatusCode::kAlreadyExists);
  server->reset();
  EXPECT_NE(stat(path_.c_str(), &info), 0);
}

TEST_F(SocketTest, ReplacesAStaleSocketButNothingElse) {
  const auto address = UnixAddress(path_);
  const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(stale, reinterpret_cast<const sockaddr*>(&*address), sizeof(sockaddr_un)), 0);
  close(stale);
  EXPECT_EQ(ClientSocket::Connect(path_, 0s).status().code(), StatusCode::kUnavailable);
  auto server = ServerSocket::Listen(context_, path_, [](auto) {});
  ASSERT_TRUE(server.ok()) << server.status().ToString();
  EXPECT_TRUE(ClientSocket::Connect(path_, 0s).ok());
  server->reset();

  close(open(path_.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_EQ(ServerSocket::Listen(context_, path_, [](auto) {}).status().code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(SocketTest, PathsThatAreTooLongAreRefusedWithAReason) {
  const std::string path = folder_ + "/" + std::string(120, 'p');
  const Status client = ClientSocket::Connect(path, 0s).status();
  EXPECT_EQ(client.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(client.message(), HasSubstr("107"));
  EXPECT_EQ(ServerSocket::Listen(context_, path, [](auto) {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ServerSocket::Listen(context_, folder_ + "/none/x", [](auto) {}).status().code(), StatusCode::kNotFound);
}

TEST_F(SocketTest, ConnectWaitsForTheServerWithinItsTimeout) {
  EXPECT_EQ(ClientSocket::Connect(path_, 3ms).status().code(), StatusCode::kNotFound);
  std::thread late([&] { EXPECT_TRUE(ClientSocket::Connect(path_, 60s).ok()); });
  ServeEcho();
  late.join();
  EXPECT_EQ(AwaitClosed(), OkStatus());
}

}  // namespace
}  // namespace troupe::ipc
