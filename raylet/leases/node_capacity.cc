#include "raylet/leases/node_capacity.h"

#include <sched.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace troupe::raylet {
namespace {

constexpr std::uint64_t kMaxDefaultStore = 64ULL << 30;
constexpr std::uint64_t kMinStore = 64ULL << 10;
constexpr std::uint64_t kMaxStore = 1ULL << 46;  // keeps sums within 64 bits
constexpr std::uint64_t kMostForChannels = 256ULL << 20;

Result<nlohmann::json> ParseObject(const std::string& flag, const std::string& text) {
  nlohmann::json json = text.empty() ? nlohmann::json::object() : nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return InvalidArgument(flag + " must be a JSON object, not '" + text.substr(0, 200) + "'");
  return json;
}

Status AddCustom(const std::string& text, std::map<std::string, double>* amounts) {
  TROUPE_ASSIGN_OR_RETURN(const nlohmann::json json, ParseObject("--resources", text));
  for (const auto& [name, amount] : json.items()) {
    if (!amount.is_number()) return InvalidArgument("--resources: '" + name + "' must be a number");
    if (name == kCpu || name == kGpu || name == kMemory) {
      return InvalidArgument("--resources: give '" + name + "' by --num-cpus, --num-gpus or --memory");
    }
    (*amounts)[name] = amount.get<double>();
  }
  return OkStatus();
}

Result<std::map<std::string, std::string>> ParseLabels(const std::string& text) {
  TROUPE_ASSIGN_OR_RETURN(const nlohmann::json json, ParseObject("--labels", text));
  std::map<std::string, std::string> labels;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) return InvalidArgument("--labels: '" + name + "' must be a string");
    labels[name] = value.get<std::string>();
  }
  return labels;
}

std::string MiB(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::uint64_t AvailableMemory(const Machine& machine) {
  return std::min(machine.available_memory, machine.cgroup.available_memory.value_or(machine.available_memory));
}

double DecideCpus(const Machine& machine, std::vector<std::string>* limits) {
  double cpus = machine.cpus;
  if (machine.online_cpus > machine.cpus) {
    limits->push_back("CPUs: " + std::to_string(machine.cpus) + " of " + std::to_string(machine.online_cpus) +
                      ", those that the raylet may run on");
  }
  const double quota = std::max(1.0, std::ceil(machine.cgroup.cpus.value_or(cpus)));
  if (quota < cpus) {
    cpus = quota;
    const auto hundredths = static_cast<std::uint64_t>(std::llround(*machine.cgroup.cpus * 100));
    limits->push_back("CPUs: " + std::to_string(static_cast<unsigned>(cpus)) +
                      ", as its control group has the time of " + std::to_string(hundredths / 100) + "." +
                      std::to_string(hundredths / 10 % 10) + std::to_string(hundredths % 10));
  }
  return cpus;
}

std::uint64_t DefaultStore(const Machine& machine, std::vector<std::string>* limits) {
  const std::uint64_t wanted = std::min(AvailableMemory(machine) / 10 * 3, kMaxDefaultStore);
  const std::uint64_t free = machine.free_shared_memory;
  const std::uint64_t room = free - std::min(free / 4, kMostForChannels);
  if (room < wanted) {
    limits->push_back("object store: " + MiB(room) + ", as /dev/shm has " + MiB(free) + " free of " +
                      MiB(machine.shared_memory) + " (docker run --shm-size gives a container more)");
  }
  return std::max(kMinStore, std::min(wanted, room));
}

Result<std::uint64_t> DecideStore(const CapacityFlags& flags, const Machine& machine,
                                  std::vector<std::string>* limits) {
  if (!flags.object_store_memory) return DefaultStore(machine, limits);
  const std::uint64_t store = *flags.object_store_memory;
  if (store < kMinStore || store > kMaxStore) {
    return InvalidArgument("--object-store-memory is " + std::to_string(store) + " bytes; give at least " +
                           std::to_string(kMinStore));
  }
  if (store > machine.shared_memory) {
    return InvalidArgument("--object-store-memory is " + std::to_string(store) + " bytes, but /dev/shm holds only " +
                           std::to_string(machine.shared_memory) +
                           "; give less, or make it larger (docker run --shm-size, " +
                           "or mount -o remount,size=BYTES)");
  }
  if (machine.cgroup.memory && store > *machine.cgroup.memory) {
    return InvalidArgument("--object-store-memory is " + std::to_string(store) +
                           " bytes, but the control group of this process allows it only " +
                           std::to_string(*machine.cgroup.memory) + " of memory; give less, or raise that limit");
  }
  return store;
}

std::uint64_t AvailableOnMachine() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  std::string unit;
  while (file >> name >> kib) {
    if (name == "MemAvailable:") return kib * 1024;
    std::getline(file, unit);
  }
  return 0;
}

