#include "os/tls.h"

#include "base/test.h"
#include "os/net.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

static struct buf certificate;
static struct buf key;

static void certificate_is_made(void)
{
    struct err err = {0};
    struct buf print;
    buf_init(&certificate, 8192);
    buf_init(&key, 8192);
    buf_init(&print, 200);
    CHECK_INT(tls_certificate_make("host.example", &certificate, &key, &err), RC_OK);
    CHECK_INT(tls_fingerprint(buf_view(&certificate), &print, &err), RC_OK);
    CHECK_INT(print.n, 95);
    buf_done(&print);
}

/* Each certificate of a list must be readable, wherever it stands. */
static void lists_are_checked(void)
{
    static const char *const bad[] = {"-----BEGIN CERTIFICATE-----\n",
                                      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                      "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"};
    struct err err = {0};
    struct buf list CLEANUP(buf_done);
    buf_init(&list, 65536);
    CHECK_INT(tls_certificates_check(STR_NONE, &err), RC_INVALID);
    CHECK_INT(tls_certificates_check(STR("words\n"), &err), RC_INVALID);
    buf_text(&list, "words\n");
    buf_str(&list, buf_view(&certificate));
    buf_text(&list, "\nwords between\n");
    buf_str(&list, buf_view(&certificate));
    CHECK_INT(tls_certificates_check(buf_view(&list), &err), RC_OK);
    size_t whole = list.n;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("row %zu", i);
        list.n = whole;
        buf_text(&list, bad[i]);
        CHECK_INT(tls_certificates_check(buf_view(&list), &err), RC_INVALID);
        CHECK_TEXT(str_of(err.text), "certificate 3 cannot be read");
        buf_clear(&list);
        buf_text(&list, bad[i]);
        buf_str(&list, buf_view(&certificate));
        CHECK_INT(tls_certificates_check(buf_view(&list), &err), RC_INVALID);
        buf_clear(&list);
        buf_str(&list, buf_view(&certificate));
        buf_str(&list, buf_view(&certificate));
        whole = list.n;
        err = (struct err){0};
    }
    test_row("-");
}

static void bytes_arrive(void)
{
    struct err err = {0};
    struct tls_server *server = NULL;
    int fds[2];
    CHECK_INT(tls_server_new(buf_view(&certificate), buf_view(&key), STR_NONE, &server, &err), RC_OK);
    CHECK_INT(net_pair(fds), 0);
    struct tls_session *session = tls_session_new(server, fds[0]);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context);
    SSL_set_fd(client, fds[1]);
    char bytes[16];
    bool want_write = false;
    ssize_t got = -EAGAIN;
    bool written = false;
    for (int i = 0; i < 100 && got == -EAGAIN; i++) {
        if (SSL_connect(client) == 1 && !written)
            written = SSL_write(client, "hello", 5) == 5;
        got = tls_session_read(session, bytes, sizeof bytes, &want_write);
    }
    CHECK_INT(got, 5);
    CHECK_TEXT(str_at(bytes, 5), "hello");
    SSL_shutdown(client);
    CHECK_INT(tls_session_read(session, bytes, sizeof bytes, &want_write), 0);
    tls_session_free(session);
    SSL_free(client);
    SSL_CTX_free(context);
    tls_server_free(server);
    close(fds[0]);
    close(fds[1]);
}

/* A client over one end of a pair, shaking hands with a server of peers at the other. */
struct peering {
    int fds[2];
    struct tls_server *server;
    struct tls_session *session;
    SSL_CTX *context;
    SSL *client;
};

static void peering_begin(struct peering *p, const char *offered, bool certified, int version)
{
    struct err err = {0};
    BIO *bio;
    CHECK_INT(tls_server_new_peers(buf_view(&certificate), buf_view(&key), "proto/1", &p->server, &err), RC_OK);
    CHECK_INT(net_pair(p->fds), 0);
    p->session = tls_session_new(p->server, p->fds[0]);
    p->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(p->context, version);
    if (certified) {
        bio = BIO_new_mem_buf(certificate.p, (int)certificate.n);
        X509 *own = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        BIO_free(bio);
        bio = BIO_new_mem_buf(key.p, (int)key.n);
        EVP_PKEY *own_key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
        CHECK_INT(SSL_CTX_use_certificate(p->context, own), 1);
        CHECK_INT(SSL_CTX_use_PrivateKey(p->context, own_key), 1);
        X509_free(own);
        EVP_PKEY_free(own_key);
    }
    p->client = SSL_new(p->context);
    if (offered)
        CHECK_INT(SSL_set_alpn_protos(p->client, (const unsigned char *)offered, (unsigned)strlen(offered)), 0);
    SSL_set_fd(p->client, p->fds[1]);
}

