#include "client/frames.h"

#include "client/wire.h"

namespace troupe::client {
namespace {

// Most results take no more, with what is around them.
constexpr std::size_t kSmallValue = 64;

// Whether a process can have made the object or actor of this id: none has made a second result of a call.
template <class Tag>
bool CanExist(const Id128<Tag>& id) {
  return ResultIndexOf({id.high, id.low}) == 0;
}

template <class W>
void Write(W& w, const RefName& name) {
  w.Put(name.kind);
  w.Put(name.id);
  w.Put(name.owner);
  w.Put(name.max_task_retries);
  w.Put(name.max_pending_calls);
}

bool Read(WireReader& r, RefName* name) {
  name->kind = r.Get<RefName::Kind>();
  name->id = r.Get<ObjectId>();
  name->owner = r.Get<Address>();
  name->max_task_retries = r.Get<std::int64_t>();
  name->max_pending_calls = r.Get<std::uint32_t>();
  return r.ok() && name->kind >= RefName::Kind::kObject && name->kind <= RefName::Kind::kDetachedActor &&
         CanExist(name->id);
}

template <class W>
void Write(W& w, const std::vector<RefName>& names) {
  w.Put(static_cast<std::uint32_t>(names.size()));
  for (const RefName& name : names) Write(w, name);
}

bool Read(WireReader& r, std::vector<RefName>* names) {
  const std::uint32_t count = r.GetCount(kRefNameBytes);
  names->resize(count);
  for (RefName& name : *names) {
    if (!Read(r, &name)) return false;
  }
  return r.ok();
}

template <class W>
void Write(W& w, const ErrorInfo& error) {
  w.Put(error.kind);
  w.Put(error.outcome);
  w.PutBytes(CutText(error.message));
  w.PutBytes(CutText(error.remote_type));
  w.PutBytes(CutText(error.actor_class));
  w.PutBytes(CutText(error.method));
  w.PutBytes(CutText(error.context));
  w.Put(error.actor);
  w.Put(error.node);
  w.Put(static_cast<std::int32_t>(error.pid));
}

bool Read(WireReader& r, ErrorInfo* error) {
  error->kind = r.Get<ErrorKind>();
  error->outcome = r.Get<Outcome>();
  error->message = r.GetBytes();
  error->remote_type = r.GetBytes();
  error->actor_class = r.GetBytes();
  error->method = r.GetBytes();
  error->context = r.GetBytes();
  error->actor = r.Get<ActorId>();
  error->node = r.Get<NodeId>();
  error->pid = r.Get<std::int32_t>();
  return r.ok() && error->kind <= ErrorKind::kConnection && error->outcome <= Outcome::kNotExecuted;
}

template <class W>
void Write(W& w, const WireValue& value) {
  w.Put(value.kind);
  switch (value.kind) {
    case WireValue::Kind::kInline:
      w.PutBytes(value.bytes);
      Write(w, value.contained);
      break;
    case WireValue::Kind::kStored:
      w.Put(value.size);
      w.Put(static_cast<std::uint32_t>(value.nodes.size()));
      for (const NodeId& node : value.nodes) w.Put(node);
      Write(w, value.contained);
      break;
    case WireValue::Kind::kError: Write(w, *value.error); break;
  }
}

bool Read(WireReader& r, WireValue* value) {
  value->kind = r.Get<WireValue::Kind>();
  switch (value->kind) {
    case WireValue::Kind::kInline: value->bytes = r.GetBytes(); return Read(r, &value->contained);
    case WireValue::Kind::kStored: {
      value->size = r.Get<std::uint64_t>();
      const std::uint32_t count = r.GetCount(sizeof(std::uint64_t) * 2);
      for (std::uint32_t i = 0; i < count; ++i) value->nodes.push_back(r.Get<NodeId>());
      return Read(r, &value->contained);
    }
    case WireValue::Kind::kError: {
      auto error = std::make_shared<ErrorInfo>();
      const bool read = Read(r, error.get());
      value->error = std::move(error);
      return read;
    }
  }
  return false;
}

template <class W>
void Write(W& w, const WireArguments& arguments) {
  w.PutBytes(arguments.values);
  Write(w, arguments.contained);
  w.Put(static_cast<std::uint32_t>(arguments.refs.size()));
  for (const WireArgument& argument : arguments.refs) {
    w.Put(argument.position);
    Write(w, argument.name);
    Write(w, argument.value);
  }
}

bool Read(WireReader& r, WireArguments* arguments) {
  arguments->values = r.GetBytes();
  if (!Read(r, &arguments->contained)) return false;
  const std::uint32_t count = r.GetCount(4 + kRefNameBytes + 1);
  arguments->refs.resize(count);
  std::int64_t last = -1;
  for (WireArgument& argument : arguments->refs) {
    argument.position = r.Get<std::uint32_t>();
    if (argument.position <= last) return false;  // ascending, or the executor would mix them up
    last = argument.position;
    if (!Read(r, &argument.name) || !Read(r, &argument.value)) return false;
  }
  return r.ok();
}

// What `fields` puts, in one piece of memory: `fields` goes through them twice, to count and to write.
template <class Fields>
std::string Encoded(const Fields& fields) {
  WireSize size;
  fields(size);
  std::string out(size.bytes(), '\0');
  WireWriter w(out.data());
  fields(w);
  return out;
}

// Checks the first byte and that nothing is left over.
template <class Body>
bool DecodeWhole(std::string_view frame, FrameType type, Body body) {
  WireReader r(frame);
  if (r.Get<FrameType>() != type) return false;
  return body(r) && r.ok() && r.remaining() == 0;
}

}  // namespace

std::string CutText(std::string text) {
  if (text.size() <= kMaxErrorText) return text;
  const std::string rest = "... (" + std::to_string(text.size()) + " bytes in all)";
  std::size_t end = kMaxErrorText - rest.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not within a character
  text.resize(end);
  return text + rest;
}

std::string EncodeArguments(const WireArguments& arguments) {
  return Encoded([&](auto& w) { Write(w, arguments); });
}

bool DecodeArguments(std::string_view in, WireArguments* out) {
  WireReader r(in);
  return Read(r, out) && r.remaining() == 0;
}

std::string Encode(const CallFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(FrameType::kCall);
    w.Put(frame.sequence);
    w.Put(frame.function);
    w.Put(frame.actor);
    w.Put(frame.incarnation);
    w.Put(frame.attempt);
    w.Put(static_cast<std::uint8_t>(frame.runs_awaited));
    Write(w, frame.arguments);
  });
}

