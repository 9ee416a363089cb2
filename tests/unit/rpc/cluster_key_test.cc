#include "rpc/cluster_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::rpc {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kToken(64, 'a');

TEST(ClusterKeyTest, IsTheSameForEveryProgramThatHasTheToken) {
  const ClusterKey one = *DeriveClusterKey(kToken);
  const ClusterKey other = *DeriveClusterKey(kToken);
  EXPECT_EQ(one.certificate, other.certificate);
  EXPECT_EQ(one.private_key, other.private_key);
  EXPECT_THAT(one.certificate, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(one.private_key, HasSubstr("BEGIN PRIVATE KEY"));
}

// Programs of different versions meet: what is derived may change only together with the purpose's number.
TEST(ClusterKeyTest, IsWhatItHasAlwaysBeen) {
  EXPECT_EQ(DeriveClusterKey(kToken)->certificate, R"(-----BEGIN CERTIFICATE-----
MIIBATCBtKADAgECAgEBMAUGAytlcDAZMRcwFQYDVQQDDA50cm91cGUtY2x1c3Rl
cjAiGA8xOTcwMDEwMTAwMDAwMFoYDzk5OTkxMjMxMjM1OTU5WjAZMRcwFQYDVQQD
DA50cm91cGUtY2x1c3RlcjAqMAUGAytlcAMhABCZWo6IYZXQLTh13Q9yGe4ueBU8
kyxS9pBCitVeNFfhox0wGzAZBgNVHREEEjAQgg50cm91cGUtY2x1c3RlcjAFBgMr
ZXADQQDHyhw5QPzeGkGD1R46QrPySkVs4UYiSFngfXf1HHr9NMkGfeVYZBLFZIbK
2cGJksvst26F6zBOsKk5UBwtYtkD
-----END CERTIFICATE-----
)");
}

TEST(ClusterKeyTest, IsAnotherForEveryOtherToken) {
  const ClusterKey one = *DeriveClusterKey(kToken);
  const ClusterKey other = *DeriveClusterKey(std::string(63, 'a') + "b");
  EXPECT_NE(one.certificate, other.certificate);
  EXPECT_NE(one.private_key, other.private_key);
}

TEST(ClusterKeyTest, TheCertificateHoldsNothingSecret) {
  const ClusterKey key = *DeriveClusterKey(kToken);
  EXPECT_THAT(key.certificate, Not(HasSubstr("PRIVATE")));
  EXPECT_THAT(key.certificate + key.private_key, Not(HasSubstr(kToken)));
}

}  // namespace
}  // namespace troupe::rpc
