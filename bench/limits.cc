#include "bench/limits.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "common/status.h"
#include "ipc/channel.h"
#include "ipc/spin_budget.h"
#include "rpc/unary_echo.h"
#include "troupe/ids.h"

namespace troupe::bench {
namespace {

constexpr std::size_t kRecordBytes = 64;

template <class T>
T Must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().message());
  return std::move(result).value();
}
void Must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

// A process that runs `work` until it is killed with its maker or by Child's destructor.
class Child {
 public:
  explicit Child(const std::function<void()>& work) : pid_(fork()) {
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    work();
    _exit(0);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  const pid_t pid_;
};

// The shared memory of a channel and of a doorbell for each side, under names of its own.
class ChannelRegions {
 public:
  ChannelRegions() : name_("troupe-bench-" + ProcessId::Random().Hex()) {
    Must(ipc::CreateChannelRegion(name_, ipc::kGrownRingCapacity));
    Must(ipc::CreateDoorbellRegion(name_ + "-a"));
    Must(ipc::CreateDoorbellRegion(name_ + "-b"));
  }
  ~ChannelRegions() {
    for (const char* suffix : {"", "-a", "-b"}) ipc::SharedRegion::Unlink(name_ + suffix);
  }
  ChannelRegions(const ChannelRegions&) = delete;
  ChannelRegions& operator=(const ChannelRegions&) = delete;

  ipc::Channel Open(ipc::Side side) const {
    return Must(
        ipc::Channel::Open(name_, side, Must(ipc::Doorbell::Open(name_ + (side == ipc::Side::kA ? "-b" : "-a")))));
  }

 private:
  const std::string name_;
};

void Receive(ipc::Channel& channel, ipc::Record* record) {
  while (channel.TryRead(record) != ipc::ReadResult::kRecord) ipc::SpinPause();
}
void Send(ipc::Channel& channel, std::span<const std::byte> bytes) {
  while (!channel.TryWrite(1, bytes)) ipc::SpinPause();
}

// Side B of the measurements: answers each record of type 1 that asks for it.
void Echo(const ChannelRegions& regions) {
  ipc::Channel channel = regions.Open(ipc::Side::kB);
  for (ipc::Record record;;) {
    Receive(channel, &record);
    if (record.payload[0] != std::byte{0}) Send(channel, record.payload);
  }
}

}  // namespace

Sample RingRoundTrip(double seconds) {
  const ChannelRegions regions;
  const Child echo([&] { Echo(regions); });
  ipc::Channel channel = regions.Open(ipc::Side::kA);
  std::array<std::byte, kRecordBytes> bytes{std::byte{1}};
  ipc::Record record;
  return Measure(seconds, 1, [&] {
    Send(channel, bytes);
    Receive(channel, &record);
  });
}

Sample RingRate(double seconds) {
  constexpr std::size_t kBatch = 10'000;
  const ChannelRegions regions;
  const Child echo([&] { Echo(regions); });
  ipc::Channel channel = regions.Open(ipc::Side::kA);
  std::array<std::byte, kRecordBytes> bytes{};
  ipc::Record record;
  return Measure(seconds, kBatch, [&] {
    bytes[0] = std::byte{0};
    for (std::size_t i = 1; i < kBatch; ++i) Send(channel, bytes);
    bytes[0] = std::byte{1};  // the last one is answered, so all have arrived
    Send(channel, bytes);
    Receive(channel, &record);
  });
}

Sample Memcpy(double seconds) {
  constexpr std::size_t kBytes = 64u << 20;
  std::vector<char> from(kBytes, 1), to(kBytes, 2);
  Sample copies = Measure(seconds, 1, [&] {
    std::memcpy(to.data(), from.data(), kBytes);
    asm volatile("" : : "r"(to.data()) : "memory");
  });
  Sample gigabytes;
  const double us_per_gb = 1e6 / (copies.Rate() * static_cast<double>(kBytes) / 1e9);
  gigabytes.Add(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::micro>(us_per_gb)));
  return gigabytes;
}

Sample Fork(double seconds) {
  return Measure(seconds, 1, [] {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid < 0 || waitpid(pid, nullptr, 0) != pid) throw std::runtime_error("fork failed");
  });
}

Sample GrpcUnaryEcho(double seconds) {
  const std::string folder = (std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX").string();
  std::string dir = folder;
  if (!mkdtemp(dir.data())) throw std::runtime_error("cannot make a folder like " + folder);
  const std::string path = dir + "/echo.sock";
  try {
    // Before the first use of gRPC here, which does not survive fork().
    const Child server([&] {
      const rpc::UnaryEchoServer echo(path);
      pause();
    });
    rpc::UnaryEchoClient client(path);
    const std::string bytes(kRecordBytes, 'x');
    Sample sample = Measure(seconds, 1, [&] {
      if (!client.Call(bytes)) throw std::runtime_error("the gRPC echo call failed");
    });
    std::filesystem::remove_all(dir);
    return sample;
  } catch (...) {
    std::filesystem::remove_all(dir);
    throw;
  }
}

}  // namespace troupe::bench
