// Who sits on a port of the cluster, or connects to one, without the cluster's token: what is learnt, and what is said.
#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <atomic>
#include <string>

#include "fixture.h"
#include "rpc/cluster_key.h"
#include "wire_tap.h"

namespace troupe::rpc {
namespace {

using testing::HasSubstr;
using testing::Not;

// Long and odd enough not to come up in other bytes.
const std::string kSecretRequest = "the request that nobody else may read";
constexpr const char* kMethod = "/t.T/SecretMethod";

struct FreeSsl {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

// A client of TLS that shows `key`'s certificate, or none, and trusts whomever it meets.
class TlsStranger {
 public:
  explicit TlsStranger(int port, const ClusterKey* key = nullptr) : fd_(ConnectTo(port)) {
    if (key != nullptr) {
      const std::unique_ptr<BIO, FreeSsl> public_part(BIO_new_mem_buf(key->certificate.data(), -1));
      const std::unique_ptr<X509, FreeSsl> shown(PEM_read_bio_X509(public_part.get(), nullptr, nullptr, nullptr));
      const std::unique_ptr<BIO, FreeSsl> private_part(BIO_new_mem_buf(key->private_key.data(), -1));
      const std::unique_ptr<EVP_PKEY, FreeSsl> own(
          PEM_read_bio_PrivateKey(private_part.get(), nullptr, nullptr, nullptr));
      EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), shown.get()), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), own.get()), 1);
    }
    const unsigned char http2[] = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context_.get(), http2, sizeof http2);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    SSL_connect(ssl_.get());
    ERR_clear_error();
  }
  ~TlsStranger() {
    ssl_.reset();
    close(fd_);
  }

  // Whether the server says a single byte to it.
  bool IsSpokenTo() {
    const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + kHttp2Greeting;
    SSL_write(ssl_.get(), preface.data(), static_cast<int>(preface.size()));
    char byte = 0;
    const bool spoken = SSL_read(ssl_.get(), &byte, 1) == 1;
    ERR_clear_error();
    return spoken;
  }

 private:
  const int fd_;
  std::unique_ptr<SSL_CTX, FreeSsl> context_{SSL_CTX_new(TLS_client_method())};
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

class ImpostorTest : public RpcTest {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);  // as in the daemons
    server_ = MakeServer();
    server_->Handle<Text, Text>(kMethod, [this](const CallInfo&, Text request, const auto& reply) {
      ++handled_;
      reply(std::move(request));
    });
  }

  Status CallAt(int port, std::string token = GoodCredentials().token) {
    port_ = port;
    Credentials credentials = GoodCredentials();
    credentials.token = std::move(token);
    return CallStatus(*MakeClient(credentials), kMethod, MakeText(kSecretRequest));
  }

  static void ExpectNothingIn(const std::string& bytes) {
    EXPECT_FALSE(bytes.empty()) << "nobody came";
    for (const std::string& secret : {GoodCredentials().token, kSecretRequest, std::string("SecretMethod"),
                                      DeriveClusterKey(GoodCredentials().token)->private_key}) {
      EXPECT_THAT(bytes, Not(HasSubstr(secret)));
    }
  }

  std::atomic<int> handled_ = 0;
};

TEST_F(ImpostorTest, OneThatSpeaksHttp2IsToldNothing) {
  WireTap tap({.greeting = kHttp2Greeting});
  const Status status = CallAt(tap.port());
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("what listens there is another program"));
  ExpectNothingIn(tap.heard());
}

TEST_F(ImpostorTest, OneThatAnswersLikeAWebServerIsNamed) {
  WireTap tap({.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n"});
  EXPECT_THAT(CallAt(tap.port()).message(), HasSubstr("what listens there is another program"));
}

TEST_F(ImpostorTest, OneWithAnotherKeyIsToldNothing) {
  StartServer();
  WireTap tap({.relay_to = port_});
  const Status status = CallAt(tap.port(), "another");
  EXPECT_EQ(status.code(), StatusCode::kUnauthenticated) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr("the head at 127.0.0.1:"));
  EXPECT_THAT(status.message(), HasSubstr("does not hold this program's cluster token"));
  EXPECT_EQ(handled_, 0);
  ExpectNothingIn(tap.heard());
}

TEST_F(ImpostorTest, OneOnTheWayLearnsNothingFromAConversation) {
  StartServer();
  const int server = port_;
  WireTap tap({.relay_to = port_});
  EXPECT_TRUE(CallAt(tap.port()).ok());
  EXPECT_EQ(handled_, 1);
  ExpectNothingIn(tap.heard());
  ExpectNothingIn(tap.answered());
  // Said again, it means nothing: each connection has keys of its own.
  const std::string heard = tap.heard();
  const int again = ConnectTo(server);
  EXPECT_GT(send(again, heard.data(), heard.size(), MSG_NOSIGNAL), 0);
  std::array<char, 65536> bytes;
  while (read(again, bytes.data(), bytes.size()) > 0) {
  }
  close(again);
  EXPECT_EQ(handled_, 1);
}

TEST_F(ImpostorTest, AClientWithoutTheKeyIsNotSpokenTo) {
  StartServer();
  EXPECT_FALSE(TlsStranger(port_).IsSpokenTo()) << "without a certificate";
  const ClusterKey another = *DeriveClusterKey("another");
  EXPECT_FALSE(TlsStranger(port_, &another).IsSpokenTo()) << "with another one's";
  const ClusterKey right = *DeriveClusterKey(GoodCredentials().token);
  EXPECT_TRUE(TlsStranger(port_, &right).IsSpokenTo()) << "the check itself must be able to fail";
  EXPECT_EQ(handled_, 0);
}

TEST_F(ImpostorTest, AClientInPlainTextIsNotSpokenTo) {
  StartServer();
  const int fd = ConnectTo(port_);
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + kHttp2Greeting;
  EXPECT_GT(send(fd, preface.data(), preface.size(), MSG_NOSIGNAL), 0);
  std::string answer(4096, '\0');
  const ssize_t size = read(fd, answer.data(), answer.size());
  answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  EXPECT_THAT(answer, Not(HasSubstr(kHttp2Greeting.substr(0, 5))));
  close(fd);
}

TEST_F(ImpostorTest, AClientThatSaysNothingIsLeft) {
  ServerOptions options;
  options.credentials = GoodCredentials();
  options.keepalive = std::chrono::milliseconds(100);
  Server server(options, server_loop_.loop());
  const int fd = ConnectTo(server.Start().value());
  char byte = 0;
  EXPECT_LE(read(fd, &byte, 1), 0) << "the connection ends";
  close(fd);
}

// A stranger who takes the port of a head that died must not end those who wait for it to come back.
TEST_F(ImpostorTest, OneInThePlaceOfAServerIsNoRefusal) {
  StartServer();
  auto client = MakeClient(GoodCredentials());
  EXPECT_TRUE(CallStatus(*client, kMethod).ok());
  server_.reset();
  ServerOptions options;
  options.port = port_;
  options.credentials.token = "another";
  Server impostor(options, server_loop_.loop());
  ASSERT_TRUE(impostor.Start().ok());
  Status status;
  do {  // gRPC may still tell of the connection that is lost, or refuse before it tries again
    status = CallStatus(*client, kMethod);
    ASSERT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
  } while (status.message().find("it has the port of one that has ended") == std::string::npos);
}

}  // namespace
}  // namespace troupe::rpc
