// Sha256: the digest of bytes that come piece by piece.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace troupe::head {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Add(std::string_view bytes);
  // 64 lower-case hexadecimal digits. Once, last.
  std::string Hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace troupe::head
