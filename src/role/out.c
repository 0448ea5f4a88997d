/* out.c - the only process that opens connections: mail by SMTP, webhooks by HTTP. One notice at a time.
 *
 * TLS is demanded: smtps:// and https:// as they are, STARTTLS on plain SMTP when the server offers it; only servers on
 * this machine may be spoken to in plain text. The answer says what the server said; secrets are never logged. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "codec/json.h"
#include "os/clock.h"
#include "role/log.h"
#include "role/roles.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_S  20
#define CONNECT_S   10
#define MESSAGE_MAX ((size_t)512 << 10)

struct out {
    struct arena *scratch;
    struct buf message;
    struct buf answer;
};

struct notice {
    struct str key;
    struct str to;
    struct str server;
    struct str from;
    struct str user;
    struct str secret;
    struct str subject;
    struct str body;
};

struct upload {
    struct str rest;
};

static size_t on_read(char *buffer, size_t size, size_t count, void *context)
{
    struct upload *upload = context;
    size_t n = MIN(size * count, upload->rest.n);
    if (n)
        memcpy(buffer, upload->rest.p, n);
    upload->rest = str_skip(upload->rest, n);
    return n;
}

static size_t on_reply(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count; /* what a webhook answers is of no interest */
}

/* A header value may hold no line end: everything below a blank becomes one. */
static void put_header(struct buf *out, const char *name, struct str value)
{
    buf_format(out, "%s: ", name);
    for (size_t i = 0; i < value.n; i++)
        buf_char(out, (unsigned char)value.p[i] < ' ' ? ' ' : value.p[i]);
    buf_text(out, "\r\n");
}

/* RFC 2047: the subject as encoded words of at most 45 bytes, cut between code points. */
static void put_subject(struct buf *out, struct str subject)
{
    buf_text(out, "Subject:");
    while (subject.n) {
        size_t n = MIN(subject.n, (size_t)45);
        while (n < subject.n && n > 1 && ((unsigned char)subject.p[n] & 0xc0) == 0x80)
            n--;
        char text[64];
        size_t length = base64_encode(subject.p, n, text);
        buf_format(out, " =?UTF-8?B?%.*s?=\r\n", (int)length, text);
        subject = str_skip(subject, n);
    }
    if (out->n && out->p[out->n - 1] == ':')
        buf_text(out, "\r\n");
}

static void put_date(struct buf *out, int64_t now_ns)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil c = civil_from_ns(now_ns, 0);
    buf_format(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n",
               days[civil_weekday(civil_to_days(c.year, c.month, c.day)) - 1], c.day, months[c.month - 1], c.year,
               c.hour, c.minute, c.second);
}

static void mail_write(struct buf *out, const struct notice *notice)
{
    buf_clear(out);
    put_date(out, clock_real_ns());
    put_header(out, "From", notice->from);
    put_header(out, "To", notice->to);
    buf_format(out, "Message-ID: <%.*s@qorgan>\r\n", STR_ARG(str_slice(notice->key, 0, 200)));
    put_subject(out, notice->subject);
    buf_text(out,
             "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
             "Auto-Submitted: auto-generated\r\n\r\n");
    for (struct str rest = notice->body; rest.n; rest = str_skip(rest, 57)) {
        char line[80];
        buf_put(out, line, base64_encode(rest.p, MIN(rest.n, (size_t)57), line));
        buf_text(out, "\r\n");
    }
}

/* Whether host[:port][/path] is this machine: only then may notices go in plain text. The whole host is looked at, so
 * that 127.example.org and 127.0.0.1@example.org are not. */
static bool is_local(struct str server)
{
    struct str rest = server;
    struct str authority = str_cut(&rest, '/');
    if (str_find(authority, '@') < authority.n)
        return false;
    if (str_starts(authority, STR("[::1]")))
        return authority.n == 5 || authority.p[5] == ':';
    struct str host = str_cut(&authority, ':');
    size_t dots = 0;
    size_t digits = 0;
    for (size_t i = 0; i < host.n; i++) {
        dots += host.p[i] == '.';
        digits += char_is_digit(host.p[i]);
    }
    return str_is(host, "localhost") || (str_starts(host, STR("127.")) && dots == 3 && dots + digits == host.n);
}

