// The rows of the microbenchmark that use Troupe.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/sample.h"

namespace troupe::bench {

struct RowOptions {
  double seconds = 2;
  std::size_t actors = 2;  // n of 1:n and n:n
  std::function<void(double)> progress;
};

struct Row {
  std::string name;
  std::string unit;   // of the rate: "calls/s"
  std::string limit;  // the row of the machine's limits to compare with; empty: none
  Sample (*measure)(const RowOptions&);
};

const std::vector<Row>& Rows();

}  // namespace troupe::bench
