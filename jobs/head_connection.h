// HeadConnection: calls to a cluster's head from a program outside the cluster.
#pragma once

#include <google/protobuf/message_lite.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/status.h"
#include "rpc/client.h"

namespace troupe::jobs {

// Thread-safe. Calls block.
class HeadConnection {
 public:
  static constexpr std::chrono::milliseconds kTimeout{10'000};

  // `address` as for HeadAddress() of common/session.h, `token_file` empty for TokenFile(). Connects at the first call.
  // UNAUTHENTICATED when there is no token that may be used.
  static Result<std::unique_ptr<HeadConnection>> Open(const std::string& address, const std::string& token_file);

  // `method` without the service: "GetStatus". A head that refuses this program, for its token, version or cluster,
  // gives UNAUTHENTICATED or PERMISSION_DENIED, never FAILED_PRECONDITION.
  template <class Rep>
  Result<Rep> Call(const std::string& method, const google::protobuf::MessageLite& request,
                   std::chrono::milliseconds timeout = kTimeout) {
    Result<Rep> reply = client_.CallSync<Rep>("/troupe.pb.Head/" + method, request, timeout);
    if (reply.ok()) return reply;
    return Explain(reply.status());
  }

  const std::string& address() const { return address_; }

 private:
  HeadConnection(std::string address, rpc::ClientOptions options)
      : address_(std::move(address)), client_(std::move(options)) {}
  Status Explain(Status status);

  std::string address_;
  rpc::Client client_;
};

}  // namespace troupe::jobs
