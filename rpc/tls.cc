#include "rpc/tls.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/channel_arguments.h>

namespace troupe::rpc {

std::shared_ptr<grpc::ServerCredentials> ServerCredentialsFor(const ClusterKey& key) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = key.certificate;
  options.pem_key_cert_pairs = {{key.private_key, key.certificate}};
  return grpc::SslServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsFor(const ClusterKey& key, grpc::ChannelArguments* args) {
  args->SetSslTargetNameOverride(kClusterName);  // a program is known by its key, wherever it runs
  return grpc::SslCredentials({key.certificate, key.private_key, key.certificate});
}

}  // namespace troupe::rpc
