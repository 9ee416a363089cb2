// PackageExchange: the head's package store as the raylet sees it.
#pragma once

#include <functional>

#include "common/status.h"
#include "proto/head.pb.h"

namespace troupe::raylet {

// The two calls of head.proto; an interface so that tests need no head. Loop thread; `done` runs once, later, on the
// loop.
class PackageExchange {
 public:
  virtual ~PackageExchange() = default;
  virtual void PutPackage(const pb::PutPackageRequest& request,
                          std::function<void(Result<pb::PutPackageReply>)> done) = 0;
  virtual void GetPackage(const pb::GetPackageRequest& request, std::function<void(Result<pb::PackageChunk>)> done) = 0;
};

}  // namespace troupe::raylet
