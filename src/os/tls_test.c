#include "os/tls.h"

#include "base/test.h"
#include "os/net.h"

#include <errno.h>
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
    {"what is not TLS is refused", what_is_not_tls_is_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
