#include "codec/syslog.h"

#include "codec/timestamp.h"

#include <string.h>

#define TAG_MAX      128u /* bytes of a program name that we believe */
#define PROCID_MAX   64u
#define SEQUENCE_MAX 10u

static const char *const facility_names[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                             "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                             "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                             "local2", "local3", "local4", "local5", "local6",   "local7"};
static const char *const severity_names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

const char *syslog_facility_name(int32_t facility)
{
    return facility < 0 || (size_t)facility >= ARRAY_LEN(facility_names) ? "" : facility_names[facility];
}

const char *syslog_severity_name(int32_t severity)
{
    return severity < 0 || (size_t)severity >= ARRAY_LEN(severity_names) ? "" : severity_names[severity];
}

static char char_at(struct str s, size_t at)
{
    return at < s.n ? s.p[at] : '\0';
}

static struct str behind(struct str s, size_t at)
{
    return (struct str){s.p + at, s.n - at};
}

/* Length of "<0>".."<191>", or 0. */
static size_t take_pri(struct str s, struct syslog *out)
{
    if (s.n < 3 || s.p[0] != '<')
        return 0;
    int32_t value = 0;
    size_t at = 1;
    while (at < s.n && at < 4 && char_is_digit(s.p[at]))
        value = value * 10 + (s.p[at++] - '0');
    if (at == 1 || char_at(s, at) != '>' || value > 191)
        return 0;
    out->facility = value >> 3;
    out->severity = value & 7;
    out->has |= SYSLOG_HAS_PRI;
    return at + 1;
}

/* --- RFC 5424 --- */

/* Length of the structured data at the beginning of `s`; 0 when it breaks the grammar. */
static size_t sd_length(struct str s)
{
    size_t at = 0;
    while (char_at(s, at) == '[') {
        bool quoted = false;
        for (at++; at < s.n && (quoted || s.p[at] != ']'); at++) {
            if (s.p[at] == '"')
                quoted = !quoted;
            else if (quoted && s.p[at] == '\\')
                at++;
        }
        if (at >= s.n)
            return 0;
        at++;
    }
    return at;
}

/* A field up to the next blank; "-" is nothing. *s is left behind the blank. False at the end of the line. */
static bool take_field(struct str *s, uint32_t flag, struct str *ret_field, uint32_t *has)
{
    const char *blank = s->n > 0 ? memchr(s->p, ' ', s->n) : NULL;
    if (blank == NULL || blank == s->p)
        return false;
    size_t n = (size_t)(blank - s->p);
    if (n != 1 || s->p[0] != '-') {
        *ret_field = str_at(s->p, n);
        *has |= flag;
    }
    *s = behind(*s, n + 1);
    return true;
}

static void take_message(struct str s, struct syslog *out)
{
    if (char_at(s, 0) == '\xef' && char_at(s, 1) == '\xbb' && char_at(s, 2) == '\xbf') {
        s = behind(s, 3);
        out->has |= SYSLOG_HAS_BOM;
    }
    out->message = s;
}

static void take_sd_and_message(struct str s, struct syslog *out)
{
    size_t n = char_at(s, 0) == '-' ? 1 : sd_length(s);
    char next = char_at(s, n);
    if (n == 0 || (n < s.n && next != ' ')) {
        out->has |= SYSLOG_BAD_SD;
        take_message(s, out);
        return;
    }
    if (s.p[0] == '[') {
        out->sd = str_at(s.p, n);
        out->has |= SYSLOG_HAS_SD;
    }
    take_message(behind(s, n < s.n ? n + 1 : n), out);
}

/* `s` begins behind "1 ". False, and nothing kept, when it is not this format after all. */
static bool parse_5424(struct str s, int32_t offset_s, struct syslog *out)
{
    struct syslog saved = *out;
    if (char_at(s, 0) == '-' && char_at(s, 1) == ' ') {
        s = behind(s, 2);
    } else {
        size_t n = timestamp_iso(s, offset_s, &out->time_ns);
        if (n == 0 || char_at(s, n) != ' ')
            return false;
        out->has |= SYSLOG_HAS_TIME;
        s = behind(s, n + 1);
    }
    if (take_field(&s, SYSLOG_HAS_HOST, &out->host, &out->has) &&
        take_field(&s, SYSLOG_HAS_APP, &out->app, &out->has) &&
        take_field(&s, SYSLOG_HAS_PROCID, &out->procid, &out->has) &&
        take_field(&s, SYSLOG_HAS_MSGID, &out->msgid, &out->has) && s.n > 0) {
        out->format = SYSLOG_RFC5424;
        take_sd_and_message(s, out);
        return true;
    }
    *out = saved;
    return false;
}

