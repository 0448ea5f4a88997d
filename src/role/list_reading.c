#include "role/list_reading.h"

#include "base/assert.h"
#include "codec/json.h"
#include "rule/indicator.h"
#include "rule/indicator_read.h"
#include "rule/indicator_write.h"

_Static_assert(OWN_LIST_KINDS == INDICATOR_KINDS && OWN_LIST_ENTRIES == INDICATORS_MAX, "what is kept is what is read");
_Static_assert(OWN_LIST_SOURCE == INDICATOR_NOTE_MAX, "a source stands as a note whole");
_Static_assert(INDICATOR_LINE_MAX < OWN_LIST_PART, "a line fits into a part");

/* The first of some entries. */
struct some {
    uint32_t entry[LIST_READING_ROWS];
    size_t count;
};

struct walk {
    const struct list_reading *reading;
    struct indicators *given;
    struct indicators *stands; /* NULL: no version does */
    struct own_list_end *end;
    struct buf part;
    struct buf line, other; /* of an entry, and of the same one as it stands */
    char line_text[INDICATOR_LINE_MAX], other_text[INDICATOR_LINE_MAX];
    struct some rows, fresh, changed, gone;
};

static void some_add(struct some *some, size_t most, uint32_t entry)
{
    ASSERT(most <= LIST_READING_ROWS);
    if (some->count < most)
        some->entry[some->count++] = entry;
}

static struct str without_comments(struct str text)
{
    while (str_starts(text, STR("#")))
        text = str_skip(text, str_find(text, '\n') + 1);
    return text;
}

static enum rc table_read(const struct list_reading *reading, struct str text, uint32_t days,
                          struct indicators **ret_table, struct err *err)
{
    struct indicators *table = indicators_new(reading->seed);
    const struct indicator_reading how = {.indicators = table};
    *ret_table = table;
    if (!table)
        return err_set(err, RC_LIMIT, "no memory for indicators");
    indicators_days(table, days);
    enum rc rc = indicators_list(table, STR("given"), err);
    rc = rc == RC_OK ? indicator_read(&how, text, err) : rc;
    if (rc == RC_OK)
        indicators_finish(table);
    return rc;
}

/* The same value as it stands in a table; INDICATOR_NONE: it does not. */
static uint32_t entry_same(const struct indicators *table, const struct indicator_key *key)
{
    uint32_t at = INDICATOR_NONE;
    do {
        at = indicators_find(table, key, at);
    } while (at != INDICATOR_NONE && indicators_below(table, at) != key->below);
    return at;
}

static bool line_make(const struct indicators *table, uint32_t entry, struct buf *out, struct indicator *ret_one)
{
    indicators_at(table, entry, ret_one);
    buf_clear(out);
    bool good = indicator_line_write(ret_one, out);
    ASSERT(!out->overflow);
    return good;
}

static void compare(struct walk *walk, uint32_t entry, const struct indicator_key *key)
{
    struct indicator other UNINITIALISED;
    uint32_t same = walk->stands ? entry_same(walk->stands, key) : INDICATOR_NONE;
    if (same == INDICATOR_NONE) {
        walk->end->fresh++;
        some_add(&walk->fresh, LIST_READING_DIFFERENT, entry);
    } else if (line_make(walk->stands, same, &walk->other, &other) &&
               str_eq(buf_view(&walk->line), buf_view(&walk->other))) {
        walk->end->same++;
    } else {
        walk->end->changed++;
        some_add(&walk->changed, LIST_READING_DIFFERENT, entry);
    }
}

static bool part_give(struct walk *walk)
{
    bool wanted = walk->part.n == 0 || walk->reading->part(walk->reading->context, buf_view(&walk->part));
    buf_clear(&walk->part);
    return wanted;
}

/* False: nobody wants it any more. */
static bool entry_take(struct walk *walk, uint32_t entry)
{
    struct indicator one UNINITIALISED;
    if (!line_make(walk->given, entry, &walk->line, &one)) {
        indicators_refuse(walk->given, 0, "a value that would be another one when it is read again",
                          str_at(one.key.bytes, one.key.n));
        return true;
    }
    if (walk->part.n + walk->line.n > OWN_LIST_PART && !part_give(walk))
        return false;
    buf_str(&walk->part, buf_view(&walk->line));
    walk->end->kinds[one.key.kind]++;
    some_add(&walk->rows, LIST_READING_ROWS, entry);
    compare(walk, entry, &one.key);
    return true;
}

static void gone_count(struct walk *walk)
{
    for (uint32_t i = 0; walk->stands && i < indicators_count(walk->stands); i++) {
        struct indicator one UNINITIALISED;
        indicators_at(walk->stands, i, &one);
        if (entry_same(walk->given, &one.key) != INDICATOR_NONE)
            continue;
        walk->end->gone++;
        some_add(&walk->gone, LIST_READING_DIFFERENT, i);
    }
}

