#include "rpc/connect_error.h"

namespace troupe::rpc {
namespace {

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The reason in "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: REASON".
std::string_view LastReason(std::string_view message) {
  constexpr std::string_view kLast = "last error: ";
  const std::size_t last = message.find(kLast);
  if (last == std::string_view::npos) return message;
  std::string_view reason = message.substr(last + kLast.size());
  for (int part = 0; part < 2; ++part) {  // the code and the address
    const std::size_t end = reason.find(": ");
    if (end == std::string_view::npos) break;
    reason.remove_prefix(end + 2);
  }
  return reason;
}

}  // namespace

bool IsConnectError(std::string_view message) {
  return message.starts_with("failed to connect") || Contains(message, "resolution");
}

Status ExplainConnectError(const std::string& peer, const std::string& message, bool was_proved) {
  const std::string cannot = "cannot reach " + peer + ": ";
  const std::string reason(LastReason(message));
  if (Contains(reason, "certificate verify failed")) {
    const std::string stranger =
        "what listens there does not hold this program's cluster token, and was sent nothing; ";
    if (was_proved) return Unavailable(cannot + stranger + "it has the port of one that has ended");
    return Unauthenticated(cannot + stranger +
                           "use the token file of that cluster (TROUPE_TOKEN_FILE), or correct the address");
  }
  if (Contains(reason, "Ssl handshake failed")) {
    return Unavailable(cannot + "what listens there is another program, or a Troupe before encryption; correct the " +
                       "address (" + reason + ")");
  }
  if (Contains(reason, "Connection refused")) {
    return Unavailable(cannot + "nothing listens there; it has ended, or the address is wrong");
  }
  // Within the handshake: the same words about a connection that stood are no connect error.
  if (Contains(reason, "Handshake read failed") || Contains(reason, "Socket closed") ||
      Contains(reason, "reset by peer")) {
    return Unavailable(cannot + "what listens there did not prove that it holds the cluster's token; it is another " +
                       "program, or does not respond (" + reason + ")");
  }
  return Unavailable(cannot + reason);
}

}  // namespace troupe::rpc
