#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/manual_event_loop.h"
#include "eventually.h"
#include "loop_thread.h"
#include "rpc/call_registry.h"
#include "rpc/loop_gate.h"
#include "rpc/stream_core.h"

namespace troupe::rpc {
namespace {

using Text = google::protobuf::StringValue;

std::unique_ptr<Text> MakeText(const std::string& value) {
  auto text = std::make_unique<Text>();
  text->set_value(value);
  return text;
}

// Records what a StreamCore starts, and completes nothing by itself.
class FakeTransport final : public StreamTransport {
 public:
  void StartRead() override { ++reads; }
  void StartWrite(std::string message, bool more) override { writes.emplace_back(std::move(message), more); }
  void StartWritesDone() override { ++writes_done; }
  void Abort() override { ++aborts; }
  void Release(Status status) override { released.push_back(std::move(status)); }

  int reads = 0;
  std::vector<std::pair<std::string, bool>> writes;
  int writes_done = 0;
  int aborts = 0;
  std::vector<Status> released;
};

class StreamCoreTest : public testing::Test {
 protected:
  StreamCoreTest() { Use(StreamCore::Side::kServer); }

  void Use(StreamCore::Side side) {
    StreamCore::Options options;
    options.side = side;
    options.peer = "peer";
    options.max_message_bytes = 100;
    options.prototype = &Text::default_instance();
    options.gate = gate_;
    core_ = std::make_shared<StreamCore>(std::move(options), &transport_);
    core_->SetHandlers(
        {[this](google::protobuf::MessageLite& message) { messages_.push_back(static_cast<Text&>(message).value()); },
         [this](const Status& status) { closed_.push_back(status); }, nullptr});
  }

