// Text for people, and values from it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/resources.h"
#include "common/status.h"
#include "proto/common.pb.h"

namespace troupe::cli {

// `text` of foreign origin with control characters replaced by '?', so that it cannot steer a terminal.
std::string Printable(std::string_view text, bool keep_lines = false);

// "1.5 GiB", "512 B".
std::string BytesText(std::uint64_t bytes);
// "2", "0.5"; at most four decimals.
std::string AmountText(double amount);
// Amount of a resource: bytes for memory, else a number.
std::string ResourceText(const std::string& name, std::int64_t units);
// "CPU 2, disk 1.5".
std::string ResourcesText(const pb::Resources& resources);
// "0.4 s", "12 s", "3 min", "2 h 5 min", "4 d 2 h".
std::string DurationText(std::int64_t milliseconds);
// Local time, "2026-01-31 08:30:00"; "-" for 0.
std::string TimeText(std::int64_t milliseconds);
// Wall clock, milliseconds since the epoch.
std::int64_t NowMs();

// The first 12 digits of an id.
std::string ShortId(const std::string& hex);

// The entries of a message's map, by name.
template <class Map>
std::map<std::string, typename Map::mapped_type> Sorted(const Map& entries) {
  std::map<std::string, typename Map::mapped_type> sorted;
  for (const auto& [name, value] : entries) sorted.emplace(name, value);
  return sorted;
}

// "512", "64MiB", "1.5G": K, M, G, T are powers of 1024. InvalidArgument names `what`.
Result<std::uint64_t> ParseBytes(const std::string& what, const std::string& text);
// '{"disk": 2}'. InvalidArgument says where it is wrong.
Result<std::map<std::string, double>> ParseAmounts(const std::string& what, const std::string& text);
// '{"zone": "a"}'.
Result<std::map<std::string, std::string>> ParseLabels(const std::string& what, const std::string& text);

}  // namespace troupe::cli
