/* clock_explain.c - a deadline in words: templates come from data/i18n, here they are filled. */
#include "base/assert.h"
#include "base/civil.h"
#include "term/clock.h"

static const char *const word_key[] = {
#define X(id, key) [id] = key,
    CLOCK_WORDS(X)
#undef X
};

const char *clock_word_key(enum clock_word word)
{
    ASSERT(word < CLOCK_WORDS_COUNT);
    return word_key[word];
}

struct explanation {
    const struct clock_rule *rule;
    const struct clock_due *due;
    const struct calendar *calendar;
    const struct clock_words *words;
    struct buf *out;
};

/* Kazakh and Russian: 08.03.2026; English: 2026-03-08. */
static void put_day(const struct explanation *e, int64_t day)
{
    int32_t year, month, number;
    civil_from_days(day, &year, &month, &number);
    if (e->words->language == TERM_EN)
        buf_format(e->out, "%04d-%02d-%02d", year, month, number);
    else
        buf_format(e->out, "%02d.%02d.%04d", number, month, year);
}

static void put_moment(const struct explanation *e, int64_t time_ns)
{
    int32_t zone = e->due->zone_offset_s;
    struct civil civil = civil_from_ns(time_ns, zone);
    put_day(e, civil_to_days(civil.year, civil.month, civil.day));
    int32_t offset = zone < 0 ? -zone : zone;
    buf_format(e->out, " %02d:%02d:%02d (UTC%c%02d:%02d)", civil.hour, civil.minute, civil.second, zone < 0 ? '-' : '+',
               offset / (int32_t)HOUR_S, offset % (int32_t)HOUR_S / (int32_t)MINUTE_S);
}

/* "07.03.2026-08.03.2026 weekend, 09.03.2026 name of the day": week-ends in a row are one item. */
static void put_skipped(const struct explanation *e)
{
    uint32_t kept = MIN(e->due->skipped_count, CLOCK_SKIPPED_MAX);
    for (uint32_t i = 0; i < kept;) {
        struct clock_skip first = e->due->skipped[i];
        uint32_t end = i + 1;
        while (first.kind == DAY_WEEKEND && end < kept && e->due->skipped[end].kind == DAY_WEEKEND &&
               e->due->skipped[end].day == e->due->skipped[end - 1].day + 1)
            end++;
        buf_text(e->out, i ? "; " : "");
        put_day(e, first.day);
        if (end > i + 1) {
            buf_text(e->out, " – ");
            put_day(e, e->due->skipped[end - 1].day);
        }
        const struct calendar_day *row = calendar_find(e->calendar, first.day);
        buf_char(e->out, ' ');
        buf_str(e->out, row ? row->name[e->words->language] : e->words->text[WORD_WEEKEND]);
        i = end;
    }
    if (kept < e->due->skipped_count)
        buf_format(e->out, "; … +%u", e->due->skipped_count - kept);
}

static void put_name(const struct explanation *e, struct str name)
{
    if (str_is(name, "amount"))
        buf_i64(e->out, e->rule->amount);
    else if (str_is(name, "from"))
        put_moment(e, e->due->trigger_ns);
    else if (str_is(name, "due"))
        put_moment(e, e->due->due_ns);
    else if (str_is(name, "last"))
        put_day(e, e->due->last_day);
    else if (str_is(name, "strict"))
        put_day(e, e->due->strict_day);
    else if (str_is(name, "skipped"))
        put_skipped(e);
    else if (str_is(name, "act"))
        buf_str(e->out, e->rule->act);
    else if (str_is(name, "edition"))
        buf_str(e->out, e->rule->edition);
    else if (str_is(name, "paragraph"))
        buf_str(e->out, e->rule->paragraph[e->words->language]);
}

static void put_sentence(const struct explanation *e, enum clock_word word)
{
    if (e->out->n)
        buf_char(e->out, ' ');
    for (struct str rest = e->words->text[word]; rest.n;) {
        size_t open = str_find(rest, '{');
        buf_str(e->out, str_slice(rest, 0, open));
        rest = str_skip(rest, open);
        size_t close = str_find(rest, '}');
        if (rest.n && close < rest.n)
            put_name(e, str_slice(rest, 1, close));
        rest = str_skip(rest, close + 1);
    }
}

void clock_explain(const struct clock_rule *rule, const struct clock_due *due, const struct calendar *calendar,
                   const struct clock_words *words, struct buf *ret_text)
{
    static const enum clock_word term[] = {
        [CLOCK_MINUTE] = WORD_MINUTE,           [CLOCK_HOUR] = WORD_HOUR,   [CLOCK_CALENDAR_DAY] = WORD_CALENDAR_DAY,
        [CLOCK_WORKING_DAY] = WORD_WORKING_DAY, [CLOCK_MONTH] = WORD_MONTH, [CLOCK_YEAR] = WORD_YEAR,
    };
    const struct explanation e = {rule, due, calendar, words, ret_text};
    ASSERT(rule->unit < ARRAY_LEN(term));
    put_sentence(&e, term[rule->unit]);
    if (rule->unit == CLOCK_MINUTE || rule->unit == CLOCK_HOUR)
        put_sentence(&e, WORD_ROUND_THE_CLOCK);
    else if (rule->before)
        put_sentence(&e, WORD_BEFORE);
    else
        put_sentence(&e, rule->same_day ? WORD_SAME_DAY : WORD_NEXT_DAY);
    if (due->skipped_count)
        put_sentence(&e, WORD_SKIPPED);
    if (due->strict_day != due->last_day)
        put_sentence(&e, WORD_ROLLED);
    if (due->uncovered)
        put_sentence(&e, WORD_UNCOVERED);
    put_sentence(&e, WORD_BASIS);
}
