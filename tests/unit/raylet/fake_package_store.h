// FakePackageStore: the head's packages, in memory.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "common/event_loop.h"
#include "raylet/programs/package_exchange.h"

namespace troupe::test {

class FakePackageStore : public raylet::PackageExchange {
 public:
  explicit FakePackageStore(EventLoop& loop) : loop_(loop) {}

  void PutPackage(const pb::PutPackageRequest& request,
                  std::function<void(Result<pb::PutPackageReply>)> done) override {
    ++puts;
    std::string& bytes = partial[request.package()];
    if (request.offset() == bytes.size()) bytes += request.data();
    if (bytes.size() == request.total()) packages[request.package()] = bytes;
    pb::PutPackageReply reply;
    reply.set_have(forgetful ? 0 : bytes.size());
    reply.set_complete(!forgetful && packages.contains(request.package()));
    Later(std::move(done), reply);
  }

  void GetPackage(const pb::GetPackageRequest& request, std::function<void(Result<pb::PackageChunk>)> done) override {
    ++gets;
    if (away > 0) {
      --away;
      return Later(std::move(done), Unavailable("the head is away"));
    }
    const auto found = packages.find(request.package());
    if (found == packages.end()) return Later(std::move(done), NotFound("no package " + request.package()));
    pb::PackageChunk chunk;
    chunk.set_total(lie_about_total != 0 ? lie_about_total : found->second.size());
    chunk.set_data(found->second.substr(request.offset(), chunk_bytes));
    Later(std::move(done), chunk);
  }

  std::map<std::string, std::string> packages;
  std::map<std::string, std::string> partial;
  std::size_t chunk_bytes = 1u << 20;
  std::uint64_t lie_about_total = 0;
  bool forgetful = false;
  int away = 0;  // so many requests for a package find no head
  int puts = 0;
  int gets = 0;

 private:
  template <class Reply, class Value>
  void Later(std::function<void(Result<Reply>)> done, Value value) {
    loop_.Post([done = std::move(done), value = std::move(value)] { done(value); });
  }

  EventLoop& loop_;
};

}  // namespace troupe::test
