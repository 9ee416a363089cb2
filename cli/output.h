// Output: a stream to a file descriptor whose every failed write is heard of.
#pragma once

#include <array>
#include <ostream>
#include <stdexcept>
#include <streambuf>

namespace troupe::cli {

// What did not reach its reader: the disk is full, or the descriptor closed, or nobody reads the pipe any more.
class WriteError : public std::runtime_error {
 public:
  explicit WriteError(int error);
  // The reader has gone, as `head` does once it has its lines: no fault that anybody wants to read of.
  bool reader_gone() const { return reader_gone_; }

 private:
  const bool reader_gone_;
};

// Throws WriteError from the operation that does not fit the buffer, or flushes. What is not flushed in the end is
// lost.
class Output : private std::streambuf, public std::ostream {
 public:
  // `fd` outlives it and is not closed.
  explicit Output(int fd);

 private:
  int overflow(int character) override;
  int sync() override;
  void WriteAll();

  const int fd_;
  std::array<char, 1 << 16> buffer_;
};

}  // namespace troupe::cli
