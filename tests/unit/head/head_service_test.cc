// The real service over real connections, and the real program.
#include "head/head_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/asio_event_loop.h"
#include "head/convert.h"
#include "head/node_streams.h"
#include "rpc/client.h"
#include "rpc/turn_batch.h"
#include "tests/unit/head/temporary_folder.h"

extern char** environ;

namespace troupe::head {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using testing::HasSubstr;

constexpr auto kPatience = 60s;

// Messages that a stream has received, for the test's thread to take.
class Inbox {
 public:
  void Add(pb::HeadToNode message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }
  void Close(Status status) {
    const std::lock_guard lock(mutex_);
    closed_ = std::move(status);
    changed_.notify_all();
  }
  // The next message of the kind, leaving out others; nothing when the stream closes or the time is over.
  std::optional<pb::HeadToNode> Next(pb::HeadToNode::BodyCase kind) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      while (!messages_.empty()) {
        pb::HeadToNode message = std::move(messages_.front());
        messages_.pop_front();
        if (message.body_case() == kind) return message;
      }
      if (closed_ || changed_.wait_until(lock, deadline) == std::cv_status::timeout) return std::nullopt;
    }
  }
  Status WaitClosed() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [this] { return closed_.has_value(); });
    return closed_.value_or(DeadlineExceeded("still open"));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<pb::HeadToNode> messages_;
  std::optional<Status> closed_;
};

// A loop on a thread of its own.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.Run(); }) {}
  ~LoopThread() {
    loop_.Stop();
    thread_.join();
  }
  AsioEventLoop& loop() { return loop_; }
  void Do(std::function<void()> work) {
    std::promise<void> done;
    loop_.Post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  AsioEventLoop loop_;
  std::thread thread_;
};

class FakeRaylet {
 public:
  using Stream = rpc::Stream<pb::HeadToNode, pb::NodeToHead>;

  FakeRaylet(LoopThread& thread, rpc::Client& client) : thread_(thread) {
    thread_.Do([&] {
      stream_ = client.OpenStream<pb::HeadToNode, pb::NodeToHead>(
          "/troupe.pb.Head/Node", {.on_message =
                                       [inbox = inbox_](const pb::HeadToNode& batch) {
                                         rpc::ForEach(batch,
                                                      [&](const pb::HeadToNode& message) { inbox->Add(message); });
                                       },
                                   .on_closed = [inbox = inbox_](Status status) { inbox->Close(std::move(status)); }});
    });
  }
  ~FakeRaylet() {
    thread_.Do([this] { stream_.reset(); });
  }
  void Send(const pb::NodeToHead& message) {
    thread_.Do([&] { stream_->Send(message); });
  }
  void SayHello(std::uint64_t number, int pid = 1) {
    pb::NodeToHead message;
    message.mutable_hello()->set_node(NodeId{number, number}.Bytes());
    message.mutable_hello()->set_address("127.0.0.1:1");
    message.mutable_hello()->set_raylet_pid(pid);
    (*message.mutable_hello()->mutable_total()->mutable_units())[kCpu] = 4 * ResourceSet::kUnit;
    Send(message);
  }
  Inbox& inbox() { return *inbox_; }

 private:
  LoopThread& thread_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::shared_ptr<Stream> stream_;
};

class HeadServiceTest : public testing::Test {
 protected:
  HeadServiceTest()
      : streams_(head_.loop()),
        packages_(std::move(PackageStore::Open(folder_.File("packages"))).value(), head_.loop()),
        server_(
            {.host = "127.0.0.1", .port = 0, .credentials = {.token = "token", .cluster_id = ClusterId{1, 2}.Hex()}},
            head_.loop()) {
    head_.Do([this] {
      cluster_ = std::make_unique<Cluster>(
          Ports{head_.loop(), streams_, registry_, [] { return 0.5; }, [] { return std::int64_t{1}; }},
          ClusterOptions{.identity = {.cluster = {1, 2}},
                         .version = "9.9",
                         .log_file = folder_.File("log"),
                         .process = {},
                         .times = {},
                         .actors = {}});
    });
    streams_.Serve(server_, *cluster_);
    ServeHead(server_, *cluster_, packages_);
    port_ = server_.Start().value();
    client_ = MakeClient("token");
  }
  ~HeadServiceTest() override {
    client_.reset();
    server_.Stop();
    packages_.Stop();
    head_.Do([this] { cluster_.reset(); });
  }