static void common_options(CURL *curl, char *error)
{
    error[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PATIENCE_S);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_reply);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static CURLcode mail_send(CURL *curl, struct out *out, const struct notice *notice)
{
    char url[512];
    char from[512];
    char to[512];
    bool given = str_search(notice->server, STR("://")) != notice->server.n;
    snprintf(url, sizeof url, "%s%.*s", given ? "" : "smtp://", STR_ARG(notice->server));
    snprintf(from, sizeof from, "<%.*s>", STR_ARG(notice->from));
    snprintf(to, sizeof to, "<%.*s>", STR_ARG(notice->to));
    mail_write(&out->message, notice);
    struct upload upload = {buf_view(&out->message)};
    struct curl_slist *recipients = curl_slist_append(NULL, to);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, is_local(notice->server) ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
    if (notice->user.n) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, arena_strz(out->scratch, notice->user));
        curl_easy_setopt(curl, CURLOPT_PASSWORD, arena_strz(out->scratch, notice->secret));
    }
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    CURLcode code = out->message.overflow ? CURLE_OUT_OF_MEMORY : curl_easy_perform(curl);
    curl_slist_free_all(recipients);
    return code;
}

static CURLcode webhook_send(CURL *curl, struct out *out, const struct notice *notice)
{
    char header[1024];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json; charset=utf-8");
    snprintf(header, sizeof header, "Idempotency-Key: %.*s", STR_ARG(str_slice(notice->key, 0, 200)));
    headers = curl_slist_append(headers, header);
    if (notice->secret.n && notice->secret.n < 900) {
        snprintf(header, sizeof header, "Authorization: Bearer %.*s", STR_ARG(notice->secret));
        headers = curl_slist_append(headers, header);
        explicit_bzero(header, sizeof header);
    }
    struct str host = str_skip(notice->to, str_search(notice->to, STR("://")) + 3);
    curl_easy_setopt(curl, CURLOPT_URL, arena_strz(out->scratch, notice->to));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, is_local(host) ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)notice->body.n);
    curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, notice->body.p ? notice->body.p : "");
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    return code;
}

static void notice_send(struct out *out, const struct json_value *value)
{
    struct notice notice = {
        .key = json_str(json_get(value, "key"), STR_NONE),
        .to = json_str(json_get(value, "to"), STR_NONE),
        .server = json_str(json_get(value, "server"), STR_NONE),
        .from = json_str(json_get(value, "from"), STR_NONE),
        .user = json_str(json_get(value, "user"), STR_NONE),
        .secret = json_str(json_get(value, "secret"), STR_NONE),
        .subject = json_str(json_get(value, "subject"), STR_NONE),
        .body = json_str(json_get(value, "body"), STR_NONE),
    };
    bool mail = str_is(json_str(json_get(value, "kind"), STR_NONE), "mail");
    char error[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (curl) {
        common_options(curl, error);
        code = mail ? mail_send(curl, out, &notice) : webhook_send(curl, out, &notice);
        curl_easy_cleanup(curl);
    }
    const char *text = code == CURLE_OK ? "" : (error[0] ? error : curl_easy_strerror(code));
    if (code != CURLE_OK)
        log_warning("a notice by %s was not taken: %s", mail ? "mail" : "webhook", text);
    buf_clear(&out->answer);
    json_write_object(&out->answer);
    json_put_bool(&out->answer, "sent", code == CURLE_OK);
    json_put_text(&out->answer, "text", text);
    json_write_object_end(&out->answer);
}

static enum rc out_start(struct process *process, void **ret_self, struct err *err)
{
    (void)process;
    struct out *out = memory_new(sizeof *out);
    if (!out || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(err, RC_LIMIT, "no memory for the mail and web client");
    out->scratch = arena_new((size_t)8 << 20);
    ASSERT(out->scratch != NULL);
    buf_init(&out->message, MESSAGE_MAX);
    buf_init(&out->answer, 4096);
    *ret_self = out;
    return RC_OK;
}

static void out_message(void *self, struct channel *channel, struct msg *msg)
{
    struct out *out = self;
    struct json_value *value = NULL;
    struct err err = {0};
    if (msg->type != MSG_NOTICE)
        return;
    arena_reset(out->scratch);
    if (json_parse(out->scratch, msg->body, 4, &value, &err) != RC_OK) {
        log_error("a notice is damaged: %s", err.text);
        return;
    }
    notice_send(out, value);
    arena_reset(out->scratch);
    if (!channel_send(channel, MSG_NOTICE_RESULT, msg->id, buf_view(&out->answer)))
        log_warning("the desk does not take its answer");
}

static size_t out_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    (void)config;
    (void)arena;
    static const char *const readable[] = {"/etc", "/usr/lib", "/lib", "/usr/share/ca-certificates",
                                           "/run/systemd/resolve"};
    ASSERT(size >= ARRAY_LEN(readable));
    for (size_t i = 0; i < ARRAY_LEN(readable); i++)
        ret[i] = (struct sandbox_path){.path = readable[i], .access = SANDBOX_READ};
    return ARRAY_LEN(readable);
}

const struct role_driver out_driver = {
    .role = ROLE_OUT,
    .calls = SANDBOX_OPEN | SANDBOX_CONNECT | SANDBOX_THREADS,
    .files_max = 256,
    .paths = out_paths,
    .start = out_start,
    .message = out_message,
};
