#include <gmock/gmock.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "fixture.h"

namespace troupe::rpc {
namespace {

using testing::HasSubstr;
using StreamPtr = std::shared_ptr<TextStream>;

class StreamTest : public RpcTest {
 protected:
  StreamTest() {
    server_->HandleStream<Text, Text>("/t.T/Echo", [this](StreamPtr stream) {
      EXPECT_TRUE(server_loop_.loop().InLoop());
      ++opened_;
      server_end_ = stream;
      auto* raw = stream.get();
      stream->SetHandlers({.on_message = [raw](const Text& text) { raw->Send(text); },
                           .on_closed = [this](const Status& status) { server_closed_.Set(status); }});
      server_ready_.Set(true);
    });
  }
  ~StreamTest() override {
    client_loop_.Sync([this] { stream_.reset(); });
    server_loop_.Sync([this] { server_end_.reset(); });
  }

  void Open(std::function<void(Text)> on_message = {}) { OpenOn(*client_, "/t.T/Echo", std::move(on_message)); }
  void OpenOn(Client& client, const std::string& method, std::function<void(Text)> on_message = {}) {
    client_loop_.Sync([&] {
      stream_ = client.OpenStream<Text, Text>(
          method, {.on_message = std::move(on_message),
                   .on_closed = [this](const Status& status) { client_closed_.Set(status); }});
    });
  }
  void OnClient(std::function<void()> work) { client_loop_.Sync(std::move(work)); }
  void OnServer(std::function<void()> work) { server_loop_.Sync(std::move(work)); }

  std::atomic<int> opened_{0};
  StreamPtr stream_;      // client's loop only
  StreamPtr server_end_;  // server's loop only
  Eventually<bool> server_ready_;
  Eventually<Status> client_closed_;
  Eventually<Status> server_closed_;
};

TEST_F(StreamTest, CarriesManyMessagesInOrderBothWays) {
  StartServer();
  constexpr int kMessages = 100'000;
  Eventually<bool> all;
  int next = 0;
  bool in_order = true;
  Open([&](const Text& text) {
    in_order = in_order && text.value() == std::to_string(next);
    if (++next == kMessages) all.Set(true);
  });
  OnClient([&] {
    for (int i = 0; i < kMessages; ++i) stream_->Send(MakeText(std::to_string(i)));
  });
  EXPECT_TRUE(all.Get());
  OnClient([&] {
    EXPECT_TRUE(in_order);
    EXPECT_EQ(next, kMessages);
  });
}

TEST_F(StreamTest, DeliversEverythingSentBeforeTheServerClosesWithAStatus) {
  server_->HandleStream<Text, Text>("/t.T/Feed", [](StreamPtr stream) {
    for (int i = 0; i < 5000; ++i) stream->Send(MakeText(std::to_string(i)));
    stream->Close(NotFound("that is all"));
    stream->Send(MakeText("dropped"));
  });
  StartServer();
  std::atomic<int> received{0};
  OpenOn(*client_, "/t.T/Feed", [&](const Text& text) {
    EXPECT_EQ(text.value(), std::to_string(received));
    ++received;
  });
  EXPECT_EQ(client_closed_.Get(), NotFound("that is all"));
  EXPECT_EQ(received, 5000);
}

TEST_F(StreamTest, DeliversEverythingSentBeforeTheClientCloses) {
  std::atomic<int> received{0};
  server_->HandleStream<Text, Text>("/t.T/Sink", [&](StreamPtr stream) {
    server_end_ = stream;
    stream->SetHandlers({.on_message = [&](const Text&) { ++received; },
                         .on_closed = [&](const Status& status) { server_closed_.Set(status); }});
  });
  StartServer();
  OpenOn(*client_, "/t.T/Sink");
  OnClient([&] {
    for (int i = 0; i < 5000; ++i) stream_->Send(MakeText("x"));
    stream_->Close();
    stream_->Send(MakeText("dropped"));
    stream_.reset();  // does not cut off what is queued
  });
  EXPECT_TRUE(server_closed_.Get().ok());
  EXPECT_EQ(received, 5000);
}

TEST_F(StreamTest, ClosesBothEndsWithOkWhenTheClientCloses) {
  StartServer();
  Open();
  OnClient([&] { stream_->Close(); });
  EXPECT_EQ(client_closed_.Get(), OkStatus());
  EXPECT_EQ(server_closed_.Get(), OkStatus());
  EXPECT_EQ(server_closed_.count(), 1u);
}

TEST_F(StreamTest, CancelledClientEndCancelsTheServerEnd) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  OnClient([&] { stream_->Cancel(); });
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kCancelled);
  EXPECT_EQ(server_closed_.Get().code(), StatusCode::kCancelled);
}

