// troupe microbenchmark: what Troupe does in a second, beside what the machine can do.
#include <troupe/troupe.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/rows.h"
#include "common/shell_quote.h"

namespace {

using troupe::bench::Row;
using troupe::bench::RowOptions;
using troupe::bench::Sample;

// Rows take turns, so that a moment in which the machine was busy with something else does not fall on one row alone.
constexpr int kPasses = 5;

struct Figure {
  std::string name;
  std::string unit;
  double value = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::optional<double> limit = std::nullopt;  // of the machine, in the same unit
};

// One line on a terminal that is redrawn; nothing elsewhere.
class ProgressBar {
 public:
  explicit ProgressBar(std::size_t steps) : steps_(steps), on_(isatty(STDERR_FILENO) != 0) {}

  void Show(const std::string& row, double fraction) const {
    if (!on_) return;
    constexpr int kWidth = 32;
    const double all = (static_cast<double>(done_) + std::min(fraction, 1.0)) / static_cast<double>(steps_);
    std::string bar(kWidth, ' ');
    for (int i = 0; i < static_cast<int>(all * kWidth); ++i) bar[static_cast<std::size_t>(i)] = '=';
    std::fprintf(stderr, "\r[%s] %3.0f %%  %-30s", bar.c_str(), 100 * all, row.c_str());
  }
  void Next() { ++done_; }
  void Clear() const {
    if (on_) std::fprintf(stderr, "\r%80s\r", "");
  }

 private:
  const std::size_t steps_;
  const bool on_;
  std::size_t done_ = 0;
};

std::string UnitOf(const std::string& limit) {
  if (limit == "memcpy_gigabytes") return "GB/s";
  if (limit == "fork") return "forks/s";
  if (limit == "ring_rate") return "records/s";
  return limit == "grpc_unary_echo" ? "calls/s" : "round trips/s";
}

// Runs the sibling program, which measures without Troupe's runtime and its threads.
std::vector<Figure> MeasureLimits(double seconds) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "troupe-bench-limits";
  const std::string command = troupe::ShellQuote(program.string()) + " " + std::to_string(seconds);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error("cannot run " + program.string());
  std::vector<Figure> figures;
  std::array<char, 512> line{};
  while (std::fgets(line.data(), line.size(), pipe.get())) {
    std::istringstream words(line.data());
    Figure figure;
    words >> figure.name >> figure.value >> figure.p50_us >> figure.p99_us;
    if (!words) throw std::runtime_error(program.string() + " printed what is no figure: " + line.data());
    figure.unit = UnitOf(figure.name);
    figures.push_back(std::move(figure));
  }
  if (figures.size() != 5) throw std::runtime_error(program.string() + " did not measure all limits");
  return figures;
}

void Print(const std::vector<Figure>& figures) {
  std::printf("%-30s %14s  %-14s %10s %10s %14s %8s\n", "row", "rate", "unit", "p50 us", "p99 us", "machine limit",
              "ratio");
  for (const Figure& figure : figures) {
    std::printf("%-30s %14.6g  %-14s %10.3f %10.3f", figure.name.c_str(), figure.value, figure.unit.c_str(),
                figure.p50_us, figure.p99_us);
    if (figure.limit) std::printf(" %14.6g %7.1f%%", *figure.limit, 100 * figure.value / *figure.limit);
    std::printf("\n");
  }
}

nlohmann::json ToJson(const std::vector<Figure>& figures) {
  nlohmann::json list = nlohmann::json::array();
  for (const Figure& figure : figures) {
    nlohmann::json entry = {{"name", figure.name},
                            {"unit", figure.unit},
                            {"value", figure.value},
                            {"p50_us", figure.p50_us},
                            {"p99_us", figure.p99_us}};
    entry["limit"] = figure.limit ? nlohmann::json(*figure.limit) : nlohmann::json();
    entry["ratio"] = figure.limit ? nlohmann::json(figure.value / *figure.limit) : nlohmann::json();
    list.push_back(std::move(entry));
  }
  return list;
}

