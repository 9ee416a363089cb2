// Cookies: what a process shows to prove that this raylet started it.
#pragma once

#include <string>
#include <string_view>

namespace troupe::raylet {

// 128 random bits in hexadecimal.
std::string NewCookie();

// Compares in a time that depends only on the lengths. An empty cookie matches nothing.
bool CookieMatches(std::string_view expected, std::string_view given);

}  // namespace troupe::raylet
