#include "os/tls_client.h"

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

struct tls_client {
    SSL_CTX *context;
    char protocol[64];
    uint8_t pin[TLS_PIN_SIZE];
    bool pinned;
    bool no_authority; /* what the last server showed holds no certificate of the pinned key */
};

struct tls_connection {
    SSL *ssl;
    struct tls_client *client;
    bool judged; /* the handshake is done and what it agreed on was looked at */
    char reason[192];
};

static enum rc trouble(struct err *err, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    return err_set(err, RC_INVALID, "%s: %s", what, text);
}

static X509 *certificate_read(struct str pem)
{
    BIO *bio = pem.n > 0 && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *key_read(struct str pem)
{
    BIO *bio = pem.n > 0 && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static bool pin_of(X509 *certificate, uint8_t ret_pin[TLS_PIN_SIZE])
{
    unsigned char *der = NULL;
    unsigned n = 0;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool made = size > 0 && EVP_Digest(der, (size_t)size, ret_pin, &n, EVP_sha256(), NULL) == 1 && n == TLS_PIN_SIZE;
    OPENSSL_free(der);
    return made;
}

/* ---- who the server is ---- */

/* The certificate of the pinned key among those that the server showed. */
static X509 *pinned_find(const struct tls_client *client, STACK_OF(X509) * shown)
{
    uint8_t pin[TLS_PIN_SIZE];
    for (int i = 0; i < sk_X509_num(shown); i++) {
        X509 *certificate = sk_X509_value(shown, i);
        if (X509_check_ca(certificate) == 1 && pin_of(certificate, pin) && memcmp(pin, client->pin, sizeof pin) == 0)
            return certificate;
    }
    return NULL;
}

/* A certificate without extended key usage would be good for everything: ours never is. */
static bool is_for_servers(X509 *certificate)
{
    uint32_t usage = X509_get_extended_key_usage(certificate);
    return usage != UINT32_MAX && (usage & XKU_SSL_SERVER);
}

static int chain_judge(X509_STORE_CTX *store, void *context)
{
    struct tls_client *client = context;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    STACK_OF(X509) *trusted = NULL;
    if (!leaf || !is_for_servers(leaf)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
        return 0;
    }
    if (client->pinned) {
        X509 *authority = pinned_find(client, X509_STORE_CTX_get0_untrusted(store));
        client->no_authority = authority == NULL;
        trusted = sk_X509_new_null();
        if (!authority || !trusted || sk_X509_push(trusted, authority) <= 0) {
            sk_X509_free(trusted);
            X509_STORE_CTX_set_error(store, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
            return 0;
        }
        X509_STORE_CTX_set0_trusted_stack(store, trusted);
    }
    int result = X509_verify_cert(store);
    sk_X509_free(trusted); /* the certificates are the chain's */
    return result;
}

/* ---- the client ---- */

static enum rc own_use(SSL_CTX *context, const struct tls_client_options *options, struct err *err)
{
    X509 *certificate = certificate_read(options->certificate);
    EVP_PKEY *key = key_read(options->key);
    enum rc rc = RC_OK;
    if (!certificate || SSL_CTX_use_certificate(context, certificate) != 1)
        rc = trouble(err, "our certificate does not read");
    else if (!key || SSL_CTX_use_PrivateKey(context, key) != 1 || SSL_CTX_check_private_key(context) != 1)
        rc = trouble(err, "our key does not read or does not belong to the certificate");
    EVP_PKEY_free(key);
    X509_free(certificate);
    return rc;
}

static enum rc authority_use(SSL_CTX *context, struct str pem, struct err *err)
{
    X509 *authority = certificate_read(pem);
    bool used = authority && X509_check_ca(authority) == 1 &&
                X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1;
    X509_free(authority);
    return used ? RC_OK : trouble(err, "the authority's certificate does not read or is none of an authority");
}

static bool protocol_set(SSL_CTX *context, const char *protocol)
{
    unsigned char offered[64];
    size_t n = strlen(protocol);
    ASSERT(n > 0 && n < sizeof offered);
    offered[0] = (unsigned char)n;
    memcpy(offered + 1, protocol, n);
    return SSL_CTX_set_alpn_protos(context, offered, (unsigned)n + 1) == 0;
}

static enum rc context_fill(struct tls_client *client, const struct tls_client_options *options, struct err *err)
{
    SSL_CTX *context = client->context;
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, chain_judge, client);
    if (!protocol_set(context, options->protocol))
        return trouble(err, "TLS could not be set up");
    enum rc rc = own_use(context, options, err);
    return rc == RC_OK && options->authority.n ? authority_use(context, options->authority, err) : rc;
}

enum rc tls_client_new(const struct tls_client_options *options, struct tls_client **ret_client, struct err *err)
{
    ASSERT((options->pin != NULL) != (options->authority.n > 0)); /* one of both says whom to trust */
    struct tls_client *client = memory_new(sizeof *client);
    if (!client)
        return err_set(err, RC_LIMIT, "no memory for TLS");
    ERR_clear_error();
    client->context = SSL_CTX_new(TLS_client_method());
    client->pinned = options->pin != NULL;
    if (options->pin)
        memcpy(client->pin, options->pin, sizeof client->pin);
    bool fits = str_copy_z(str_of(options->protocol), client->protocol, sizeof client->protocol);
    ASSERT(fits);
    enum rc rc = client->context ? context_fill(client, options, err) : trouble(err, "TLS could not be set up");
    if (rc == RC_OK)
        *ret_client = client;
    else
        tls_client_free(client);
    return rc;
}

void tls_client_free(struct tls_client *client)
{
    if (!client)
        return;
    SSL_CTX_free(client->context);
    memory_free(client);
}

/* ---- a connection ---- */

struct tls_connection *tls_connection_new(struct tls_client *client, int fd)
{
    struct tls_connection *connection = memory_new(sizeof *connection);
    if (!connection)
        return NULL;
    connection->client = client;
    connection->ssl = SSL_new(client->context);
    if (!connection->ssl || SSL_set_fd(connection->ssl, fd) != 1) {
        tls_connection_free(connection);
        return NULL;
    }
    SSL_set_connect_state(connection->ssl);
    return connection;
}

void tls_connection_free(struct tls_connection *connection)
{
    if (!connection)
        return;
    SSL_free(connection->ssl);
    memory_free(connection);
}

static ssize_t refuse(struct tls_connection *connection, const char *reason)
{
    snprintf(connection->reason, sizeof connection->reason, "%s", reason);
    ERR_clear_error();
    return -EPROTO;
}

static ssize_t why(struct tls_connection *connection, bool *ret_want_write)
{
    int code = SSL_get_error(connection->ssl, 0);
    *ret_want_write = code == SSL_ERROR_WANT_WRITE;
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    if (code == SSL_ERROR_ZERO_RETURN || (code == SSL_ERROR_SYSCALL && ERR_peek_error() == 0))
        return 0;
    long verified = SSL_get_verify_result(connection->ssl);
    if (connection->client->no_authority)
        return refuse(connection, "the server showed no certificate of the authority that the token names");
    if (verified != X509_V_OK) {
        char text[160];
        snprintf(text, sizeof text, "the server's certificate: %s", X509_verify_cert_error_string(verified));
        return refuse(connection, text);
    }
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return refuse(connection, text ? text : "the connection broke");
}

/* Once, before the first byte goes either way: the server took our protocol. */
static bool agreed(struct tls_connection *connection)
{
    const unsigned char *chosen = NULL;
    unsigned n = 0;
    if (connection->judged)
        return true;
    SSL_get0_alpn_selected(connection->ssl, &chosen, &n);
    connection->judged = str_is(str_at(chosen, n), connection->client->protocol);
    return connection->judged;
}

/* 1: the handshake is done and its outcome fits. */
static ssize_t handshake(struct tls_connection *connection, bool *ret_want_write)
{
    ERR_clear_error();
    *ret_want_write = false;
    if (!SSL_is_init_finished(connection->ssl)) {
        int result = SSL_do_handshake(connection->ssl);
        if (result != 1)
            return why(connection, ret_want_write);
    }
    return agreed(connection) ? 1 : refuse(connection, "the server does not speak our protocol");
}

ssize_t tls_connection_read(struct tls_connection *connection, void *bytes, size_t size, bool *ret_want_write)
{
    size_t got = 0;
    ssize_t ready = handshake(connection, ret_want_write);
    if (ready != 1)
        return ready;
    if (SSL_read_ex(connection->ssl, bytes, size, &got) == 1)
        return (ssize_t)got;
    return why(connection, ret_want_write);
}

ssize_t tls_connection_write(struct tls_connection *connection, struct str bytes, bool *ret_want_write)
{
    size_t sent = 0;
    ASSERT(bytes.n > 0);
    ssize_t ready = handshake(connection, ret_want_write);
    if (ready != 1)
        return ready;
    if (SSL_write_ex(connection->ssl, bytes.p, bytes.n, &sent) == 1)
        return (ssize_t)sent;
    return why(connection, ret_want_write);
}

bool tls_connection_pending(const struct tls_connection *connection)
{
    return SSL_has_pending(connection->ssl) == 1;
}

const char *tls_connection_reason(const struct tls_connection *connection)
{
    return connection->reason;
}

void tls_connection_close(struct tls_connection *connection)
{
    ERR_clear_error();
    if (SSL_is_init_finished(connection->ssl))
        IGNORE(SSL_shutdown(connection->ssl) < 0); /* the peer may be gone */
    ERR_clear_error();
}

/* ---- keys and certificates ---- */

static bool bio_take(BIO *bio, struct buf *ret_text)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(bio, &bytes);
    if (n <= 0)
        return false;
    buf_put(ret_text, bytes, (size_t)n);
    return !ret_text->overflow;
}

enum rc tls_key_make(struct buf *ret_key, struct err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *text = BIO_new(BIO_s_secmem());
    bool made = key && text && PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                bio_take(text, ret_key);
    BIO_free(text);
    EVP_PKEY_free(key);
    return made ? RC_OK : trouble(err, "a key could not be made");
}

static bool self_fill(X509 *certificate, EVP_PKEY *key, const char *name, unsigned days)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    BIGNUM *number = BN_new();
    bool filled =
        number && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL &&
        X509_set_version(certificate, 2) == 1 && X509_gmtime_adj(X509_getm_notBefore(certificate), -300) != NULL &&
        X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, NULL) != NULL &&
        X509_set_pubkey(certificate, key) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, subject) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0;
    BN_free(number);
    return filled;
}

