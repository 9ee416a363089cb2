// What the programs of this folder make mistakes with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "troupe/troupe.h"

class Counter {
 public:
  explicit Counter(int start) : count_(start) {}
  int Add(int by) { return count_ += by; }
  void Write(char letter) { count_ += letter; }
  int Length(const std::string& text) const { return static_cast<int>(text.size()) + count_; }
  int NotListed() const { return 0; }
  int Over(int value) { return value; }
  std::string Over(const std::string& value) { return value; }

 private:
  int Private() { return 0; }
  int count_;
};
TROUPE_ACTOR(Counter, Add, Write, Length, (Over, int(int)), (Over, std::string(const std::string&)));

class NotSerializable {
 public:
  int Get() const { return value_; }

 private:
  int value_ = 0;
};

inline double Half(long value) { return static_cast<double>(value) / 2; }
