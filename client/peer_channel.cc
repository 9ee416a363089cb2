#include "client/peer_channel.h"

#include <span>
#include <utility>

namespace troupe::client {

void PeerChannel::Write(std::string frame) {
  std::size_t written = 0;
  if (open() && backlog_.empty() && TryWrite(frame, &written)) return;
  if (backlog_.empty()) written_ = written;
  backlog_bytes_ += frame.size();
  backlog_.push_back(std::move(frame));
}

// Continues at `*written`; false when the ring is full.
bool PeerChannel::TryWrite(std::string_view frame, std::size_t* written) {
  const std::size_t limit = channel_->max_record();
  do {
    const std::string_view piece = frame.substr(*written, limit);
    const bool last = *written + piece.size() == frame.size();
    if (!channel_->TryWrite(last ? kLast : kMoreFollows, std::as_bytes(std::span(piece.data(), piece.size())))) {
      return false;
    }
    *written += piece.size();
  } while (*written < frame.size());
  return true;
}

bool PeerChannel::Flush() {
  while (open() && !backlog_.empty()) {
    std::string& frame = backlog_.front();
    if (!TryWrite(frame, &written_)) break;
    backlog_bytes_ -= frame.size();
    backlog_.pop_front();
    written_ = 0;
  }
  return !open() || !channel_->poisoned();
}

}  // namespace troupe::client