std::vector<Figure> MeasureOnce(const std::vector<Row>& rows, const RowOptions& given, ProgressBar& bar) {
  bar.Show("the machine's own limits", 0);
  std::vector<Figure> figures = MeasureLimits(given.seconds / 2);
  bar.Next();
  for (const Row& row : rows) {
    RowOptions options = given;
    options.progress = [&](double fraction) { bar.Show(row.name, fraction); };
    options.progress(0);
    const Sample sample = row.measure(options);
    figures.push_back({row.name, row.unit, sample.Rate(), sample.PercentileUs(0.5), sample.PercentileUs(0.99)});
    bar.Next();
  }
  return figures;
}

// Of the figures that the passes have for one row, each the median.
Figure Median(const std::vector<std::vector<Figure>>& passes, std::size_t index) {
  const auto median = [&](double Figure::*field) {
    std::vector<double> values;
    for (const auto& pass : passes) values.push_back(pass[index].*field);
    std::nth_element(values.begin(), values.begin() + kPasses / 2, values.end());
    return values[kPasses / 2];
  };
  const Figure& any = passes.front()[index];
  return {any.name, any.unit, median(&Figure::value), median(&Figure::p50_us), median(&Figure::p99_us)};
}

std::vector<Figure> MeasureAll(const std::vector<Row>& rows, RowOptions options) {
  options.seconds /= kPasses;
  ProgressBar bar(kPasses * (rows.size() + 1));
  std::vector<std::vector<Figure>> passes;
  for (int pass = 0; pass < kPasses; ++pass) passes.push_back(MeasureOnce(rows, options, bar));
  bar.Clear();
  std::vector<Figure> figures;
  std::map<std::string, double> rates;
  for (std::size_t i = 0; i < passes.front().size(); ++i) {
    figures.push_back(Median(passes, i));
    rates[figures.back().name] = figures.back().value;
  }
  const std::size_t limits = figures.size() - rows.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].limit.empty()) figures[limits + i].limit = rates.at(rows[i].limit);
  }
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Measures calls, tasks and objects on a cluster, and what this machine can do at all.\n"
      "p50 and p99 are microseconds for one operation; in rows named async, of the mean over a batch.\n"
      "Every figure is the median of five passes over all rows.",
      "troupe microbenchmark");
  std::string filter, json, address;
  RowOptions options;
  options.actors = std::max(2u, std::thread::hardware_concurrency());
  app.add_option("--filter", filter, "only rows whose name matches this regular expression");
  app.add_option("--json", json, "also write the figures to this file, as a list of objects");
  app.add_option("--seconds", options.seconds, "for each row")->check(CLI::Range(0.01, 600.0))->capture_default_str();
  app.add_option("--actors", options.actors, "n of 1_n and n_n")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--address", address,
                 "head's HOST:PORT or a session folder; default: $TROUPE_ADDRESS, else a local cluster");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  std::vector<Row> rows;
  try {
    const std::regex pattern(filter);
    for (const Row& row : troupe::bench::Rows()) {
      if (std::regex_search(row.name, pattern)) rows.push_back(row);
    }
  } catch (const std::regex_error& error) {
    std::fprintf(stderr, "troupe microbenchmark: --filter '%s' is no regular expression: %s\n", filter.c_str(),
                 error.what());
    return 2;
  }
  try {
    troupe::Init(argc, argv, {.address = address});
    // Before minutes of measuring, not after. What is in the file stays until there is something better.
    if (!json.empty() && !std::ofstream(json, std::ios::app)) throw std::runtime_error("cannot write to " + json);
    const std::vector<Figure> figures = MeasureAll(rows, options);
    Print(figures);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw std::runtime_error("cannot write to standard output");
    }
    if (!json.empty() && !(std::ofstream(json) << ToJson(figures).dump(2) << std::endl)) {
      throw std::runtime_error("cannot write to " + json);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\ntroupe microbenchmark: %s\n", error.what());
    return 1;
  }
}
