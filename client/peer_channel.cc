#include "client/peer_channel.h"

#include <algorithm>
#include <span>
#include <utility>

#include "common/check.h"

namespace troupe::client {

void PeerChannel::Attach(ipc::Channel channel) {
  TROUPE_CHECK(!open());
  in_ = out_ = std::make_shared<ipc::Channel>(std::move(channel));
}

bool PeerChannel::SetNext(ipc::Channel channel) {
  if (!open() || next_) return false;
  next_ = std::make_shared<ipc::Channel>(std::move(channel));
  return true;
}

bool PeerChannel::Has(std::string_view region) const {
  return open() && (in_->name() == region || out_->name() == region || (next_ && next_->name() == region));
}

std::uint64_t PeerChannel::Write(std::string frame) {
  std::size_t written = 0;
  if (open() && backlog_.empty() && TryWrite(frame, &written)) return ++written_frames_;
  if (backlog_.empty()) written_ = written;
  backlog_bytes_ += frame.size();
  backlog_.push_back(std::move(frame));
  return written_frames_ + backlog_.size();
}

bool PeerChannel::Put(std::uint16_t type, std::string_view piece) {
  if (out_->TryWrite(type, std::as_bytes(std::span(piece.data(), piece.size())))) {
    full_ = false;
    return true;
  }
  if (!std::exchange(full_, true)) ++times_full_;
  return false;
}

// Continues at `*written`; false when the ring is full.
bool PeerChannel::TryWrite(std::string_view frame, std::size_t* written) {
  if (next_ && out_ != next_) MoveOut();
  const std::size_t limit = out_->max_record();
  do {
    const std::string_view piece = frame.substr(*written, limit);
    const bool last = *written + piece.size() == frame.size();
    if (!Put(last ? kLast : kMoreFollows, piece)) return false;
    *written += piece.size();
  } while (*written < frame.size());
  return true;
}

// As soon as the old ring has room for the word that ends it.
void PeerChannel::MoveOut() {
  if (!Put(kMoved, {})) return;
  former_out_ = std::exchange(out_, next_);
  if (in_ == next_) next_.reset();
}

void PeerChannel::MoveIn() {
  in_ = next_;
  moved_ = false;
  if (out_ == next_) next_.reset();
}

bool PeerChannel::Flush() {
  if (!open()) return true;
  if (next_ && out_ != next_) MoveOut();
  while (!backlog_.empty()) {
    std::string& frame = backlog_.front();
    if (!TryWrite(frame, &written_)) break;
    backlog_bytes_ -= frame.size();
    backlog_.pop_front();
    written_ = 0;
    ++written_frames_;
  }
  return !out_->poisoned();
}

std::uint64_t PeerChannel::Begun() const {
  if (!open()) return 0;
  return std::max(out_->peer_mark(), former_out_ ? former_out_->peer_mark() : 0);
}

bool PeerChannel::WantsLarger() {
  if (times_full_ < larger_at_) return false;
  larger_at_ = kFullBeforeAskingAgain;
  times_full_ = 0;
  return open() && !next_ && !former_out_;
}

}  // namespace troupe::client
