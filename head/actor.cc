#include "head/actor.h"

#include <algorithm>

#include "common/name.h"
#include "head/convert.h"
#include "head/sha256.h"

namespace troupe::head {
namespace {

constexpr std::size_t kMaxArgumentBytes = 8u << 20;  // well below what one message may hold
constexpr std::size_t kMaxClassName = 4'096;
// What an actor may count for on top of what it holds; so that the sum over all actors stays within 64 bits.
constexpr std::int64_t kMaxPlacementUnits = std::int64_t{1'000'000} * ResourceSet::kUnit;

Status CheckPlacement(const pb::Placement& placement) {
  if (placement.strategy() == pb::Placement::NODE_AFFINITY) {
    TROUPE_RETURN_IF_ERROR(ParseNodeId(placement.node(), "the node of a node affinity").status());
  }
  for (const auto& [key, value] : placement.labels()) TROUPE_RETURN_IF_ERROR(CheckName(key, "a label's name"));
  return OkStatus();
}

Status CheckSpec(const pb::ActorSpec& spec) {
  if (spec.class_name().empty() || spec.class_name().size() > kMaxClassName) {
    return InvalidArgument("an actor's class name must have 1 to 4096 characters");
  }
  if (!spec.name().empty()) {
    TROUPE_RETURN_IF_ERROR(CheckName(spec.name(), "an actor's name"));
    TROUPE_RETURN_IF_ERROR(CheckName(spec.name_space(), "the namespace of a named actor"));
  }
  if (spec.arguments().size() > kMaxArgumentBytes) {
    return InvalidArgument("the constructor arguments of " + spec.class_name() + " take " +
                           std::to_string(spec.arguments().size()) + " bytes; put what is large into the object store");
  }
  if (spec.max_restarts() < -1) return InvalidArgument("max_restarts must be -1 (no limit) or more");
  if (spec.max_task_retries() < -1) return InvalidArgument("max_task_retries must be -1 (no limit) or more");
  return CheckPlacement(spec.placement());
}

pb::ActorInfo InfoOf(const pb::ActorSpec& spec) {
  pb::ActorInfo info;
  info.set_id(spec.id());
  info.set_job(spec.job());
  info.set_class_name(spec.class_name());
  info.set_name(spec.name());
  info.set_name_space(spec.name_space());
  info.set_detached(spec.detached());
  info.set_state(pb::PENDING);
  info.set_max_restarts(spec.max_restarts());
  *info.mutable_resources() = spec.resources();
  info.set_max_task_retries(spec.max_task_retries());
  *info.mutable_creator() = spec.creator();
  info.set_max_pending_calls(spec.max_pending_calls());
  return info;
}

std::string ShapeOf(const pb::ActorSpec& spec) {
  pb::ActorSpec shape;
  *shape.mutable_resources() = spec.resources();
  *shape.mutable_placement_resources() = spec.placement_resources();
  *shape.mutable_placement() = spec.placement();
  shape.mutable_creator()->set_node(spec.creator().node());
  return CanonicalBytes(shape);
}

}  // namespace

std::string SpecContent(const pb::ActorSpec& spec) {
  Sha256 hash;
  hash.Add(CanonicalBytes(spec));
  return hash.Hex();
}

Result<Actor> MakeActor(const pb::ActorSpec& spec) {
  Actor actor;
  TROUPE_ASSIGN_OR_RETURN(actor.id, ParseActorId(spec.id(), "an actor's id"));
  TROUPE_RETURN_IF_ERROR(CheckSpec(spec));
  TROUPE_ASSIGN_OR_RETURN(actor.resources, FromProto(spec.resources()));
  TROUPE_ASSIGN_OR_RETURN(actor.placement_resources, FromProto(spec.placement_resources()));
  for (const auto& [name, units] : actor.placement_resources.units()) {
    if (units > std::max(actor.resources.Units(name), kMaxPlacementUnits)) {
      return InvalidArgument("resource '" + name + "' of the placement is out of range; give at most 1000000");
    }
  }
  actor.job = JobId{spec.job()};
  actor.creator = FromProto(spec.creator());
  actor.spec = spec;
  actor.info = InfoOf(spec);
  actor.shape = ShapeOf(spec);
  return actor;
}

pb::Error DeathError(const Actor& actor, pb::Error::Kind kind, const std::string& message) {
  pb::Error error;
  error.set_kind(kind);
  error.set_outcome(actor.info.incarnation() == 0 ? pb::Error::NOT_EXECUTED : pb::Error::UNKNOWN);
  error.set_message(message);
  error.set_actor_class(actor.info.class_name());
  error.set_actor(actor.info.id());
  if (actor.node) error.set_node(actor.node.Bytes());
  error.set_pid(actor.info.pid());
  return error;
}

std::string Describe(const Actor& actor) {
  std::string text = "actor " + actor.info.class_name() + " (" + actor.id.Hex();
  if (!actor.info.name().empty()) text += ", named '" + actor.info.name() + "' in '" + actor.info.name_space() + "'";
  return text + ")";
}

}  // namespace troupe::head
