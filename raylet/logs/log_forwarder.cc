#include "raylet/logs/log_forwarder.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/utf8.h"
#include "raylet/convert.h"

namespace troupe::raylet {

void LogForwarder::AddWorker(const WorkerProcess& worker) { sources_[worker.process] = {worker, ""}; }

void LogForwarder::RemoveWorker(ProcessId worker) { sources_.erase(worker); }

std::vector<ProcessId> LogForwarder::WorkersOf(JobId job) const {
  std::vector<ProcessId> workers;
  for (const auto& [process, source] : sources_) {
    if (source.worker.job == job) workers.push_back(process);
  }
  return workers;
}

void LogForwarder::Forward(ProcessId worker, bool is_stderr, std::vector<std::string> lines, std::uint64_t dropped) {
  auto it = sources_.find(worker);
  if (it == sources_.end()) return;
  Source& source = it->second;
  if (const auto* hosted = actors_.Find(worker)) source.actor_class = hosted->spec.class_name();
  pb::LogLines message;
  message.set_prefix("(" + (source.actor_class.empty() ? "task" : source.actor_class) +
                     " pid=" + std::to_string(source.worker.pid) + ", node=" + self_.Hex().substr(0, 8) + ")");
  message.set_is_stderr(is_stderr);
  message.set_dropped(dropped);
  for (std::string& line : lines) message.add_lines(std::move(line));
  Send(source.worker.job, std::move(message));
}

void LogForwarder::Note(JobId job, const std::string& text) {
  pb::LogLines message;
  message.set_prefix("(raylet, node=" + self_.Hex().substr(0, 8) + ")");
  message.set_is_stderr(true);
  message.add_lines(text);
  Send(job, std::move(message));
}

void LogForwarder::Send(JobId job, pb::LogLines lines) {
  const pb::JobInfo* info = jobs_.Find(job);
  if (info == nullptr) return;
  for (std::string& line : *lines.mutable_lines()) line = Utf8(std::move(line));
  const Address driver = AddressFromPb(info->driver());
  pb::RayletToClient message;
  *message.mutable_log_lines() = std::move(lines);
  if (driver.node == self_) return clients_.Send(driver.process, message);
  pb::PeerMessage part;
  pb::DirectMessage* direct = part.add_messages();
  direct->set_to(driver.process.value);
  direct->set_message(message.SerializeAsString());
  const Status status = peers_.Send(driver.node, std::move(part));
  if (!status.ok()) spdlog::debug("a worker's output does not reach its driver: {}", status.message());
}

}  // namespace troupe::raylet