  std::unique_ptr<rpc::Client> MakeClient(const std::string& token) {
    return std::make_unique<rpc::Client>(rpc::ClientOptions{.target = "127.0.0.1:" + std::to_string(port_),
                                                            .peer_name = "the head",
                                                            .credentials = {.token = token, .cluster_id = ""},
                                                            .loop = &raylets_.loop()});
  }
  template <class Rep>
  Result<Rep> Call(const std::string& name, const google::protobuf::MessageLite& request) {
    return client_->CallSync<Rep>("/troupe.pb.Head/" + name, request, kPatience);
  }

  TemporaryFolder folder_;
  MemoryRegistry registry_;
  LoopThread head_;
  LoopThread raylets_;
  NodeStreams streams_;
  std::unique_ptr<Cluster> cluster_;
  PackagePool packages_;
  rpc::Server server_;
  int port_ = 0;
  std::unique_ptr<rpc::Client> client_;
};

TEST_F(HeadServiceTest, CarriesAnActorFromRegistrationToItsEnd) {
  FakeRaylet raylet(raylets_, *client_);
  raylet.SayHello(1);
  auto welcome = raylet.inbox().Next(pb::HeadToNode::kWelcome);
  ASSERT_TRUE(welcome.has_value());
  EXPECT_EQ(welcome->welcome().cluster(), (ClusterId{1, 2}).Bytes());

  pb::RegisterJobRequest driver;
  *driver.mutable_driver() = ToProto({NodeId{1, 1}, ProcessId{9}});
  auto job = Call<pb::RegisterJobReply>("RegisterJob", driver);
  ASSERT_TRUE(job.ok()) << job.status().ToString();

  pb::NodeToHead message;
  message.mutable_register_actor()->set_request(5);
  pb::RegisterActorRequest& request = *message.mutable_register_actor()->mutable_actor();
  request.mutable_spec()->set_id(ActorId{9, 1}.Bytes());
  request.mutable_spec()->set_job(job->job().id());
  *request.mutable_spec()->mutable_creator() = driver.driver();
  request.mutable_spec()->set_class_name("Counter");
  request.mutable_spec()->set_name("one");
  request.mutable_spec()->set_name_space("ns");
  const std::string actor_id = request.spec().id();
  raylet.Send(message);
  auto registered = raylet.inbox().Next(pb::HeadToNode::kActorRegistered);
  ASSERT_TRUE(registered.has_value());
  EXPECT_EQ(registered->actor_registered().request(), 5u);
  EXPECT_EQ(registered->actor_registered().reply().info().id(), actor_id);
  auto start = raylet.inbox().Next(pb::HeadToNode::kStartActor);
  ASSERT_TRUE(start.has_value());

  message.mutable_actor_started()->set_id(actor_id);
  message.mutable_actor_started()->set_incarnation(start->start_actor().incarnation());
  *message.mutable_actor_started()->mutable_address() = ToProto({NodeId{1, 1}, ProcessId{10}});
  raylet.Send(message);
  auto alive = raylet.inbox().Next(pb::HeadToNode::kActorUpdate);
  ASSERT_TRUE(alive.has_value());
  EXPECT_EQ(alive->actor_update().info().state(), pb::ALIVE);

  pb::FindActor find;
  find.set_name("one");
  find.set_name_space("ns");
  EXPECT_EQ(Call<pb::ActorReply>("GetActor", find)->info().address().process(), 10u);
  pb::ListActorsRequest list;
  list.set_all_namespaces(true);
  EXPECT_EQ(Call<pb::ListActorsReply>("ListActors", list)->total(), 1u);
  EXPECT_EQ(Call<pb::Status>("GetStatus", pb::GetStatusRequest())->actors_alive(), 1u);
  pb::KillActorRequest kill;
  kill.set_id(actor_id);
  kill.set_no_restart(true);
  auto killed = std::async(std::launch::async, [&] { return Call<pb::ActorReply>("KillActor", kill); });
  EXPECT_TRUE(raylet.inbox().Next(pb::HeadToNode::kStopActor).has_value());
  pb::NodeToHead died;
  died.mutable_actor_process_died()->set_id(actor_id);
  died.mutable_actor_process_died()->set_incarnation(start->start_actor().incarnation());
  raylet.Send(died);
  EXPECT_EQ(killed.get()->info().state(), pb::DEAD);
  EXPECT_EQ(Call<pb::ActorReply>("GetActor", find).status().code(), StatusCode::kNotFound);
  pb::FinishJobRequest finish;
  finish.set_job(job->job().id());
  EXPECT_TRUE(Call<pb::Done>("FinishJob", finish).ok());
  EXPECT_EQ(Call<pb::ListJobsReply>("ListJobs", pb::ListJobsRequest())->jobs(0).state(), pb::JobInfo::SUCCEEDED);
}

