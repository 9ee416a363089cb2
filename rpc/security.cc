#include "rpc/security.h"

#include <charconv>

namespace troupe::rpc {
namespace {

constexpr std::string_view kBearer = "Bearer ";

// Takes the same time for every `given` of one length, so that a token cannot be found byte by byte.
bool SameSecret(std::string_view secret, std::string_view given) {
  volatile unsigned char difference = secret.size() == given.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char expected = secret.empty() ? '\0' : secret[i % secret.size()];
    difference = static_cast<unsigned char>(difference | (expected ^ given[i]));
  }
  return difference == 0;
}

Status CheckToken(const Credentials& own, std::string_view authorization) {
  const bool bearer = authorization.substr(0, kBearer.size()) == kBearer;
  const std::string_view token = bearer ? authorization.substr(kBearer.size()) : std::string_view();
  if (!own.token.empty() && SameSecret(own.token, token)) return OkStatus();
  return Unauthenticated(
      "the cluster token is missing or wrong; start this program with the token that the cluster's head uses");
}

// Foreign text for a message: short, and printable.
std::string Quote(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 40)) out.push_back(c >= ' ' && c <= '~' ? c : '?');
  return out.empty() ? "unknown" : out;
}

bool IsIpv4Loopback(std::string_view host) {
  int parts = 0;
  int first = -1;
  while (true) {
    unsigned part = 0;
    const auto [end, error] = std::from_chars(host.data(), host.data() + host.size(), part);
    if (error != std::errc() || part > 255) return false;
    if (parts++ == 0) first = static_cast<int>(part);
    host.remove_prefix(static_cast<std::size_t>(end - host.data()));
    if (host.empty()) return parts == 4 && first == 127;
    if (host.front() != '.') return false;
    host.remove_prefix(1);
  }
}

}  // namespace

std::string_view SoftwareVersion() { return TROUPE_VERSION; }

Status CheckClaims(const Credentials& own, const Claims& claims) {
  TROUPE_RETURN_IF_ERROR(CheckToken(own, claims.authorization));
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

Status CheckBind(std::string_view host, const TransportSecurity& security) {
  const bool plaintext = security.mode == TransportSecurity::Mode::kPlaintext;
  const bool loopback = host == "localhost" || host == "::1" || host == "[::1]" || IsIpv4Loopback(host);
  if (!plaintext || loopback) return OkStatus();
  return PermissionDenied("refusing to listen on " + Quote(host) +
                          " without TLS: anyone on that network could read the cluster token; listen on 127.0.0.1, or "
                          "reach other machines through an encrypted tunnel that ends there");
}

}  // namespace troupe::rpc
