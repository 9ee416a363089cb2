#include "cli/log_reader.h"

#include <thread>

namespace troupe::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kChunkBytes = 1u << 20;
constexpr std::uint32_t kWaitMs = 5'000;
constexpr std::chrono::milliseconds kPause(250);

Result<pb::LogChunk> Read(jobs::HeadConnection& head, const pb::ReadLogRequest& log) {
  const auto timeout = jobs::HeadConnection::kTimeout + std::chrono::milliseconds(log.wait_ms());
  TROUPE_ASSIGN_OR_RETURN(pb::LogChunk chunk, head.Call<pb::LogChunk>("ReadLog", log, timeout));
  if (!chunk.error().empty()) return NotFound(chunk.error());
  return chunk;
}

// Past the end of the head's log means that it was rotated: a new file has begun.
std::uint64_t NextOffset(const pb::ReadLogRequest& log, const pb::LogChunk& chunk) {
  if (chunk.data().empty() && chunk.offset() < log.offset()) return 0;
  return chunk.offset() + chunk.data().size();
}

}  // namespace

std::string LastLines(const std::string& text, int lines) {
  if (lines <= 0) return {};
  std::size_t begin = text.size();
  if (begin > 0 && text[begin - 1] == '\n') --begin;
  for (int count = 0; count < lines; ++count) {
    const std::size_t end = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
    if (end == std::string::npos) return text;
    begin = end;
  }
  return text.substr(begin + 1);
}

Status PrintLog(jobs::HeadConnection& head, pb::ReadLogRequest log, const LogOptions& options, std::ostream& out,
                std::chrono::milliseconds patience) {
  log.set_max_bytes(kChunkBytes);
  log.set_tail(options.tail >= 0);
  bool reached = false;
  auto last_answer = Clock::now();
  for (;;) {
    const auto chunk = Read(head, log);
    if (!chunk.ok()) {
      const bool again = reached && options.follow && chunk.status().code() == StatusCode::kUnavailable;
      if (!again || Clock::now() - last_answer >= patience) return chunk.status();
      std::this_thread::sleep_for(kPause);
      continue;
    }
    reached = true;
    last_answer = Clock::now();
    out << (log.tail() ? LastLines(chunk->data(), options.tail) : chunk->data()) << std::flush;
    const bool was_tail = log.tail();
    log.set_offset(NextOffset(log, *chunk));
    log.set_tail(false);
    if (chunk->end() || (!options.follow && (was_tail || chunk->data().empty()))) return OkStatus();
    if (!options.follow) continue;
    log.set_wait_ms(kWaitMs);
    // The head answers for its own log at once.
    if (log.source() == pb::ReadLogRequest::HEAD && chunk->data().empty()) std::this_thread::sleep_for(kPause);
  }
}

}  // namespace troupe::cli
