// Prints how many 64-byte calls, and stream messages one way, a client and a server of one process exchange.
// What encryption costs: build it at the commit before TLS, too, and run the two in turns.
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loop_thread.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace troupe::rpc {
namespace {

using Bytes = google::protobuf::BytesValue;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kTimeout{10};

void Print(const char* what, int count, Clock::time_point start) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%-28s %9.0f/s  %7.2f us each\n", what, count / seconds, seconds * 1e6 / count);
}

void MeasureSync(Client& client, const Bytes& message) {
  constexpr int kCalls = 20'000;
  std::vector<double> each;
  const auto start = Clock::now();
  for (int i = 0; i < kCalls; ++i) {
    const auto begin = Clock::now();
    if (!client.CallSync<Bytes>("/b.B/Echo", message, kTimeout).ok()) std::abort();
    each.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  Print("unary, one at a time", kCalls, start);
  std::sort(each.begin(), each.end());
  std::printf("%-28s %9.1f us (99 %%: %.1f us)\n", "  median", each[each.size() / 2], each[each.size() * 99 / 100]);
}

// From nothing to the first answer: a connection, with its handshake.
void MeasureConnect(const ClientOptions& options, const Bytes& message) {
  constexpr int kConnections = 300;
  std::vector<double> each;
  for (int i = 0; i < kConnections; ++i) {
    const auto begin = Clock::now();
    Client client(options);
    if (!client.CallSync<Bytes>("/b.B/Echo", message, kTimeout).ok()) std::abort();
    each.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  std::sort(each.begin(), each.end());
  std::printf("%-28s %9.1f us\n", "connect and one call, median", each[each.size() / 2]);
}

void MeasurePipelined(Client& client, LoopThread& loop, const Bytes& message) {
  constexpr int kCalls = 100'000;
  constexpr int kWindow = 64;
  std::promise<void> all;
  int started = 0;
  int ended = 0;
  std::function<void()> call = [&] {
    if (started == kCalls) return;
    ++started;
    client.Call<Bytes>("/b.B/Echo", message, kTimeout, [&](const Result<Bytes>& reply) {
      if (!reply.ok()) std::abort();
      if (++ended == kCalls) return all.set_value();
      call();
    });
  };
  const auto start = Clock::now();
  loop.loop().Post([&] {
    for (int i = 0; i < kWindow; ++i) call();
  });
  all.get_future().wait();
  Print("unary, 64 in flight", kCalls, start);
}

void MeasureStream(Client& client, LoopThread& loop, const Bytes& message, const char* what, int count) {
  std::promise<Status> closed;
  std::shared_ptr<Stream<Bytes, Bytes>> stream;
  const auto start = Clock::now();
  int sent = 0;
  // As much as keeps the connection busy, and no memory beyond that.
  const auto send = [&] {
    while (sent < count && stream->pending_bytes() < (4u << 20)) {
      stream->Send(message);
      if (++sent == count) stream->Close();
    }
  };
  loop.Sync([&] {
    stream = client.OpenStream<Bytes, Bytes>("/b.B/Sink",
                                             {.on_closed = [&](Status s) { closed.set_value(s); }, .on_drained = send});
    send();
  });
  if (!closed.get_future().get().ok()) std::abort();
  Print(what, count, start);
  loop.Sync([&] { stream.reset(); });
}

int Main() {
  LoopThread server_loop;
  LoopThread client_loop;
  Server server({.credentials = {.token = "t", .cluster_id = ""}}, server_loop.loop());
  server.Handle<Bytes, Bytes>("/b.B/Echo", [](const CallInfo&, Bytes request, const auto& reply) { reply(request); });
  std::shared_ptr<Stream<Bytes, Bytes>> open;
  server.HandleStream<Bytes, Bytes>("/b.B/Sink", [&](auto stream) { open = std::move(stream); });
  ClientOptions options;
  options.target = "127.0.0.1:" + std::to_string(server.Start().value());
  options.credentials.token = "t";
  options.loop = &client_loop.loop();
  Client client(options);
  Bytes message;
  message.set_value(std::string(64, 'x'));
  MeasureSync(client, message);
  MeasurePipelined(client, client_loop, message);
  MeasureStream(client, client_loop, message, "stream, 64 B messages", 500'000);
  message.set_value(std::string(64 * 64, 'x'));
  MeasureStream(client, client_loop, message, "stream, batches of 64 x 64 B", 100'000);
  message.set_value(std::string(64u << 10, 'x'));
  MeasureStream(client, client_loop, message, "stream, 64 KiB messages", 10'000);
  message.set_value(std::string(1u << 20, 'x'));
  MeasureStream(client, client_loop, message, "stream, 1 MiB messages", 1'000);
  message.set_value("x");
  MeasureConnect(options, message);
  server.Stop();
  return 0;
}

}  // namespace
}  // namespace troupe::rpc

int main() { return troupe::rpc::Main(); }
