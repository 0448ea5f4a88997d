#include "os/tls.h"

#include "base/arena.h"
#include "base/assert.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATE_DAYS 3650
#define CHAIN_MAX        8

struct tls_server {
    SSL_CTX *context;
};

struct tls_session {
    SSL *ssl;
    char reason[160];
};

static enum rc openssl_err(struct err *err, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    return err_set(err, RC_INVALID, "%s: %s", what, text);
}

static BIO *bio_of(struct str pem)
{
    return pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
}

static enum rc certificate_use(SSL_CTX *context, struct str pem, struct err *err)
{
    BIO *bio = bio_of(pem);
    X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    enum rc rc = RC_OK;
    if (!leaf || SSL_CTX_use_certificate(context, leaf) != 1)
        rc = openssl_err(err, "the TLS certificate does not read");
    X509_free(leaf);
    for (int i = 0; rc == RC_OK && i < CHAIN_MAX; i++) {
        X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!next)
            break;
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            rc = openssl_err(err, "the TLS certificate's chain does not fit");
        }
    }
    ERR_clear_error();
    BIO_free(bio);
    return rc;
}

static enum rc key_use(SSL_CTX *context, struct str pem, struct err *err)
{
    BIO *bio = bio_of(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    enum rc rc = RC_OK;
    if (!key || SSL_CTX_use_PrivateKey(context, key) != 1 || SSL_CTX_check_private_key(context) != 1)
        rc = openssl_err(err, "the TLS key does not read or does not belong to the certificate");
    EVP_PKEY_free(key);
    BIO_free(bio);
    return rc;
}

static enum rc client_ca_use(SSL_CTX *context, struct str pem, struct err *err)
{
    BIO *bio = bio_of(pem);
    unsigned count = 0;
    X509 *authority;
    while (bio && (authority = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1;
        IGNORE(SSL_CTX_add_client_CA(context, authority) != 1); /* only a hint for clients */
        X509_free(authority);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (count == 0)
        return err_set(err, RC_INVALID, "the file of client authorities holds no certificate");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return RC_OK;
}

static SSL_CTX *context_new(int least_version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, least_version);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* What waits to be written may lie elsewhere at the next try: in a buffer that grew. */
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

/* The context becomes a server's when all went well. */
static enum rc server_finish(SSL_CTX *context, enum rc rc, struct tls_server **ret_server, struct err *err)
{
    struct tls_server *server = rc == RC_OK ? memory_new(sizeof *server) : NULL;
    if (!server) {
        SSL_CTX_free(context);
        return rc == RC_OK ? err_set(err, RC_LIMIT, "no memory for TLS") : rc;
    }
    server->context = context;
    *ret_server = server;
    return RC_OK;
}

enum rc tls_server_new(struct str certificate, struct str key, struct str client_ca, struct tls_server **ret_server,
                       struct err *err)
{
    SSL_CTX *context = context_new(TLS1_2_VERSION);
    if (!context)
        return openssl_err(err, "TLS could not be set up");
    enum rc rc = certificate_use(context, certificate, err);
    if (rc == RC_OK)
        rc = key_use(context, key, err);
    if (rc == RC_OK && client_ca.n)
        rc = client_ca_use(context, client_ca, err);
    return server_finish(context, rc, ret_server, err);
}

/* Any certificate will do: whoever showed it proved in the handshake to hold its key. */
static int peer_accept(int preverified, X509_STORE_CTX *store)
{
    (void)preverified;
    (void)store;
    ERR_clear_error(); /* what does not fit is left there, and SSL_get_error would take it for the connection's */
    return 1;
}

/* The protocol's name with its length before it, as OpenSSL and the wire have it. */
static int protocol_select(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_n, const unsigned char *offered,
                           unsigned n, void *context)
{
    const char *wanted = context;
    (void)ssl;
    unsigned char length = (unsigned char)strlen(wanted);
    for (unsigned at = 0; at < n && offered[at] < n - at; at += 1u + offered[at]) {
        if (offered[at] != length || memcmp(offered + at + 1, wanted, length) != 0)
            continue;
        *ret_name = offered + at + 1;
        *ret_n = length;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum rc tls_server_new_peers(struct str certificate, struct str key, const char *protocol,
                             struct tls_server **ret_server, struct err *err)
{
    ASSERT(strlen(protocol) > 0 && strlen(protocol) <= UINT8_MAX);
    SSL_CTX *context = context_new(TLS1_3_VERSION);
    if (!context)
        return openssl_err(err, "TLS could not be set up");
    enum rc rc = certificate_use(context, certificate, err);
    if (rc == RC_OK)
        rc = key_use(context, key, err);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, peer_accept);
    SSL_CTX_set_alpn_select_cb(context, protocol_select, (void *)(uintptr_t)protocol);
    SSL_CTX_set_num_tickets(context, 0); /* each connection proves its key anew */
    return server_finish(context, rc, ret_server, err);
}

void tls_server_free(struct tls_server *server)
{
    if (!server)
        return;
    SSL_CTX_free(server->context);
    memory_free(server);
}

struct tls_session *tls_session_new(const struct tls_server *server, int fd)
{
    struct tls_session *session = memory_new(sizeof *session);
    if (!session)
        return NULL;
    session->ssl = SSL_new(server->context);
    if (!session->ssl || SSL_set_fd(session->ssl, fd) != 1) {
        tls_session_free(session);
        return NULL;
    }
    SSL_set_accept_state(session->ssl);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    memory_free(session);
}

/* Why a call gave nothing: -EAGAIN, 0 for the end, -EPROTO with the reason kept. */
static ssize_t session_trouble(struct tls_session *session, bool *ret_want_write, bool *ret_want_read)
{
    int reason = SSL_get_error(session->ssl, 0);
    *ret_want_write = reason == SSL_ERROR_WANT_WRITE;
    *ret_want_read = reason == SSL_ERROR_WANT_READ;
    if (*ret_want_write || *ret_want_read)
        return -EAGAIN;
    if (reason == SSL_ERROR_ZERO_RETURN || (reason == SSL_ERROR_SYSCALL && ERR_peek_error() == 0))
        return 0;
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(session->reason, sizeof session->reason, "%s", text ? text : "the connection broke");
    ERR_clear_error();
    return -EPROTO;
}

ssize_t tls_session_read(struct tls_session *session, void *bytes, size_t size, bool *ret_want_write)
{
    size_t got = 0;
    bool want_read;
    *ret_want_write = false;
    ERR_clear_error();
    if (SSL_read_ex(session->ssl, bytes, size, &got) == 1)
        return (ssize_t)got;
    return session_trouble(session, ret_want_write, &want_read);
}

ssize_t tls_session_write(struct tls_session *session, struct str bytes, bool *ret_want_write)
{
    size_t sent = 0;
    bool want_read;
    *ret_want_write = false;
    ERR_clear_error();
    if (SSL_write_ex(session->ssl, bytes.p, bytes.n, &sent) == 1)
        return (ssize_t)sent;
    return session_trouble(session, ret_want_write, &want_read);
}

void tls_session_close(struct tls_session *session)
{
    IGNORE(SSL_shutdown(session->ssl) < 0); /* then the end of the connection has to do */
    ERR_clear_error();
}

bool tls_session_ready(const struct tls_session *session)
{
    return SSL_is_init_finished(session->ssl) == 1;
}

bool tls_session_peer(const struct tls_session *session, struct buf *ret_der)
{
    X509 *peer = SSL_get0_peer_certificate(session->ssl);
    unsigned char *der = NULL;
    int n = peer ? i2d_X509(peer, &der) : 0;
    if (n <= 0)
        return false;
    buf_put(ret_der, der, (size_t)n);
    OPENSSL_free(der);
    return !ret_der->overflow;
}

bool tls_session_peer_name(const struct tls_session *session, char *ret_name, size_t size)
{
    X509 *peer = SSL_get0_peer_certificate(session->ssl);
    bool vouched =
        (SSL_get_verify_mode(session->ssl) & SSL_VERIFY_PEER) && SSL_get_verify_result(session->ssl) == X509_V_OK;
    X509_NAME *name = peer && vouched ? X509_get_subject_name(peer) : NULL;
    int at = name ? X509_NAME_get_index_by_NID(name, NID_commonName, -1) : -1;
    ASN1_STRING *text = at >= 0 ? X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)) : NULL;
    struct str bytes = text ? str_at(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)) : STR_NONE;
    return bytes.n > 0 && str_find(bytes, '\0') == bytes.n && str_copy_z(bytes, ret_name, size);
}

const char *tls_session_reason(const struct tls_session *session)
{
    return session->reason;
}

static bool extension_add(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool serial_set(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool set = number && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool certificate_fill(X509 *certificate, EVP_PKEY *key, const char *host)
{
    char names[512];
    snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:%s", host);
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_set_version(certificate, 2) == 1 && serial_set(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -300) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), CERTIFICATE_DAYS, 0, NULL) != NULL &&
           X509_set_pubkey(certificate, key) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)host, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 && extension_add(certificate, NID_subject_alt_name, names) &&
           extension_add(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           extension_add(certificate, NID_key_usage, "critical,digitalSignature") &&
           extension_add(certificate, NID_ext_key_usage, "serverAuth") && X509_sign(certificate, key, EVP_sha256()) > 0;
}

static void bio_take(BIO *bio, struct buf *ret_text)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(bio, &bytes);
    if (n > 0)
        buf_put(ret_text, bytes, (size_t)n);
}

