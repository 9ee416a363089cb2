#include "raylet/objects/object_server.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "raylet/convert.h"

namespace troupe::raylet {
namespace {

constexpr const char* kFetchMethod = "/troupe.pb.Node/FetchObject";

}  // namespace

struct ObjectServer::Sending {
  std::shared_ptr<SendStream> stream;
  bool asked = false;
  std::optional<store::LocalPin> pin;
  std::uint64_t sent = 0;
  bool closed = false;
};

ObjectServer::ObjectServer(store::StoreOwner& store, WhenSealed when_sealed)
    : store_(store), when_sealed_(std::move(when_sealed)), self_(std::make_shared<ObjectServer*>(this)) {}

ObjectServer::~ObjectServer() {
  for (const auto& sending : sendings_) {
    sending->stream->SetHandlers({});
    if (sending->pin) store_.UnpinLocal(sending->pin->token);
  }
}

void ObjectServer::Serve(rpc::Server* server) {
  server->HandleStream<pb::FetchRequest, pb::ObjectChunk>(
      kFetchMethod, [weak = std::weak_ptr(self_)](std::shared_ptr<SendStream> stream) {
        if (auto self = weak.lock()) (*self)->Accept(std::move(stream));
      });
}

void ObjectServer::Accept(std::shared_ptr<SendStream> stream) {
  auto sending = std::make_shared<Sending>();
  sending->stream = std::move(stream);
  sendings_.insert(sending);
  std::weak_ptr<Sending> weak = sending;
  sending->stream->SetHandlers({.on_message =
                                    [this, weak](const pb::FetchRequest& request) {
                                      if (auto open = weak.lock()) OnRequest(open, request);
                                    },
                                .on_closed =
                                    [this, weak](const Status&) {
                                      if (auto open = weak.lock()) End(open);
                                    },
                                .on_drained =
                                    [this, weak] {
                                      if (auto open = weak.lock()) Pump(*open);
                                    }});
}

void ObjectServer::OnRequest(const std::shared_ptr<Sending>& sending, const pb::FetchRequest& request) {
  if (std::exchange(sending->asked, true)) {
    return sending->stream->Close(InvalidArgument("one object per stream"));
  }
  const ObjectId id = IdFromPb<ObjectId>(request.object());
  when_sealed_(id, [weak_self = std::weak_ptr(self_), weak = std::weak_ptr(sending), id](const Status& ready) {
    auto self = weak_self.lock();
    auto open = weak.lock();
    if (self && open && !open->closed) (*self)->Begin(open, id, ready);
  });
}

void ObjectServer::Begin(const std::shared_ptr<Sending>& sending, ObjectId id, const Status& ready) {
  if (!ready.ok()) return sending->stream->Close(ready);
  auto pin = store_.ReadLocal(id);
  if (!pin.ok()) return sending->stream->Close(pin.status());
  sending->pin = *pin;
  if (pin->bytes.empty()) {
    sending->stream->Send(pb::ObjectChunk());
    return sending->stream->Close();
  }
  Pump(*sending);
}

void ObjectServer::Pump(Sending& sending) {
  if (!sending.pin || sending.closed) return;
  const auto bytes = sending.pin->bytes;
  while (sending.sent < bytes.size() && sending.stream->pending_bytes() < kWindowBytes) {
    const auto part = bytes.subspan(sending.sent, std::min<std::size_t>(kChunkBytes, bytes.size() - sending.sent));
    pb::ObjectChunk chunk;
    if (sending.sent == 0) chunk.set_size(bytes.size());
    chunk.set_offset(sending.sent);
    chunk.set_data(part.data(), part.size());
    sending.stream->Send(chunk);
    sending.sent += part.size();
    if (sending.sent == bytes.size()) sending.stream->Close();
  }
}

void ObjectServer::End(const std::shared_ptr<Sending>& sending) {
  sending->closed = true;
  if (sending->pin) store_.UnpinLocal(sending->pin->token);
  sendings_.erase(sending);
}

}  // namespace troupe::raylet
