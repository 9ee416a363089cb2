// PeerChannel: whole frames to and from another process of this node, over the rings that the two share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "client/outbox.h"
#include "ipc/channel.h"

namespace troupe::client {

// A frame that is longer than a record of the ring takes several, all but the last marked so. What the ring has no room
// for waits in a backlog.
//
// The two begin with small rings. When one of them finds its ring full again and again (WantsLarger), a larger channel
// is made, and given to both by SetNext(). Each direction then moves on its own: the writer ends the old ring with a
// kMoved record and goes on in the new one; the reader reads the old one up to that record and goes on in the new one.
// So nothing is lost or overtaken, and a frame may have its first records in the old ring and its last in the new.
//
// Frames are numbered from 1 in each direction. The reader says which one it has last begun to carry out; that
// number lies in shared memory, so that the writer can read it when the reader has been killed.
//
// Needs the runtime's mutex, but for Readable(), which one other thread may call while nobody reads: it looks at
// nothing that Write(), Flush() and SetNext() change.
class PeerChannel {
 public:
  static constexpr std::size_t kMaxFrame = Outbox::kMaxFrame;

  enum class ReadEnd {
    kAllRead,
    kMore,     // that is for the next turn
    kCorrupt,  // the peer wrote what is no record
    kTooLong,  // the peer sent more than kMaxFrame
  };

  bool open() const { return in_ != nullptr; }
  // What was written before goes as soon as it is flushed. Once.
  void Attach(ipc::Channel channel);
  // The channel that takes over from the one there is, in which nothing has been written or read. False: there is one
  // already that has not yet taken over.
  [[nodiscard]] bool SetNext(ipc::Channel channel);
  // Whether its channel, or the next, lies in that region of shared memory.
  bool Has(std::string_view region) const;
  // The region of the newest channel; open() only.
  const std::string& region() const { return next_ ? next_->name() : out_->name(); }

  // Queues a frame of at most kMaxFrame bytes. Never waits. Returns its number.
  std::uint64_t Write(std::string frame);
  // Moves the backlog into the ring, as far as there is room. False: the peer broke the rules, and none will ever be.
  bool Flush();
  std::size_t backlog_bytes() const { return backlog_bytes_; }
  // Frames that are in the ring whole, or were.
  std::uint64_t written() const { return written_frames_; }
  // The number of the frame that the peer has last begun to carry out, 0 for none: later ones it has not begun.
  std::uint64_t Begun() const;

  // Whether the ring was found full so often that a larger one would help. Says it once, and again after many more
  // times: there may have been no memory for it. The peer has read from the ring then.
  bool WantsLarger();

  // Whether Read() would find something. Any thread, once open.
  bool Readable() const { return in_->Readable(); }
  // Whether Read() would find something in the next channel.
  bool CanMove() const { return moved_ && next_ != nullptr; }
  // Calls `on_frame(std::string_view, std::uint64_t number)` with each frame, for as many records as one turn allows;
  // views hold during the call. After kCorrupt and kTooLong nothing more can be read. Nothing is there before Attach().
  template <class OnFrame>
  ReadEnd Read(const OnFrame& on_frame);
  // Tells the peer that frame `number`, of those read, is carried out now, and all before it were.
  void SetBegun(std::uint64_t number) {
    if (open()) in_->SetMark(number);
  }

 private:
  // Types of records.
  static constexpr std::uint16_t kLast = 1;
  static constexpr std::uint16_t kMoreFollows = 2;
  static constexpr std::uint16_t kMoved = 3;  // empty: the next record is in the next channel
  static constexpr int kRecordsPerTurn = 1024;
  // A ring that is full once may be so by chance, or because its reader is busy with other things.
  static constexpr int kFullBeforeLarger = 8;
  static constexpr int kFullBeforeAskingAgain = 100'000;

  bool Put(std::uint16_t type, std::string_view piece);
  bool TryWrite(std::string_view frame, std::size_t* written);
  void MoveOut();
  void MoveIn();

  // A channel has both directions, and these move from the one to the next at different times.
  std::shared_ptr<ipc::Channel> in_;
  std::shared_ptr<ipc::Channel> out_;
  std::shared_ptr<ipc::Channel> next_;        // until both have moved
  std::shared_ptr<ipc::Channel> former_out_;  // kept for the peer's word in it, which may not have moved on yet
  bool moved_ = false;                        // the old ring has been read to its end

  std::deque<std::string> backlog_;  // whole frames, but for `written_` bytes of the first
  std::size_t backlog_bytes_ = 0;
  std::size_t written_ = 0;
  std::uint64_t written_frames_ = 0;
  bool full_ = false;  // the last record found no room
  int times_full_ = 0;
  int larger_at_ = kFullBeforeLarger;

  std::string partial_;  // of an incoming frame, until its last record
  std::uint64_t read_frames_ = 0;
  ipc::Record record_;
};

template <class OnFrame>
PeerChannel::ReadEnd PeerChannel::Read(const OnFrame& on_frame) {
  if (!open()) return ReadEnd::kAllRead;
  for (int i = 0; i < kRecordsPerTurn; ++i) {
    if (CanMove()) MoveIn();
    switch (in_->TryRead(&record_)) {
      case ipc::ReadResult::kNone: return ReadEnd::kAllRead;
      case ipc::ReadResult::kCorrupt: return ReadEnd::kCorrupt;
      case ipc::ReadResult::kRecord: break;
    }
    const std::string_view piece(reinterpret_cast<const char*>(record_.payload.data()), record_.payload.size());
    if (moved_) return ReadEnd::kCorrupt;  // more after the end
    if (record_.type == kLast && partial_.empty()) {
      on_frame(piece, ++read_frames_);
      continue;
    }
    if (record_.type == kMoved) {
      moved_ = true;
      continue;
    }
    if (record_.type != kLast && record_.type != kMoreFollows) return ReadEnd::kCorrupt;
    if (partial_.size() + piece.size() > kMaxFrame) return ReadEnd::kTooLong;
    partial_ += piece;
    if (record_.type == kMoreFollows) continue;
    on_frame(std::exchange(partial_, {}), ++read_frames_);
  }
  return ReadEnd::kMore;
}

}  // namespace troupe::client