enum rc tls_certificate_make(const char *host, struct buf *ret_certificate, struct buf *ret_key, struct err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *certificate_text = BIO_new(BIO_s_mem());
    BIO *key_text = BIO_new(BIO_s_mem());
    bool made = key && certificate && certificate_text && key_text && certificate_fill(certificate, key, host) &&
                PEM_write_bio_X509(certificate_text, certificate) == 1 &&
                PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (made) {
        bio_take(certificate_text, ret_certificate);
        bio_take(key_text, ret_key);
    }
    BIO_free(key_text);
    BIO_free(certificate_text);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made ? RC_OK : openssl_err(err, "a certificate could not be made");
}

enum rc tls_fingerprint(struct str certificate, struct buf *ret_text, struct err *err)
{
    BIO *bio = bio_of(certificate);
    X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool done = leaf && X509_digest(leaf, EVP_sha256(), digest, &n) == 1;
    for (unsigned i = 0; done && i < n; i++)
        buf_format(ret_text, "%s%02X", i ? ":" : "", digest[i]);
    X509_free(leaf);
    BIO_free(bio);
    return done ? RC_OK : openssl_err(err, "the TLS certificate does not read");
}

enum rc tls_certificates_check(struct str pem, struct err *err)
{
    BIO *bio = pem.n > 0 && pem.n < INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    size_t count = 0;
    ERR_clear_error();
    for (X509 *certificate; bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; count++)
        X509_free(certificate);
    bool ended = !bio || ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    if (!ended)
        return err_set(err, RC_INVALID, "certificate %zu cannot be read", count + 1);
    return count ? RC_OK : err_set(err, RC_INVALID, "there is no certificate");
}
