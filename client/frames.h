// The frames that drivers and workers send each other: calls, replies, values, and counts of references.
//
// Same node: one ring record each (longer ones in several, client/peer_channel.h). Other node: inside a routed frame.
// All fields are little-endian; docs/life-of-a-call.md has the layout. Decoders accept any bytes: they return false
// rather than read outside the frame or allocate more than the frame's size accounts for. They refuse ids of results
// that no call has: calls have one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "troupe/error.h"
#include "troupe/ids.h"

namespace troupe::client {

enum class FrameType : std::uint8_t {
  kCall = 1,         // caller -> executor
  kReply = 2,        // executor -> caller
  kGetObject = 3,    // anyone -> owner of an object
  kObjectValue = 4,  // owner -> whoever asked
  kAddRef = 5,       // a holder -> owner: `holder` holds `count` more
  kDropRef = 6,      // a holder -> owner: `holder` holds `count` fewer
  kProbe = 7,        // a process whose actor waits to call another -> that one's process (client/call_cycles.h)
  kAskActor = 8,     // who found an actor by its name -> its creator: do you know it, and count me?
  kActorKnown = 9,   // the creator's answer
};

// A ref or handle inside a value or among arguments. The sender has told the owner that the receiver holds it
// (client/object_table.h), so the receiver must adopt each one it is sent.
struct RefName {
  enum class Kind : std::uint8_t { kObject = 1, kActor = 2, kDetachedActor = 3 };
  Kind kind = Kind::kObject;
  ObjectId id = {};                     // or an ActorId's halves
  Address owner = {};                   // or the actor's creator
  std::int64_t max_task_retries = 0;    // actors
  std::uint32_t max_pending_calls = 0;  // actors
};

inline constexpr std::size_t kRefNameBytes = 1 + 16 + 24 + 8 + 4;

// What became of an object: its bytes, where they lie, or the error in their place.
struct WireValue {
  enum class Kind : std::uint8_t { kInline = 1, kStored = 2, kError = 3 };
  Kind kind = Kind::kInline;
  std::string_view bytes;                  // kInline; points into the frame
  std::uint64_t size = 0;                  // kStored
  std::vector<NodeId> nodes;               // kStored: where copies are
  std::vector<RefName> contained;          // kInline and kStored
  std::shared_ptr<const ErrorInfo> error;  // kError; never null then
};

inline WireValue ErrorValue(ErrorInfo error) {
  WireValue value;
  value.kind = WireValue::Kind::kError;
  value.error = std::make_shared<const ErrorInfo>(std::move(error));
  return value;
}

// An argument given as an object.
struct WireArgument {
  std::uint32_t position = 0;
  RefName name = {};
  WireValue value = {};
};

struct WireArguments {
  std::string_view values;  // serialised one after another; points into the frame
  std::vector<RefName> contained;
  std::vector<WireArgument> refs;  // by position
};

struct CallFrame {
  std::uint64_t sequence = 0;  // with the caller's process id: the TaskId, and the ObjectId of the result
  std::uint64_t function = 0;
  ActorId actor;                  // none: a task
  std::uint64_t incarnation = 0;  // of the actor, or the lease of the task
  std::uint32_t attempt = 0;      // 0 for the first
  bool runs_awaited = false;      // a task: may run tasks of its own while it waits for them (client/task_table.h)
  WireArguments arguments;
};

struct ReplyFrame {
  std::uint64_t sequence = 0;
  std::uint64_t incarnation = 0;  // as in the call
  WireValue value;
};

// A reply that is made around its value: the value's bytes are appended to what BeginReply returns, and EndReply puts
// behind them what goes there. The same bytes as those of a ReplyFrame with an inline value.
inline constexpr std::size_t kReplyHead = 1 + 8 + 8 + 1 + 4;
std::string BeginReply(std::uint64_t sequence, std::uint64_t incarnation);
void EndReply(std::string* frame, const std::vector<RefName>& contained);

struct GetObjectFrame {
  ObjectId id;
};

struct ObjectValueFrame {
  ObjectId id;
  WireValue value;
};

struct RefCountFrame {
  RefName name;
  Address holder;
  std::int64_t count = 0;  // positive
};

struct ProbeFrame {
  Address beginner;          // whose actor waited first
  std::uint64_t number = 0;  // its count of probes
  std::string_view path;     // the actors that wait, for people; points into the frame
};

struct AskActorFrame {
  ActorId id;
};

struct ActorKnownFrame {
  ActorId id;
  bool known = false;
};

// What users write is of any length; the texts of an error are cut, so that it can always be sent. UTF-8 stays UTF-8.
inline constexpr std::size_t kMaxErrorText = 64 * 1024;
std::string CutText(std::string text);

std::string EncodeArguments(const WireArguments& arguments);
bool DecodeArguments(std::string_view in, WireArguments* out);

std::string Encode(const CallFrame& frame);
std::string Encode(const ReplyFrame& frame);
std::string Encode(const GetObjectFrame& frame);
std::string Encode(const ObjectValueFrame& frame);
std::string Encode(FrameType add_or_drop, const RefCountFrame& frame);
std::string Encode(const ProbeFrame& frame);
std::string Encode(const AskActorFrame& frame);
std::string Encode(const ActorKnownFrame& frame);

// The first byte. 0 when `frame` is empty.
FrameType TypeOf(std::string_view frame);
// The rest; views in `*out` point into `frame`. False: not a frame of that type.
bool Decode(std::string_view frame, CallFrame* out);
bool Decode(std::string_view frame, ReplyFrame* out);
bool Decode(std::string_view frame, GetObjectFrame* out);
bool Decode(std::string_view frame, ObjectValueFrame* out);
bool Decode(std::string_view frame, RefCountFrame* out);
bool Decode(std::string_view frame, ProbeFrame* out);
bool Decode(std::string_view frame, AskActorFrame* out);
bool Decode(std::string_view frame, ActorKnownFrame* out);

}  // namespace troupe::client