std::string Encode(const ReplyFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(FrameType::kReply);
    w.Put(frame.sequence);
    w.Put(frame.incarnation);
    Write(w, frame.value);
  });
}

std::string BeginReply(std::uint64_t sequence, std::uint64_t incarnation) {
  std::string frame;
  frame.reserve(kReplyHead + kSmallValue);
  frame.resize(kReplyHead);
  WireWriter w(frame.data());
  w.Put(FrameType::kReply);
  w.Put(sequence);
  w.Put(incarnation);
  w.Put(WireValue::Kind::kInline);
  return frame;
}

void EndReply(std::string* frame, const std::vector<RefName>& contained) {
  const auto bytes = static_cast<std::uint32_t>(frame->size() - kReplyHead);
  WireWriter(frame->data() + kReplyHead - sizeof bytes).Put(bytes);
  WireSize size;
  Write(size, contained);
  const std::size_t end = frame->size();
  frame->resize(end + size.bytes());
  WireWriter behind(frame->data() + end);
  Write(behind, contained);
}

std::string Encode(const GetObjectFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(FrameType::kGetObject);
    w.Put(frame.id);
  });
}

std::string Encode(const ObjectValueFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(FrameType::kObjectValue);
    w.Put(frame.id);
    Write(w, frame.value);
  });
}