TEST_F(StreamTest, ClientEndThatClosesWithAnErrorKeepsItsOwnStatus) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  OnClient([&] { stream_->Close(DataLoss("out of step")); });
  EXPECT_EQ(client_closed_.Get(), DataLoss("out of step"));
  EXPECT_EQ(server_closed_.Get().code(), StatusCode::kCancelled);
}

TEST_F(StreamTest, CancelledServerEndCancelsTheClientEnd) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  OnServer([&] { server_end_->Cancel(); });
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kCancelled);
  EXPECT_EQ(server_closed_.Get().code(), StatusCode::kCancelled);
}

TEST_F(StreamTest, DroppingAnEndCancelsTheOther) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  OnServer([&] { server_end_.reset(); });
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kCancelled);
  EXPECT_EQ(server_closed_.count(), 0u) << "no callback after the owner let go";

  Open();
  ASSERT_EQ(server_ready_.Get(2).size(), 2u);  // one that is cancelled at once may never reach the server
  OnClient([&] { stream_.reset(); });
  EXPECT_EQ(server_closed_.Get().code(), StatusCode::kCancelled);
  OnClient([&] { EXPECT_EQ(client_closed_.count(), 1u); });
}

TEST_F(StreamTest, ReleasesHandlersThatHoldTheirOwnStream) {
  std::weak_ptr<TextStream> watched;
  Eventually<bool> opened;
  server_->HandleStream<Text, Text>("/t.T/Own", [&](StreamPtr stream) {
    watched = stream;
    auto* raw = stream.get();
    raw->SetHandlers({.on_message = [stream](const Text& text) { stream->Send(text); }});
    opened.Set(true);
  });
  StartServer();
  OpenOn(*client_, "/t.T/Own");
  ASSERT_TRUE(opened.Get());
  OnClient([&] { stream_->Close(); });
  EXPECT_TRUE(client_closed_.Get().ok());
  EXPECT_TRUE(server_loop_.Until([&] { return watched.expired(); }));
}

TEST_F(StreamTest, RefusesWrongCredentialsBeforeTheHandler) {
  StartServer();
  Credentials wrong = GoodCredentials();
  wrong.token = "wrong";
  auto client = MakeClient(wrong);
  OpenOn(*client, "/t.T/Echo");
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(opened_, 0);
  OnClient([&] { stream_.reset(); });
}

TEST_F(StreamTest, NamesAnUnknownMethodAndAnUnreachableServer) {
  StartServer();
  OpenOn(*client_, "/t.T/Nothing");
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kUnimplemented);
  server_->Stop();
  Eventually<Status> closed;
  auto client = MakeClient(GoodCredentials());
  StreamPtr stream =
      client->OpenStream<Text, Text>("/t.T/Echo", {.on_closed = [closed](const Status& s) { closed.Set(s); }});
  EXPECT_EQ(closed.Get().code(), StatusCode::kUnavailable);
  EXPECT_THAT(closed.Get().message(), HasSubstr("cannot reach the head at 127.0.0.1:"));
}

TEST_F(StreamTest, EndsOpenStreamsWhenTheServerStops) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  server_->Stop();
  EXPECT_EQ(client_closed_.Get(), Unavailable("the server is stopping; try again later"));
  EXPECT_EQ(server_closed_.count(), 0u) << "no handler runs once the server has stopped";
  OnServer([&] { server_end_->Send(MakeText("harmless")); });
}

TEST_F(StreamTest, StopsWhileMessagesFlowBothWays) {
  StartServer();
  Open([this](const Text& text) {
    if (stream_) stream_->Send(text);
  });
  OnClient([&] {
    for (int i = 0; i < 200; ++i) stream_->Send(MakeText("ping"));
  });
  ASSERT_TRUE(server_ready_.Get());
  server_.reset();
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kUnavailable);
}

