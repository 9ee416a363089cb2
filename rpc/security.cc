#include "rpc/security.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

namespace troupe::rpc {
namespace {

// Foreign text for a message: short, and printable.
std::string Quote(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 40)) out.push_back(c >= ' ' && c <= '~' ? c : '?');
  return out.empty() ? "unknown" : out;
}

// "0.0.0.0" has many spellings: "0", "0x0", "::", "[::]", "::ffff:0.0.0.0".
bool MeansEveryAddress(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (host.empty()) return true;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  if (found->ai_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr.s_addr == htonl(INADDR_ANY);
  }
  const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(found->ai_addr)->sin6_addr;
  const auto* bytes = address.s6_addr;
  return std::all_of(bytes + 12, bytes + 16, [](unsigned char byte) { return byte == 0; }) &&
         (IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_V4MAPPED(&address));
}

}  // namespace

std::string_view SoftwareVersion() { return TROUPE_VERSION; }

Status CheckClaims(const Credentials& own, const Claims& claims) {
  if (claims.protocol_version != std::to_string(own.protocol_version)) {
    return FailedPrecondition("the caller speaks protocol version " + Quote(claims.protocol_version) + " (Troupe " +
                              Quote(claims.software_version) + "), this server version " +
                              std::to_string(own.protocol_version) + " (Troupe " + std::string(SoftwareVersion()) +
                              "); install the same Troupe on both machines");
  }
  if (!own.cluster_id.empty() && !claims.cluster_id.empty() && own.cluster_id != claims.cluster_id) {
    return FailedPrecondition("the caller belongs to cluster " + Quote(claims.cluster_id) +
                              ", this server to cluster " + own.cluster_id +
                              "; correct the address, or restart the caller so that it joins this one");
  }
  return OkStatus();
}

Status CheckBind(const std::string& host) {
  if (!MeansEveryAddress(host)) return OkStatus();
  return InvalidArgument("cannot listen on '" + Quote(host) +
                         "', which means every address of this machine: name the one by which the other machines of "
                         "the cluster reach it");
}

}  // namespace troupe::rpc
