#include "role/rule_pack_source.h"

#include "base/test.h"
#include "tlog/hash.h"

#include <stdio.h>
#include <string.h>

#define ROOM ((size_t)1 << 16)

static struct buf bytes;

static void text_put(const char *text)
{
    buf_be32(&bytes, (uint32_t)strlen(text));
    buf_text(&bytes, text);
}

/* One that was left out, a note, and two files. */
static void good_make(const char *first, const char *second)
{
    buf_init(&bytes, ROOM);
    buf_be64(&bytes, 1);
    text_put("tests");
    text_put("no rules there");
    text_put("a note");
    buf_be32(&bytes, 2);
    text_put(first);
    text_put("title: a\n");
    text_put(second);
    text_put("title: b\n");
}

static void what_is_written_is_taken(void)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct pack_source source;
    struct pack_source again;
    struct tlog_hash hash;
    struct buf out CLEANUP(buf_done);
    struct err err = {0};
    good_make("z/b.yaml", "a.yml");
    buf_init(&out, ROOM);
    CHECK_INT(pack_source_take(buf_view(&bytes), &source, &err), RC_OK);
    CHECK_INT(source.count, 2);
    CHECK_TEXT(source.files[0].path, "a.yml"); /* in order */
    CHECK_TEXT(source.texts[1], "title: a\n");
    CHECK_TEXT(source.note, "a note");
    CHECK_TEXT(source.left[0].path, "tests");
    tlog_hash_bytes(hasher, STR("title: b\n"), &hash);
    CHECK(tlog_hash_eq(&source.files[0].hash, &hash));
    pack_source_write(&source, &out);
    CHECK_INT(pack_source_take(buf_view(&out), &again, &err), RC_OK);
    CHECK_INT(again.count, 2);
    CHECK_TEXT(str_of(again.left[0].why), "no rules there");
    pack_source_done(&again);
    pack_source_done(&source);
    buf_done(&bytes);
}

static void a_strangers_word_is_judged(void)
{
    static const struct {
        const char *first;
        const char *second;
        const char *why;
    } rows[] = {
        {"../a.yml", "b.yml", ".."},
        {"/etc/a.yml", "b.yml", ""},
        {"a.yml", "a/../../b.yml", ".."},
        {"a.yml", "a.yml", "twice"},
        {"current", "b.yml", "no rule file"},
        {"pack.tsv", "b.yml", "no rule file"},
        {"a.yml", "pack.note", "no rule file"},
        {"a\n.yml", "b.yml", ""},
        {"", "b.yml", ""},
        {"a\\b.yml", "b.yml", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pack_source source;
        struct err err = {0};
        test_row("%s %s", rows[i].first, rows[i].second);
        good_make(rows[i].first, rows[i].second);
        CHECK_INT(pack_source_take(buf_view(&bytes), &source, &err), RC_INVALID);
        CHECK(strstr(err.text, rows[i].why) != NULL);
        pack_source_done(&source);
        buf_done(&bytes);
    }
}

static void what_is_cut_is_refused(void)
{
    good_make("a.yml", "b.yml");
    buf_char(&bytes, 'x');
    for (size_t n = 0; n <= bytes.n; n++) {
        struct pack_source source;
        struct err err = {0};
        test_row("%zu bytes", n);
        bool whole = n + 1 == bytes.n;
        CHECK_INT(pack_source_take(str_at(bytes.p, n), &source, &err), whole ? RC_OK : RC_INVALID);
        pack_source_done(&source);
    }
    buf_done(&bytes);
}

static const struct test tests[] = {
    {"what is written is taken", what_is_written_is_taken},
    {"a stranger's word is judged", a_strangers_word_is_judged},
    {"what is cut is refused", what_is_cut_is_refused},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
