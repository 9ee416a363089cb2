// PackagePool: the thread on which packages are read and written, so that the loop never waits for the disk.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "common/event_loop.h"
#include "head/environment.h"
#include "head/package_store.h"

namespace troupe::head {

// Any thread. Replies are given on the pool's thread, except where noted.
class PackagePool {
 public:
  PackagePool(std::unique_ptr<PackageStore> store, EventLoop& loop);
  // Stops.
  ~PackagePool();

  void Put(pb::PutPackageRequest request, Reply<pb::PutPackageReply> reply);
  void Get(pb::GetPackageRequest request, Reply<pb::PackageChunk> reply);
  // `done` runs on the loop.
  void Has(std::string package, std::function<void(bool)> done);
  void Trim(std::set<std::string> needed);

  // Drops what has not begun, waits for what has. Idempotent; one thread at a time.
  void Stop();

 private:
  std::unique_ptr<PackageStore> store_;  // the pool's thread only
  EventLoop& loop_;
  boost::asio::thread_pool pool_{1};
};

}  // namespace troupe::head
