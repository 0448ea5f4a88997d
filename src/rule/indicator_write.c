#include "rule/indicator_write.h"

#include "base/assert.h"
#include "base/civil.h"
#include "rule/indicator_read.h"

#include <string.h>

void indicator_names_write(struct buf *out)
{
    buf_text(out, "value,type,note,confidence,valid_from,valid_until,subdomains\n");
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* On one line; blanks at its ends would be left out when it is read. */
static void quoted(struct buf *out, struct str text)
{
    while (text.n && is_blank(text.p[0]))
        text = str_skip(text, 1);
    while (text.n && is_blank(text.p[text.n - 1]))
        text.n--;
    buf_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_char(out, '"');
        buf_char(out, is_blank(text.p[i]) ? ' ' : text.p[i]);
    }
    buf_char(out, '"');
}

static void time_write(struct buf *out, int64_t time_ns)
{
    char text[CIVIL_TEXT_MAX];
    buf_char(out, ',');
    if (time_ns)
        buf_put(out, text, civil_format(time_ns, 0, 0, text));
}

static bool key_same(const struct indicator_key *a, const struct indicator_key *b)
{
    return a->kind == b->kind && a->bits == b->bits && a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* What undoes the ways in which people write a value may find more to undo in what it made. */
static bool reads_back(const struct indicator_key *key, struct str text)
{
    char plain[INDICATOR_TEXT_MAX] UNINITIALISED;
    struct indicator_key again UNINITIALISED;
    const char *reason = NULL;
    size_t n = indicator_refang(text, plain);
    if (key->kind == INDICATOR_ADDRESS)
        reason = indicator_address_key(str_at(plain, n), true, &again);
    else if (key->kind == INDICATOR_DOMAIN)
        reason = indicator_domain_key(str_at(plain, n), &again);
    else if (key->kind == INDICATOR_HASH)
        reason = indicator_hash_key(str_at(plain, n), &again);
    else
        reason = indicator_url_key(str_at(plain, n), &again);
    return n && !reason && key_same(key, &again);
}

bool indicator_line_write(const struct indicator *indicator, struct buf *out)
{
    const struct indicator_key *key = &indicator->key;
    char storage[INDICATOR_TEXT_MAX + 64];
    struct buf value;
    ASSERT(key->kind < INDICATOR_KINDS);
    buf_init_fixed(&value, storage, sizeof storage);
    indicator_key_write(&value, key);
    if (value.overflow || !reads_back(key, buf_view(&value)))
        return false;
    quoted(out, buf_view(&value));
    buf_format(out, ",%s,", indicator_kind_name(key->kind));
    if (indicator->note.n)
        quoted(out, indicator->note);
    buf_char(out, ',');
    if (indicator->confidence >= 0)
        buf_i64(out, indicator->confidence);
    time_write(out, indicator->from_ns);
    time_write(out, indicator->until_ns);
    buf_text(out, key->below ? ",yes\n" : ",\n");
    return true;
}
