// A raylet and other processes that say anything at all to the tables of a process. Whatever they say:
//   - only the process that a call was sent to can answer it, and only an object's owner can give it a value;
//   - a call is under way once, or waits once, and what the tables count as under way is;
//   - a value, once it is there, stays what it is;
//   - when the raylet is lost, nothing is left to wait for.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/tables.h"
#include "common/check.h"
#include "tests/fuzz/proto/message_maker.h"
#include "tests/fuzz/seeds.h"
#include "tests/unit/client/process_fixture.h"

namespace troupe::client {
namespace {

using fuzz::Input;
using fuzz::MessageMaker;
using namespace std::chrono_literals;

constexpr std::size_t kMaxSteps = 80;
constexpr std::size_t kMaxFramesPerStep = 10'000;
constexpr NodeId kSelf{1, 1};
constexpr NodeId kOther{2, 2};
constexpr Address kMe{kSelf, {11}};
constexpr std::array<Address, 4> kPeers = {{{kSelf, {21}}, {kSelf, {22}}, {kOther, {23}}, {kOther, {24}}}};

enum class Step : std::uint8_t {
  kPut,
  kDrop,
  kRun,
  kCreateActor,
  kCall,
  kAnswer,
  kGrant,
  kActorUpdate,
  kReply,
  kOwnersValue,
  kCount_,
  kGetObject,
  kAnyFrame,
  kGone,
  kRaylet,
  kTake,
  kAdvance,
  kCount
};

class Session : private CallSink {
 public:
  explicit Session(Input input) : input_(input), tables_(core_) {
    core_.self = kMe;
    core_.info.set_job(1);
    core_.outbox = &outbox_;
    tables_.SetSink(this);
    for (const Address& peer : kPeers) pools_.processes.push_back(peer.process.value);
    pools_.processes.insert(pools_.processes.end(), {0, kMe.process.value, ~std::uint64_t{0}});
    for (const auto& id : {ObjectId{11, 1}, ObjectId{11, 2}, ObjectId{21, 1}, ObjectId{23, 1}, ObjectId{}}) {
      pools_.ids.push_back(id.Bytes());
    }
    pools_.ids.insert(pools_.ids.end(), {kSelf.Bytes(), kOther.Bytes()});
    pools_.texts = {"", "text", "\xff", "Class", "CPU", "zone"};
  }

  void Run() {
    for (std::size_t i = 0; i < kMaxSteps && !input_.empty(); ++i) {
      const std::size_t frames = outbox_.frames.size();
      Take(static_cast<Step>(input_.Below(static_cast<std::size_t>(Step::kCount))));
      tables_.TakeReleased();
      TROUPE_CHECK(outbox_.frames.size() <= frames + kMaxFramesPerStep);
      Collect();
      Check();
    }
    End();
  }

 private:
  void Take(Step step) {
    switch (step) {
      case Step::kPut: return Keep(tables_.objects().NewInline({"value", Some(), {}}));
      case Step::kDrop: return Drop();
      case Step::kRun: return RunTask();
      case Step::kTake: return TakeTask();
      case Step::kCreateActor: return CreateActor();
      case Step::kCall: return Call();
      case Step::kAnswer: return Answer();
      case Step::kGrant: return Grant();
      case Step::kActorUpdate: return ActorUpdate();
      case Step::kReply: return Reply();
      case Step::kOwnersValue: return OwnersValue();
      case Step::kCount_: return Count();
      case Step::kGetObject: return Deliver(Peer(), Encode(GetObjectFrame{AnObject().id}));
      case Step::kAnyFrame: return Deliver(Peer(), input_.Bytes(input_.Below(200)));
      case Step::kGone: return Gone();
      case Step::kRaylet: return Raylet();
      case Step::kAdvance:
      case Step::kCount: return outbox_.Advance(input_.Flip() ? 60ms : 3s);
    }
  }

  // --- What the program does -----------------------------------------------------------------------------------------

