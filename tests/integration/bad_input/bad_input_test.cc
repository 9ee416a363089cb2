// What a program may get wrong: each mistake is told in words that name it, and leaves the cluster working.
#include <troupe/troupe.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/cluster_fixture.h"
#include "tests/integration/program.h"
#include "tests/integration/wait.h"

namespace bad_input {

// Both differ from what other_program.cc calls so.
struct Slip {
  int amount = 0;
  std::string note;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(amount, note);
  }
};

class Teller {
 public:
  explicit Teller(int start = 0) : paid_(start) {
    if (start < 0) throw std::invalid_argument("start is negative");
  }
  int Pay(const Slip& slip) { return paid_ += slip.amount; }
  int Paid() const { return paid_; }
  int Close() { return std::exchange(paid_, 0); }

 private:
  int paid_ = 0;
};

}  // namespace bad_input

TROUPE_ACTOR(bad_input::Teller, Pay, Paid, Close);

namespace troupe::integration {
namespace {

using bad_input::Slip;
using bad_input::Teller;

int One() { return 1; }

// The message of the error that `act` throws.
template <class ErrorType>
std::string MessageOf(const std::function<void()>& act) {
  try {
    act();
  } catch (const ErrorType& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

class BadInput : public DriverTest {
 protected:
  void TearDown() override { EXPECT_EQ(troupe::Run<&One>().Get(kDeadline), 1) << "the cluster is harmed"; }

  static void ExpectSays(const std::string& message, const std::vector<std::string>& parts) {
    for (const std::string& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << message << " lacks " << part;
  }
};

// An actor that another program hosts.
class OtherProgram : public BadInput {
 protected:
  void SetUp() override {
    Program other({std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bad_input_other_program"});
    ASSERT_EQ(other.Wait(), 0) << other.Errors();
    teller_ = GetActor<Teller>("teller", "bank");
  }
  void TearDown() override {
    EXPECT_EQ(teller_.Paid().Get(kDeadline), 0) << "the actor is harmed";
    Kill(teller_);
    BadInput::TearDown();
  }

  ActorHandle<Teller> teller_;
};

TEST_F(OtherProgram, DoesNotKnowAMethod) {
  const auto result = teller_.Close().TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kUnknownMethod);
  EXPECT_EQ(result.error().outcome, Outcome::kNotExecuted);
  ExpectSays(MessageOf<UnknownMethodError>([&] { teller_.Close().Get(kDeadline); }),
             {"bad_input::Teller::Close()", "does not know this function"});
}

TEST_F(OtherProgram, CannotDecodeAnArgument) {
  const Slip slip{.amount = 7, .note = "for tea"};
  const auto result = teller_.Pay(slip).TryGet(kDeadline);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kBadArguments);
  EXPECT_EQ(result.error().outcome, Outcome::kNotExecuted);
  ExpectSays(MessageOf<SerializationError>([&] { teller_.Pay(slip).Get(kDeadline); }),
             {"bad_input::Teller::Pay", "argument 1", "bad_input::Slip"});
}

TEST_F(BadInput, AConstructorThatThrowsIsNamedByEveryCall) {
  auto teller = Spawn<Teller>(-1);
  for (int i = 0; i < 2; ++i) {
    ExpectSays(MessageOf<TaskError>([&] { teller.Paid().Get(kDeadline); }),
               {"the constructor of bad_input::Teller threw std::invalid_argument: start is negative", "not executed"});
  }
}

TEST_F(BadInput, NamesWithOddCharactersAreRefused) {
  for (const std::string& name : {std::string("a\x1b[2J"), std::string("two\nlines"), std::string(256, 'x')}) {
    ExpectSays(MessageOf<UsageError>([&] { (void)Spawn<Teller>({.name = name, .name_space = "bank"}); }),
               {"actor's name"});
    ExpectSays(MessageOf<UsageError>([&] { (void)Spawn<Teller>({.name = "teller", .name_space = name}); }),
               {"namespace"});
    ExpectSays(MessageOf<UsageError>([&] { (void)TryGetActor<Teller>(name); }), {"actor's name"});
  }
  EXPECT_TRUE(ListNamedActors().empty());
}

TEST_F(BadInput, AmountsThatMakeNoSenseAreRefused) {
  const std::vector<std::pair<std::function<void()>, const char*>> mistakes = {
      {[] { (void)troupe::Run<&One>({.num_cpus = -1}); }, "resource 'CPU' is -1"},
      {[] { (void)troupe::Run<&One>({.num_gpus = -0.5}); }, "resource 'GPU' is -0.5"},
      {[] {
         (void)troupe::Run<&One>({.resources = {{"disk", -2}}});
       },
       "resource 'disk' is -2"},
      {[] {
         (void)troupe::Run<&One>({.resources = {{"disk", 1e300}}});
       },
       "resource 'disk' is 1e+300"},
      {[] {
         (void)troupe::Run<&One>({.resources = {{"a disk", 1}}});
       },
       "resource name 'a disk'"},
      {[] { (void)troupe::Run<&One>({.max_retries = -2}); }, "max_retries is -2"},
      {[] {
         (void)Spawn<Teller>({.resources = {{"disk", -2}}});
       },
       "resource 'disk' is -2"},
      {[] { (void)Spawn<Teller>({.max_restarts = -2}); }, "max_restarts is -2"},
  };
  for (const auto& [mistake, said] : mistakes) ExpectSays(MessageOf<UsageError>(mistake), {said});
}

int JoinAndSay(const std::vector<std::string>&) {
  try {
    Init();
  } catch (const ConnectionError& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
const bool kJoinAndSay = RegisterRole("join and say", JoinAndSay);

TEST_F(BadInput, AProgramThatFindsNoClusterIsToldWhereItLooked) {
  const std::vector<std::pair<std::string, const char*>> addresses = {
      {"127.0.0.1:1", "no node of the cluster at 127.0.0.1:1 runs on this machine"},
      {"nowhere", "'nowhere' is neither the HOST:PORT of a head nor the path of a session folder"},
      {"/no/such/folder", "/no/such/folder"}};
  for (const auto& [address, said] : addresses) {
    Program driver = Program::OfRole("join and say", {}, {{"TROUPE_ADDRESS", address}});
    EXPECT_EQ(driver.Wait(), 1) << driver.Errors();
    ExpectSays(driver.Output(), {said});
  }
}

}  // namespace
}  // namespace troupe::integration