TEST_F(HeadServiceTest, PackagesAndSubmissionsGoTogether) {
  FakeRaylet raylet(raylets_, *client_);
  raylet.SayHello(1);
  ASSERT_TRUE(raylet.inbox().Next(pb::HeadToNode::kWelcome).has_value());
  Sha256 hash;
  hash.Add("bytes");
  pb::PutPackageRequest put;
  put.set_package(hash.Hex());
  put.set_total(5);
  pb::SubmitJobRequest submit;
  submit.set_submission("job-1");
  submit.set_package(put.package());
  submit.add_argv("prog");
  EXPECT_EQ(Call<pb::SubmitJobReply>("SubmitJob", submit).status().code(), StatusCode::kFailedPrecondition);
  put.set_data("bytes");
  EXPECT_TRUE(Call<pb::PutPackageReply>("PutPackage", put)->complete());
  pb::GetPackageRequest get;
  get.set_package(put.package());
  EXPECT_EQ(Call<pb::PackageChunk>("GetPackage", get)->data(), "bytes");
  EXPECT_EQ(Call<pb::SubmitJobReply>("SubmitJob", submit)->job().state(), pb::JobInfo::PENDING);
  auto run = raylet.inbox().Next(pb::HeadToNode::kRunDriver);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->run_driver().job().program().package(), put.package());
  pb::StopJobRequest stop;
  stop.set_submission("job-1");
  EXPECT_TRUE(Call<pb::JobInfo>("StopJob", stop).ok());
  EXPECT_TRUE(raylet.inbox().Next(pb::HeadToNode::kStopDriver).has_value());
  pb::GetJobRequest job;
  job.set_submission("job-1");
  EXPECT_EQ(Call<pb::JobInfo>("GetJob", job)->submission(), "job-1");
}

TEST_F(HeadServiceTest, ReadsLogsOfItselfAndOfNodes) {
  FakeRaylet raylet(raylets_, *client_);
  raylet.SayHello(1);
  ASSERT_TRUE(raylet.inbox().Next(pb::HeadToNode::kWelcome).has_value());
  folder_.Write("log", "own log");
  pb::ReadLogRequest request;
  request.set_source(pb::ReadLogRequest::HEAD);
  EXPECT_EQ(Call<pb::LogChunk>("ReadLog", request)->data(), "own log");
  request.set_source(pb::ReadLogRequest::RAYLET);
  request.set_node(NodeId{1, 1}.Bytes());
  auto answer = std::async([&] { return Call<pb::LogChunk>("ReadLog", request); });
  auto command = raylet.inbox().Next(pb::HeadToNode::kReadLog);
  ASSERT_TRUE(command.has_value());
  pb::NodeToHead message;
  message.mutable_log_chunk()->set_request(command->read_log().request());
  message.mutable_log_chunk()->set_data("node's log");
  raylet.Send(message);
  EXPECT_EQ(answer.get()->data(), "node's log");
  EXPECT_EQ(Call<pb::ListWorkersReply>("ListWorkers", pb::ListWorkersRequest())->workers_size(), 0);
}

TEST_F(HeadServiceTest, AStreamMustBeginWithAGoodHello) {
  FakeRaylet rude(raylets_, *client_);
  pb::NodeToHead report;
  report.mutable_report();
  rude.Send(report);
  EXPECT_EQ(rude.inbox().WaitClosed().code(), StatusCode::kInvalidArgument);
  FakeRaylet nobody(raylets_, *client_);
  nobody.SayHello(0);
  EXPECT_EQ(nobody.inbox().WaitClosed().code(), StatusCode::kInvalidArgument);
  FakeRaylet first(raylets_, *client_);
  first.SayHello(1);
  ASSERT_TRUE(first.inbox().Next(pb::HeadToNode::kWelcome).has_value());
  FakeRaylet second(raylets_, *client_);
  second.SayHello(1, 2);
  EXPECT_EQ(second.inbox().WaitClosed().code(), StatusCode::kAlreadyExists);
  FakeRaylet again(raylets_, *client_);
  again.SayHello(1);
  EXPECT_TRUE(again.inbox().Next(pb::HeadToNode::kWelcome).has_value()) << "the same raylet may reconnect";
  EXPECT_FALSE(first.inbox().WaitClosed().ok());
}

