#include "common/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace troupe {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("odd");
  return value / 2;
}

Status Quarter(int value, int* out) {
  TROUPE_ASSIGN_OR_RETURN(int half, Half(value));
  TROUPE_ASSIGN_OR_RETURN(*out, Half(half));
  return OkStatus();
}

TEST(StatusTest, CarriesCodeMessageAndContext) {
  EXPECT_EQ(NotFound("no node").WithContext("head").ToString(), "NOT_FOUND: head: no node");
  EXPECT_TRUE(OkStatus().WithContext("head").ok());
  EXPECT_EQ(ErrnoStatus(ENOSPC, "write").code(), StatusCode::kResourceExhausted);
}

TEST(StatusTest, MacrosReturnTheFirstFailure) {
  int out = 0;
  EXPECT_TRUE(Quarter(8, &out).ok());
  EXPECT_EQ(out, 2);
  EXPECT_EQ(Quarter(6, &out), InvalidArgument("odd"));
}

TEST(ResultTest, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  EXPECT_EQ(*std::move(result).value(), 3);
}

TEST(ResultDeathTest, ReadingAFailureAborts) { EXPECT_DEATH((void)Half(1).value(), "check failed"); }

}  // namespace
}  // namespace troupe
