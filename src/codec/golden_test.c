/* Every line of testdata/NAME.in through the parser NAME; what comes out is kept in testdata/NAME.out.
 * `codec_golden_test --bless` writes the .out files anew: read the difference before committing it. */
#include "base/buf.h"
#include "base/civil.h"
#include "base/test.h"
#include "codec/audit.h"
#include "codec/cef.h"
#include "codec/json.h"
#include "codec/kv.h"
#include "codec/leef.h"
#include "codec/syslog.h"
#include "codec/weblog.h"

#include <stdio.h>
#include <string.h>

#define RECEIVED  INT64_C(1795198500000000000) /* 2026-11-20T18:15:00Z */
#define OFFSET_S  18000
#define FILE_MAX  ((size_t)1 << 20)
#define ARENA_MAX ((size_t)1 << 24)

static bool bless;

static void put(struct buf *out, const char *name, struct str value)
{
    if (value.n > 0)
        buf_format(out, "  %s: %.*s\n", name, STR_ARG(value));
}

static void put_pair(struct buf *out, const char *mark, struct str key, struct str value)
{
    buf_format(out, "  %s%.*s = %.*s\n", mark, STR_ARG(key), STR_ARG(value));
}

static void put_time(struct buf *out, int64_t time_ns)
{
    char text[CIVIL_TEXT_MAX];
    civil_format(time_ns, 0, 9, text);
    buf_format(out, "  time: %s\n", text);
}

static void on_syslog(struct arena *arena, struct str line, struct buf *out)
{
    static const char *const formats[] = {"plain", "RFC 3164", "RFC 5424"};
    struct syslog s;
    struct syslog_param param;
    buf_format(out, "  %s\n", formats[syslog_parse(line, RECEIVED, OFFSET_S, &s)]);
    if ((s.has & SYSLOG_HAS_PRI) != 0)
        buf_format(out, "  pri: %s.%s\n", syslog_facility_name(s.facility), syslog_severity_name(s.severity));
    if ((s.has & SYSLOG_HAS_TIME) != 0)
        put_time(out, s.time_ns);
    put(out, "host", s.host);
    put(out, "app", s.app);
    put(out, "procid", s.procid);
    put(out, "msgid", s.msgid);
    put(out, "sequence", s.sequence);
    struct syslog_sd sd = syslog_sd_of(s.sd);
    while (syslog_sd_next(&sd, &param)) {
        put(out, "element", param.id);
        put_pair(out, "  ", param.name, syslog_param_text(arena, &param));
    }
    put(out, "message", s.message);
}

static void put_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    static const char *const marks[] = {"null ", "false ", "true ", "number ", "", "", "object "};
    put_pair(context, marks[kind], path, value);
}

static void on_json(struct arena *arena, struct str line, struct buf *out)
{
    struct err err = {0};
    if (json_flatten(arena, line, put_leaf, out, NULL, &err) != RC_OK)
        buf_format(out, "  %s: %s\n", rc_name(err.code), err.text);
}

static void on_kv(struct arena *arena, struct str line, struct buf *out)
{
    struct kv kv = kv_of(line);
    struct kv_pair pair;
    while (kv_next(&kv, &pair))
        put_pair(out, "", pair.key, kv_text(arena, &pair));
    buf_format(out, "  words: %u\n", kv.words);
}

static void on_cef(struct arena *arena, struct str line, struct buf *out)
{
    struct cef cef;
    struct str key;
    struct str value;
    if (!cef_parse(line, &cef)) {
        buf_text(out, "  refused\n");
        return;
    }
    put(out, "vendor", cef_text(arena, cef.vendor));
    put(out, "product", cef_text(arena, cef.product));
    put(out, "version", cef_text(arena, cef.device_version));
    put(out, "class", cef_text(arena, cef.class_id));
    put(out, "name", cef_text(arena, cef.name));
    put(out, "severity", cef.severity);
    struct str rest = cef.extension;
    while (cef_next(&rest, &key, &value))
        put_pair(out, "", key, cef_text(arena, value));
}

static void on_leef(struct arena *arena, struct str line, struct buf *out)
{
    struct leef leef;
    struct str key;
    struct str value;
    if (arena_used(arena) != 0 || !leef_parse(line, &leef)) {
        buf_text(out, "  refused\n");
        return;
    }
    put(out, "vendor", leef.vendor);
    put(out, "product", leef.product);
    put(out, "version", leef.product_version);
    put(out, "event", leef.event_id);
    struct str rest = leef.attributes;
    while (leef_next(&rest, leef.delimiter, &key, &value))
        put_pair(out, "", key, value);
}

