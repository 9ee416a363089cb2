#include "rpc/cluster_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

namespace troupe::rpc {
namespace {

constexpr std::string_view kPurpose = "troupe cluster key 1";
constexpr std::size_t kSeedBytes = 32;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

// The token has 256 random bits of its own: one HMAC is as good a derivation as there is.
Key MakeKey(std::string_view token) {
  std::array<unsigned char, kSeedBytes> seed{};
  unsigned size = 0;
  const auto* purpose = reinterpret_cast<const unsigned char*>(kPurpose.data());
  if (HMAC(EVP_sha256(), token.data(), static_cast<int>(token.size()), purpose, kPurpose.size(), seed.data(), &size) ==
          nullptr ||
      size != seed.size()) {
    return nullptr;
  }
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  OPENSSL_cleanse(seed.data(), seed.size());
  return key;
}

// Peers that trust the certificate compare it whole, so nothing in it may depend on when or where it is made.
bool Fill(X509* certificate, EVP_PKEY* key) {
  const std::string names = std::string("DNS:") + kClusterName;
  const std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
  X509_NAME* name = X509_get_subject_name(certificate);
  return extension != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
         ASN1_TIME_set_string(X509_getm_notBefore(certificate), "19700101000000Z") == 1 &&
         ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(kClusterName), -1,
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         X509_add_ext(certificate, extension.get(), -1) == 1 && X509_sign(certificate, key, nullptr) > 0;
}

template <class Write>
std::string ToPem(Write write) {
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Result<ClusterKey> DeriveClusterKey(std::string_view token) {
  const Key key = MakeKey(token);
  const Certificate certificate(X509_new());
  if (key != nullptr && certificate != nullptr && Fill(certificate.get(), key.get())) {
    ClusterKey made;
    made.certificate = ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
    made.private_key = ToPem(
        [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    if (!made.certificate.empty() && !made.private_key.empty()) return made;
  }
  return Internal(
      "OpenSSL makes no Ed25519 certificate, by which the programs of a cluster know each other: see whether its "
      "configuration (openssl.cnf) forbids that");
}

}  // namespace troupe::rpc
