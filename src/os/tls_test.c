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
    {"bytes arrive", bytes_arrive},
    {"what is not TLS is refused", what_is_not_tls_is_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