static void on_audit(struct arena *arena, struct str line, struct buf *out)
{
    struct audit audit;
    struct audit_field field;
    if (!audit_parse(line, &audit)) {
        buf_text(out, "  refused\n");
        return;
    }
    put(out, "type", audit.type);
    put(out, "node", audit.node);
    put_time(out, audit.time_ns);
    buf_format(out, "  serial: %lu\n", (unsigned long)audit.serial);
    struct audit_reader reader = audit_fields(&audit);
    while (audit_next(&reader, &field))
        put_pair(out, field.enriched ? "+" : field.nested ? "'" : "", field.name, audit_text(arena, &field));
}

static void on_weblog(struct arena *arena, struct str line, struct buf *out)
{
    struct weblog w;
    if (arena_used(arena) != 0 || !weblog_parse(line, &w)) {
        buf_text(out, "  refused\n");
        return;
    }
    put_time(out, w.time_ns);
    put(out, "vhost", w.vhost);
    put(out, "client", w.client);
    put(out, "user", w.user);
    put(out, "request", w.request);
    put(out, "method", w.method);
    put(out, "stem", w.stem);
    put(out, "query", w.query);
    put(out, "protocol", w.protocol);
    put(out, "status", w.status);
    put(out, "bytes", w.bytes);
    put(out, "referer", w.referer);
    put(out, "agent", w.agent);
    put(out, "rest", w.rest);
}

typedef void (*golden_parser)(struct arena *arena, struct str line, struct buf *out);

static bool read_file(const char *path, struct buf *ret_text)
{
    FILE *file = fopen(path, "re");
    char block[4096];
    size_t n = 0;
    if (file == NULL)
        return false;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        buf_put(ret_text, block, n);
    fclose(file);
    return !ret_text->overflow;
}

static void write_file(const char *path, struct str text)
{
    FILE *file = fopen(path, "we");
    if (CHECK(file != NULL)) {
        CHECK_INT(fwrite(text.p, 1, text.n, file), text.n);
        CHECK_INT(fclose(file), 0);
    }
}

static void check_golden(const char *name, golden_parser parse)
{
    char path[512];
    struct buf in;
    struct buf out;
    struct buf want;
    buf_init(&in, FILE_MAX);
    buf_init(&out, FILE_MAX);
    buf_init(&want, FILE_MAX);
    struct arena *arena = arena_new(ARENA_MAX);
    snprintf(path, sizeof path, "%s/src/codec/testdata/%s.in", test_source_dir(), name);
    CHECK(read_file(path, &in));
    for (struct str rest = buf_view(&in); rest.n > 0;) {
        struct str line = str_cut(&rest, '\n');
        buf_format(&out, "%.*s\n", STR_ARG(line));
        parse(arena, line, &out);
        arena_reset(arena);
    }
    snprintf(path, sizeof path, "%s/src/codec/testdata/%s.out", test_source_dir(), name);
    if (bless)
        write_file(path, buf_view(&out));
    CHECK(read_file(path, &want));
    CHECK(out.n > 0 && !out.overflow);
    CHECK_STR(buf_view(&out), buf_view(&want));
    arena_free(arena);
    buf_done(&in);
    buf_done(&out);
    buf_done(&want);
}

static void golden_syslog(void)
{
    check_golden("syslog", on_syslog);
}

static void golden_json(void)
{
    check_golden("json", on_json);
}

static void golden_kv(void)
{
    check_golden("kv", on_kv);
}

static void golden_cef(void)
{
    check_golden("cef", on_cef);
}

static void golden_leef(void)
{
    check_golden("leef", on_leef);
}

static void golden_audit(void)
{
    check_golden("audit", on_audit);
}

static void golden_weblog(void)
{
    check_golden("weblog", on_weblog);
}

static const struct test tests[] = {
    {"syslog", golden_syslog}, {"json", golden_json},   {"kv", golden_kv},         {"cef", golden_cef},
    {"leef", golden_leef},     {"audit", golden_audit}, {"weblog", golden_weblog},
};

int main(int argc, char **argv)
{
    bless = argc > 1 && strcmp(argv[1], "--bless") == 0;
    return test_run(tests, ARRAY_LEN(tests), bless ? 1 : argc, argv);
}
