#include "rpc/security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::rpc {
namespace {

using testing::HasSubstr;

const Credentials kOwn{.token = "secret", .cluster_id = "aa", .protocol_version = 3};

Status Check(std::string_view cluster, std::string_view protocol) {
  return CheckClaims(kOwn, {cluster, protocol, "9.9.9"});
}

TEST(CheckClaimsTest, AcceptsItsOwnCluster) {
  EXPECT_TRUE(Check("aa", "3").ok());
  EXPECT_TRUE(Check("", "3").ok()) << "a caller that does not know its cluster yet";
}

TEST(CheckClaimsTest, NamesBothProtocolVersions) {
  const Status status = Check("aa", "2");
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("protocol version 2 (Troupe 9.9.9), this server version 3"));
  EXPECT_EQ(Check("aa", "").code(), StatusCode::kFailedPrecondition);
}

TEST(CheckClaimsTest, NamesBothClusters) {
  const Status status = Check("bb", "3");
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("belongs to cluster bb, this server to cluster aa"));
}

TEST(CheckClaimsTest, RepeatsForeignTextOnlyShortAndPrintable) {
  const Status status = Check(std::string(1000, '\n'), "3");
  EXPECT_LT(status.message().size(), 300u);
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
}

TEST(CheckBindTest, WantsOneAddress) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "10.0.0.1", "fd00::2", "[fd00::2]",
                           "example.org", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(CheckBind(host).ok()) << host;
  }
  for (const char* host : {"", "0.0.0.0", "0", "0x0", "0.0", "::", "[::]", "0::0", "::ffff:0.0.0.0", "::ffff:0:0"}) {
    EXPECT_EQ(CheckBind(host).code(), StatusCode::kInvalidArgument) << host;
  }
}

}  // namespace
}  // namespace troupe::rpc
