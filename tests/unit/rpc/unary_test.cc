#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "fixture.h"
#include "reserved_port.h"

namespace troupe::rpc {
namespace {

using testing::HasSubstr;
using Reply = std::function<void(Result<Text>)>;

class UnaryTest : public RpcTest {
 protected:
  UnaryTest() {
    server_->Handle<Text, Text>("/t.T/Echo", [this](const CallInfo&, Text request, const Reply& reply) {
      EXPECT_TRUE(server_loop_.loop().InLoop());
      ++handled_;
      reply(std::move(request));
    });
    server_->Handle<Text, Text>("/t.T/Fail", [](const CallInfo&, const Text&, const Reply& reply) {
      reply(NotFound("no actor named 'x'; list them with troupe list"));
    });
    server_->Handle<Text, Text>("/t.T/Drop", [](const CallInfo&, const Text&, const Reply&) {});
    server_->Handle<Text, Text>("/t.T/Hold", [this](const CallInfo& call, const Text&, Reply reply) {
      held_.push_back(std::move(reply));
      calls_.push_back(call);
      arrived_.Set(true);
    });
    server_->Handle<Text, Text>("/t.T/Big", [](const CallInfo&, const Text&, const Reply& reply) {
      reply(MakeText(std::string(2u << 20, 'x')));
    });
  }
  ~UnaryTest() override {
    server_loop_.Sync([this] { held_.clear(); });
  }

  std::atomic<int> handled_{0};
  std::vector<Reply> held_;      // server's loop only
  std::vector<CallInfo> calls_;  // server's loop only
  Eventually<bool> arrived_;
};

TEST_F(UnaryTest, ReturnsTheReplyOnTheClientsLoop) {
  StartServer();
  Eventually<std::string> value;
  client_->Call<Text>("/t.T/Echo", MakeText("hello"), kTimeout, [this, value](Result<Text> reply) {
    EXPECT_TRUE(client_loop_.loop().InLoop());
    value.Set(reply.ok() ? reply->value() : reply.status().ToString());
  });
  EXPECT_EQ(value.Get(), "hello");
  EXPECT_EQ(client_->CallSync<Text>("/t.T/Echo", MakeText("again"), kTimeout).value().value(), "again");
  EXPECT_EQ(client_->CallSync<Text>("/t.T/Echo", Text(), kTimeout).value().value(), "") << "an empty message";
}

TEST_F(UnaryTest, ReturnsTheServersStatusUnchanged) {
  StartServer();
  EXPECT_EQ(CallStatus(*client_, "/t.T/Fail"), NotFound("no actor named 'x'; list them with troupe list"));
}

TEST_F(UnaryTest, ReportsADroppedReplyAsInternal) {
  StartServer();
  const Status status = CallStatus(*client_, "/t.T/Drop");
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("/t.T/Drop"));
}

TEST_F(UnaryTest, NamesAnUnknownMethod) {
  StartServer();
  const Status status = CallStatus(*client_, "/t.T/Nothing");
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("/t.T/Nothing"));
}

