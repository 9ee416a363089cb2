#include "head/package_pool.h"

#include <sys/prctl.h>

#include <boost/asio/post.hpp>
#include <utility>

namespace troupe::head {

PackagePool::PackagePool(std::unique_ptr<PackageStore> store, EventLoop& loop) : store_(std::move(store)), loop_(loop) {
  boost::asio::post(pool_, [] { prctl(PR_SET_NAME, "packages"); });
}

PackagePool::~PackagePool() { Stop(); }

void PackagePool::Put(pb::PutPackageRequest request, Reply<pb::PutPackageReply> reply) {
  boost::asio::post(pool_,
                    [this, request = std::move(request), reply = std::move(reply)] { reply(store_->Put(request)); });
}

void PackagePool::Get(pb::GetPackageRequest request, Reply<pb::PackageChunk> reply) {
  boost::asio::post(pool_,
                    [this, request = std::move(request), reply = std::move(reply)] { reply(store_->Get(request)); });
}

void PackagePool::Has(std::string package, std::function<void(bool)> done) {
  boost::asio::post(pool_, [this, package = std::move(package), done = std::move(done)] {
    loop_.Post([done, has = store_->Has(package)] { done(has); });
  });
}

void PackagePool::Trim(std::set<std::string> needed) {
  boost::asio::post(pool_, [this, needed = std::move(needed)] { store_->Trim(needed); });
}

void PackagePool::Stop() {
  pool_.stop();
  pool_.join();
}

}  // namespace troupe::head