/* What reading at the server came to: bytes, 0, or -EPROTO. */
static ssize_t peering_shake(struct peering *p)
{
    char bytes[16];
    bool want_write = false;
    ssize_t got = -EAGAIN;
    for (int i = 0; i < 50 && got == -EAGAIN; i++) {
        if (SSL_connect(p->client) == 1 && i > 5)
            SSL_write(p->client, "x", 1);
        got = tls_session_read(p->session, bytes, sizeof bytes, &want_write);
    }
    return got;
}

static void peering_end(struct peering *p)
{
    tls_session_free(p->session);
    tls_server_free(p->server);
    SSL_free(p->client);
    SSL_CTX_free(p->context);
    close(p->fds[0]);
    close(p->fds[1]);
}

static void peers_prove_a_key_and_speak_the_protocol(void)
{
    static const struct {
        const char *why;
        const char *offered;
        bool certified;
        int version;
        bool taken;
    } rows[] = {
        {"as it should be", "\7proto/1", true, TLS1_3_VERSION, true},
        {"among others", "\5other\7proto/1", true, TLS1_3_VERSION, true},
        {"no certificate", "\7proto/1", false, TLS1_3_VERSION, false},
        {"another protocol", "\7proto/2", true, TLS1_3_VERSION, false},
        {"TLS 1.2", "\7proto/1", true, TLS1_2_VERSION, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct peering p = {0};
        struct buf der;
        buf_init(&der, 8192);
        test_row("%s", rows[i].why);
        peering_begin(&p, rows[i].offered, rows[i].certified, rows[i].version);
        CHECK(!tls_session_ready(p.session));
        CHECK_INT(peering_shake(&p), rows[i].taken ? 1 : -EPROTO);
        CHECK_INT(tls_session_peer(p.session, &der), rows[i].taken);
        CHECK_INT(der.n > 200, rows[i].taken);
        if (rows[i].taken) {
            bool want_write = true;
            char bytes[16];
            CHECK(tls_session_ready(p.session));
            CHECK_INT(tls_session_write(p.session, STR("back"), &want_write), 4);
            CHECK_INT(SSL_read(p.client, bytes, sizeof bytes), 4);
            /* A peer that does not read is waited for. */
            static const char many[65536];
            ssize_t sent = 0;
            for (int k = 0; k < 1000 && sent >= 0; k++)
                sent = tls_session_write(p.session, str_at(many, sizeof many), &want_write);
            CHECK_INT(sent, -EAGAIN);
            CHECK(want_write);
        }
        buf_done(&der);
        peering_end(&p);
    }
}

static void what_is_not_tls_is_refused(void)
{
    struct err err = {0};
    struct tls_server *server = NULL;
    CHECK_INT(tls_server_new(STR("nonsense"), buf_view(&key), STR_NONE, &server, &err), RC_INVALID);
    CHECK_INT(tls_server_new(buf_view(&certificate), STR(""), STR_NONE, &server, &err), RC_INVALID);
    CHECK_INT(tls_server_new(buf_view(&certificate), buf_view(&key), STR("x"), &server, &err), RC_INVALID);
    CHECK_INT(tls_server_new(buf_view(&certificate), buf_view(&key), STR_NONE, &server, &err), RC_OK);
    int fds[2];
    CHECK_INT(net_pair(fds), 0);
    struct tls_session *session = tls_session_new(server, fds[0]);
    CHECK_INT(write(fds[1], "<13>plain text, not TLS\n", 24), 24);
    char bytes[16];
    bool want_write = false;
    CHECK_INT(tls_session_read(session, bytes, sizeof bytes, &want_write), -EPROTO);
    CHECK(tls_session_reason(session)[0] != '\0');
    tls_session_free(session);
    tls_server_free(server);
    close(fds[0]);
    close(fds[1]);
    buf_done(&certificate);
    buf_done(&key);
}

static const struct test tests[] = {
    {"a certificate is made", certificate_is_made},
    {"lists are checked", lists_are_checked},
    {"bytes arrive", bytes_arrive},
    {"peers prove a key and speak the protocol", peers_prove_a_key_and_speak_the_protocol},
    {"what is not TLS is refused", what_is_not_tls_is_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