std::string Encode(FrameType add_or_drop, const RefCountFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(add_or_drop);
    Write(w, frame.name);
    w.Put(frame.holder);
    w.Put(frame.count);
  });
}

std::string Encode(const ProbeFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(FrameType::kProbe);
    w.Put(frame.beginner);
    w.Put(frame.number);
    w.PutBytes(frame.path);
  });
}

std::string Encode(const AskActorFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(FrameType::kAskActor);
    w.Put(frame.id);
  });
}

std::string Encode(const ActorKnownFrame& frame) {
  return Encoded([&](auto& w) {
    w.Put(FrameType::kActorKnown);
    w.Put(frame.id);
    w.Put(static_cast<std::uint8_t>(frame.known));
  });
}

FrameType TypeOf(std::string_view frame) { return frame.empty() ? FrameType{} : static_cast<FrameType>(frame.front()); }

bool Decode(std::string_view frame, CallFrame* out) {
  return DecodeWhole(frame, FrameType::kCall, [out](WireReader& r) {
    out->sequence = r.Get<std::uint64_t>();
    out->function = r.Get<std::uint64_t>();
    out->actor = r.Get<ActorId>();
    out->incarnation = r.Get<std::uint64_t>();
    out->attempt = r.Get<std::uint32_t>();
    const auto runs_awaited = r.Get<std::uint8_t>();
    out->runs_awaited = runs_awaited == 1;
    return runs_awaited <= 1 && out->sequence <= kMaxCounter && Read(r, &out->arguments);
  });
}

bool Decode(std::string_view frame, ReplyFrame* out) {
  return DecodeWhole(frame, FrameType::kReply, [out](WireReader& r) {
    out->sequence = r.Get<std::uint64_t>();
    out->incarnation = r.Get<std::uint64_t>();
    return out->sequence <= kMaxCounter && Read(r, &out->value);
  });
}

bool Decode(std::string_view frame, GetObjectFrame* out) {
  return DecodeWhole(frame, FrameType::kGetObject, [out](WireReader& r) {
    out->id = r.Get<ObjectId>();
    return r.ok() && CanExist(out->id);
  });
}

bool Decode(std::string_view frame, ObjectValueFrame* out) {
  return DecodeWhole(frame, FrameType::kObjectValue, [out](WireReader& r) {
    out->id = r.Get<ObjectId>();
    return CanExist(out->id) && Read(r, &out->value);
  });
}

bool Decode(std::string_view frame, RefCountFrame* out) {
  const FrameType type = TypeOf(frame);
  if (type != FrameType::kAddRef && type != FrameType::kDropRef) return false;
  return DecodeWhole(frame, type, [out](WireReader& r) {
    if (!Read(r, &out->name)) return false;
    out->holder = r.Get<Address>();
    out->count = r.Get<std::int64_t>();
    return r.ok() && out->count > 0;
  });
}

bool Decode(std::string_view frame, ProbeFrame* out) {
  return DecodeWhole(frame, FrameType::kProbe, [out](WireReader& r) {
    out->beginner = r.Get<Address>();
    out->number = r.Get<std::uint64_t>();
    out->path = r.GetBytes();
    return r.ok();
  });
}

bool Decode(std::string_view frame, AskActorFrame* out) {
  return DecodeWhole(frame, FrameType::kAskActor, [out](WireReader& r) {
    out->id = r.Get<ActorId>();
    return r.ok();
  });
}

bool Decode(std::string_view frame, ActorKnownFrame* out) {
  return DecodeWhole(frame, FrameType::kActorKnown, [out](WireReader& r) {
    out->id = r.Get<ActorId>();
    const auto known = r.Get<std::uint8_t>();
    out->known = known == 1;
    return r.ok() && known <= 1;
  });
}

}  // namespace troupe::client
