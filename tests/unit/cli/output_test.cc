#include "cli/output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>

namespace troupe::cli {
namespace {

class PipeTest : public testing::Test {
 protected:
  PipeTest() { EXPECT_EQ(pipe(ends_), 0); }
  ~PipeTest() override {
    CloseReader();
    close(ends_[1]);
  }
  void CloseReader() {
    if (ends_[0] >= 0) close(std::exchange(ends_[0], -1));
  }
  int ends_[2] = {-1, -1};
};

TEST_F(PipeTest, WhatIsFlushedArrives) {
  Output out(ends_[1]);
  out << "one " << 2 << std::endl;
  char text[16] = {};
  EXPECT_EQ(read(ends_[0], text, sizeof text), 6);
  EXPECT_STREQ(text, "one 2\n");
}

TEST_F(PipeTest, TextLongerThanTheBufferArrives) {
  const std::string text(50'000, 'x');  // fits the pipe with what is buffered
  Output out(ends_[1]);
  out << text.substr(0, 40'000) << text.substr(40'000) << std::flush;
  std::string read_back(text.size(), '\0');
  EXPECT_EQ(read(ends_[0], read_back.data(), read_back.size()), 50'000);
  EXPECT_EQ(read_back, text);
}

TEST_F(PipeTest, AReaderThatHasGoneIsNoFault) {
  signal(SIGPIPE, SIG_IGN);
  CloseReader();
  Output out(ends_[1]);
  try {
    out << "text" << std::flush;
    FAIL() << "nothing was thrown";
  } catch (const WriteError& error) {
    EXPECT_TRUE(error.reader_gone());
  }
}

TEST(OutputTest, AFullDiskIsNamed) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  Output out(full);
  out << "text";
  try {
    out.flush();
    FAIL() << "nothing was thrown";
  } catch (const WriteError& error) {
    EXPECT_FALSE(error.reader_gone());
    EXPECT_STREQ(error.what(), "cannot write to standard output: No space left on device");
  }
  close(full);
}

TEST(OutputTest, TextThatOverflowsTheBufferIsCheckedThen) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  Output out(full);
  EXPECT_THROW(out << std::string(1 << 20, 'x'), WriteError);
  close(full);
}

}  // namespace
}  // namespace troupe::cli
