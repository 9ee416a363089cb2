// The runtime of a process, over a small raylet with a real object store, and no peers.
#include "client/runtime_impl.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mini_raylet.h"
#include "object_store/store_owner.h"
#include "troupe/error.h"

namespace troupe::client {
namespace {

using internal::ObjectPtr;
using internal::ObjectValue;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;
using Body = pb::ClientToRaylet::BodyCase;

constexpr ProcessId kProcess{1};
constexpr std::size_t kLarge = 200'000;  // above what travels in messages

std::string Text(const ObjectValue& value) {
  return {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()};
}

pb::RayletToClient Refusal(pb::Error::Kind kind, const std::string& message) {
  pb::RayletToClient reply;
  reply.mutable_error()->set_kind(kind);
  reply.mutable_error()->set_outcome(pb::Error::NOT_EXECUTED);
  reply.mutable_error()->set_message(message);
  return reply;
}

template <class E, class F>
std::string WhatIsThrown(const F& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "nothing was thrown";
}

class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest() {
    raylet_.Do([this] {
      raylet_.on_message = [this](ProcessId, const pb::ClientToRaylet& message) { return OnMessage(message); };
    });
    pb::RegisterClient hello;
    hello.set_process(kProcess.value);
    const Status started = runtime_.Start(raylet_.path(), hello, nullptr);
    EXPECT_TRUE(started.ok()) << started.ToString();
  }
  ~RuntimeTest() override {
    runtime_.Stop();
    raylet_.Do([this] {
      raylet_.on_message = nullptr;  // what was on the way comes to nobody
      store_.reset();
    });
  }

  ObjectPtr Put(std::string bytes) { return runtime_.Put({std::move(bytes), {}, {}}); }
  ObjectPtr Pending() {
    const std::lock_guard lock(runtime_.core().mutex);
    auto call = std::make_shared<PendingCall>();
    call->sequence = ++runtime_.core().last_sequence;
    return runtime_.objects().NewPending(std::move(call));
  }
  // Until the raylet has taken a message of that kind.
  bool Took(Body body) {
    for (const auto end = Clock::now() + 30s; Clock::now() < end; std::this_thread::sleep_for(1ms)) {
      if (std::ranges::count(Taken(), body) > 0) return true;
    }
    return false;
  }
  std::vector<Body> Taken() {
    std::vector<Body> taken;
    raylet_.Do([&] { taken = taken_; });
    return taken;
  }
  void Answer(Body body, std::function<std::optional<pb::RayletToClient>(const pb::ClientToRaylet&)> answer) {
    raylet_.Do([&, this] { answers_[body] = std::move(answer); });
  }

  MiniRaylet raylet_;
  RuntimeImpl runtime_;
  std::unique_ptr<store::StoreOwner> store_ =
      *store::StoreOwner::Open({.name_prefix = "troupe-test-" + std::to_string(getpid()), .capacity = 1 << 20});

 private:
  // On the raylet's thread: as a raylet does with its store, if the test has no other answer.
  std::optional<pb::RayletToClient> OnMessage(const pb::ClientToRaylet& message) {
    taken_.push_back(message.body_case());
    if (auto it = answers_.find(message.body_case()); it != answers_.end()) return it->second(message);
    switch (message.body_case()) {
      case pb::ClientToRaylet::kCreateObject:
        return Extent(store_->Create(kProcess, Id(message.create_object()), message.create_object().size()));
      case pb::ClientToRaylet::kSealObject: EXPECT_TRUE(store_->Seal(kProcess, Id(message.seal_object())).ok()); break;
      case pb::ClientToRaylet::kAbortObject:
        EXPECT_TRUE(store_->Abort(kProcess, Id(message.abort_object())).ok());
        break;
      case pb::ClientToRaylet::kGetObject: return Extent(store_->Get(kProcess, Id(message.get_object())));
      case pb::ClientToRaylet::kReleaseObject: store_->Release(kProcess, Id(message.release_object())); break;
      case pb::ClientToRaylet::kDeleteObjects:
        for (const std::string& id : message.delete_objects().ids()) store_->Delete(*ObjectId::FromBytes(id));
        break;
      default: break;
    }
    return std::nullopt;
  }
  template <class Message>
  static ObjectId Id(const Message& message) {
    return *ObjectId::FromBytes(message.id());
  }
  static pb::RayletToClient Extent(const Result<store::Extent>& extent) {
    if (!extent.ok()) return Refusal(pb::Error::SYSTEM, extent.status().message());
    pb::RayletToClient reply;
    reply.mutable_object_extent()->set_segment(extent->segment);
    reply.mutable_object_extent()->set_segment_size(extent->segment_size);
    reply.mutable_object_extent()->set_offset(extent->offset);
    reply.mutable_object_extent()->set_size(extent->size);
    return reply;
  }