/* ---- shown ---- */

static struct str shown(struct str text)
{
    struct str cut = str_slice(text, 0, LIST_READING_SHOWN);
    while (cut.n < text.n && cut.n && ((unsigned char)text.p[cut.n] & 0xc0) == 0x80)
        cut.n--; /* not within a character */
    return cut;
}

static void reasons_put(const struct walk *walk, struct buf *out)
{
    struct indicator_list list = indicators_list_at(walk->given, 0);
    json_write_key(out, "reasons");
    json_write_array(out);
    for (size_t i = 0; i < list.reason_count; i++) {
        json_write_object(out);
        json_put_int(out, "line", list.reasons[i].line);
        json_put_text(out, "reason", list.reasons[i].text);
        json_put_text(out, "value", list.reasons[i].example);
        json_put_u64(out, "count", list.reasons[i].count);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void some_put(const struct indicators *table, const char *key, const struct some *some, struct buf *out)
{
    char storage[INDICATOR_TEXT_MAX + 64];
    struct buf value;
    json_write_key(out, key);
    json_write_array(out);
    for (size_t i = 0; i < some->count; i++) {
        struct indicator one UNINITIALISED;
        indicators_at(table, some->entry[i], &one);
        buf_init_fixed(&value, storage, sizeof storage);
        indicator_key_write(&value, &one.key);
        json_write_object(out);
        json_put_str(out, "value", shown(buf_view(&value)));
        json_put_text(out, "kind", indicator_kind_name(one.key.kind));
        json_put_str(out, "note", shown(one.note));
        json_put_int(out, "confidence", one.confidence);
        json_put_int(out, "from_ns", one.from_ns);
        json_put_int(out, "until_ns", one.until_ns);
        json_put_bool(out, "subdomains", one.key.below);
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void preview_put(const struct walk *walk, struct buf *out)
{
    json_write_object(out);
    reasons_put(walk, out);
    some_put(walk->given, "rows", &walk->rows, out);
    if (walk->stands) {
        some_put(walk->given, "new", &walk->fresh, out);
        some_put(walk->given, "changed", &walk->changed, out);
        some_put(walk->stands, "gone", &walk->gone, out);
    }
    json_write_object_end(out);
}

/* ---- all of it ---- */

static enum rc walk_all(struct walk *walk, struct buf *preview)
{
    buf_init(&walk->part, OWN_LIST_PART);
    buf_init_fixed(&walk->line, walk->line_text, sizeof walk->line_text);
    buf_init_fixed(&walk->other, walk->other_text, sizeof walk->other_text);
    indicator_names_write(&walk->part);
    bool wanted = true;
    for (uint32_t i = 0; wanted && i < indicators_count(walk->given); i++)
        wanted = entry_take(walk, i);
    wanted = wanted && part_give(walk);
    bool whole = !walk->part.overflow;
    buf_done(&walk->part);
    if (!wanted || !whole)
        return wanted ? RC_LIMIT : RC_END;
    gone_count(walk);
    struct indicator_list list = indicators_list_at(walk->given, 0);
    walk->end->repeated = (int64_t)list.repeated;
    walk->end->revoked = (int64_t)list.revoked;
    walk->end->passed = (int64_t)list.passed;
    walk->end->refused = (int64_t)list.refused;
    preview_put(walk, preview);
    walk->end->preview = preview->overflow ? STR("{}") : buf_view(preview);
    return RC_OK;
}

enum rc list_reading_run(const struct list_reading *reading, struct buf *preview, struct own_list_end *ret_end,
                         struct err *err)
{
    struct walk *walk = memory_new(sizeof *walk);
    struct str base = without_comments(reading->base);
    *ret_end = (struct own_list_end){.preview = STR("{}")};
    if (!walk)
        return err_set(err, RC_LIMIT, "no memory to read a list");
    *walk = (struct walk){.reading = reading, .end = ret_end};
    enum rc rc = table_read(reading, reading->text, reading->days, &walk->given, err);
    bool full = rc == RC_LIMIT;
    if (rc == RC_OK && base.n)
        rc = table_read(reading, base, 0, &walk->stands, err);
    if (rc == RC_OK)
        rc = walk_all(walk, preview);
    indicators_free(walk->given);
    indicators_free(walk->stands);
    memory_free(walk);
    if (!full)
        return rc == RC_LIMIT ? err_set(err, RC_LIMIT, "no memory to read a list") : rc;
    ret_end->fault = STR("full");
    return RC_OK;
}
