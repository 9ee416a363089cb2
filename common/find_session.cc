#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "common/session.h"

namespace troupe {
namespace {

// Of a session in which a daemon runs.
const std::string& HeadOf(const Session& session) {
  return session.head_alive() ? session.head->address : session.node->head;
}

// "localhost" and 127.0.0.1 name the same head.
std::string NormalAddress(const std::string& address) {
  constexpr std::string_view kLocal = "localhost:";
  return address.starts_with(kLocal) ? "127.0.0.1:" + address.substr(kLocal.size()) : address;
}

Result<Session> FindByHead(const std::string& address) {
  TROUPE_ASSIGN_OR_RETURN(const std::string root, SessionRoot());
  std::optional<Session> found;
  for (Session& session : ListSessions(root)) {
    if (!session.node_alive() || NormalAddress(session.node->head) != NormalAddress(address)) continue;
    if (session.head_alive()) return std::move(session);
    if (!found) found = std::move(session);
  }
  if (found) return *std::move(found);
  return NotFound("no node of the cluster at " + address + " runs on this machine (looked under " + root +
                  "): start one with `troupe start --address " + address + "`");
}

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool IsPath(const std::string& address) { return address.find('/') != std::string::npos; }

bool IsHostPort(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  const std::string_view port = std::string_view(address).substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number != 0;
}

Status NotAnAddress(const std::string& address) {
  return InvalidArgument("'" + address + "' is neither the HOST:PORT of a head nor the path of a session folder");
}

}  // namespace

Result<Session> FindSession(const std::string& address) {
  const std::string wanted = address.empty() ? FromEnvironment("TROUPE_ADDRESS") : address;
  if (wanted.empty()) {
    return NotFound("no address was given: name a head (HOST:PORT) or a session folder, or set TROUPE_ADDRESS");
  }
  if (!IsPath(wanted)) return IsHostPort(wanted) ? FindByHead(wanted) : NotAnAddress(wanted);
  TROUPE_ASSIGN_OR_RETURN(Session session, ReadSession(wanted));
  if (!session.node_alive()) {
    return NotFound("no node runs in session folder " + session.dir +
                    ": start one there with `troupe start "
                    "--head --session-dir " +
                    session.dir + "`, or --address HOST:PORT in place of --head");
  }
  return session;
}

Result<Session> NewestSession() {
  TROUPE_ASSIGN_OR_RETURN(const std::string root, SessionRoot());
  for (Session& session : ListSessions(root)) {
    if (session.alive()) return std::move(session);
  }
  return NotFound("no cluster runs on this machine (looked under " + root +
                  "): start one with `troupe start --head`, or name a head with --address or TROUPE_ADDRESS");
}

std::vector<std::string> RunningClusters() {
  std::vector<std::string> heads;
  const Result<std::string> root = SessionRoot();
  if (!root.ok()) return heads;
  for (const Session& session : ListSessions(*root)) {
    if (!session.alive()) continue;
    const std::string head = NormalAddress(HeadOf(session));
    if (std::find(heads.begin(), heads.end(), head) == heads.end()) heads.push_back(head);
  }
  return heads;
}

Result<std::string> HeadAddress(const std::string& address) {
  const std::string wanted = address.empty() ? FromEnvironment("TROUPE_ADDRESS") : address;
  if (!wanted.empty() && !IsPath(wanted)) {
    if (IsHostPort(wanted)) return wanted;
    return NotAnAddress(wanted);
  }
  TROUPE_ASSIGN_OR_RETURN(const Session session, wanted.empty() ? NewestSession() : ReadSession(wanted));
  if (session.alive()) return HeadOf(session);
  return NotFound("nothing runs in session folder " + session.dir +
                  ": start a cluster there with `troupe start "
                  "--head --session-dir " +
                  session.dir + "`");
}

}  // namespace troupe
