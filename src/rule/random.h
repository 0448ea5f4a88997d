/* random.h - random rules and events over a small alphabet, so that much matches. Tests only. */
#ifndef RULE_RANDOM_H
#define RULE_RANDOM_H

#include "rule/case.h"

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

static const char *const letters[] = {
    "a", "b", "A", "B", "1", "0", "-", "/", " ", "\xc3\xa9", "\xc3\x89", "\xe2\x84\xaa", "k"};
static const char *const marks[] = {"*", "?", "\\\\\\\\", "\\\\*", "\\\\?", "\\\\"};
static const char *const fields[] = {"f", "g", "F", "h.i", "EventID"};

static void put_text(struct buf *out, uint32_t most, bool with_marks)
{
    buf_char(out, '"');
    for (uint32_t n = draw(most); n > 0; n--)
        buf_text(out, with_marks && draw(4) == 0 ? marks[draw(ARRAY_LEN(marks))] : letters[draw(ARRAY_LEN(letters))]);
    buf_char(out, '"');
}

static void put_value(struct buf *out, bool plain_only)
{
    static const char *const plain[] = {"1", "10", "0", "null", "true", "-1", "01", "1.0"};
    if (!plain_only && draw(4) == 0)
        buf_text(out, plain[draw(ARRAY_LEN(plain))]);
    else
        put_text(out, 6, true);
}

static void put_values(struct buf *out, bool texts_only)
{
    if (draw(2)) {
        put_value(out, texts_only);
        return;
    }
    buf_char(out, '[');
    for (uint32_t n = 1 + draw(4); n > 0; n--) {
        put_value(out, texts_only);
        buf_text(out, n > 1 ? ", " : "");
    }
    buf_char(out, ']');
}

static void put_item(struct buf *out)
{
    static const struct {
        const char *modifiers;
        const char *value; /* NULL: drawn */
    } kinds[] = {
        {"", NULL},
        {"", NULL},
        {"|contains", NULL},
        {"|contains", NULL},
        {"|startswith", NULL},
        {"|endswith", NULL},
        {"|contains|all", NULL},
        {"|cased", NULL},
        {"|contains|cased", NULL},
        {"|windash|contains", "\" -a\""},
        {"|windash|contains", "\" -a\""},
        {"|exists", "true"},
        {"|exists", "false"},
        {"|gt", "1"},
        {"|lte", "1"},
        {"|fieldref", "g"},
        {"|fieldref|contains", "F"},
        {"|re", "\"a.*b\""},
        {"|re", "\"(?i)^a\""},
        {"|re", "\"(?=a)a\""},
        {"|re", "\"(a|b)b(0|1)\""},
        {"|re", "\"^(?:ab|k-?1|[aA]0b)\""},
        {"|re|i", "[\"(aab|bab)\", \"[ab]b1|1 ?/a\", \"ba{1,2}b\"]"},
        {"|re|i", "[\"k$\", \"^.$\"]"},
        {"|neq", "\"a\""},
        {"|cidr", "\"10.0.0.0/8\""},
        {"", "null"},
        {"", "\"\""},
        {"", "\"*\""},
    };
    uint32_t kind = draw(ARRAY_LEN(kinds));
    buf_format(out, "\"%s%s\": ", fields[draw(ARRAY_LEN(fields))], kinds[kind].modifiers);
    if (kinds[kind].value)
        buf_text(out, kinds[kind].value);
    else
        put_values(out, kinds[kind].modifiers[0] != '\0');
}

/* Detections and condition. Keys of one mapping must differ: one item a mapping, several mappings a rule. */
static void put_detections(struct buf *out)
{
    static const char *const conditions[] = {
        "s1",
        "not s1",
        "s1 and s2",
        "s1 or s2",
        "s1 and not s2",
        "1 of s*",
        "all of s*",
        "s1 and not (s2 or s3)",
        "not (s1 and s2) or s3",
        "(s1 or s2) and (s2 or s3)",
        "not s1 and not 1 of s*",
        "1 of them and not s3",
        "not not s1 and (s3 or not (s2 and not s1))",
    };
    for (uint32_t i = 1; i <= 3; i++) {
        if (draw(6) == 0) {
            buf_format(out, "  s%u: [", i);
            put_text(out, 4, true);
            buf_text(out, "]\n");
            continue;
        }
        buf_format(out, "  s%u: {", i);
        put_item(out);
        buf_text(out, "}\n");
    }
    buf_format(out, "  condition: %s\n", conditions[draw(ARRAY_LEN(conditions))]);
}

static const char *const log_sources[] = {"product: p", "product: q", "category: c", "service: s",
                                          "product: p, service: s"};

UNUSED(static void put_rule(struct buf *out));
static void put_rule(struct buf *out)
{
    buf_format(out, "---\ntitle: r\nlogsource: {%s}\ndetection:\n", log_sources[draw(ARRAY_LEN(log_sources))]);
    put_detections(out);
}

UNUSED(static void put_event(struct buf *out));
static void put_event(struct buf *out)
{
    static const char *const plain[] = {"1",  "\"01\"",         "1.0",         "0", "null", "true",
                                        "10", "[\"a\", \"b\"]", "\"10.1.1.1\""};
    buf_char(out, '{');
    for (uint32_t n = draw(5), i = 0; i < n; i++) {
        buf_format(out, "%s\"%s\": ", i ? ", " : "", fields[draw(ARRAY_LEN(fields))]);
        if (draw(3) == 0)
            buf_text(out, plain[draw(ARRAY_LEN(plain))]);
        else
            put_text(out, 8, false);
    }
    buf_char(out, '}');
}

/* Log source, parser and time of an event, by chance. */
UNUSED(static void draw_source(struct event *event, struct names *names));
static void draw_source(struct event *event, struct names *names)
{
    static const char *const words[] = {"", "p", "q", "P"};
    event->logsource.product = names_put(names, str_of(words[draw(4)]));
    event->logsource.category[0] = draw(2) ? names_put(names, STR("c")) : 0;
    event->logsource.service = draw(3) ? 0 : names_put(names, STR("t"));
    event->parser = draw(2) ? "json" : "syslog3164";
    event->time_ns = draw(1000000);
}

#endif