TEST_F(HeadServiceTest, AStrangerLearnsNothing) {
  auto stranger = MakeClient("guess");
  EXPECT_EQ(
      stranger->CallSync<pb::Status>("/troupe.pb.Head/GetStatus", pb::GetStatusRequest(), kPatience).status().code(),
      StatusCode::kUnauthenticated);
  FakeRaylet raylet(raylets_, *stranger);
  raylet.SayHello(1);
  EXPECT_EQ(raylet.inbox().WaitClosed().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(Call<pb::Status>("GetStatus", pb::GetStatusRequest())->nodes_size(), 0);
}

// --- The program.

class HeadProcess {
 public:
  explicit HeadProcess(const TemporaryFolder& folder, std::vector<std::string> more = {}) : folder_(folder) {
    std::vector<std::string> arguments = {TROUPE_HEAD_PROGRAM, "--session-dir", folder.path(), "--token-file",
                                          folder.File("token")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, folder.File("stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~HeadProcess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
  }
  pid_t pid() const { return pid_; }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  // The ready file, once it is there.
  nlohmann::json Ready() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!std::filesystem::exists(folder_.File("head.json")) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return nlohmann::json::parse(folder_.Read("head.json"));
  }

 private:
  const TemporaryFolder& folder_;
  pid_t pid_ = -1;
};

class HeadProgramTest : public testing::Test {
 protected:
  HeadProgramTest() { folder_.Write("token", token_ + "\n"); }
  const std::string token_ = std::string(64, 'a');
  TemporaryFolder folder_;
};

TEST_F(HeadProgramTest, AnnouncesItselfServesAndEndsOnSigterm) {
  HeadProcess head(folder_, {"--cluster-id", "000000000000000a000000000000000b"});
  const nlohmann::json ready = head.Ready();
  EXPECT_EQ(ready.at("pid"), head.pid());
  EXPECT_EQ(ready.at("cluster_id"), "000000000000000a000000000000000b");
  rpc::Client client({.target = ready.at("address"),
                      .peer_name = "the head",
                      .credentials = {.token = token_, .cluster_id = ready.at("cluster_id")}});
  auto status = client.CallSync<pb::Status>("/troupe.pb.Head/GetStatus", pb::GetStatusRequest(), kPatience);
  ASSERT_TRUE(status.ok()) << status.status().ToString();
  EXPECT_EQ(status->version(), ready.at("version"));
  kill(head.pid(), SIGTERM);
  EXPECT_EQ(head.Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.File("head.json")));
  EXPECT_THAT(folder_.Read("logs/head.log"), HasSubstr("serves on"));
  EXPECT_THAT(folder_.Read("logs/head.log"), testing::Not(HasSubstr(token_)));
}

TEST_F(HeadProgramTest, ASecondHeadInTheFolderRefusesToRun) {
  HeadProcess head(folder_);
  head.Ready();
  HeadProcess second(folder_);
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(folder_.Read("stderr"), HasSubstr("another head uses this session folder"));
}

TEST_F(HeadProgramTest, SaysInOneLineWhyItCannotRun) {
  TemporaryFolder other;
  other.Write("token", token_);
  HeadProcess busy(other);
  const std::string address = busy.Ready().at("address");
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"another process uses that port", {"--port", address.substr(address.rfind(':') + 1)}},
      {"0.0.0.0", {"--bind", "0.0.0.0"}},
      {"log level", {"--log-level", "loud"}},
      {"--nonsense", {"--nonsense"}},
      {"its parent", {"--parent-pid", "1"}},
  };
  for (const auto& [named, arguments] : cases) {
    HeadProcess head(folder_, arguments);
    EXPECT_NE(head.Wait(), 0);
    const std::string said = folder_.Read("stderr");
    EXPECT_THAT(said, HasSubstr(named));
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  }
  chmod(folder_.File("token").c_str(), 0644);
  HeadProcess head(folder_);
  EXPECT_EQ(head.Wait(), 1);
  EXPECT_THAT(folder_.Read("stderr"), HasSubstr("token"));
}

TEST_F(HeadProgramTest, EndsWithItsParent) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // so that the orphan can be waited for
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    HeadProcess head(folder_, {"--parent-pid", std::to_string(getpid())});
    head.Ready();
    const pid_t child = head.pid();
    _exit(write(pipe_ends[1], &child, sizeof child) == sizeof child ? 0 : 1);  // without ending the head
  }
  pid_t head = 0;
  ASSERT_EQ(read(pipe_ends[0], &head, sizeof head), static_cast<ssize_t>(sizeof head));
  int status = 0;
  EXPECT_EQ(waitpid(parent, &status, 0), parent);
  EXPECT_EQ(waitpid(head, &status, 0), head);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_FALSE(std::filesystem::exists(folder_.File("head.json")));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace troupe::head