  ManualEventLoop loop_;
  std::shared_ptr<LoopGate> gate_ = std::make_shared<LoopGate>(loop_);
  FakeTransport transport_;
  std::shared_ptr<StreamCore> core_;
  std::vector<std::string> messages_;
  std::vector<Status> closed_;
};

TEST_F(StreamCoreTest, WritesOneAtATimeAndHintsAtWhatFollows) {
  core_->Send("a");
  core_->Send("b");
  core_->Send("c");
  ASSERT_EQ(transport_.writes.size(), 1u);
  EXPECT_EQ(core_->pending_bytes(), 3u);
  core_->OnWritten(true);
  core_->OnWritten(true);
  core_->OnWritten(true);
  using Writes = std::vector<std::pair<std::string, bool>>;
  EXPECT_EQ(transport_.writes, (Writes{{"a", false}, {"b", true}, {"c", false}}));
  EXPECT_EQ(core_->pending_bytes(), 0u);
}

TEST_F(StreamCoreTest, StopsReadingWhileTheLoopIsBehind) {
  core_->StartReading();
  int read = 0;
  while (transport_.reads > read) {
    ++read;
    core_->OnRead(MakeText(std::to_string(read)), 1);
    ASSERT_LT(read, 10'000);
  }
  EXPECT_EQ(read, static_cast<int>(StreamCore::kMaxInboxMessages));
  loop_.RunPosted();
  EXPECT_EQ(messages_.size(), StreamCore::kMaxInboxMessages);
  EXPECT_EQ(transport_.reads, read + 1);
}

TEST_F(StreamCoreTest, ReadsOneMessageLargerThanTheWholeWindow) {
  core_->StartReading();
  core_->OnRead(MakeText("large"), 10 * StreamCore::kMaxInboxBytes);
  EXPECT_EQ(transport_.reads, 1);
  loop_.RunPosted();
  EXPECT_EQ(transport_.reads, 2);
}

TEST_F(StreamCoreTest, ServerFinishesOnlyAfterItsQueueAndItsWrite) {
  core_->Send("a");
  core_->Send("b");
  core_->Close(NotFound("n"));
  core_->OnWritten(true);
  EXPECT_TRUE(transport_.released.empty());
  core_->OnWritten(true);
  EXPECT_EQ(transport_.released, std::vector<Status>{NotFound("n")});
  core_->OnDone(OkStatus());
  loop_.RunPosted();
  EXPECT_EQ(closed_, std::vector<Status>{NotFound("n")});
}

TEST_F(StreamCoreTest, ServerAbortsOnlyAWriteThatStandsInTheWay) {
  core_->Send("a");
  core_->Send("b");
  core_->Cancel(Cancelled("c"));
  EXPECT_EQ(transport_.aborts, 1);
  EXPECT_TRUE(transport_.released.empty());
  core_->OnWritten(false);
  EXPECT_EQ(transport_.writes.size(), 1u);
  EXPECT_EQ(transport_.released, std::vector<Status>{Cancelled("c")});
  EXPECT_EQ(core_->pending_bytes(), 0u);
}

TEST_F(StreamCoreTest, ServerThatSeesACancelAfterAnEndReportsTheCancel) {
  core_->StartReading();
  core_->OnRead(MakeText("last"), 4);
  core_->OnReadEnd();
  core_->OnPeerGone(Cancelled("gone"));
  core_->OnDone(OkStatus());
  loop_.RunPosted();
  EXPECT_EQ(messages_, std::vector<std::string>{"last"}) << "delivered before the end";
  EXPECT_EQ(closed_, std::vector<Status>{Cancelled("gone")});
}

TEST_F(StreamCoreTest, ClientEndsItsWritesOnceAndReadsOnForTheStatus) {
  Use(StreamCore::Side::kClient);
  core_->StartReading();
  core_->Send("a");
  core_->Close(OkStatus());
  core_->Send("dropped");
  EXPECT_EQ(transport_.writes_done, 0);
  core_->OnWritten(true);
  EXPECT_EQ(transport_.writes_done, 1);
  core_->OnRead(MakeText("dropped"), 7);
  core_->OnReadEnd();
  EXPECT_EQ(transport_.reads, 2);
  EXPECT_EQ(transport_.released.size(), 1u);
  core_->OnDone(NotFound("the server's last word"));
  loop_.RunPosted();
  EXPECT_TRUE(messages_.empty());
  EXPECT_EQ(closed_, std::vector<Status>{NotFound("the server's last word")});
}

TEST_F(StreamCoreTest, ClientReleasesOnlyAfterItsLastWrite) {
  Use(StreamCore::Side::kClient);
  core_->StartReading();
  core_->Send("a");
  core_->OnReadEnd();
  EXPECT_TRUE(transport_.released.empty());
  core_->OnWritten(false);
  EXPECT_EQ(transport_.released.size(), 1u);
  core_->Send("b");
  EXPECT_EQ(transport_.writes.size(), 1u);
}

TEST_F(StreamCoreTest, ClientThatCancelsWithAFullInboxStillReadsToTheEnd) {
  Use(StreamCore::Side::kClient);
  core_->StartReading();
  for (std::size_t i = 0; i < StreamCore::kMaxInboxMessages; ++i) core_->OnRead(MakeText("x"), 1);
  const int reads = transport_.reads;
  core_->Shutdown(Cancelled("c"));
  EXPECT_EQ(transport_.aborts, 1);
  EXPECT_EQ(transport_.reads, reads + 1);
  core_->OnReadEnd();
  EXPECT_EQ(transport_.released.size(), 1u);
  core_->OnDone(OkStatus());
  loop_.RunPosted();
  EXPECT_TRUE(messages_.empty());
  EXPECT_TRUE(closed_.empty());
}

TEST_F(StreamCoreTest, RefusesMessagesItCannotSendOrRead) {
  core_->Send(std::string(101, 'x'));
  ASSERT_EQ(transport_.released.size(), 1u);
  EXPECT_EQ(transport_.released[0].code(), StatusCode::kResourceExhausted);
  transport_ = {};
  Use(StreamCore::Side::kServer);
  core_->StartReading();
  core_->OnRead(nullptr, 5);
  ASSERT_EQ(transport_.released.size(), 1u);
  EXPECT_EQ(transport_.released[0].code(), StatusCode::kInvalidArgument);
}

TEST_F(StreamCoreTest, DeliversNothingAfterAHandlerLetGo) {
  core_->StartReading();
  core_->SetHandlers({[this](google::protobuf::MessageLite&) {
                        messages_.push_back("one");
                        core_->Abandon();
                      },
                      [this](const Status& status) { closed_.push_back(status); }, nullptr});
  core_->OnRead(MakeText("x"), 1);
  core_->OnRead(MakeText("y"), 1);
  loop_.RunPosted();
  core_->OnDone(OkStatus());
  loop_.RunPosted();
  EXPECT_EQ(messages_.size(), 1u);
  EXPECT_TRUE(closed_.empty());
}

// Completes everything from threads of its own, as gRPC does: what one end writes, the other reads.
class Pipe {
 public:
  class End final : public StreamTransport {
   public:
    End(Pipe& pipe, End*& other) : pipe_(pipe), other_(other) {}
    void StartRead() override {
      pipe_.Run([this] {
        reading_ = true;
        TryRead();
      });
    }
    void StartWrite(std::string message, bool) override {
      pipe_.Run([this, message = std::move(message)] {
        const bool ok = !aborted_ && !other_->aborted_ && !other_->released_;
        if (ok) {
          other_->arrived_.push_back(message);
          other_->TryRead();
        }
        core->OnWritten(ok);
      });
    }
    void StartWritesDone() override {
      pipe_.Run([this] {
        other_->ended_ = true;
        other_->TryRead();
      });
    }
    void Abort() override {
      pipe_.Run([this] {
        aborted_ = true;
        other_->ended_ = true;
        other_->TryRead();
        TryRead();
      });
    }
    void Release(Status) override {
      pipe_.Run([this] {
        released_ = true;
        other_->ended_ = true;
        other_->TryRead();
        if (reading_) {
          reading_ = false;
          core->OnReadEnd();
        }
        core->OnDone(OkStatus());
        done = true;
      });
    }
    std::shared_ptr<StreamCore> core;
    std::atomic<bool> done{false};

   private:
    void TryRead() {
      if (!reading_ || released_) return;
      if (!arrived_.empty() && !aborted_) {
        auto message = MakeText(arrived_.front());
        arrived_.pop_front();
        reading_ = false;
        core->OnRead(std::move(message), 1);
      } else if (ended_ || aborted_) {
        reading_ = false;
        core->OnReadEnd();
      }
    }

    // The pipe's thread only.
    Pipe& pipe_;
    End*& other_;
    std::deque<std::string> arrived_;
    bool reading_ = false;
    bool ended_ = false;
    bool aborted_ = false;
    bool released_ = false;
  };

  Pipe() : left(*this, right_pointer_), right(*this, left_pointer_) {}

  End left;
  End right;

 private:
  void Run(std::function<void()> work) { thread_.loop().Post(std::move(work)); }

  End* left_pointer_ = &left;
  End* right_pointer_ = &right;
  LoopThread thread_;
};

std::shared_ptr<StreamCore> MakeEnd(StreamCore::Side side, Pipe::End* transport, LoopThread& loop) {
  StreamCore::Options options;
  options.side = side;
  options.max_message_bytes = 100;
  options.prototype = &Text::default_instance();
  options.gate = std::make_shared<LoopGate>(loop.loop());
  transport->core = std::make_shared<StreamCore>(std::move(options), transport);
  return transport->core;
}

TEST(StreamCoreThreadsTest, CarriesEverythingInOrderAndClosesBothEnds) {
  LoopThread client_loop;
  LoopThread server_loop;
  Pipe pipe;
  auto client = MakeEnd(StreamCore::Side::kClient, &pipe.left, client_loop);
  auto server = MakeEnd(StreamCore::Side::kServer, &pipe.right, server_loop);
  constexpr int kMessages = 20'000;
  int next = 0;
  bool in_order = true;
  Eventually<bool> client_closed;
  Eventually<bool> server_closed;
  server->SetHandlers(
      {[&](google::protobuf::MessageLite& message) { server->Send(static_cast<Text&>(message).value()); },
       [&](const Status&) { server_closed.Set(true); }, nullptr});
  client->SetHandlers({[&](google::protobuf::MessageLite& message) {
                         in_order = in_order && static_cast<Text&>(message).value() == std::to_string(next);
                         if (++next == kMessages) client->Close(OkStatus());
                       },
                       [&](const Status&) { client_closed.Set(true); }, nullptr});
  server->StartReading();
  client->StartReading();
  client_loop.loop().Post([&] {
    for (int i = 0; i < kMessages; ++i) client->Send(std::to_string(i));
  });
  EXPECT_TRUE(client_closed.Get());
  EXPECT_TRUE(server_closed.Get());
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, kMessages);
}

TEST(StreamCoreThreadsTest, EndsWheneverEitherEndLetsGo) {
  LoopThread client_loop;
  LoopThread server_loop;
  for (int round = 0; round < 200; ++round) {
    Pipe pipe;
    auto client = MakeEnd(StreamCore::Side::kClient, &pipe.left, client_loop);
    auto server = MakeEnd(StreamCore::Side::kServer, &pipe.right, server_loop);
    const auto echo = [](StreamCore* core) {
      return RawStreamHandlers{
          [core](google::protobuf::MessageLite& message) { core->Send(static_cast<Text&>(message).value()); }, nullptr,
          nullptr};
    };
    server->SetHandlers(echo(server.get()));
    client->SetHandlers(echo(client.get()));
    server->StartReading();
    client->StartReading();
    for (int i = 0; i < 20; ++i) client->Send("x");
    (round % 2 == 0 ? client : server)->Shutdown(Cancelled("c"));
    (round % 2 == 0 ? server : client)->Shutdown(Cancelled("c"));
    while (!pipe.left.done || !pipe.right.done) std::this_thread::yield();
  }
  client_loop.Sync([] {});
  server_loop.Sync([] {});
}

TEST(LoopGateTest, RunsNothingOnceClosed) {
  ManualEventLoop loop;
  auto gate = std::make_shared<LoopGate>(loop);
  int ran = 0;
  gate->Post([&] { ++ran; });
  loop.RunPosted();
  gate->Post([&] { ++ran; });
  gate->Close();
  gate->Post([&] { ++ran; });
  loop.RunPosted();
  EXPECT_EQ(ran, 1);
}

TEST(LoopGateTest, WaitsForWorkThatIsRunning) {
  LoopThread loop;
  auto gate = std::make_shared<LoopGate>(loop.loop());
  std::promise<void> started;
  int ran = 0;  // not atomic: Close() must order the two accesses
  gate->Post([&] {
    started.set_value();
    std::this_thread::yield();
    ++ran;
  });
  started.get_future().wait();
  gate->Close();
  EXPECT_EQ(ran, 1);
}

TEST(CallRegistryTest, EndsItsCallsAndWaitsUntilTheyAreRemoved) {
  struct Call : ActiveCall {
    void Shutdown(const Status&) override { ended = true; }
    std::atomic<bool> ended{false};
  };
  CallRegistry registry;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    auto call = std::make_shared<Call>();
    ASSERT_TRUE(registry.Add(call));
    threads.emplace_back([&registry, raw = call.get()] {
      while (!raw->ended) std::this_thread::yield();
      registry.Remove(raw);
    });
  }
  registry.Shutdown(Cancelled("c"));
  registry.WaitUntilEmpty();
  EXPECT_FALSE(registry.Add(std::make_shared<Call>()));
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace troupe::rpc
