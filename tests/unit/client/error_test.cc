#include "troupe/error.h"

#include <gtest/gtest.h>

#include "troupe/expected.h"
#include "troupe/serialization.h"

namespace {

using troupe::ErrorInfo;
using troupe::ErrorKind;
using troupe::Outcome;

ErrorInfo Info(ErrorKind kind, std::string message) {
  ErrorInfo info;
  info.kind = kind;
  info.message = std::move(message);
  return info;
}

TEST(ErrorTest, TaskErrorSaysWhatWasThrownWhereAndThatItRan) {
  ErrorInfo info = Info(ErrorKind::kThrew, "index 7 of 3");
  info.outcome = Outcome::kFailed;
  info.remote_type = "std::out_of_range";
  info.method = "Table::At(int)";
  info.actor_class = "Table";
  info.actor = {0x1122334455667788, 9};
  info.node = {0xaabbccddeeff0011, 1};
  info.pid = 42;
  const troupe::TaskError error(info);
  EXPECT_STREQ(error.what(),
               "Table::At(int) threw std::out_of_range: index 7 of 3 (actor Table 11223344-9, node aabbccdd, pid 42). "
               "The call ran and failed.");
  EXPECT_EQ(error.remote_type(), "std::out_of_range");
  EXPECT_EQ(error.remote_message(), "index 7 of 3");
}

TEST(ErrorTest, TellsACallThatDidNotRunFromOneThatMayHave) {
  ErrorInfo info = Info(ErrorKind::kActorDied, "the actor was killed");
  info.method = "Table::At(int)";
  EXPECT_STREQ(
      troupe::ActorDiedError(info).what(),
      "Table::At(int): the actor was killed. The call's outcome is unknown: it may have run, wholly or in part.");
  info.outcome = Outcome::kNotExecuted;
  EXPECT_STREQ(troupe::ActorDiedError(info).what(),
               "Table::At(int): the actor was killed. The call was not executed, so it is safe to send it again.");
  EXPECT_EQ(troupe::ActorDiedError(info).outcome(), Outcome::kNotExecuted);
}

TEST(ErrorTest, TellsWhatAFailureKeptFromRunningAndBeneathItTheFailure) {
  ErrorInfo info = Info(ErrorKind::kThrew, "boom");
  info.outcome = Outcome::kNotExecuted;
  info.remote_type = "std::logic_error";
  info.method = "Boom()";
  info.pid = 42;
  info.context = "Step(int) was not executed, because its argument 1 failed";
  EXPECT_STREQ(
      troupe::TaskError(info).what(),
      "Step(int) was not executed, because its argument 1 failed: Boom() threw std::logic_error: boom (pid 42)");
}

TEST(ErrorTest, SaysNothingOfACallWhereThereIsNone) {
  EXPECT_STREQ(troupe::UsageError(Info(ErrorKind::kUsage, "call troupe::Init first")).what(),
               "call troupe::Init first");
}

TEST(ErrorTest, ThrowChoosesTheClassOfTheKind) {
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kThrew, "")), troupe::TaskError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kActorDied, "")), troupe::ActorDiedError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kWorkerDied, "")), troupe::WorkerDiedError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kObjectLost, "")), troupe::ObjectLostError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kUnknownMethod, "")), troupe::UnknownMethodError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kBadArguments, "")), troupe::SerializationError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kUnschedulable, "")), troupe::UnschedulableError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kProgram, "")), troupe::ProgramError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kCancelled, "")), troupe::CancelledError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kRefused, "")), troupe::RefusedError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kSystem, "")), troupe::SystemError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kTimeout, "")), troupe::TimeoutError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kUsage, "")), troupe::UsageError);
  EXPECT_THROW(troupe::Throw(Info(ErrorKind::kConnection, "")), troupe::ConnectionError);
  EXPECT_THROW(troupe::Throw(Info(static_cast<ErrorKind>(99), "")), troupe::SystemError);
}

TEST(ErrorTest, InfoTravels) {
  ErrorInfo info = Info(ErrorKind::kThrew, "m");
  info.actor = {1, 2};
  info.pid = 7;
  const auto payload = troupe::internal::Serialize(info);
  const auto copy = troupe::internal::Deserialize<ErrorInfo>(std::as_bytes(std::span(payload.bytes)));
  EXPECT_EQ(copy.kind, info.kind);
  EXPECT_EQ(copy.message, "m");
  EXPECT_EQ(copy.actor, info.actor);
  EXPECT_EQ(copy.pid, 7);
}

}  // namespace