// "0-7,9"; sysconf(3) counts only those that this process may run on.
unsigned CountOnlineCpus() {
  std::istringstream ranges(ReadSmallFile("/sys/devices/system/cpu/online").value_or(""));
  unsigned count = 0;
  for (unsigned first = 0; ranges >> first;) {
    unsigned last = first;
    if (ranges.peek() == '-') ranges.ignore(), ranges >> last;
    count += last - std::min(first, last) + 1;
    ranges.ignore();
  }
  return count;
}

// Those that CUDA lets this process see: workers get them by their places in that list.
unsigned CountGpus() {
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
    const std::string list = visible;
    return list.empty() || list.starts_with('-') ? 0
                                                 : 1 + static_cast<unsigned>(std::count(list.begin(), list.end(), ','));
  }
  std::error_code none;
  unsigned count = 0;
  for (std::filesystem::directory_iterator it("/proc/driver/nvidia/gpus", none), end; !none && it != end;
       it.increment(none)) {
    ++count;
  }
  return count;
}

}  // namespace

Result<Machine> LookAtMachine() {
  Machine machine;
  cpu_set_t set;
  machine.cpus = ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set))
                                                               : std::max(1U, std::thread::hardware_concurrency());
  machine.online_cpus = CountOnlineCpus();
  machine.gpus = CountGpus();
  machine.cgroup = ReadCgroupLimits(ReadSmallFile);
  machine.available_memory = AvailableOnMachine();
  struct statvfs shm {};
  if (::statvfs("/dev/shm", &shm) != 0) return ErrnoStatus(errno, "/dev/shm");
  machine.shared_memory = shm.f_blocks * shm.f_frsize;
  machine.free_shared_memory = shm.f_bavail * shm.f_frsize;
  return machine;
}

Result<NodeCapacity> DecideCapacity(const CapacityFlags& flags, const Machine& machine) {
  std::map<std::string, double> amounts;
  TROUPE_RETURN_IF_ERROR(AddCustom(flags.resources, &amounts));
  NodeCapacity capacity;
  amounts[kCpu] = flags.num_cpus ? *flags.num_cpus : DecideCpus(machine, &capacity.limits);
  amounts[kGpu] = flags.num_gpus.value_or(machine.gpus);
  if (!flags.memory && machine.cgroup.memory && AvailableMemory(machine) < machine.available_memory) {
    capacity.limits.push_back("memory: " + MiB(AvailableMemory(machine)) + " available of the " +
                              MiB(*machine.cgroup.memory) + " that its control group may use");
  }
  amounts[kMemory] = static_cast<double>(flags.memory.value_or(AvailableMemory(machine) / 10 * 7));
  if (amounts[kGpu] != std::floor(amounts[kGpu]) || amounts[kGpu] > 1024) {
    return InvalidArgument("--num-gpus must be a whole number up to 1024");
  }
  TROUPE_ASSIGN_OR_RETURN(capacity.resources, ResourceSet::FromAmounts(amounts));
  TROUPE_ASSIGN_OR_RETURN(capacity.labels, ParseLabels(flags.labels));
  TROUPE_ASSIGN_OR_RETURN(capacity.store, DecideStore(flags, machine, &capacity.limits));
  return capacity;
}

}  // namespace troupe::raylet
