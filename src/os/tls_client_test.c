#include "os/tls_client.h"

#include "base/test.h"
#include "os/net.h"
#include "os/tls.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PROTOCOL "qorgan-test/1"

/* ---- an authority and what it signs ---- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    char pem[4096]; /* certificate, and the issuer's behind it */
    char key_pem[1024];
};

static void pem_take(BIO *bio, char *ret, size_t size)
{
    char *bytes = NULL;
    long n = BIO_get_mem_data(bio, &bytes);
    CHECK(str_copy_z(str_at(bytes, (size_t)n), ret, size));
    BIO_free(bio);
}

static void extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static struct identity identity_make(const struct identity *issuer, const char *purpose, int first_day, int last_day)
{
    struct identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    X509_NAME *name = X509_get_subject_name(made.certificate);
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), issuer ? 2 : 1);
    X509_time_adj_ex(X509_getm_notBefore(made.certificate), first_day, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(made.certificate), last_day, 0, NULL);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)(issuer ? "leaf" : "authority"), -1,
                               -1, 0);
    X509_set_issuer_name(made.certificate, issuer ? X509_get_subject_name(issuer->certificate) : name);
    extension(made.certificate, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (purpose)
        extension(made.certificate, NID_ext_key_usage, purpose);
    CHECK(X509_sign(made.certificate, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
    BIO *text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, made.certificate);
    if (issuer)
        PEM_write_bio_X509(text, issuer->certificate);
    pem_take(text, made.pem, sizeof made.pem);
    text = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(text, made.key, NULL, NULL, 0, NULL, NULL);
    pem_take(text, made.key_pem, sizeof made.key_pem);
    return made;
}

static void identity_free(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static struct identity authority;
static struct identity stranger; /* another authority */
static struct identity own;

static void identities_are_made(void)
{
    authority = identity_make(NULL, NULL, -1, 100);
    stranger = identity_make(NULL, NULL, -1, 100);
    own = identity_make(&authority, "clientAuth", -1, 30);
    CHECK(own.pem[0] != '\0');
}

/* ---- one talk between both ends ---- */

/* Says "hello", hears "world": 0, or the client's error. */
static ssize_t talk(struct tls_client *client, struct tls_server *server, const char **ret_reason)
{
    static char reason[192];
    int fds[2];
    char bytes[16];
    bool want_write = false;
    CHECK_INT(net_pair(fds), 0);
    struct tls_session *session = tls_session_new(server, fds[0]);
    struct tls_connection *connection = tls_connection_new(client, fds[1]);
    ssize_t result = -EAGAIN;
    bool asked = false;
    bool answered = false;
    for (int i = 0; i < 100 && result == -EAGAIN; i++) {
        if (!asked) {
            ssize_t sent = tls_connection_write(connection, STR("hello"), &want_write);
            asked = sent == 5;
            result = sent > 0 ? -EAGAIN : sent;
        } else {
            result = tls_connection_read(connection, bytes, sizeof bytes, &want_write);
        }
        ssize_t got = answered ? -EAGAIN : tls_session_read(session, bytes + 8, 8, &want_write);
        if (got == 5)
            answered = tls_session_write(session, STR("world"), &want_write) == 5;
    }
    if (result == 5)
        CHECK_TEXT(str_at(bytes, 5), "world");
    snprintf(reason, sizeof reason, "%s", tls_connection_reason(connection));
    *ret_reason = reason;
    tls_connection_close(connection);
    tls_connection_free(connection);
    tls_session_free(session);
    close(fds[0]);
    close(fds[1]);
    return result == 5 ? 0 : result;
}

static struct tls_client_options options_of(const struct identity *trusted, const uint8_t *pin)
{
    return (struct tls_client_options){.certificate = str_of(own.pem),
                                       .key = str_of(own.key_pem),
                                       .authority = trusted ? str_of(trusted->pem) : STR_NONE,
                                       .pin = pin,
                                       .protocol = PROTOCOL};
}

static void servers_are_judged(void)
{
    static struct identity good;
    static struct identity agent;
    static struct identity anything;
    static struct identity past;
    static struct identity future;
    static struct identity foreign;
    static struct identity alone;
    good = identity_make(&authority, "serverAuth", -1, 30);
    agent = identity_make(&authority, "clientAuth", -1, 30);
    anything = identity_make(&authority, NULL, -1, 30);
    past = identity_make(&authority, "serverAuth", -30, -1);
    future = identity_make(&authority, "serverAuth", 1, 30);
    foreign = identity_make(&stranger, "serverAuth", -1, 30);
    alone = identity_make(&authority, "serverAuth", -1, 30);
    strstr(alone.pem, "-----END CERTIFICATE-----\n")[26] = '\0'; /* without its authority behind it */
    const struct {
        const char *what;
        const struct identity *server;
        const struct identity *trusted; /* NULL: by the pin */
        const char *protocol;
        const char *reason; /* NULL: works */
    } rows[] = {
        {"the authority's", &good, &authority, PROTOCOL, NULL},
        {"by the pin", &good, NULL, PROTOCOL, NULL},
        {"without the authority", &alone, &authority, PROTOCOL, NULL},
        {"by the pin, without the authority", &alone, NULL, PROTOCOL, "no certificate of the authority"},
        {"an agent", &agent, &authority, PROTOCOL, "purpose"},
        {"an agent, by the pin", &agent, NULL, PROTOCOL, "purpose"},
        {"of no purpose", &anything, &authority, PROTOCOL, "purpose"},
        {"expired", &past, &authority, PROTOCOL, "expired"},
        {"expired, by the pin", &past, NULL, PROTOCOL, "expired"},
        {"not yet valid", &future, &authority, PROTOCOL, "not yet"},
        {"foreign", &foreign, &authority, PROTOCOL, "signature"},
        {"foreign, by the pin", &foreign, NULL, PROTOCOL, "no certificate of the authority"},
        {"the other way round", &good, &stranger, PROTOCOL, "the server's certificate"},
        {"another protocol", &good, &authority, "other/1", "protocol"},
    };
    uint8_t pin[TLS_PIN_SIZE];
    CHECK_INT(tls_certificate_pin(str_of(authority.pem), pin, NULL), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tls_client *client = NULL;
        struct tls_server *server = NULL;
        struct err err = {0};
        const char *reason = "";
        test_row("%s", rows[i].what);
        struct tls_client_options options = options_of(rows[i].trusted, rows[i].trusted ? NULL : pin);
        CHECK_INT(tls_client_new(&options, &client, &err), RC_OK);
        CHECK_INT(tls_server_new_peers(str_of(rows[i].server->pem), str_of(rows[i].server->key_pem), rows[i].protocol,
                                       &server, &err),
                  RC_OK);
        CHECK_INT(talk(client, server, &reason), rows[i].reason ? -EPROTO : 0);
        if (rows[i].reason)
            CHECK(str_search(str_of(reason), str_of(rows[i].reason)) < strlen(reason));
        tls_client_free(client);
        tls_server_free(server);
    }
    test_row("-");
    struct identity *all[] = {&good, &agent, &anything, &past, &future, &foreign, &alone};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        identity_free(all[i]);
}

/* A server that speaks TLS 1.3 but not our application protocol, and one that speaks TLS 1.2 at most, is refused. */
static void plain_servers_are_refused(void)
{
    struct identity good = identity_make(&authority, "serverAuth", -1, 30);
    struct tls_client *client = NULL;
    struct tls_server *server = NULL;
    const char *reason = "";
    struct tls_client_options options = options_of(&authority, NULL);
    CHECK_INT(tls_client_new(&options, &client, NULL), RC_OK);
    CHECK_INT(tls_server_new(str_of(good.pem), str_of(good.key_pem), STR_NONE, &server, NULL), RC_OK);
    CHECK_INT(talk(client, server, &reason), -EPROTO);
    CHECK_TEXT(str_of(reason), "the server does not speak our protocol");
    int fds[2];
    char bytes[16];
    bool want_write = false;
    CHECK_INT(net_pair(fds), 0);
    struct tls_connection *connection = tls_connection_new(client, fds[1]);
    CHECK_INT(write(fds[0], "220 mail.example ESMTP\r\n", 24), 24);
    CHECK_INT(tls_connection_read(connection, bytes, sizeof bytes, &want_write), -EPROTO);
    CHECK(tls_connection_reason(connection)[0] != '\0');
    tls_connection_free(connection);
    close(fds[0]);
    connection = tls_connection_new(client, fds[1]);
    ssize_t got = -EAGAIN;
    for (int i = 0; i < 10 && got == -EAGAIN; i++)
        got = tls_connection_read(connection, bytes, sizeof bytes, &want_write);
    CHECK(got == 0 || got == -EPROTO); /* gone */
    tls_connection_free(connection);
    close(fds[1]);
    tls_client_free(client);
    tls_server_free(server);
    identity_free(&good);
}

static void what_does_not_fit_is_refused(void)
{
    struct tls_client *client = NULL;
    struct err err = {0};
    const struct tls_client_options good = options_of(&authority, NULL);
    struct tls_client_options rows[] = {good, good, good, good, good, good};
    rows[0].certificate = STR("nonsense");
    rows[1].key = STR("nonsense");
    rows[2].key = str_of(authority.key_pem);
    rows[3].authority = STR("nonsense");
    rows[4].authority = str_of(own.pem); /* no authority */
    rows[5].certificate = STR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(tls_client_new(&rows[i], &client, &err), RC_INVALID);
        CHECK(err.text[0] != '\0');
    }
    test_row("-");
}

static void a_certificate_is_made_over_a_key(void)
{
    struct err err = {0};
    struct buf key CLEANUP(buf_done);
    struct buf certificate CLEANUP(buf_done);
    struct tls_client *client = NULL;
    int64_t from = 0;
    int64_t until = 0;
    buf_init(&key, 4096);
    buf_init(&certificate, 4096);
    CHECK_INT(tls_key_make(&key, &err), RC_OK);
    CHECK(str_starts(buf_view(&key), STR("-----BEGIN PRIVATE KEY-----")));
    CHECK_INT(tls_certificate_self(buf_view(&key), "web1", 2, &certificate, &err), RC_OK);
    CHECK_INT(tls_certificate_life(buf_view(&certificate), &from, &until, &err), RC_OK);
    CHECK_INT(until - from, 2 * 86400 + 300);
    struct tls_client_options options = options_of(&authority, NULL);
    options.key = buf_view(&key);
    options.certificate = buf_view(&certificate);
    CHECK_INT(tls_client_new(&options, &client, &err), RC_OK);
    tls_client_free(client);
    buf_clear(&certificate);
    CHECK_INT(tls_certificate_self(STR("x"), "web1", 2, &certificate, &err), RC_INVALID);
    CHECK_INT(tls_certificate_life(STR("x"), &from, &until, &err), RC_INVALID);
    uint8_t pin[TLS_PIN_SIZE];
    CHECK_INT(tls_certificate_pin(STR(""), pin, &err), RC_INVALID);
    identity_free(&authority);
    identity_free(&stranger);
    identity_free(&own);
}

static const struct test tests[] = {
    {"identities are made", identities_are_made},
    {"servers are judged", servers_are_judged},
    {"plain servers are refused", plain_servers_are_refused},
    {"what does not fit is refused", what_does_not_fit_is_refused},
    {"a certificate is made over a key", a_certificate_is_made_over_a_key},
};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* as proc_signals does */
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
