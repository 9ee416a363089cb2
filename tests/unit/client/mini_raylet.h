// MiniRaylet: the part of a raylet that messengers speak to, over a real socket and real shared memory, on a thread of
// its own. It can be stopped like a process that gets SIGSTOP. What it does with all else the test says.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "ipc/channel.h"
#include "ipc/client_wire.h"
#include "ipc/doorbell.h"
#include "ipc/server_socket.h"
#include "raylet/links/channel_broker.h"
#include "tests/unit/ipc/test_region.h"

namespace troupe::client {

class MiniRaylet final : private raylet::ClientOutbox, private raylet::Regions {
 public:
  static constexpr NodeId kNode{0, 7};

  MiniRaylet() {
    std::string folder = (std::filesystem::temp_directory_path() / "troupe-messenger-XXXXXX").string();
    TROUPE_CHECK(mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    server_ = *ipc::ServerSocket::Listen(
        context_, path(), [this](std::shared_ptr<ipc::ServerConnection> connection) { Accept(std::move(connection)); });
    thread_ = std::thread([this] { context_.run(); });
  }
  ~MiniRaylet() {
    Do([this] {
      server_->Close();
      for (auto& [process, client] : clients_) {
        client.connection->Close();
        ipc::SharedRegion::Unlink(client.info.doorbell);
      }
      broker_.reset();
      work_.reset();
    });
    thread_.join();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/raylet.sock"; }

  // Runs `work` on the raylet's thread.
  void Do(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(context_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Stands still until the object goes.
  class Standstill {
   public:
    explicit Standstill(MiniRaylet& raylet) {
      std::promise<void> stands;
      boost::asio::post(raylet.context_, [&stands, go = go_.get_future().share()] {
        stands.set_value();
        go.wait();
      });
      stands.get_future().wait();
    }
    ~Standstill() { go_.set_value(); }

   private:
    std::promise<void> go_;
  };

  void Tell(ProcessId to, const pb::RayletToClient& message) {
    Do([&] { Send(to, message); });
  }
  // On the raylet's thread.
  void Answer(ProcessId to, std::uint64_t request, pb::RayletToClient reply) {
    reply.set_request_id(request);
    Send(to, reply);
  }

  // Ends all connections.
  void HangUp() {
    Do([this] {
      for (auto& [process, client] : clients_) client.connection->Close();
    });
  }

  void TellGone(ProcessId process) {
    pb::RayletToClient message;
    message.mutable_process_died()->set_process(process.value);
    message.mutable_process_died()->set_reason("killed by signal 9");
    Do([&] {
      ipc::SharedRegion::Unlink(clients_.at(process).info.doorbell);
      clients_.erase(process);
      broker_->OnClientGone(process);
      Broadcast(message);
    });
  }

  // On the raylet's thread, or while it stands still.
  std::map<std::string, std::uint64_t> channels;  // capacity by region
  bool full = false;                              // no memory for channels
  std::atomic<bool> mute{false};                  // answers nothing
  // Takes messages that are not of channels; of requests it may give the answer.
  std::function<std::optional<pb::RayletToClient>(ProcessId from, const pb::ClientToRaylet&)> on_message;
  std::atomic<std::size_t> routed_bytes{0};

 private:
  // As if every frame had been passed on.
  void GiveCredit(ProcessId client, std::string_view payload) {
    pb::RayletToClient message;
    message.mutable_node_credit()->set_node(ipc::DecodeRoutedHeader(payload).value().node.Bytes());
    message.mutable_node_credit()->set_bytes(payload.size() - ipc::kRoutedHeaderBytes);
    Send(client, message);
  }

  struct Client {
    std::shared_ptr<ipc::ServerConnection> connection;
    raylet::ClientInfo info;
  };

  void Accept(std::shared_ptr<ipc::ServerConnection> connection) {
    std::weak_ptr<ipc::ServerConnection> weak = connection;
    auto self = std::make_shared<ProcessId>();
    connection->Start({.on_frame =
                           [this, weak, self](ipc::Frame frame) {
                             if (mute) return;
                             if (frame.type == ipc::kRouted) {
                               routed_bytes += frame.payload.size();
                               GiveCredit(*self, frame.payload);
                               return;
                             }
                             pb::ClientToRaylet message;
                             ASSERT_TRUE(message.ParseFromString(frame.payload));
                             if (message.has_register_()) return Register(weak.lock(), message, self.get());
                             Take(clients_.at(*self).info, message);
                           },
                       .on_closed = [](const Status&) {}});
  }

  void Register(std::shared_ptr<ipc::ServerConnection> connection, const pb::ClientToRaylet& message, ProcessId* self) {
    *self = ProcessId{message.register_().process()};
    Client& client = clients_[*self];
    client.connection = std::move(connection);
    client.info.process = *self;
    client.info.kind = pb::WorkerInfo::WORKER;
    client.info.pid = static_cast<pid_t>(self->value);
    client.info.program = "/bin/hello";
    client.info.doorbell = prefix_.str() + "-bell-" + self->Hex();
    ASSERT_TRUE(ipc::CreateDoorbellRegion(client.info.doorbell).ok());
    pb::RayletToClient reply;
    reply.set_request_id(message.request_id());
    reply.mutable_registered()->set_node(kNode.Bytes());
    reply.mutable_registered()->set_process(self->value);
    reply.mutable_registered()->set_doorbell(client.info.doorbell);
    Send(*self, reply);
  }

  void Take(const raylet::ClientInfo& client, const pb::ClientToRaylet& message) {
    if (message.has_open_channel()) return broker_->Open(client, message.request_id(), message.open_channel());
    if (message.has_close_channel()) return broker_->Close(client, message.close_channel());
    if (message.has_ping()) {
      pb::RayletToClient reply;
      reply.mutable_done();
      return Answer(client.process, message.request_id(), reply);
    }
    if (!on_message) return;
    if (const auto reply = on_message(client.process, message)) Answer(client.process, message.request_id(), *reply);
  }

  bool Connected(ProcessId client) const override { return clients_.contains(client); }
  void Send(ProcessId to, const pb::RayletToClient& message) override {
    if (auto it = clients_.find(to); it != clients_.end()) {
      EXPECT_TRUE(it->second.connection->Send(ipc::kFromRaylet, message.SerializeAsString()).ok());
    }
  }
  Status SendRouted(ProcessId, const Address&, std::string_view) override { return OkStatus(); }
  void Broadcast(const pb::RayletToClient& message) override {
    for (const auto& [process, client] : clients_) Send(process, message);
  }

  Status CreateChannel(const std::string& name, std::uint64_t ring_capacity) override {
    if (full) return ResourceExhausted("shared memory is full");
    channels[name] = ring_capacity;
    return ipc::CreateChannelRegion(name, ring_capacity);
  }
  Status CreateDoorbell(const std::string& name) override { return ipc::CreateDoorbellRegion(name); }
  void Unlink(const std::string& name) override { ipc::SharedRegion::Unlink(name); }

  std::string folder_;
  ipc::TestName prefix_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::map<ProcessId, Client> clients_;
  std::unique_ptr<raylet::ChannelBroker> broker_{new raylet::ChannelBroker(
      prefix_.str() + "-ch-", *this, *this, [this](ProcessId process) -> const raylet::ClientInfo* {
        auto it = clients_.find(process);
        return it == clients_.end() ? nullptr : &it->second.info;
      })};
  std::shared_ptr<ipc::ServerSocket> server_;
  std::thread thread_;
};

}  // namespace troupe::client
