#include "raylet/objects/object_fetcher.h"

#include <spdlog/spdlog.h>

#include <cstring>
#include <utility>

namespace troupe::raylet {
namespace {

constexpr const char* kFetchMethod = "/troupe.pb.Node/FetchObject";

}  // namespace

ObjectFetcher::ObjectFetcher(EventLoop& loop, store::StoreOwner& store, std::function<rpc::Client*(NodeId)> client_of)
    : loop_(loop), store_(store), client_of_(std::move(client_of)), self_(std::make_shared<ObjectFetcher*>(this)) {}

ObjectFetcher::~ObjectFetcher() {
  for (auto& [id, transfer] : transfers_) Undo(id, transfer);
}

void ObjectFetcher::Fetch(ObjectId id, std::vector<NodeId> nodes, Done done) {
  Transfer transfer;
  transfer.nodes = {nodes.begin(), nodes.end()};
  transfer.done = std::move(done);
  transfer.deadline = loop_.Now() + kMaxWait;
  transfer.number = ++last_number_;
  transfer.last_failure = NotFound("no node is known to have it");
  transfers_.insert_or_assign(id, std::move(transfer));
  // `done` never runs within this call.
  loop_.Post([weak = std::weak_ptr(self_), id, number = last_number_] {
    auto self = weak.lock();
    if (!self) return;
    auto it = (*self)->transfers_.find(id);
    if (it != (*self)->transfers_.end() && it->second.number == number) (*self)->Ask(id);
  });
}

void ObjectFetcher::Ask(ObjectId id) {
  Transfer& transfer = transfers_.at(id);
  while (!transfer.nodes.empty()) {
    rpc::Client* client = client_of_(transfer.nodes.front());
    if (client == nullptr) {
      transfer.last_failure = NotFound("node " + transfer.nodes.front().Hex().substr(0, 8) + ", which had it, is gone");
      transfer.nodes.pop_front();
      continue;
    }
    transfer.stream = client->OpenStream<pb::ObjectChunk, pb::FetchRequest>(
        kFetchMethod, {.on_message = [this, id](const pb::ObjectChunk& chunk) { OnChunk(id, chunk); },
                       .on_closed = [this, id](const Status& status) { OnClosed(id, status); }});
    pb::FetchRequest request;
    request.set_object(id.Bytes());
    transfer.stream->Send(request);
    return;
  }
  Finish(id, transfer.last_failure);
}

void ObjectFetcher::OnChunk(ObjectId id, const pb::ObjectChunk& chunk) {
  auto it = transfers_.find(id);
  if (it == transfers_.end()) return;
  Transfer& transfer = it->second;
  const Status status = TakeChunk(id, transfer, chunk);
  if (status.code() == StatusCode::kResourceExhausted) return WaitForRoom(id, status);
  if (status.code() == StatusCode::kUnavailable) return WaitForMemory(id);
  if (!status.ok()) return NextNode(id, status);
  if (transfer.received < transfer.place.size()) return;
  const Status sealed = store_.SealLocal(id);
  transfer.placed = false;
  Finish(id, sealed);
}

Status ObjectFetcher::TakeChunk(ObjectId id, Transfer& transfer, const pb::ObjectChunk& chunk) {
  if (!transfer.placed) {
    auto place = store_.CreateLocal(id, chunk.size());
    transfer.placed = place.ok() || place.status().code() == StatusCode::kUnavailable;
    transfer.received = 0;
    TROUPE_ASSIGN_OR_RETURN(transfer.place, std::move(place));
  }
  const std::string& data = chunk.data();
  if (chunk.offset() != transfer.received || data.size() > transfer.place.size() - transfer.received) {
    return DataLoss("node " + transfer.nodes.front().Hex() + " sent bytes that are not part of object " + id.Hex());
  }
  if (!data.empty()) std::memcpy(transfer.place.data() + transfer.received, data.data(), data.size());
  transfer.received += data.size();
  return OkStatus();
}

void ObjectFetcher::OnClosed(ObjectId id, const Status& status) {
  if (!transfers_.contains(id)) return;
  NextNode(id, status.ok() ? DataLoss("the node ended the transfer early") : status);
}

void ObjectFetcher::NextNode(ObjectId id, const Status& why) {
  Transfer& transfer = transfers_.at(id);
  spdlog::debug("object {} not fetched from node {}: {}", id.Hex(), transfer.nodes.front().Hex(), why.ToString());
  Undo(id, transfer);
  transfer.last_failure = why;
  transfer.nodes.pop_front();
  Ask(id);
}

void ObjectFetcher::WaitForRoom(ObjectId id, const Status& why) {
  Transfer& transfer = transfers_.at(id);
  Undo(id, transfer);
  if (loop_.Now() >= transfer.deadline) return Finish(id, why);
  loop_.After(kRetry, [weak = std::weak_ptr(self_), id, number = transfer.number] {
    auto self = weak.lock();
    if (!self) return;
    auto it = (*self)->transfers_.find(id);
    if (it != (*self)->transfers_.end() && it->second.number == number) (*self)->Ask(id);
  });
}

// The bytes would pile up meanwhile, so they are asked for anew.
void ObjectFetcher::WaitForMemory(ObjectId id) {
  Transfer& transfer = transfers_.at(id);
  DropStream(transfer);
  store_.WhenReady(id, [weak = std::weak_ptr(self_), id, number = transfer.number](const Status& status) {
    auto self = weak.lock();
    if (!self) return;
    auto it = (*self)->transfers_.find(id);
    if (it != (*self)->transfers_.end() && it->second.number == number) (*self)->OnMemory(id, status);
  });
}

void ObjectFetcher::OnMemory(ObjectId id, Status status) {
  Transfer& transfer = transfers_.at(id);
  if (status.ok()) {
    auto place = store_.LocalBytes(id);
    status = place.status();
    if (place.ok()) transfer.place = *place;
  }
  if (status.ok()) return Ask(id);
  transfer.placed = false;  // it has gone
  if (status.code() == StatusCode::kResourceExhausted) return WaitForRoom(id, status);
  Finish(id, status);
}

void ObjectFetcher::DropStream(Transfer& transfer) {
  if (!transfer.stream) return;
  transfer.stream->SetHandlers({});
  // We may be inside one of its handlers, which must not destroy it.
  loop_.Post([stream = std::move(transfer.stream)]() mutable { stream.reset(); });
  transfer.stream = nullptr;
}

void ObjectFetcher::Undo(ObjectId id, Transfer& transfer) {
  DropStream(transfer);
  if (!transfer.placed) return;
  transfer.placed = false;
  const Status aborted = store_.AbortLocal(id);
  if (!aborted.ok()) spdlog::error("a broken transfer of object {} stays: {}", id.Hex(), aborted.ToString());
}

void ObjectFetcher::Cancel(ObjectId id) {
  auto it = transfers_.find(id);
  if (it == transfers_.end()) return;
  Undo(id, it->second);
  transfers_.erase(it);
}

// Its client goes without a word to the streams.
void ObjectFetcher::OnNodeDied(NodeId node) {
  std::vector<ObjectId> broken;
  for (auto& [id, transfer] : transfers_) {
    if (transfer.stream && transfer.nodes.front() == node) {
      broken.push_back(id);
    } else {
      std::erase(transfer.nodes, node);
    }
  }
  for (ObjectId id : broken) NextNode(id, NotFound("node " + node.Hex().substr(0, 8) + ", which had it, died"));
}

// `status` by value: it may be the last failure of the transfer that ends here.
void ObjectFetcher::Finish(ObjectId id, Status status) {
  Transfer& transfer = transfers_.at(id);
  Undo(id, transfer);
  const NodeId from = transfer.nodes.empty() ? NodeId{} : transfer.nodes.front();
  const Done done = std::move(transfer.done);
  transfers_.erase(id);
  done(status, from);
}

}  // namespace troupe::raylet
