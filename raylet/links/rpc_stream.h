// RpcStream: the real MessageStream, over gRPC.
#pragma once

#include <memory>
#include <utility>

#include "raylet/ports/message_stream.h"
#include "rpc/stream.h"

namespace troupe::raylet {

template <class In, class Out>
class RpcStream : public MessageStream<In, Out> {
 public:
  explicit RpcStream(std::shared_ptr<rpc::Stream<In, Out>> stream) : stream_(std::move(stream)) {}

  void SetHandlers(MessageStreamHandlers<In> handlers) override { stream_->SetHandlers(ToRpc(std::move(handlers))); }
  void Send(const Out& message) override { stream_->Send(message); }
  std::size_t pending_bytes() const override { return stream_->pending_bytes(); }
  void Close(const Status& status) override { stream_->Close(status); }

  static rpc::StreamHandlers<In> ToRpc(MessageStreamHandlers<In> handlers) {
    return {.on_message = std::move(handlers.on_message),
            .on_closed = std::move(handlers.on_closed),
            .on_drained = std::move(handlers.on_drained)};
  }

 private:
  const std::shared_ptr<rpc::Stream<In, Out>> stream_;
};

}  // namespace troupe::raylet
