#include "cli/format.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace troupe::cli {
namespace {

using nlohmann::json;

std::string Decimal(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  std::string out = text.data();
  if (out.find('.') == std::string::npos) return out;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

// Enough of a value to know it again.
std::string Quote(const std::string& text) {
  constexpr std::size_t kMost = 80;
  return text.size() <= kMost ? "'" + text + "'" : "'" + text.substr(0, kMost) + "…'";
}

Result<json> ParseObject(const std::string& what, const std::string& text, const char* example) {
  // It is passed on as an argument, which the system bounds.
  constexpr std::size_t kMostBytes = 64 << 10;
  if (text.size() > kMostBytes) {
    return InvalidArgument(what + " has " + std::to_string(text.size()) + " bytes; at most 64 KiB can be given");
  }
  json object;
  try {
    object = json::parse(text);
  } catch (const json::parse_error& error) {
    return InvalidArgument(what + " " + Quote(text) + " is not JSON (at byte " + std::to_string(error.byte) +
                           "); give an object like '" + example + "', quoted for the shell");
  }
  if (object.is_object()) return object;
  return InvalidArgument(what + " " + Quote(text) + " is not a JSON object like '" + example + "'");
}

Status NotA(const char* type, const std::string& what, const std::string& name) {
  return InvalidArgument(what + ": the value of '" + name + "' is not a " + type);
}

}  // namespace

std::string Printable(std::string_view text, bool keep_lines) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 || byte == 0x7f) && !(keep_lines && c == '\n')) c = '?';
  }
  return out;
}

std::string BytesText(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return Decimal(value, 1) + " " + kUnits[unit];
}

std::string AmountText(double amount) { return Decimal(amount, 4); }

std::string ResourceText(const std::string& name, std::int64_t units) {
  if (name == kMemory && units >= 0) return BytesText(static_cast<std::uint64_t>(units / ResourceSet::kUnit));
  return AmountText(static_cast<double>(units) / ResourceSet::kUnit);
}

std::string ResourcesText(const pb::Resources& resources) {
  std::string text;
  for (const auto& [name, units] : Sorted(resources.units())) {
    text.append(text.empty() ? "" : ", ").append(name).append(" ").append(ResourceText(name, units));
  }
  return text;
}

std::string DurationText(std::int64_t milliseconds) {
  const std::int64_t seconds = milliseconds / 1000;
  const auto pair = [](std::int64_t large, const char* large_unit, std::int64_t small, const char* small_unit) {
    const std::string text = std::to_string(large) + " " + large_unit;
    return small == 0 ? text : text + " " + std::to_string(small) + " " + small_unit;
  };
  if (seconds < 10) return Decimal(static_cast<double>(milliseconds) / 1000, 1) + " s";
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 86'400) return pair(seconds / 3600, "h", seconds % 3600 / 60, "min");
  return pair(seconds / 86'400, "d", seconds % 86'400 / 3600, "h");
}

std::string TimeText(std::int64_t milliseconds) {
  if (milliseconds == 0) return "-";
  const std::time_t seconds = milliseconds / 1000;
  std::tm time{};
  localtime_r(&seconds, &time);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &time);
  return text.data();
}

std::int64_t NowMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string ShortId(const std::string& hex) { return hex.substr(0, 12); }

Result<std::uint64_t> ParseBytes(const std::string& what, const std::string& text) {
  const Status wrong =
      InvalidArgument(what + " '" + text + "' is not a number of bytes: give one like 500000, 512MiB or 4G");
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc()) return wrong;
  std::string unit(end, text.data() + text.size());
  for (const char* suffix : {"iB", "B"}) {
    if (unit.size() > 1 && unit.ends_with(suffix)) unit.resize(unit.size() - std::string_view(suffix).size());
  }
  constexpr std::string_view kUnits = "KMGT";
  if (!unit.empty() && unit != "B") {
    const std::size_t power = unit.size() == 1 ? kUnits.find(static_cast<char>(std::toupper(unit[0]))) : kUnits.npos;
    if (power == kUnits.npos) return wrong;
    value *= std::pow(1024.0, static_cast<double>(power + 1));
  }
  if (value < 0) return InvalidArgument(what + " '" + text + "' is negative");
  if (!(value <= ResourceSet::kMaxAmount))
    return InvalidArgument(what + " '" + text + "' is more than any machine has");
  return static_cast<std::uint64_t>(value);
}

Result<std::map<std::string, double>> ParseAmounts(const std::string& what, const std::string& text) {
  TROUPE_ASSIGN_OR_RETURN(const json object, ParseObject(what, text, R"({"disk": 2})"));
  std::map<std::string, double> amounts;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_number()) return NotA("number", what, name);
    amounts[name] = value.get<double>();
  }
  return amounts;
}

Result<std::map<std::string, std::string>> ParseLabels(const std::string& what, const std::string& text) {
  TROUPE_ASSIGN_OR_RETURN(const json object, ParseObject(what, text, R"({"zone": "a"})"));
  std::map<std::string, std::string> labels;
  for (const auto& [name, value] : object.items()) {
    if (name.empty()) return InvalidArgument(what + ": a label without a name");
    if (!value.is_string()) return NotA("string", what, name);
    labels[name] = value.get<std::string>();
  }
  return labels;
}

}  // namespace troupe::cli
