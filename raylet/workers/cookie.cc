#include "raylet/workers/cookie.h"

#include <openssl/crypto.h>

#include "troupe/ids.h"

namespace troupe::raylet {

std::string NewCookie() { return Id128<struct CookieTag>::Random().Hex(); }

bool CookieMatches(std::string_view expected, std::string_view given) {
  return !expected.empty() && expected.size() == given.size() &&
         CRYPTO_memcmp(expected.data(), given.data(), expected.size()) == 0;
}

}  // namespace troupe::raylet
