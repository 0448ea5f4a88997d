#include "archive/forward_line.h"

#include "archive/export_line.h"
#include "base/civil.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "paper/visible.h"

#include <stdio.h>

#define PRIORITY_AUDIT 110 /* facility 13, log audit; severity 6, informational */
#define PRIORITY_MAX   191
#define SEQUENCE_MAX   UINT64_C(2147483647) /* RFC 5424, 7.3.1 */
#define HOST_MAX       255
#define SERVICE_MAX    48
#define KIND_MAX       32

static const char *const names[FORWARD_FORMATS] = {"rfc5424", "cef", "json"};

const char *forward_format_name(enum forward_format format)
{
    return names[format];
}

bool forward_format_find(struct str name, enum forward_format *ret_format)
{
    for (enum forward_format format = 0; format < FORWARD_FORMATS; format++)
        if (str_is(name, names[format])) {
            *ret_format = format;
            return true;
        }
    return false;
}

/* Of "<13>..."; PRIORITY_AUDIT for anything else. */
static unsigned priority_of(struct str raw)
{
    unsigned value = 0;
    size_t at = 1;
    if (raw.n < 3 || raw.p[0] != '<')
        return PRIORITY_AUDIT;
    for (; at < raw.n && at <= 3 && char_is_digit(raw.p[at]); at++)
        value = 10 * value + (unsigned)(raw.p[at] - '0');
    return at > 1 && at < raw.n && raw.p[at] == '>' && value <= PRIORITY_MAX ? value : PRIORITY_AUDIT;
}

/* A header's word: printable ASCII, the rest as '?'; cut at the limit, "-" when empty. */
static void put_word(struct buf *out, struct str value, size_t limit)
{
    if (value.n == 0)
        buf_char(out, '-');
    for (size_t i = 0; i < MIN(value.n, limit); i++)
        buf_char(out, value.p[i] > ' ' && value.p[i] < 0x7f ? value.p[i] : '?');
}

static void put_header(const struct archive_hit *hit, struct buf *out)
{
    char time[CIVIL_TEXT_MAX];
    const struct str *said = hit->event.statutory;
    civil_format(hit->event.time_ns, 0, 6, time);
    buf_format(out, "<%u>1 %s ", priority_of(hit->raw), time);
    put_word(out, said[STATUTORY_HOST].n ? said[STATUTORY_HOST] : hit->source.name, HOST_MAX);
    buf_char(out, ' ');
    put_word(out, said[STATUTORY_SERVICE], SERVICE_MAX);
    buf_text(out, " - ");
    put_word(out, said[STATUTORY_KIND], KIND_MAX);
    buf_format(out, " [origin software=\"qorgan\"][meta sequenceId=\"%llu\"] ",
               (unsigned long long)(hit->leaf.index % SEQUENCE_MAX + 1));
}

/* ---- CEF ---- */

/* Of the header: | and \ are escaped; of an extension: = and \; line ends are \n. */
static void put_cef(struct buf *out, struct str value, char special)
{
    struct buf text;
    buf_init(&text, 4 * value.n + 16);
    bool plain = utf8_valid(value);
    for (size_t i = 0; plain && i < value.n; i++)
        plain = (unsigned char)value.p[i] >= ' ' || value.p[i] == '\n' || value.p[i] == '\r' || value.p[i] == '\t';
    if (!plain) {
        visible_put(&text, value);
        out->overflow = out->overflow || text.overflow;
        value = buf_view(&text);
    }
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\n' || c == '\r') {
            buf_text(out, c == '\n' ? "\\n" : "\\r");
            continue;
        }
        if (c == special || c == '\\')
            buf_char(out, '\\');
        buf_char(out, c);
    }
    buf_done(&text);
}

static void put_pair(struct buf *out, const char *key, struct str value)
{
    if (!value.n)
        return;
    buf_format(out, " %s=", key);
    put_cef(out, value, '=');
}

static void put_rules(const struct archive_hit *hit, struct buf *out)
{
    if (!hit->rule_count)
        return;
    buf_text(out, " cs1Label=rules cs1=");
    for (size_t i = 0; i < hit->rule_count; i++) {
        if (i)
            buf_char(out, ',');
        put_cef(out, hit->rules[i], '=');
    }
}

static void put_event(const char *origin, const struct archive_hit *hit, struct buf *out)
{
    const struct str *said = hit->event.statutory;
    struct str kind = said[STATUTORY_KIND].n ? said[STATUTORY_KIND] : STR("event");
    buf_text(out, "CEF:0|Qorgan|Qorgan|1|");
    put_cef(out, kind, '|');
    buf_char(out, '|');
    put_cef(out, kind, '|');
    buf_format(out, "|%d|externalId=%llu rt=%lld", hit->rule_count ? 6 : 3, (unsigned long long)hit->leaf.index,
               (long long)(hit->event.time_ns / 1000000));
    put_pair(out, "dvchost", said[STATUTORY_HOST].n ? said[STATUTORY_HOST] : hit->source.name);
    put_pair(out, "deviceProcessName", said[STATUTORY_SERVICE]);
    put_pair(out, "suser", said[STATUTORY_ACCOUNT]);
    put_pair(out, "src", said[STATUTORY_SOURCE_ADDRESS]);
    put_pair(out, "dst", said[STATUTORY_DESTINATION_ADDRESS]);
    put_pair(out, "fname", said[STATUTORY_OBJECT]);
    put_pair(out, "outcome", said[STATUTORY_OUTCOME]);
    put_rules(hit, out);
    buf_text(out, " cs2Label=origin");
    put_pair(out, "cs2", str_of(origin));
    put_pair(out, "msg", hit->raw);
}

/* ---- JSON ---- */

static void put_json(const char *origin, const struct archive_hit *hit, struct buf *out)
{
    json_write_object(out);
    json_put_text(out, "origin", origin);
    export_json_members(hit, out);
    if (hit->rule_count) {
        json_write_key(out, "rules");
        json_write_array(out);
        for (size_t i = 0; i < hit->rule_count; i++)
            json_write_str(out, hit->rules[i]);
        json_write_array_end(out);
    }
    json_write_object_end(out);
}

void forward_line_put(enum forward_format format, const char *origin, const struct archive_hit *hit, struct buf *out)
{
    if (format == FORWARD_JSON) {
        put_json(origin, hit, out);
        return;
    }
    put_header(hit, out);
    if (format == FORWARD_CEF) {
        put_event(origin, hit, out);
        return;
    }
    if (utf8_valid(hit->raw))
        buf_text(out, "\xEF\xBB\xBF");
    buf_str(out, hit->raw);
}