TEST_F(UnaryTest, RefusesARequestThatDoesNotDecode) {
  StartServer();
  google::protobuf::BytesValue garbage;
  garbage.set_value("\xff\xff");  // on the wire like a Text, but not UTF-8
  const Result<Text> reply = client_->CallSync<Text>("/t.T/Echo", garbage, kTimeout);
  EXPECT_EQ(reply.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(reply.status().message(), HasSubstr("/t.T/Echo is not a valid google.protobuf.StringValue"));
  EXPECT_EQ(handled_, 0);
}

TEST_F(UnaryTest, ReportsAReplyThatDoesNotDecode) {
  server_->Handle<Text, google::protobuf::BytesValue>(
      "/t.T/Bytes",
      [](const CallInfo&, const Text&, const std::function<void(Result<google::protobuf::BytesValue>)>& r) {
        google::protobuf::BytesValue garbage;
        garbage.set_value("\xff\xff");
        r(garbage);
      });
  StartServer();
  EXPECT_EQ(CallStatus(*client_, "/t.T/Bytes").code(), StatusCode::kInternal);
}

TEST_F(UnaryTest, TimesOutAndTellsTheServer) {
  StartServer();
  // A call that times out before its handler would run is never handled: on a busy machine, more than one is needed.
  for (auto timeout = std::chrono::milliseconds(50); arrived_.count() == 0; timeout *= 2) {
    const Result<Text> reply = client_->CallSync<Text>("/t.T/Hold", MakeText("x"), timeout);
    ASSERT_EQ(reply.status().code(), StatusCode::kDeadlineExceeded);
    EXPECT_THAT(reply.status().message(), HasSubstr("/t.T/Hold from the head at 127.0.0.1:"));
  }
  EXPECT_TRUE(server_loop_.Until([&] { return calls_[0].cancelled() && calls_[0].Remaining().count() < 0; }));
  server_loop_.Sync([&] { held_[0](MakeText("too late, and harmless")); });
}

TEST_F(UnaryTest, TellsTheHandlerWhoCallsAndHowLongTheyWait) {
  StartServer();
  client_->Call<Text>("/t.T/Hold", MakeText("x"), kTimeout, [](const Result<Text>&) {});
  ASSERT_TRUE(arrived_.Get());
  server_loop_.Sync([&] {
    EXPECT_EQ(calls_[0].method(), "/t.T/Hold");
    EXPECT_TRUE(calls_[0].peer().starts_with("127.0.0.1:")) << calls_[0].peer();
    EXPECT_GT(calls_[0].Remaining(), std::chrono::seconds(1));
    EXPECT_LE(calls_[0].Remaining(), kTimeout + std::chrono::seconds(1)) << "gRPC rounds what it sends up";
    EXPECT_FALSE(calls_[0].cancelled());
  });
}

TEST_F(UnaryTest, RefusesWrongCredentialsBeforeTheHandler) {
  StartServer();
  Credentials wrong = GoodCredentials();
  wrong.token = "wrong";
  EXPECT_EQ(CallStatus(*MakeClient(wrong), "/t.T/Echo").code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(CallStatus(*MakeClient(wrong), "/t.T/Nothing").code(), StatusCode::kUnauthenticated)
      << "a stranger does not learn which methods there are";
  wrong = GoodCredentials();
  wrong.protocol_version = kProtocolVersion + 1;
  EXPECT_EQ(CallStatus(*MakeClient(wrong), "/t.T/Echo").code(), StatusCode::kFailedPrecondition);
  wrong = GoodCredentials();
  wrong.cluster_id = "c2";
  EXPECT_EQ(CallStatus(*MakeClient(wrong), "/t.T/Echo").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(handled_, 0);
  EXPECT_TRUE(CallStatus(*client_, "/t.T/Echo").ok());
  EXPECT_EQ(handled_, 1);
}

TEST_F(UnaryTest, LearnsItsClusterLater) {
  StartServer();
  Credentials joining = GoodCredentials();
  joining.cluster_id.clear();
  auto client = MakeClient(joining);
  EXPECT_TRUE(CallStatus(*client, "/t.T/Echo").ok());
  client->SetClusterId("c2");
  EXPECT_EQ(CallStatus(*client, "/t.T/Echo").code(), StatusCode::kFailedPrecondition);
  server_->SetClusterId("c2");
  EXPECT_TRUE(CallStatus(*client, "/t.T/Echo").ok());
}

TEST_F(UnaryTest, RefusesLargeMessagesInEveryDirection) {
  StartServer();
  EXPECT_TRUE(CallStatus(*client_, "/t.T/Echo", MakeText(std::string(1'000'000, 'x'))).ok());
  const Status sent = CallStatus(*client_, "/t.T/Echo", MakeText(std::string(5u << 20, 'x')));
  EXPECT_EQ(sent.code(), StatusCode::kResourceExhausted) << "refused by the client";
  EXPECT_THAT(sent.message(), HasSubstr("/t.T/Echo"));
  EXPECT_EQ(CallStatus(*client_, "/t.T/Echo", MakeText(std::string(2u << 20, 'x'))).code(),
            StatusCode::kResourceExhausted)
      << "refused by the server";
  EXPECT_EQ(CallStatus(*client_, "/t.T/Big").code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(CallStatus(*client_, "/t.T/Echo").ok()) << "the connection lives on";
}

TEST_F(UnaryTest, CutsStatusMessagesThatWouldNotTravel) {
  server_->Handle<Text, Text>("/t.T/Long", [](const CallInfo&, const Text&, const Reply& reply) {
    reply(NotFound(std::string(100'000, 'x')));
  });
  StartServer();
  const Status status = CallStatus(*client_, "/t.T/Long");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.message().size(), 4096u);
}

TEST_F(UnaryTest, FailsFastWhenUnreachableAndRecoversWhenTheServerAppears) {
  const ReservedPort reserved;
  port_ = reserved.number();
  client_ = MakeClient(GoodCredentials());
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Status status = CallStatus(*client_, "/t.T/Echo");
    EXPECT_LT(std::chrono::steady_clock::now() - start, kTimeout / 2);
    EXPECT_EQ(status.code(), StatusCode::kUnavailable);
    EXPECT_TRUE(status.message().starts_with("cannot reach the head at 127.0.0.1:" + std::to_string(port_) + ": "))
        << status.ToString();
  }
  auto server = MakeServer(port_);
  server->Handle<Text, Text>("/t.T/Echo",
                             [](const CallInfo&, Text request, const Reply& reply) { reply(std::move(request)); });
  ASSERT_TRUE(server->Start().ok());
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  Status status = Unavailable("");
  while (!status.ok() && std::chrono::steady_clock::now() < deadline) status = CallStatus(*client_, "/t.T/Echo");
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST_F(UnaryTest, AnswersCallsInFlightWhenTheServerStops) {
  StartServer();
  Eventually<Status> ended;
  client_->Call<Text>("/t.T/Hold", MakeText("x"), kTimeout,
                      [ended](const Result<Text>& reply) { ended.Set(reply.status()); });
  ASSERT_TRUE(arrived_.Get());
  server_->Stop();
  EXPECT_EQ(ended.Get(), Unavailable("the server is stopping; try again later"));
  EXPECT_EQ(CallStatus(*client_, "/t.T/Echo").code(), StatusCode::kUnavailable);
  server_loop_.Sync([&] {
    EXPECT_TRUE(calls_[0].cancelled());
    held_[0](MakeText("after the server"));
  });
  server_->Stop();
}

TEST_F(UnaryTest, StopsOnItsOwnLoopAndBeneathItsOwnHandler) {
  server_->Handle<Text, Text>("/t.T/Stop", [this](const CallInfo&, const Text&, const Reply& reply) {
    server_->Stop();
    reply(MakeText(""));
  });
  StartServer();
  EXPECT_EQ(CallStatus(*client_, "/t.T/Stop").code(), StatusCode::kUnavailable);
}

TEST_F(UnaryTest, RunsNoHandlerOnceStopped) {
  StartServer();
  std::promise<void> release;
  server_loop_.loop().Post([&] { release.get_future().wait(); });
  constexpr std::size_t kCalls = 20;
  Eventually<Status> ended;
  for (std::size_t i = 0; i < kCalls; ++i) {
    client_->Call<Text>("/t.T/Echo", MakeText("x"), kTimeout,
                        [ended](const Result<Text>& reply) { ended.Set(reply.status()); });
  }
  server_->Stop();
  // Wherever the stop meets them: not connected, not accepted, waiting for the loop.
  for (const Status& status : ended.Get(kCalls)) {
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
  }
  release.set_value();
  server_loop_.Sync([] {});
  EXPECT_EQ(handled_, 0);
}

TEST_F(UnaryTest, DropsCallbacksOfADestroyedClient) {
  StartServer();
  auto owned = std::make_shared<int>(1);
  std::atomic<int> called{0};
  for (int i = 0; i < 20; ++i) {
    client_->Call<Text>("/t.T/Hold", MakeText("x"), kTimeout, [&called, owned](const Result<Text>&) { ++called; });
  }
  client_.reset();
  client_loop_.Sync([] {});
  EXPECT_EQ(called, 0);
  EXPECT_EQ(owned.use_count(), 1) << "what the callbacks held is let go";
}

TEST_F(UnaryTest, ClientMayBeDestroyedWithinItsOwnCallback) {
  StartServer();
  Eventually<bool> done;
  client_->Call<Text>("/t.T/Echo", MakeText("x"), kTimeout, [this, done](const Result<Text>&) {
    client_.reset();
    done.Set(true);
  });
  EXPECT_TRUE(done.Get());
}

TEST_F(UnaryTest, AnswersManyCallsAtOnce) {
  StartServer();
  constexpr int kCalls = 1000;
  std::atomic<int> right{0};
  std::atomic<int> ended{0};
  Eventually<bool> all;
  for (int i = 0; i < kCalls; ++i) {
    client_->Call<Text>("/t.T/Echo", MakeText(std::to_string(i)), kTimeout, [&, i](const Result<Text>& reply) {
      if (reply.ok() && reply->value() == std::to_string(i)) ++right;
      if (++ended == kCalls) all.Set(true);
    });
  }
  EXPECT_TRUE(all.Get());
  EXPECT_EQ(right, kCalls);
}

TEST_F(UnaryTest, NamesAPortInUse) {
  StartServer();
  const Result<int> second = MakeServer(port_)->Start();
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(second.status().message(), HasSubstr("127.0.0.1:" + std::to_string(port_)));
}

TEST_F(UnaryTest, RefusesToListenWhereItMustNot) {
  ServerOptions options;
  options.credentials = GoodCredentials();
  options.host = "0.0.0.0";
  EXPECT_EQ(Server(options, server_loop_.loop()).Start().status().code(), StatusCode::kInvalidArgument);
  options.host = "127.0.0.1";
  options.credentials.token.clear();
  EXPECT_EQ(Server(options, server_loop_.loop()).Start().status().code(), StatusCode::kInvalidArgument);
  options.credentials = GoodCredentials();
  options.port = 70'000;
  EXPECT_EQ(Server(options, server_loop_.loop()).Start().status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace troupe::rpc
