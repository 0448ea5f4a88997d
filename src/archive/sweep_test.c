/* A sweep gives each record once and in order, with one engine and with several, and what words and times leave out
 * holds none of them. */
#include "archive/sweep.h"

#include "archive/search.h"
#include "archive/testbed.h"
#include "base/arena.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

struct seen {
    uint64_t count;
    uint64_t last;
    bool rising;
    struct str want; /* each record that holds it was seen, too */
    uint64_t holding;
};

static bool on_record(void *context, const struct sweep_record *record)
{
    struct seen *seen = context;
    seen->rising = seen->rising && (!seen->count || record->leaf->index > seen->last);
    seen->last = record->leaf->index;
    seen->count++;
    seen->holding += seen->want.n && str_search(record->raw, seen->want) < record->raw.n;
    CHECK_INT(record->leaf->raw_length, record->raw.n);
    return true;
}

static struct seen sweep_all(struct archive_reader *reader, const struct sweep_options *options, const char *want)
{
    struct sweep *sweep = NULL;
    struct err err = {0};
    struct seen all = {.rising = true, .want = str_of(want)};
    uint64_t first = 0;
    CHECK_INT(sweep_open(reader, options, &sweep, &err), RC_OK);
    CHECK_TEXT(str_of(err.text), "");
    for (size_t i = 0; i < sweep_units(sweep); i++) {
        struct sweep_unit unit = sweep_unit_at(sweep, i);
        struct seen seen = {.rising = true, .want = str_of(want)};
        int64_t passed_ns;
        CHECK_INT(sweep_run(sweep, i, on_record, &seen, &passed_ns, &err), RC_OK);
        CHECK(passed_ns == INT64_MIN || seen.count < unit.count);
        CHECK(seen.rising && unit.first >= first);
        CHECK(!seen.count || seen.last <= unit.last);
        if (!options->words)
            CHECK_INT(seen.count, unit.count);
        first = unit.first;
        all.count += seen.count;
        all.holding += seen.holding;
    }
    sweep_close(sweep);
    return all;
}

static void all_of_it(void)
{
    struct testbed bed;
    struct archive_reader *reader;
    testbed_read(&bed, 5000, 300, &reader);
    struct seen seen = sweep_all(reader, &(struct sweep_options){0}, "");
    CHECK_INT(seen.count, archive_reader_size(reader));
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static bool count_hit(void *context, const struct archive_hit *hit)
{
    (void)hit;
    ++*(uint64_t *)context;
    return true;
}

/* How many records have the word, asked of the search, which looks at all. */
static uint64_t searched(struct archive_reader *reader, const char *text)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(1 << 20);
    struct query *query = NULL;
    struct search_result result;
    uint64_t count = 0;
    const struct search_options options = {.now_ns = TESTBED_TIME, .hit = count_hit, .context = &count};
    CHECK_INT(query_parse(str_of(text), TESTBED_TIME, 0, arena, &query, NULL), RC_OK);
    CHECK_INT(search_run(reader, query, &options, &result, NULL), RC_OK);
    return count;
}

static void by_words(void)
{
    static const char *const asked[] = {"word13", "absentword", "user"};
    struct testbed bed;
    struct archive_reader *reader;
    testbed_read(&bed, 5000, 300, &reader);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        static struct sweep_words words;
        char text[64] = " ";
        words.count = 0;
        test_row("%s", asked[i]);
        struct sweep_word word = sweep_word_of(str_of(asked[i]), true, true);
        CHECK(sweep_words_add(&words, &word));
        memcpy(text + 1, asked[i], strlen(asked[i]));
        struct seen seen = sweep_all(reader, &(struct sweep_options){.words = &words}, text);
        CHECK(seen.count >= searched(reader, asked[i]));
        CHECK(seen.holding >= searched(reader, asked[i]) || i == 2);
        CHECK(i == 2 || seen.count < 1000); /* the tail is never passed over */
    }
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void by_time(void)
{
    struct testbed bed;
    struct archive_reader *reader;
    testbed_read(&bed, 5000, 0, &reader);
    struct seen seen = sweep_all(reader, &(struct sweep_options){.to_ns = 1}, "");
    CHECK(seen.count < archive_reader_size(reader) / 2);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

static void words_of_texts(void)
{
    static const struct {
        const char *text;
        bool begins;
        bool ends;
        const char *want;
    } rows[] = {
        {"failed", true, true, "failed"},
        {"failed", false, true, "*failed"},
        {"failed", true, false, "failed*"},
        {"failed", false, false, "*failed*"},
        {" failed ", false, false, "failed"},
        {"a failed password", false, false, "failed"},
        {"Failed password", false, false, "*failed"},
        {"password, a it", false, false, "*password"}, /* one letter is no word */
        {"\\mimi.exe", false, true, "mimi"},
        {"\\mimi.exe", false, false, "mimi"},
        {"mimi.exe", false, false, "*mimi"},
        {"ab", false, false, ""},
        {" Failed ", false, false, "failed"},
        {" 12345 ", false, false, ""},
        {" 123456 ", false, false, ""},
        {"10.0.0.1", true, true, ""},
        {" x ", false, false, ""},
        {" kiosks ", false, false, ""}, /* more other forms than are asked for */
        {" \xd0\xb0\xd0\xb1\xd0\xb2 ", false, false, ""},
        {" abc\xd0\xb2 de ", false, false, "de"},
        {"", true, true, ""},
        {" as at_ ", false, false, "at_"},
    };
    char longest[80];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[WORD_MAX + 2];
        struct sweep_word word = sweep_word_of(str_of(rows[i].text), rows[i].begins, rows[i].ends);
        int n = snprintf(got, sizeof got, "%s%.*s%s", word.open_start ? "*" : "", (int)word.n, word.text,
                         word.open_end ? "*" : "");
        test_row("%s", rows[i].text);
        CHECK_TEXT(str_at(got, (size_t)n), rows[i].want);
    }
    memset(longest, 'a', sizeof longest);
    CHECK_INT(sweep_word_of(str_at(longest, 64), true, true).n, 0);
    CHECK_INT(sweep_word_of(str_at(longest, 63), true, true).n, 63);
}

static bool add(struct sweep_words *words, struct str text)
{
    struct sweep_word word = {.n = text.n};
    memcpy(word.text, text.p, text.n);
    return sweep_words_add(words, &word);
}

static void ways_to_write(void)
{
    static struct sweep_words words;
    CHECK(add(&words, STR("disk")));
    CHECK_INT(words.count, 4);
    CHECK_STR(str_at(words.word[0].text, words.word[0].n), STR("disk"));
    CHECK_STR(str_at(words.word[3].text, words.word[3].n), STR("di\xc5\xbf\xe2\x84\xaa"));
    CHECK(add(&words, STR("disk")));
    CHECK_INT(words.count, 4);
    CHECK(!add(&words, STR("kiosks")));
    for (unsigned i = 0; i < SWEEP_WORDS_MAX - 4; i++) {
        char text[3] = {'a', (char)('A' + i / 26), (char)('A' + i % 26)};
        CHECK(add(&words, str_at(text, 3)));
    }
    CHECK(!add(&words, STR("onemore")));
    CHECK(sweep_words_are_whole(&words));
    words.word[7].open_end = true;
    CHECK(!sweep_words_are_whole(&words));
}

static const struct test tests[] = {
    {"all of it", all_of_it},           {"by words", by_words},           {"by time", by_time},
    {"words of texts", words_of_texts}, {"ways to write", ways_to_write},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