  std::vector<internal::ObjectPtr> Some() {
    if (kept_.empty() || input_.Flip()) return {};
    return {input_.PickFrom(kept_)};
  }
  internal::Arguments Arguments() {
    internal::Arguments arguments;
    arguments.values.bytes = "arguments";
    arguments.values.objects = Some();
    for (const internal::ObjectPtr& object : Some()) arguments.refs.emplace_back(0, object);
    for (const internal::ObjectPtr& object : arguments.values.objects) tables_.objects().Ask(*object->record());
    return arguments;
  }
  std::shared_ptr<PendingCall> NewCall() {
    auto call = std::make_shared<PendingCall>();
    call->sequence = ++core_.last_sequence;
    call->function = 7;
    call->name = "f";
    call->retries_left = static_cast<std::int64_t>(input_.Below(4)) - 1;
    call->retry_exceptions = input_.Flip();
    call->arguments = Arguments();
    return call;
  }
  void Keep(internal::ObjectPtr object) {
    if (kept_.size() < 16) kept_.push_back(std::move(object));
  }
  void Drop() {
    if (!kept_.empty()) kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(input_.Below(kept_.size())));
    if (!actors_.empty() && input_.Below(4) == 0) {
      actors_.erase(actors_.begin() + static_cast<std::ptrdiff_t>(input_.Below(actors_.size())));
    }
  }
  void RunTask() {
    pb::Resources resources;
    (*resources.mutable_units())["CPU"] = static_cast<std::int64_t>(input_.Below(2));
    Keep(tables_.tasks().Run(NewCall(), MakeShape(resources, {})));
  }
  // As a task that waits, and has ended or begun.
  void TakeTask() {
    tables_.tasks().SetKeepsIdleLeases(input_.Flip());
    if (kept_.empty()) return;
    const auto call =
        tables_.tasks().TakeAwaited(*input_.PickFrom(kept_)->record(), static_cast<std::int64_t>(input_.Below(2)));
    if (!call) return;
    if (input_.Flip()) return tables_.tasks().OnRan(call, {.kind = ErrorKind::kThrew, .outcome = Outcome::kFailed});
    tables_.tasks().OnRan(call, {"value", Some(), {}}, input_.Below(2));
  }
  void CreateActor() {
    pb::ActorSpec spec;
    spec.set_class_name("Class");
    spec.set_detached(input_.Flip());
    if (actors_.size() < 4) {
      actors_.push_back(tables_.actors().Create(std::move(spec), false, Arguments(), [](const pb::RayletToClient&) {}));
    }
  }
  void Call() {
    if (!actors_.empty()) Keep(tables_.actors().Call(input_.PickFrom(actors_)->record(), NewCall()));
  }

  // --- What the raylet says ------------------------------------------------------------------------------------------

  void Answer() {
    if (outbox_.requests.empty()) return;
    const FakeOutbox::Asked asked = std::move(outbox_.requests.front());
    outbox_.requests.pop_front();
    pb::RayletToClient reply;
    pb::ActorInfo& info = *reply.mutable_actor_reply()->mutable_info();
    info.set_id(asked.message.has_find_actor() ? asked.message.find_actor().id()
                                               : asked.message.create_actor().spec().id());
    info.set_state(pb::PENDING);
    if (input_.Flip()) MessageMaker::Change(&input_, pools_, &reply);
    asked.done(reply);
  }
  void Grant() {
    pb::RayletToClient message;
    pb::LeaseGranted& granted = *message.mutable_lease_granted();
    granted.set_key(1 + input_.Below(2));
    granted.set_lease(1 + input_.Below(3));
    const Address& peer = Peer();
    granted.mutable_worker()->set_node(peer.node.Bytes());
    granted.mutable_worker()->set_process(peer.process.value);
    if (input_.Below(4) == 0) MessageMaker::Change(&input_, pools_, &granted);
    tables_.OnRaylet(message);
  }
  void ActorUpdate() {
    if (actors_.empty()) return;
    const ActorRecord& actor = *input_.PickFrom(actors_)->record();
    pb::RayletToClient message;
    pb::ActorInfo& info = *message.mutable_actor_update()->mutable_info();
    info.set_id(actor.id.Bytes());
    info.set_state(static_cast<pb::ActorState>(1 + input_.Below(5)));
    info.set_incarnation(actor.incarnation + input_.Below(2));
    info.set_version(++version_);
    const Address& peer = Peer();
    info.mutable_address()->set_node(peer.node.Bytes());
    info.mutable_address()->set_process(peer.process.value);
    if (input_.Below(4) == 0) MessageMaker::Change(&input_, pools_, &info);
    tables_.OnRaylet(message);
  }
  void Gone() {
    const std::uint64_t reached = input_.Flip() ? kAllReached : input_.Below(4);
    const std::size_t how = input_.Below(4);
    if (how == 1) return tables_.OnPathBroken(Peer().process, "no channel", reached);
    if (how != 0) return tables_.OnProcessGone(Peer().process, "killed", reached);
    pb::RayletToClient message;
    message.mutable_node_died()->set_node(kOther.Bytes());
    tables_.OnRaylet(message);
  }
  void Raylet() {
    pb::RayletToClient message = MessageMaker::Make<pb::RayletToClient>(&input_, pools_);
    // These are for people to read.
    if (message.has_lease_update()) message.mutable_lease_update()->set_infeasible(false);
    if (message.has_actor_update()) message.mutable_actor_update()->mutable_info()->clear_pending_reason();
    tables_.OnRaylet(message);
  }

