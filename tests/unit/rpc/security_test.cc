#include "rpc/security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::rpc {
namespace {

using testing::HasSubstr;

const Credentials kOwn{.token = "secret", .cluster_id = "aa", .protocol_version = 3};
const Claims kGood{"Bearer secret", "aa", "3", "0.1.0"};

Status Check(std::string_view authorization, std::string_view cluster, std::string_view protocol) {
  return CheckClaims(kOwn, {authorization, cluster, protocol, "9.9.9"});
}

TEST(CheckClaimsTest, AcceptsItsOwnCluster) {
  EXPECT_TRUE(CheckClaims(kOwn, kGood).ok());
  EXPECT_TRUE(Check("Bearer secret", "", "3").ok()) << "a caller that does not know its cluster yet";
}

TEST(CheckClaimsTest, RefusesEveryOtherTokenFirst) {
  for (const char* authorization : {"", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret ",
                                    "Bearer Secret", "bearer secret", "Bearer secretsecret", "Basic secret"}) {
    EXPECT_EQ(Check(authorization, "wrong", "wrong").code(), StatusCode::kUnauthenticated) << authorization;
  }
}

TEST(CheckClaimsTest, RefusesEveryoneWhenItHasNoTokenItself) {
  EXPECT_EQ(CheckClaims({}, {"Bearer ", "", "1", ""}).code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(CheckClaims({}, {"Bearer x", "", "1", ""}).code(), StatusCode::kUnauthenticated);
}

TEST(CheckClaimsTest, NamesBothProtocolVersions) {
  const Status status = Check("Bearer secret", "aa", "2");
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("protocol version 2 (Troupe 9.9.9), this server version 3"));
  EXPECT_EQ(Check("Bearer secret", "aa", "").code(), StatusCode::kFailedPrecondition);
}

TEST(CheckClaimsTest, NamesBothClusters) {
  const Status status = Check("Bearer secret", "bb", "3");
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("belongs to cluster bb, this server to cluster aa"));
}

TEST(CheckClaimsTest, RepeatsForeignTextOnlyShortAndPrintable) {
  const Status status = Check("Bearer secret", std::string(1000, '\n'), "3");
  EXPECT_LT(status.message().size(), 300u);
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
}

TEST(CheckBindTest, AllowsOnlyThisMachineInPlaintext) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"}) {
    EXPECT_TRUE(CheckBind(host, {}).ok()) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "127.0.0.1.evil.org", "127.evil.org", "127.1", "128.0.0.1", "",
                           "1270.0.0.1", "127.0.0.256", "127.0.0.1.", "example.org"}) {
    EXPECT_EQ(CheckBind(host, {}).code(), StatusCode::kPermissionDenied) << host;
  }
}

}  // namespace
}  // namespace troupe::rpc
