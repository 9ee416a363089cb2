// Measures the machine's own limits in a process without Troupe's runtime; prints "NAME RATE P50_US P99_US" for each.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "bench/limits.h"

namespace {

using troupe::bench::Sample;

struct Limit {
  const char* name;
  Sample (*measure)(double);
};

// The gRPC row last: it starts threads, and the others fork.
constexpr Limit kLimits[] = {
    {"ring_round_trip", troupe::bench::RingRoundTrip}, {"ring_rate", troupe::bench::RingRate},
    {"memcpy_gigabytes", troupe::bench::Memcpy},       {"fork", troupe::bench::Fork},
    {"grpc_unary_echo", troupe::bench::GrpcUnaryEcho},
};

}  // namespace

// limits SECONDS [NAME...]
int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0;
  if (!(seconds > 0)) {
    std::fprintf(stderr, "usage: troupe-bench-limits SECONDS\n");
    return 2;
  }
  try {
    for (const Limit& limit : kLimits) {
      const Sample sample = limit.measure(seconds);
      std::printf("%s %.17g %.17g %.17g\n", limit.name, sample.Rate(), sample.PercentileUs(0.5),
                  sample.PercentileUs(0.99));
      std::fflush(stdout);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "troupe-bench-limits: %s\n", error.what());
    return 1;
  }
}