  // --- What other processes say --------------------------------------------------------------------------------------

  const Address& Peer() { return kPeers[input_.Below(kPeers.size())]; }
  RefName AnObject() {
    RefName name;
    name.kind = static_cast<RefName::Kind>(1 + input_.Below(8) % 3);
    name.owner = input_.Below(3) == 0 ? kMe : Peer();
    name.id = {name.owner.process.value, 1 + input_.Below(6)};
    if (input_.Below(8) == 0) name.id.high = kMe.process.value;
    return name;
  }
  WireValue AValue() {
    WireValue value;
    value.kind = static_cast<WireValue::Kind>(1 + input_.Below(3));
    value.bytes = "bytes";
    value.size = input_.Take<std::uint16_t>();
    value.nodes = {kOther};
    for (std::size_t i = input_.Below(3); i > 0; --i) value.contained.push_back(AnObject());
    const ErrorKind kind = input_.Flip() ? ErrorKind::kThrew : ErrorKind::kRefused;
    value.error = std::make_shared<const ErrorInfo>(ErrorInfo{.kind = kind});
    return value;
  }
  void Deliver(const Address& from, const std::string& frame) { tables_.OnFrame(from, frame, 0); }
  // An answer to a call that was sent, from whoever it was sent to or from another.
  void Reply() {
    if (sent_.empty()) return;
    const auto [to, call] = input_.PickFrom(sent_);
    ReplyFrame reply{call.sequence, call.incarnation, AValue()};
    const bool honest = input_.Below(4) != 0;
    const Address from = honest ? to : Peer();
    const std::size_t ready = Ready();
    Deliver(from, Encode(reply));
    if (from.process != to.process && !AlsoSentTo(from, call)) TROUPE_CHECK(Ready() == ready);
  }
  bool AlsoSentTo(const Address& peer, const CallFrame& call) const {
    return std::any_of(sent_.begin(), sent_.end(), [&](const auto& sent) {
      return sent.first.process == peer.process && sent.second.sequence == call.sequence;
    });
  }
  void OwnersValue() {
    const RefName name = AnObject();
    const bool honest = input_.Below(4) != 0;
    const Address from = honest ? name.owner : Peer();
    const std::size_t ready = Ready();
    Deliver(from, Encode(ObjectValueFrame{name.id, AValue()}));
    const auto record = tables_.objects().Find(name.id);
    if (record && record->owner.process != from.process) TROUPE_CHECK(Ready() == ready);
  }
  void Count() {
    constexpr std::int64_t kCounts[] = {1, 1, 2, 1'000, std::numeric_limits<std::int64_t>::max()};
    const RefCountFrame frame{AnObject(), input_.Flip() ? Peer() : kMe, input_.PickFrom(std::to_array(kCounts))};
    const ActorId actor{frame.name.id.high, frame.name.id.low};
    switch (input_.Below(4)) {
      case 0: return Deliver(Peer(), Encode(FrameType::kDropRef, frame));
      case 1: return Deliver(Peer(), Encode(FrameType::kAddRef, frame));
      case 2: return Deliver(Peer(), Encode(AskActorFrame{actor}));
      default: return Deliver(frame.name.owner, Encode(ActorKnownFrame{actor, input_.Flip()}));
    }
  }

  void OnCall(const Address&, std::string_view bytes, std::uint64_t) override {
    CallFrame frame;
    if (!Decode(bytes, &frame)) return;
    Contained held = tables_.Adopt(frame.arguments.contained);
    for (internal::ObjectPtr& object : held.objects) Keep(std::move(object));
  }
  void OnRaylet(const pb::RayletToClient&) override {}
  void OnRayletLost(const std::string&) override {}

  // --- What must hold ------------------------------------------------------------------------------------------------

  // Notes the calls that have left.
  void Collect() {
    while (!outbox_.frames.empty()) {
      bytes_.push_back(std::move(outbox_.frames.front().bytes));
      CallFrame call;
      if (Decode(bytes_.back(), &call) && sent_.size() < 200) sent_.emplace_back(outbox_.frames.front().to, call);
      outbox_.frames.pop_front();
    }
    outbox_.notices.clear();
  }
  std::size_t Ready() const {
    return static_cast<std::size_t>(
        std::count_if(kept_.begin(), kept_.end(), [](const auto& object) { return object->record()->ready(); }));
  }
  // What client/actor_record.h says of the phases.
  static void CheckPhase(const ActorRecord& actor) {
    TROUPE_CHECK(actor.phase != ActorPhase::kReleased);  // it has a handle
    TROUPE_CHECK(actor.held.has_value() == (actor.phase == ActorPhase::kLastWords));
    TROUPE_CHECK(actor.spec.has_value() == (actor.phase == ActorPhase::kComposing));
    TROUPE_CHECK(actor.on_registered.empty() || actor.registering());
    TROUPE_CHECK(actor.on_confirmed.empty() || (actor.unconfirmed && !actor.dead()));
    TROUPE_CHECK(actor.in_flight == 0 || actor.running() || actor.phase == ActorPhase::kLastWords);
    TROUPE_CHECK(!actor.dead() || (actor.queue.empty() && actor.sent.empty()));
    TROUPE_CHECK(!actor.has_process() || actor.incarnation > actor.ended);
  }
  void Check() {
    for (const internal::ActorPtr& handle : actors_) {
      const ActorRecord& actor = *handle->record();
      CheckPhase(actor);
      const std::set<std::shared_ptr<PendingCall>> sent(actor.sent.begin(), actor.sent.end());
      TROUPE_CHECK(sent.size() == actor.sent.size());
      const auto under_way = std::count_if(sent.begin(), sent.end(), [](const auto& call) { return !call->done; });
      TROUPE_CHECK(actor.in_flight == static_cast<std::size_t>(under_way));
      const std::set<std::shared_ptr<PendingCall>> queued(actor.queue.begin(), actor.queue.end());
      TROUPE_CHECK(queued.size() == actor.queue.size());
      for (const auto& call : queued) TROUPE_CHECK(!sent.contains(call) && !call->done);
    }
    for (const internal::ObjectPtr& object : kept_) {
      const ObjectRecord& record = *object->record();
      if (record.state != ObjectRecord::State::kInline) continue;
      TROUPE_CHECK(values_.try_emplace(object->record(), record.bytes).first->second == record.bytes);
    }
  }
  void End() {
    tables_.OnRayletLost("the test is over");
    tables_.TakeReleased();
    for (const internal::ObjectPtr& object : kept_) {
      const ObjectRecord& record = *object->record();
      TROUPE_CHECK(record.ready() || record.state == ObjectRecord::State::kUnknown);
    }
    for (const internal::ActorPtr& actor : actors_) {
      TROUPE_CHECK(actor->record()->dead() && actor->record()->in_flight == 0);
    }
    kept_.clear();
    actors_.clear();
    tables_.TakeReleased();
  }

  Input input_;
  fuzz::Pools pools_;
  FakeOutbox outbox_;
  Core core_;
  Tables tables_;
  std::vector<internal::ObjectPtr> kept_;
  std::vector<internal::ActorPtr> actors_;
  std::deque<std::string> bytes_;  // what `sent_` points into
  std::vector<std::pair<Address, CallFrame>> sent_;
  std::map<std::weak_ptr<ObjectRecord>, std::string, std::owner_less<>> values_;
  std::uint64_t version_ = 0;
};

// One byte for each step and for each choice in it; see Take().
std::vector<std::string> Seeds() {
  const auto step = [](Step kind, std::initializer_list<int> choices) {
    std::string bytes(1, static_cast<char>(kind));
    for (int choice : choices) bytes += static_cast<char>(choice);
    return bytes;
  };
  const std::string put = step(Step::kPut, {});
  const std::string run = step(Step::kRun, {1, 1, 1, 1, 0});
  const std::string grant = step(Step::kGrant, {0, 0, 0, 1});
  const std::string actor = step(Step::kCreateActor, {0, 1, 1}) + step(Step::kAnswer, {0});
  const std::string alive = step(Step::kActorUpdate, {0, 2, 1, 0, 1});
  const std::string call = step(Step::kCall, {0, 3, 1, 1, 1});
  const std::string reply = step(Step::kReply, {0, 0, 0, 0, 0, 0, 1, 1});
  const std::string threw = step(Step::kReply, {0, 2, 0, 0, 0, 1, 1, 1});
  const std::string gone = step(Step::kGone, {1, 0});
  return {put + run + grant + reply + step(Step::kDrop, {0}),
          run + grant + gone + grant + threw,
          actor + alive + call + call + reply + reply,
          actor + call + alive + gone + alive + threw + step(Step::kAdvance, {0}),
          put + step(Step::kGetObject, {0, 0, 0, 0, 1, 0}) + step(Step::kCount_, {0, 0, 0, 0, 0, 1, 0, 0, 1, 0}),
          step(Step::kOwnersValue, {0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0})};
}

}  // namespace
}  // namespace troupe::client

// Values that contain each other keep each other, as with any count of references.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  troupe::client::Session(troupe::fuzz::Input(data, size)).Run();
  return 0;
}

TROUPE_FUZZ_SEEDS(troupe::client::Seeds())
