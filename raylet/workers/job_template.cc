#include "raylet/workers/job_template.h"

#include <signal.h>

#include <utility>

#include "common/logging.h"
#include "raylet/workers/cookie.h"
#include "raylet/workers/worker_command.h"

namespace troupe::raylet {
namespace {

// SIGKILL comes from outside, from the OOM killer or an operator, so it says nothing about the program.
bool WasKilled(const ExitCause& cause) { return cause.known && (cause.wait_status & 0x7f) == SIGKILL; }

std::string Seconds(std::chrono::milliseconds time) {
  return time.count() % 1'000 == 0 ? std::to_string(time.count() / 1'000) + " s" : std::to_string(time.count()) + " ms";
}

}  // namespace

JobTemplate::JobTemplate(EventLoop& loop, boost::asio::io_context& context, const WorkerPool::Options& options,
                         ProgramCache& cache, JobId job, Events events)
    : loop_(loop),
      context_(context),
      options_(options),
      cache_(cache),
      job_(job),
      events_(std::move(events)),
      self_(std::make_shared<JobTemplate*>(this)) {}

JobTemplate::~JobTemplate() { Stop(); }

std::string JobTemplate::LogName() const { return "template-" + job_.Hex() + ".log"; }

std::string JobTemplate::LogPath() const { return options_.session_dir + "/logs/" + LogName(); }

void JobTemplate::Start(const pb::Program& program) {
  if (state_ != State::kNone) return;
  state_ = State::kLocating;
  program_ = program;
  cache_.Locate(program, [weak = std::weak_ptr(self_), start = ++start_](Result<LocalProgram> local) {
    const auto self = weak.lock();
    if (self && (*self)->start_ == start && (*self)->state_ == State::kLocating) (*self)->OnLocated(std::move(local));
  });
}

void JobTemplate::OnLocated(Result<LocalProgram> local) {
  if (!local.ok()) return Fail(local.status(), false);
  local_ = *std::move(local);
  cookie_ = NewCookie();
  const auto process = Spawn(TemplateCommand(program_, local_, job_, cookie_, LogPath(), options_));
  if (!process.ok()) return Fail(process.status(), false);
  state_ = State::kStarting;
  process_ = std::make_unique<WatchedProcess>(context_, *process,
                                              [this](std::optional<int> wait_status) { OnExit(wait_status); });
  timer_ = loop_.After(options_.start_timeout, [weak = std::weak_ptr(self_), start = start_] {
    const auto self = weak.lock();
    if (self && (*self)->start_ == start && (*self)->state_ == State::kStarting) (*self)->OnTimeout();
  });
}

bool JobTemplate::AcceptsCookie(const std::string& cookie) const {
  return state_ == State::kStarting && !send_ && CookieMatches(cookie_, cookie);
}

void JobTemplate::OnReady(std::uint32_t threads) {
  if (state_ != State::kStarting) return;
  if (threads > 1) {
    Stop();
    state_ = State::kExecOnly;
    return events_.on_ready(false);
  }
  loop_.Cancel(std::exchange(timer_, 0));
  state_ = State::kReady;
  events_.on_ready(true);
}

void JobTemplate::OnClosed() {
  send_ = nullptr;
  // Nothing can be asked of it any more. How it ended is for OnExit to say: a process that is exiting keeps its status.
  if (process_) (void)process_->Signal(SIGKILL);
}

void JobTemplate::Fork(const pb::ForkRequest& request) {
  TROUPE_CHECK(can_fork());
  // Between the closing of the connection and the exit: OnExit then reports the loss of this request too.
  if (!send_) return;
  pb::RayletToClient message;
  *message.mutable_fork() = request;
  send_(message);
}

void JobTemplate::OnExit(std::optional<int> wait_status) {
  const ExitCause cause = wait_status ? DescribeExit(*wait_status) : UnknownExit();
  if (state_ == State::kReady) {
    return Fail(FailedPrecondition("the template process of program " + program_.path() + " " + cause.text), true);
  }
  Fail(FailedPrecondition("program " + program_.path() + " " + cause.text + " before it called troupe::Init" +
                          EndOfLog(LogPath())),
       WasKilled(cause));
}

void JobTemplate::OnTimeout() {
  Fail(FailedPrecondition("program " + program_.path() + " did not call troupe::Init within " +
                          Seconds(options_.start_timeout) + "; call it first thing in main()" + EndOfLog(LogPath())),
       false);
}

void JobTemplate::Fail(const Status& why, bool retry) {
  Stop();
  events_.on_failed(why, retry);
}

void JobTemplate::Stop() {
  ++start_;
  loop_.Cancel(std::exchange(timer_, 0));
  if (process_) (void)process_->Signal(SIGKILL);  // NotFound: it has ended, which is what is wanted
  process_.reset();
  send_ = nullptr;
  cookie_.clear();
  state_ = State::kNone;
}

void JobTemplate::StopAndWait(std::chrono::milliseconds limit) {
  const auto process = std::move(process_);
  if (process) {
    (void)process->Signal(SIGKILL);
    if (!process->WaitEnded(limit)) spdlog::warn("template process {} does not end after SIGKILL", process->pid());
  }
  Stop();
}

}  // namespace troupe::raylet
