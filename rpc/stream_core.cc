#include "rpc/stream_core.h"

#include <utility>

namespace troupe::rpc {

// What may be started next is decided under the lock, marked, and started outside it, because a completion may run
// before the call that started the operation has returned. Release() comes last of all: after everything marked has
// completed, and after the last thread has left the transport.
template <class Call>
void StreamCore::CallTransport(Lock& lock, Call call) {
  ++calls_;
  lock.unlock();
  call();
  lock.lock();
  --calls_;
}

void StreamCore::Pump(Lock& lock) {
  while (PumpOne(lock)) {
  }
}

bool StreamCore::PumpOne(Lock& lock) {
  if (released_) return false;
  if (abort_wanted_ && !aborted_) {
    aborted_ = true;
    CallTransport(lock, [this] { transport_->Abort(); });
    return true;
  }
  if (!writing_ && !outbox_.empty()) {
    writing_ = true;
    std::string message = std::move(outbox_.front());
    outbox_.pop_front();
    writing_bytes_ = message.size();
    CallTransport(lock,
                  [this, &message, more = !outbox_.empty()] { transport_->StartWrite(std::move(message), more); });
    return true;
  }
  if (ReadyToEndWrites()) {
    writes_ended_ = true;
    CallTransport(lock, [this] { transport_->StartWritesDone(); });
    return true;
  }
  if (ReadyToRead()) {
    reading_ = true;
    CallTransport(lock, [this] { transport_->StartRead(); });
    return true;
  }
  if (!ReadyToRelease()) return false;
  released_ = true;
  const Status status = end_.value_or(OkStatus());
  lock.unlock();
  transport_->Release(status);
  lock.lock();
  return false;
}

bool StreamCore::ReadyToRead() const {
  if (!started_ || reading_ || read_ended_) return false;
  // A client that has closed reads on, and drops what comes, until the server's status arrives.
  if (end_) return options_.side == Side::kClient;
  return inbox_.size() < kMaxInboxMessages && inbox_bytes_ < kMaxInboxBytes;
}

bool StreamCore::ReadyToEndWrites() const {
  return options_.side == Side::kClient && end_ && !writing_ && !writes_ended_ && !aborted_ && !read_ended_;
}

bool StreamCore::ReadyToRelease() const {
  if (calls_ != 0 || writing_) return false;
  return options_.side == Side::kClient ? read_ended_ && !reading_ : end_ && outbox_.empty();
}

void StreamCore::DropOutbox() {
  outbox_.clear();
  pending_bytes_ = writing_ ? writing_bytes_ : 0;
}

void StreamCore::EndNow(Status status, Lock& lock) {
  if (!end_) end_ = std::move(status);
  deliver_ = false;
  inbox_.clear();
  inbox_bytes_ = 0;
  DropOutbox();
  // A server's end tells the peer why by releasing; only a write that the peer does not take stands in the way.
  abort_wanted_ = abort_wanted_ || options_.side == Side::kClient || writing_;
  Pump(lock);
}

void StreamCore::Send(std::string message) {
  Lock lock(mutex_);
  if (end_ || read_ended_ || write_failed_) return;
  if (message.size() > options_.max_message_bytes) {
    return EndNow(ResourceExhausted("a message of " + std::to_string(message.size()) + " bytes to " + options_.peer +
                                    " exceeds the limit of " + std::to_string(options_.max_message_bytes) +
                                    " bytes; send large data through the object store"),
                  lock);
  }
  pending_bytes_ += message.size();
  outbox_.push_back(std::move(message));
  Pump(lock);
}

void StreamCore::SetHandlers(RawStreamHandlers handlers) {
  auto replaced = std::make_shared<const RawStreamHandlers>(std::move(handlers));
  Lock lock(mutex_);  // last in, first out: what was there before is destroyed outside it
  if (!closed_) handlers_.swap(replaced);
}

void StreamCore::Close(Status status) {
  Lock lock(mutex_);
  if (end_) return;
  if (!status.ok() && options_.side == Side::kClient) return EndNow(std::move(status), lock);
  end_ = std::move(status);
  deliver_ = false;
  inbox_.clear();
  inbox_bytes_ = 0;
  Pump(lock);
}

void StreamCore::Cancel(Status status) {
  Lock lock(mutex_);
  EndNow(std::move(status), lock);
}

void StreamCore::Abandon() {
  std::shared_ptr<const RawStreamHandlers> handlers;
  Lock lock(mutex_);
  handlers_.swap(handlers);
  closed_ = true;
  deliver_ = false;
  if (!end_) EndNow(Cancelled("the other end dropped the stream"), lock);
  lock.unlock();
}

void StreamCore::Shutdown(Status status) {
  std::shared_ptr<const RawStreamHandlers> handlers;
  Lock lock(mutex_);
  handlers_.swap(handlers);
  closed_ = true;
  EndNow(std::move(status), lock);
  lock.unlock();
}

void StreamCore::StartReading() {
  Lock lock(mutex_);
  started_ = true;
  Pump(lock);
}

void StreamCore::OnRead(std::unique_ptr<google::protobuf::MessageLite> message, std::size_t bytes) {
  Lock lock(mutex_);
  reading_ = false;
  if (!message) {
    return EndNow({options_.side == Side::kClient ? StatusCode::kInternal : StatusCode::kInvalidArgument,
                   "a message from " + options_.peer + " is not a valid " + options_.prototype->GetTypeName() +
                       "; the two programs may be of different Troupe versions"},
                  lock);
  }
  if (deliver_) {
    inbox_.push_back(std::move(message));
    inbox_bytes_ += bytes;
    PostDrain();
  }
  Pump(lock);
}

void StreamCore::OnReadEnd() {
  Lock lock(mutex_);
  reading_ = false;
  read_ended_ = true;
  if (options_.side == Side::kServer && !end_) {
    end_ = OkStatus();
    ended_by_peer_ = true;
  }
  if (options_.side == Side::kClient) DropOutbox();
  Pump(lock);
}

void StreamCore::OnWritten(bool ok) {
  Lock lock(mutex_);
  writing_ = false;
  pending_bytes_ -= writing_bytes_;
  if (!ok) {
    write_failed_ = true;
    DropOutbox();
  } else if (outbox_.empty() && handlers_ && handlers_->on_drained) {
    drained_ = true;
    PostDrain();
  }
  Pump(lock);
}

void StreamCore::OnPeerGone(Status status) {
  Lock lock(mutex_);
  if (!end_ || ended_by_peer_) end_ = std::move(status);
  ended_by_peer_ = true;
  DropOutbox();
  Pump(lock);
}

void StreamCore::OnDone(Status status) {
  Lock lock(mutex_);
  const bool ours = options_.side == Side::kServer || (end_ && !end_->ok());
  done_ = ours ? *end_ : std::move(status);
  PostDrain();
}

void StreamCore::PostDrain() {
  if (drain_posted_ || closed_) return;
  drain_posted_ = true;
  options_.gate->Post([self = shared_from_this()] { self->Drain(); });
}

void StreamCore::Drain() {
  Lock lock(mutex_);
  drain_posted_ = false;
  const bool drained = std::exchange(drained_, false);
  auto messages = std::exchange(inbox_, {});
  inbox_bytes_ = 0;
  Pump(lock);
  lock.unlock();
  for (const auto& message : messages) {
    auto handlers = LiveHandlers();
    if (handlers && handlers->on_message) handlers->on_message(*message);
  }
  if (auto handlers = drained ? LiveHandlers() : nullptr; handlers && handlers->on_drained) {
    handlers->on_drained();
  }
  DeliverClosed();
}

std::shared_ptr<const RawStreamHandlers> StreamCore::LiveHandlers() {
  Lock lock(mutex_);
  return deliver_ ? handlers_ : nullptr;
}

void StreamCore::DeliverClosed() {
  std::shared_ptr<const RawStreamHandlers> handlers;
  Lock lock(mutex_);
  if (!done_ || closed_ || !inbox_.empty()) return;
  closed_ = true;
  handlers_.swap(handlers);
  const Status status = *done_;
  lock.unlock();
  if (handlers && handlers->on_closed) handlers->on_closed(status);
}

}  // namespace troupe::rpc
