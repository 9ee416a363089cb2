// PeerChannel: whole frames to and from another process of this node, over the rings that the two share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/channel.h"
#include "ipc/frame_codec.h"

namespace troupe::client {

// A frame that is longer than a record of the ring takes several, all but the last marked so. What the ring has no room
// for waits in a backlog. Needs the runtime's mutex, but for Readable().
class PeerChannel {
 public:
  static constexpr std::size_t kMaxFrame = ipc::kMaxFramePayload - 64;

  enum class ReadEnd {
    kAllRead,
    kMore,     // that is for the next turn
    kCorrupt,  // the peer wrote what is no record
    kTooLong,  // the peer sent more than kMaxFrame
  };

  bool open() const { return channel_.has_value(); }
  // What was written before goes as soon as it is flushed. Once.
  void Attach(ipc::Channel channel) { channel_.emplace(std::move(channel)); }

  // Of at most kMaxFrame bytes. Never waits.
  void Write(std::string frame);
  // Moves the backlog into the ring, as far as there is room. False: the peer broke the rules, and none will ever be.
  bool Flush();
  std::size_t backlog_bytes() const { return backlog_bytes_; }

  // Whether Read() would find something. Any thread, once open.
  bool Readable() const { return channel_->Readable(); }
  // Calls `on_frame(std::string_view)` with each frame, for as many records as one turn allows; views hold during the
  // call. After kCorrupt and kTooLong nothing more can be read. Nothing is there before Attach().
  template <class OnFrame>
  ReadEnd Read(const OnFrame& on_frame);

 private:
  // Types of records.
  static constexpr std::uint16_t kLast = 1;
  static constexpr std::uint16_t kMoreFollows = 2;
  static constexpr int kRecordsPerTurn = 1024;

  bool TryWrite(std::string_view frame, std::size_t* written);

  std::optional<ipc::Channel> channel_;
  std::deque<std::string> backlog_;  // whole frames, but for `written_` bytes of the first
  std::size_t backlog_bytes_ = 0;
  std::size_t written_ = 0;
  std::string partial_;  // of an incoming frame, until its last record
  ipc::Record record_;
};

template <class OnFrame>
PeerChannel::ReadEnd PeerChannel::Read(const OnFrame& on_frame) {
  if (!open()) return ReadEnd::kAllRead;
  for (int i = 0; i < kRecordsPerTurn; ++i) {
    switch (channel_->TryRead(&record_)) {
      case ipc::ReadResult::kNone: return ReadEnd::kAllRead;
      case ipc::ReadResult::kCorrupt: return ReadEnd::kCorrupt;
      case ipc::ReadResult::kRecord: break;
    }
    const std::string_view piece(reinterpret_cast<const char*>(record_.payload.data()), record_.payload.size());
    if (record_.type == kLast && partial_.empty()) {
      on_frame(piece);
      continue;
    }
    if (record_.type != kLast && record_.type != kMoreFollows) return ReadEnd::kCorrupt;
    if (partial_.size() + piece.size() > kMaxFrame) return ReadEnd::kTooLong;
    partial_ += piece;
    if (record_.type == kMoreFollows) continue;
    on_frame(std::exchange(partial_, {}));
  }
  return ReadEnd::kMore;
}

}  // namespace troupe::client