/* --- RFC 3164 and relatives --- */

enum { CLASS_HOST = 1, CLASS_TAG = 2 };

/* Host: letters, digits and . - _ : % / @ ; tag: everything visible but ':' '[' ']' '"' '=' '|' '{' '}' ',' ';' '<' '>'
 * Bytes above ASCII may be in both: hosts have been named so. */
/* clang-format off */
static const uint8_t classes[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    0, 2, 0, 2, 2, 3, 2, 2, 2, 2, 2, 2, 0, 3, 3, 3, /*   */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 0, 0, 0, 0, 2, /* 0 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* @ */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 2, 0, 2, 3, /* P */
    2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* ` */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 2, 0, /* p */
};
/* clang-format on */

static uint8_t class_of(char c)
{
    return (uint8_t)c >= 128 ? 3 : classes[(uint8_t)c];
}

/* Reads "name[pid]:", "name:" or "name[pid]" at the beginning; returns its length with the blanks behind it, or 0. */
static size_t tag_at(struct str s, struct str *ret_name, struct str *ret_procid)
{
    size_t limit = MIN(s.n, TAG_MAX);
    size_t at = 0;
    while (at < limit && (class_of(s.p[at]) & CLASS_TAG) != 0)
        at++;
    if (at == 0)
        return 0;
    *ret_name = str_at(s.p, at);
    *ret_procid = STR_NONE;
    if (char_at(s, at) == '[') {
        size_t start = at + 1;
        size_t end = start;
        while (end < s.n && end - start < PROCID_MAX && s.p[end] != ']' && s.p[end] != ' ' && s.p[end] != '[')
            end++;
        if (char_at(s, end) != ']' || end == start)
            return 0;
        *ret_procid = str_at(s.p + start, end - start);
        at = end + 1;
        at += char_at(s, at) == ':';
        if (at < s.n && s.p[at] != ' ' && s.p[at - 1] != ':')
            return 0;
    } else {
        if (char_at(s, at) != ':' || (at + 1 < s.n && s.p[at + 1] != ' '))
            return 0; /* "http://", "C:\" */
        at++;
    }
    while (at < s.n && s.p[at] == ' ')
        at++;
    return at;
}

/* "%ASA-6-302013" and "%LINK-SW1-3-UPDOWN": facility, one digit of severity, mnemonic. */
static bool is_cisco(struct str name)
{
    if (name.n < 6 || name.p[0] != '%')
        return false;
    for (size_t i = 2; i + 2 < name.n; i++) {
        if (name.p[i] == '-' && name.p[i + 1] >= '0' && name.p[i + 1] <= '7' && name.p[i + 2] == '-')
            return true;
    }
    return false;
}

static bool take_tag(struct str s, struct syslog *out)
{
    struct str name;
    struct str procid;
    size_t n = tag_at(s, &name, &procid);
    if (n == 0)
        return false;
    if (is_cisco(name)) {
        out->msgid = behind(name, 1);
        out->app = str_slice(name, 1, str_find(name, '-'));
        out->has |= SYSLOG_HAS_MSGID;
    } else {
        out->app = name;
        out->procid = procid;
        out->has |= procid.n > 0 ? (uint32_t)SYSLOG_HAS_PROCID : 0;
    }
    out->has |= SYSLOG_HAS_APP;
    out->message = behind(s, n);
    return true;
}

/* Length of a host name at the beginning that a blank follows, or 0; a token that ends in ':' is a tag. */
static size_t host_at(struct str s)
{
    size_t at = 0;
    while (at < s.n && (class_of(s.p[at]) & CLASS_HOST) != 0)
        at++;
    if (at == 0 || at > 255 || char_at(s, at) != ' ' || s.p[at - 1] == ':' || s.p[0] == '%')
        return 0;
    return at;
}

static struct str take_cisco_front(struct str s, struct syslog *out)
{
    size_t at = 0;
    while (at < s.n && at <= SEQUENCE_MAX && char_is_digit(s.p[at]))
        at++;
    if (at > 0 && at <= SEQUENCE_MAX && char_at(s, at) == ':' && char_at(s, at + 1) == ' ') {
        out->sequence = str_at(s.p, at);
        out->has |= SYSLOG_HAS_SEQUENCE;
        s = behind(s, at + 2);
    } else if (char_at(s, 0) == ':') { /* "<166>:Nov 20", "<189>: 2026 Nov 20" */
        s = behind(s, char_at(s, 1) == ' ' ? 2 : 1);
    }
    if (char_at(s, 0) == '*' || char_at(s, 0) == '.') /* the clock was not synchronised */
        s = behind(s, 1);
    return s;
}

/* Behind a time: a zone word with a colon (" UTC: %"), or a colon: a Cisco device that names no host. */
static size_t cisco_colon(struct str s)
{
    size_t at = 0;
    if (char_at(s, 0) == ' ') {
        for (at = 1; at < s.n && at < 6 && s.p[at] >= 'A' && s.p[at] <= 'Z'; at++)
            ;
        if (at < 4 || char_at(s, at + 1) != ' ' || char_at(s, at + 2) != '%')
            return 0; /* a tag, not a zone */
    }
    if (char_at(s, at) != ':')
        return 0;
    return at + 1 + (char_at(s, at + 1) == ' ');
}

static size_t take_time(struct str s, int64_t received_ns, int32_t offset_s, int64_t *ret_time_ns)
{
    if (s.n < 14)
        return 0;
    if (!char_is_digit(s.p[0]))
        return char_is_alpha(s.p[0]) ? timestamp_bsd(s, received_ns, offset_s, ret_time_ns) : 0;
    size_t n = timestamp_iso(s, offset_s, ret_time_ns);
    return n != 0 ? n : timestamp_bsd(s, received_ns, offset_s, ret_time_ns);
}

/* Behind a time: host and tag, each of which may be missing. */
static void take_host_and_tag(struct str s, struct syslog *out)
{
    static const struct str forwarded = STR_INIT("Message forwarded from ");
    out->message = s;
    if (str_starts(s, STR("last message repeated ")))
        return;
    if (str_starts(s, forwarded)) { /* AIX: "Message forwarded from HOST: tag: text" */
        struct str rest = behind(s, forwarded.n);
        size_t colon = str_find(rest, ':');
        if (colon > 0 && colon < rest.n && char_at(rest, colon + 1) == ' ') {
            out->host = str_slice(rest, 0, colon);
            out->has |= SYSLOG_HAS_HOST;
            out->message = behind(rest, colon + 2);
            IGNORE(take_tag(out->message, out)); /* without a tag the message stays as it is */
        }
        return;
    }
    if (take_tag(s, out))
        return;
    size_t n = host_at(s);
    if (n == 0)
        return;
    out->host = str_at(s.p, n);
    out->has |= SYSLOG_HAS_HOST;
    s = behind(s, n + 1);
    if (char_at(s, 0) == ':' && char_at(s, 1) == ' ') /* ASA: "fw01 : %ASA-6-302013: " */
        s = behind(s, 2);
    out->message = s;
    IGNORE(take_tag(s, out)); /* as above */
}

/* "2026-11-20 23:25:51 status installed x": programs' own logs write date and time so; without a tag behind it the
 * first word is no host. */
static bool is_plain_log(struct str front, const struct syslog *out)
{
    return (out->has & (SYSLOG_HAS_PRI | SYSLOG_HAS_APP)) == 0 && char_is_digit(char_at(front, 0)) &&
           char_at(front, 10) == ' ';
}

static void forget_host(struct str message, struct syslog *out)
{
    out->host = STR_NONE;
    out->has &= ~(uint32_t)SYSLOG_HAS_HOST;
    out->message = message;
}

static void parse_3164(struct str s, int64_t received_ns, int32_t offset_s, struct syslog *out)
{
    struct str front = (out->has & SYSLOG_HAS_PRI) != 0 ? take_cisco_front(s, out) : s;
    size_t n = take_time(front, received_ns, offset_s, &out->time_ns);
    char next = char_at(front, n);
    if (n != 0 && (n == front.n || next == ' ' || next == ':')) {
        out->format = SYSLOG_RFC3164;
        out->has |= SYSLOG_HAS_TIME;
        struct str rest = behind(front, n);
        size_t colon = cisco_colon(rest);
        if (colon == 0) {
            rest = behind(rest, next == ' ');
            take_host_and_tag(rest, out);
            if (is_plain_log(front, out))
                forget_host(rest, out);
            return;
        }
        out->message = behind(rest, colon);
        IGNORE(take_tag(out->message, out)); /* without a tag the message stays as it is */
        return;
    }
    out->message = s;
    if ((out->has & SYSLOG_HAS_SEQUENCE) != 0)
        out->message = front;
    if ((out->has & SYSLOG_HAS_PRI) == 0)
        return;
    struct str name;
    struct str procid;
    size_t host = 0;
    if (take_tag(out->message, out)) {
        out->format = SYSLOG_RFC3164;
    } else if ((host = host_at(out->message)) != 0 && tag_at(behind(out->message, host + 1), &name, &procid) != 0 &&
               procid.n > 0) { /* no time, but "host name[pid]:" is plain enough */
        out->format = SYSLOG_RFC3164;
        out->host = str_at(out->message.p, host);
        out->has |= SYSLOG_HAS_HOST;
        IGNORE(take_tag(behind(out->message, host + 1), out)); /* was there a moment ago */
    }
}

enum syslog_format syslog_parse(struct str line, int64_t received_ns, int32_t offset_s, struct syslog *ret_syslog)
{
    memset(ret_syslog, 0, sizeof *ret_syslog);
    ret_syslog->facility = -1;
    ret_syslog->severity = -1;
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\0'))
        line.n--;
    if (line.p == NULL)
        line = STR("");
    struct str s = behind(line, take_pri(line, ret_syslog));
    if (char_at(s, 0) == '1' && char_at(s, 1) == ' ' && s.p > line.p && parse_5424(behind(s, 2), offset_s, ret_syslog))
        return SYSLOG_RFC5424;
    parse_3164(s, received_ns, offset_s, ret_syslog);
    return ret_syslog->format;
}

/* --- structured data --- */

struct syslog_sd syslog_sd_of(struct str sd)
{
    return (struct syslog_sd){.rest = sd};
}

/* Cuts up to the first of two characters. */
static struct str cut_to(struct str *rest, char a, char b)
{
    size_t at = 0;
    while (at < rest->n && rest->p[at] != a && rest->p[at] != b)
        at++;
    struct str part = str_slice(*rest, 0, at);
    *rest = str_skip(*rest, at);
    return part;
}

static bool take_param(struct syslog_sd *sd, struct syslog_param *out)
{
    sd->rest = str_skip(sd->rest, 1); /* the blank */
    out->name = cut_to(&sd->rest, '=', ']');
    if (char_at(sd->rest, 0) != '=' || char_at(sd->rest, 1) != '"')
        return false;
    struct str rest = str_skip(sd->rest, 2);
    size_t at = 0;
    while (at < rest.n && rest.p[at] != '"') {
        bool escape = rest.p[at] == '\\' && at + 1 < rest.n;
        out->escaped = out->escaped || escape;
        at += escape ? 2 : 1;
    }
    out->value = str_slice(rest, 0, at);
    sd->rest = str_skip(rest, at + 1);
    return true;
}

bool syslog_sd_next(struct syslog_sd *sd, struct syslog_param *ret_param)
{
    memset(ret_param, 0, sizeof *ret_param);
    bool fresh = false;
    for (;;) {
        char c = char_at(sd->rest, 0);
        if (!sd->inside) {
            if (c != '[')
                return false;
            sd->rest = str_skip(sd->rest, 1);
            sd->id = cut_to(&sd->rest, ' ', ']');
            sd->inside = true;
            fresh = true;
            continue;
        }
        ret_param->id = sd->id;
        if (c == ' ')
            return take_param(sd, ret_param);
        sd->inside = false;
        if (c != ']')
            return false;
        sd->rest = str_skip(sd->rest, 1);
        if (fresh)
            return true; /* an element without parameters */
    }
}

struct str syslog_param_text(struct arena *arena, const struct syslog_param *param)
{
    if (!param->escaped)
        return param->value;
    char *text = arena_alloc_raw(arena, param->value.n);
    if (text == NULL)
        return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < param->value.n; i++) {
        char next = char_at(param->value, i + 1);
        if (param->value.p[i] == '\\' && (next == '"' || next == '\\' || next == ']'))
            i++;
        text[n++] = param->value.p[i];
    }
    return str_at(text, n);
}