  // Of the raylet's thread.
  std::vector<Body> taken_;
  std::map<Body, std::function<std::optional<pb::RayletToClient>(const pb::ClientToRaylet&)>> answers_;
};

TEST_F(RuntimeTest, SmallValuesAreNoConcernOfTheRaylets) {
  EXPECT_EQ(Text(runtime_.Get(Put("small"), {})), "small");
  EXPECT_THAT(Taken(), IsEmpty());
}

TEST_F(RuntimeTest, ALargeValueIsPinnedWhileItIsReadAndGoesWithItsLastRef) {
  const std::string large(kLarge, 'x');
  ObjectPtr object = Put(large);
  {
    const ObjectValue value = runtime_.Get(object, {});
    const ObjectValue again = runtime_.Get(object, {});
    EXPECT_EQ(Text(value), large);
    EXPECT_EQ(value.bytes.data(), again.bytes.data()) << "mapped twice";
    EXPECT_EQ(std::ranges::count(Taken(), pb::ClientToRaylet::kGetObject), 1);
    raylet_.Do([&] { EXPECT_EQ(store_->GetUsage().pinned, 1u); });
    EXPECT_THAT(Taken(), Not(Contains(pb::ClientToRaylet::kReleaseObject)));
  }
  EXPECT_TRUE(Took(pb::ClientToRaylet::kReleaseObject));
  object.reset();
  EXPECT_TRUE(Took(pb::ClientToRaylet::kDeleteObjects));
  raylet_.Do([&] { EXPECT_EQ(store_->GetUsage().objects, 0u); });
}

TEST_F(RuntimeTest, AFullStoreFailsThePutAndNothingElse) {
  EXPECT_THAT(WhatIsThrown<SystemError>([&] { Put(std::string(2 << 20, 'x')); }), HasSubstr("store"));
  EXPECT_EQ(Text(runtime_.Get(Put(std::string(kLarge, 'y')), {})).size(), kLarge);
}

TEST_F(RuntimeTest, MemoryThatCannotBeMappedIsGivenUp) {
  Answer(pb::ClientToRaylet::kCreateObject, [](const pb::ClientToRaylet& message) {
    pb::RayletToClient reply;
    reply.mutable_object_extent()->set_segment("troupe-test-there-is-none.0");
    reply.mutable_object_extent()->set_segment_size(1 << 20);
    reply.mutable_object_extent()->set_size(message.create_object().size());
    return reply;
  });
  Answer(pb::ClientToRaylet::kAbortObject, [](const pb::ClientToRaylet&) { return std::nullopt; });
  WhatIsThrown<SystemError>([&] { Put(std::string(kLarge, 'x')); });
  EXPECT_TRUE(Took(pb::ClientToRaylet::kAbortObject));
  EXPECT_THAT(Taken(), Not(Contains(pb::ClientToRaylet::kSealObject)));
}

TEST_F(RuntimeTest, AnObjectThatComesAfterTheDeadlineIsGivenBack) {
  const ObjectPtr object = Put(std::string(kLarge, 'x'));
  std::uint64_t asked = 0;
  pb::RayletToClient extent;
  Answer(pb::ClientToRaylet::kGetObject, [&](const pb::ClientToRaylet& message) {
    asked = message.request_id();
    const auto got = store_->Get(kProcess, *ObjectId::FromBytes(message.get_object().id()));
    extent.mutable_object_extent()->set_segment(got->segment);
    extent.mutable_object_extent()->set_segment_size(got->segment_size);
    extent.mutable_object_extent()->set_offset(got->offset);
    extent.mutable_object_extent()->set_size(got->size);
    return std::nullopt;
  });
  const ObjectValue late = runtime_.Get(object, 20ms);
  ASSERT_NE(late.error, nullptr);
  EXPECT_EQ(late.error->kind, ErrorKind::kTimeout);
  raylet_.Do([&] { raylet_.Answer(kProcess, asked, extent); });
  EXPECT_TRUE(Took(pb::ClientToRaylet::kReleaseObject));
  raylet_.Do([&] { EXPECT_EQ(store_->GetUsage().pinned, 0u); });
}

TEST_F(RuntimeTest, ALostObjectIsAnErrorOfTheGet) {
  const ObjectPtr object = Put(std::string(kLarge, 'x'));
  Answer(pb::ClientToRaylet::kGetObject,
         [](const pb::ClientToRaylet&) { return Refusal(pb::Error::OBJECT_LOST, "no copy is left"); });
  const ObjectValue value = runtime_.Get(object, {});
  ASSERT_NE(value.error, nullptr);
  EXPECT_EQ(value.error->kind, ErrorKind::kObjectLost);
  EXPECT_EQ(value.error->message, "no copy is left");
}

TEST_F(RuntimeTest, WaitTellsWhichAreReadyAndWhenTheTimeIsOver) {
  const ObjectPtr ready = Put("ready"), pending = Pending();
  const std::vector objects{pending.get(), ready.get()};
  EXPECT_THAT(runtime_.Wait(objects, 1, {}), ElementsAre(1));
  EXPECT_THAT(runtime_.Wait(objects, 2, 20ms), ElementsAre(1));
}

TEST_F(RuntimeTest, WaitReturnsAsSoonAsThereAreEnough) {
  const std::vector<ObjectPtr> pending{Pending(), Pending(), Pending()};
  const std::vector objects{pending[0].get(), pending[1].get(), pending[2].get()};
  const std::jthread other([&] {
    for (int i : {2, 0}) {
      const std::lock_guard lock(runtime_.core().mutex);
      runtime_.objects().Fulfil(pending[i]->record(), {"value", {}, {}}, 0);
      runtime_.core().messenger->KickWaiting();
    }
  });
  EXPECT_THAT(runtime_.Wait(objects, 2, {}), ElementsAre(0, 2));
  EXPECT_THAT(runtime_.Wait(objects, 1, {}), ElementsAre(0)) << "the first of those that are ready";
}

TEST_F(RuntimeTest, WaitRefusesAnObjectThatIsGivenTwice) {
  const ObjectPtr one = Put("one"), other = Put("other");
  const std::vector twice{one.get(), other.get(), one.get()}, once{other.get(), one.get()};
  EXPECT_THAT(WhatIsThrown<UsageError>([&] { runtime_.Wait(twice, 1, {}); }), HasSubstr("the same ObjectRef twice"));
  EXPECT_THAT(runtime_.Wait(once, 2, {}), ElementsAre(0, 1));
}

TEST_F(RuntimeTest, ANameThatIsTakenRefusesTheSpawn) {
  Answer(pb::ClientToRaylet::kCreateActor,
         [](const pb::ClientToRaylet&) { return Refusal(pb::Error::REFUSED, "the name counter is taken"); });
  internal::ActorCreation creation;
  creation.class_name = "Counter";
  creation.options.name = "counter";
  EXPECT_THAT(WhatIsThrown<RefusedError>([&] { runtime_.CreateActor(std::move(creation)); }),
              HasSubstr("the name counter is taken"));
}

TEST_F(RuntimeTest, AnActorThatNobodyHasIsAnErrorOfTheSearch) {
  Answer(pb::ClientToRaylet::kFindActor,
         [](const pb::ClientToRaylet&) { return Refusal(pb::Error::ACTOR_DIED, "there is no actor nobody"); });
  EXPECT_THAT(WhatIsThrown<ActorDiedError>([&] { runtime_.FindActor("nobody", ""); }),
              HasSubstr("there is no actor nobody"));
}

TEST_F(RuntimeTest, TheNodesAreWhatTheRayletSays) {
  Answer(pb::ClientToRaylet::kClusterState, [](const pb::ClientToRaylet&) {
    pb::RayletToClient reply;
    pb::NodeInfo& node = *reply.mutable_cluster_state()->add_nodes();
    node.set_id(NodeId{1, 2}.Bytes());
    node.set_hostname("host");
    node.set_alive(true);
    return reply;
  });
  const auto nodes = runtime_.Nodes();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].id, (NodeId{1, 2}));
  EXPECT_EQ(nodes[0].hostname, "host");
  EXPECT_TRUE(nodes[0].alive);
}

