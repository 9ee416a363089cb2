#include "raylet/links/peer_link.h"

#include <utility>

namespace troupe::raylet {

PeerLink::~PeerLink() {
  if (stream_) stream_->SetHandlers({});
}

void PeerLink::Attach(std::shared_ptr<PeerStream> stream, const pb::PeerMessage* hello) {
  if (stream_) {
    stream_->SetHandlers({});
    OnClosed(Unavailable("the peer opened another connection"));
  }
  stream_ = std::move(stream);
  stream_->SetHandlers({.on_message = [this](pb::PeerMessage message) { events_.on_message(std::move(message)); },
                        .on_closed = [this](Status status) { OnClosed(status); },
                        .on_drained = [this] { Flush(); }});
  if (hello != nullptr) stream_->Send(*hello);
  Flush();
}

Status PeerLink::Send(pb::PeerMessage part) {
  const std::size_t bytes = part.ByteSizeLong();
  if (queued_bytes_ + bytes > kMaxQueuedBytes && part.frames_size() + part.messages_size() > 0) {
    return ResourceExhausted("node " + peer_.Hex().substr(0, 8) + " takes messages more slowly than they come: " +
                             std::to_string(queued_bytes_) + " bytes wait for it");
  }
  if (queue_.empty() || queue_.back().bytes + bytes > kBatchBytes) {
    queue_.push_back({std::move(part), bytes});
  } else {
    queue_.back().message.MergeFrom(part);
    queue_.back().bytes += bytes;
  }
  queued_bytes_ += bytes;
  Flush();
  return OkStatus();
}

void PeerLink::Flush() {
  const bool was_congested = congested();
  while (stream_ && !queue_.empty() && stream_->pending_bytes() == 0) {
    const Batch batch = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= batch.bytes;
    stream_->Send(batch.message);
  }
  if (was_congested && !congested()) events_.on_free();
}

void PeerLink::OnClosed(const Status& status) {
  stream_.reset();
  // Calls must not arrive with a gap before them; whoever sent them is told by on_broken.
  queued_bytes_ = 0;
  for (Batch& batch : queue_) {
    batch.message.clear_frames();
    batch.bytes = batch.message.ByteSizeLong();
    queued_bytes_ += batch.bytes;
  }
  events_.on_broken(status);
  events_.on_free();
}

}  // namespace troupe::raylet