enum rc tls_certificate_self(struct str key, const char *name, unsigned days, struct buf *ret_certificate,
                             struct err *err)
{
    ERR_clear_error();
    EVP_PKEY *own = key_read(key);
    X509 *certificate = X509_new();
    BIO *text = BIO_new(BIO_s_mem());
    bool made = own && certificate && text && self_fill(certificate, own, name, days) &&
                PEM_write_bio_X509(text, certificate) == 1 && bio_take(text, ret_certificate);
    BIO_free(text);
    X509_free(certificate);
    EVP_PKEY_free(own);
    return made ? RC_OK : trouble(err, "a certificate could not be made");
}

static bool seconds_of(const ASN1_TIME *time, int64_t *ret_s)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0;
    int seconds = 0;
    bool read = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    *ret_s = (int64_t)days * 86400 + seconds;
    ASN1_TIME_free(epoch);
    return read;
}

enum rc tls_certificate_life(struct str certificate, int64_t *ret_from_s, int64_t *ret_until_s, struct err *err)
{
    ERR_clear_error();
    X509 *read = certificate_read(certificate);
    bool known =
        read && seconds_of(X509_get0_notBefore(read), ret_from_s) && seconds_of(X509_get0_notAfter(read), ret_until_s);
    X509_free(read);
    return known ? RC_OK : trouble(err, "the certificate does not read");
}

enum rc tls_certificate_pin(struct str certificate, uint8_t ret_pin[TLS_PIN_SIZE], struct err *err)
{
    ERR_clear_error();
    X509 *read = certificate_read(certificate);
    bool known = read && pin_of(read, ret_pin);
    X509_free(read);
    return known ? RC_OK : trouble(err, "the certificate does not read");
}
