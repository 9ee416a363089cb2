#include "ipc/client_wire.h"

namespace troupe::ipc {

std::string EncodeRoutedHeader(const Address& address) {
  std::string header = address.node.Bytes();
  for (int shift = 0; shift < 64; shift += 8) header.push_back(static_cast<char>(address.process.value >> shift));
  return header;
}

Result<Address> DecodeRoutedHeader(std::string_view payload) {
  if (payload.size() < kRoutedHeaderBytes) {
    return InvalidArgument("a routed frame of " + std::to_string(payload.size()) + " bytes has no header");
  }
  Address address;
  address.node = *NodeId::FromBytes(payload.substr(0, 16));
  for (std::size_t i = 0; i < 8; ++i) {
    address.process.value |= std::uint64_t{static_cast<unsigned char>(payload[16 + i])} << (8 * i);
  }
  return address;
}

}  // namespace troupe::ipc