TEST_F(StreamTest, ClientMayGoWhileMessagesFlowBothWays) {
  StartServer();
  Open([this](const Text& text) {
    if (stream_) stream_->Send(text);
  });
  OnClient([&] {
    for (int i = 0; i < 200; ++i) stream_->Send(MakeText("ping"));
  });
  ASSERT_TRUE(server_ready_.Get());
  client_.reset();
  EXPECT_EQ(server_closed_.Get().code(), StatusCode::kCancelled);
  EXPECT_EQ(client_closed_.count(), 0u);
  OnClient([&] { stream_->Send(MakeText("harmless")); });
}

TEST_F(StreamTest, SlowReceiverSlowsTheSenderInsteadOfFillingMemory) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  std::promise<void> release;
  server_loop_.loop().Post([&] { release.get_future().wait(); });
  constexpr std::size_t kMessages = 64;
  const Text big = MakeText(std::string(512u << 10, 'x'));
  Eventually<bool> echoed;
  OnClient([&] {
    auto count = std::make_shared<std::size_t>(0);
    stream_->SetHandlers({.on_message = [&echoed, count](const Text&) {
      if (++*count == kMessages) echoed.Set(true);
    }});
    for (std::size_t i = 0; i < kMessages; ++i) stream_->Send(big);
  });
  // Two windows of 1 MiB and one message each, and what gRPC and the kernel buffer, are far below half of all.
  for (int i = 0; i < 100; ++i) OnClient([&] { EXPECT_GT(stream_->pending_bytes(), kMessages * (512u << 10) / 2); });
  release.set_value();
  EXPECT_TRUE(echoed.Get());
  EXPECT_TRUE(client_loop_.Until([&] { return stream_->pending_bytes() == 0; })) << "gRPC says so on another thread";
}

TEST_F(StreamTest, SaysUnavailableWhenTheServerStopsWithAMessageUnderWay) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  std::promise<void> release;
  client_loop_.loop().Post([&] { release.get_future().wait(); });
  constexpr int kMessages = 64;
  // What the client does not read stays with the server, which must cut it off to stop.
  OnServer([&] {
    for (int i = 0; i < kMessages; ++i) server_end_->Send(MakeText(std::string(512u << 10, 'x')));
  });
  OnServer([&] { EXPECT_GT(server_end_->pending_bytes(), 0u); });
  server_->Stop();
  release.set_value();
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kUnavailable) << client_closed_.Get().ToString();
}

TEST_F(StreamTest, TellsWhenEverythingQueuedHasGoneOut) {
  StartServer();
  Open();
  Eventually<bool> drained;
  OnClient([&] {
    stream_->SetHandlers({.on_drained = [this, drained] {
      EXPECT_TRUE(client_loop_.loop().InLoop());
      if (stream_->pending_bytes() == 0) drained.Set(true);
    }});
    for (int i = 0; i < 100; ++i) stream_->Send(MakeText("x"));
  });
  EXPECT_TRUE(drained.Get());
}

TEST_F(StreamTest, EndsAStreamWithAMessageThatIsTooLarge) {
  StartServer();
  Open();
  OnClient([&] { stream_->Send(MakeText(std::string(5u << 20, 'x'))); });
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kResourceExhausted) << "refused by the client's end";
}

TEST_F(StreamTest, EndsAStreamThatBringsTheServerTooLargeAMessage) {
  StartServer();
  Open();
  OnClient([&] { stream_->Send(MakeText(std::string(2u << 20, 'x'))); });
  EXPECT_EQ(client_closed_.Get().code(), StatusCode::kResourceExhausted) << client_closed_.Get().ToString();
}

TEST_F(StreamTest, NamesItsPeers) {
  StartServer();
  Open();
  ASSERT_TRUE(server_ready_.Get());
  OnClient([&] { EXPECT_EQ(stream_->peer(), client_->target()); });
  OnServer([&] { EXPECT_TRUE(server_end_->peer().starts_with("127.0.0.1:")) << server_end_->peer(); });
}

}  // namespace
}  // namespace troupe::rpc
