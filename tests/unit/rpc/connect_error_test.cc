#include "rpc/connect_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::rpc {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kPrefix = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:6480: ";
const std::string kStranger =
    kPrefix + "Ssl handshake failed: SSL_ERROR_SSL: error:0A000086:SSL routines::certificate verify failed";

Status Explain(const std::string& message, bool was_proved = false) {
  EXPECT_TRUE(IsConnectError(message)) << message;
  const Status status = ExplainConnectError("the head at 127.0.0.1:6480", message, was_proved);
  EXPECT_THAT(status.message(), StartsWith("cannot reach the head at 127.0.0.1:6480: "));
  EXPECT_THAT(status.message(), Not(HasSubstr("all addresses")));
  return status;
}

TEST(ConnectErrorTest, SaysThatAStrangerWasTrustedWithNothing) {
  const Status status = Explain(kStranger);
  EXPECT_EQ(status.code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(status.message(), HasSubstr("does not hold this program's cluster token, and was sent nothing"));
  EXPECT_THAT(status.message(), HasSubstr("TROUPE_TOKEN_FILE"));
}

// A daemon ends for good when it is refused, which a stranger must not be able to do to it.
TEST(ConnectErrorTest, AStrangerWhereAPeerWasIsAPeerThatIsGone) {
  const Status status = Explain(kStranger, /*was_proved=*/true);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("was sent nothing; it has the port of one that has ended"));
}

TEST(ConnectErrorTest, TellsAnotherProgramFromNone) {
  const Status other =
      Explain(kPrefix + "Ssl handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL routines::wrong version number");
  EXPECT_EQ(other.code(), StatusCode::kUnavailable);
  EXPECT_THAT(other.message(), HasSubstr("what listens there is another program"));
  const Status none = Explain(kPrefix + "Failed to connect to remote host: Connection refused");
  EXPECT_EQ(none.code(), StatusCode::kUnavailable);
  EXPECT_THAT(none.message(), HasSubstr("nothing listens there; it has ended, or the address is wrong"));
}

TEST(ConnectErrorTest, SaysWhatASilentListenerDoesNot) {
  for (const char* reason : {"Handshake read failed", "Socket closed", "recvmsg:Connection reset by peer"}) {
    const Status status = Explain(kPrefix + reason);
    EXPECT_EQ(status.code(), StatusCode::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("did not prove that it holds the cluster's token"));
    EXPECT_THAT(status.message(), HasSubstr(reason));
  }
}

TEST(ConnectErrorTest, RepeatsReasonsItDoesNotKnow) {
  EXPECT_THAT(Explain("DNS resolution failed for nowhere:1: Domain name not found").message(),
              HasSubstr("Domain name not found"));
  EXPECT_THAT(Explain(kPrefix + "something: else").message(), HasSubstr(": something: else"));
  EXPECT_THAT(Explain("failed to connect").message(), HasSubstr("failed to connect"));
}

TEST(ConnectErrorTest, KnowsAConnectionThatStood) {
  for (const char* message : {"Socket closed", "recvmsg:Connection reset by peer", "GOAWAY received"}) {
    EXPECT_FALSE(IsConnectError(message)) << message;
  }
}

}  // namespace
}  // namespace troupe::rpc
