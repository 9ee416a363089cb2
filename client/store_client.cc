#include "client/store_client.h"

#include <cstring>
#include <utility>

namespace troupe::client {
namespace {

ErrorInfo StoreError(std::string message) {
  return {.kind = ErrorKind::kSystem, .outcome = Outcome::kNotExecuted, .message = std::move(message)};
}

store::Extent ToExtent(const pb::ObjectExtent& extent) {
  return {extent.segment(), extent.segment_size(), extent.offset(), extent.size()};
}

}  // namespace

StorePin::~StorePin() {
  pb::ClientToRaylet message;
  message.mutable_release_object()->set_id(id.Bytes());
  core->messenger->SendRaylet(message);
}

std::optional<ErrorInfo> StoreClient::Write(std::unique_lock<std::mutex>& lock, ObjectId id, std::string_view bytes) {
  pb::ClientToRaylet message;
  message.mutable_create_object()->set_id(id.Bytes());
  message.mutable_create_object()->set_size(bytes.size());
  const pb::RayletToClient reply = *core_->messenger->Ask(lock, std::move(message), hook_);
  if (reply.has_error()) return StoreError(reply.error().message());
  lock.unlock();
  Result<std::span<std::byte>> memory = core_->segments.MapWritable(ToExtent(reply.object_extent()));
  pb::ClientToRaylet done;
  if (memory.ok()) {
    if (!bytes.empty()) std::memcpy(memory->data(), bytes.data(), bytes.size());
    done.mutable_seal_object()->set_id(id.Bytes());
  } else {
    done.mutable_abort_object()->set_id(id.Bytes());
  }
  core_->messenger->SendRaylet(done);
  lock.lock();
  if (!memory.ok()) return StoreError(memory.status().message());
  return std::nullopt;
}

std::shared_ptr<StorePin> StoreClient::Read(std::unique_lock<std::mutex>& lock, ObjectRecord& record, Deadline deadline,
                                            ErrorInfo* error) {
  if (auto pin = record.pin.lock()) return pin;
  pb::ClientToRaylet message;
  pb::GetObject& get = *message.mutable_get_object();
  get.set_id(record.id.Bytes());
  get.set_size(record.size);
  for (const NodeId& node : record.nodes) get.add_nodes(node.Bytes());
  // A reply after the deadline still brings a pin, which then is given back at once.
  const auto reply = core_->messenger->Ask(lock, std::move(message), hook_, deadline,
                                           [core = core_, id = record.id](const pb::RayletToClient& late) {
                                             if (!late.has_error()) StorePin(core, id);
                                           });
  if (!reply) {
    *error = {.kind = ErrorKind::kTimeout,
              .outcome = Outcome::kUnknown,
              .message = "the value did not arrive from its node in the time given"};
    return nullptr;
  }
  if (reply->has_error()) {
    *error = FromProto(reply->error());
    return nullptr;
  }
  auto pin = std::make_shared<StorePin>(core_, record.id);
  Result<std::span<const std::byte>> memory = core_->segments.MapReadable(ToExtent(reply->object_extent()));
  if (!memory.ok()) {
    *error = StoreError(memory.status().message());
    return nullptr;
  }
  pin->bytes = *memory;
  record.pin = pin;
  return pin;
}

}  // namespace troupe::client