TEST_F(RuntimeTest, RefsOfAnotherRuntimeAreRefused) {
  const ObjectPtr own = Put("own");
  RuntimeImpl other;
  EXPECT_THAT(WhatIsThrown<UsageError>([&] { other.Get(own, {}); }), HasSubstr("a job that has ended"));
  EXPECT_THAT(WhatIsThrown<UsageError>([&] { other.Put({"outer", {own}, {}}); }), HasSubstr("a job that has ended"));
}

// What waits for the raylet ends, what comes afterwards is refused, and what is here stays readable.
TEST_F(RuntimeTest, TheEndOfTheRayletEndsWhatWaitsForIt) {
  const ObjectPtr here = Put("here");
  std::jthread hang_up;
  Answer(pb::ClientToRaylet::kClusterState, [&](const pb::ClientToRaylet&) {
    hang_up = std::jthread([this] { raylet_.HangUp(); });
    return std::nullopt;
  });
  EXPECT_THAT(WhatIsThrown<ConnectionError>([&] { runtime_.Nodes(); }), HasSubstr("lost the connection to the raylet"));
  EXPECT_THAT(WhatIsThrown<ConnectionError>([&] { Put("more"); }), HasSubstr("lost the connection to the raylet"));
  EXPECT_EQ(Text(runtime_.Get(here, {})), "here");
}

}  // namespace
}  // namespace troupe::client
