// Prints how many 64-byte calls, and stream messages one way, a client and a server of one process exchange.
#include <google/protobuf/wrappers.pb.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

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
  const auto start = Clock::now();
  for (int i = 0; i < kCalls; ++i) {
    if (!client.CallSync<Bytes>("/b.B/Echo", message, kTimeout).ok()) std::abort();
  }
  Print("unary, one at a time", kCalls, start);
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
  loop.Sync([&] {
    stream = client.OpenStream<Bytes, Bytes>("/b.B/Sink", {.on_closed = [&](Status s) { closed.set_value(s); }});
    for (int i = 0; i < count; ++i) stream->Send(message);
    stream->Close();
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
  message.set_value(std::string(64u << 10, 'x'));
  MeasureStream(client, client_loop, message, "stream, 64 KiB messages", 10'000);
  server.Stop();
  return 0;
}

}  // namespace
}  // namespace troupe::rpc

int main() { return troupe::rpc::Main(); }
