#include "wire/journal_export.h"

#include "base/arena.h"
#include "base/test.h"

#include <string.h>

#define CURSOR "__CURSOR=s=0af3;i=1f;b=1;m=2;t=3;x=4\n__REALTIME_TIMESTAMP=1700000000000001\n"

/* Feeds the text in parts cut at `first` and `second`. */
static void run(struct buf *buf, struct str text, size_t first, size_t second)
{
    struct journal_export export;
    struct journal_export_entry entry;
    const struct str parts[] = {str_slice(text, 0, first), str_slice(text, first, second),
                                str_slice(text, second, text.n)};
    enum rc rc = RC_AGAIN;
    buf_clear(buf);
    journal_export_init(&export);
    for (size_t i = 0; i < ARRAY_LEN(parts) && rc == RC_AGAIN; i++) {
        char copy[1024];
        memset(copy, '#', sizeof copy);
        if (parts[i].n)
            memcpy(copy, parts[i].p, parts[i].n);
        struct str part = str_at(copy, parts[i].n);
        while ((rc = journal_export_next(&export, &part, &entry)) == RC_OK) {
            buf_char(buf, '[');
            buf_str(buf, entry.id);
            buf_format(buf, " %lu %ld ", (unsigned long)entry.sequence, (long)entry.time_ns);
            buf_str(buf, entry.json);
            buf_char(buf, ']');
        }
        if (rc == RC_AGAIN)
            CHECK_INT(part.n, 0);
    }
    if (rc != RC_AGAIN)
        buf_format(buf, "!%s", export.reason);
    else if (!journal_export_whole(&export))
        buf_char(buf, '+');
    journal_export_done(&export);
}

static const struct {
    struct str text;
    const char *want;
} rows[] = {
    {STR_INIT(""), ""},
    {STR_INIT("\n\n"), ""},
    {STR_INIT(CURSOR "MESSAGE=a b=c\n_PID=1\n\n"),
     "[0af3 31 1700000000000001000 {\"MESSAGE\":\"a b=c\",\"_PID\":\"1\"}]"},
    {STR_INIT("A=1\n\n\nB=2\n\n"), "[ 0 0 {\"A\":\"1\"}][ 0 0 {\"B\":\"2\"}]"},
    {STR_INIT("A=\n\n"), "[ 0 0 {\"A\":\"\"}]"},
    {STR_INIT("M\n\3\0\0\0\0\0\0\0a\nb\nB=2\n\n"), "[ 0 0 {\"M\":\"a\\nb\",\"B\":\"2\"}]"},
    {STR_INIT("M\n\0\0\0\0\0\0\0\0\n\n"), "[ 0 0 {\"M\":\"\"}]"},
    {STR_INIT("M\n\3\0\0\0\0\0\0\0a\0b\nB=2\n\n"), "[ 0 0 {\"B\":\"2\",\"QORGAN_FIELDS_LEFT_OUT\":1}]"},
    {STR_INIT("__CURSOR=i=5\n__MONOTONIC_TIMESTAMP=1\nA=1\n\n"), "[ 5 0 {\"A\":\"1\"}]"},
    {STR_INIT("__CURSOR=s=a;i=x\nA=1\n\n"), "[ 0 0 {\"A\":\"1\"}]"},
    {STR_INIT("__CURSOR=s=012345678901234567890123456789012;i=5\nA=1\n\n"), "[ 5 0 {\"A\":\"1\"}]"},
    {STR_INIT("A=1\n"), "+"},
    {STR_INIT("A=1\n\nB"), "[ 0 0 {\"A\":\"1\"}]+"},
    {STR_INIT("M\n\3\0\0\0\0\0\0\0a"), "+"},
    {STR_INIT("=1\n\n"), "!a field's name does not read"},
    {STR_INIT("A-B=1\n\n"), "!a field's name does not read"},
    {STR_INIT("0123456789012345678901234567890123456789012345678901234567890123x=1\n\n"),
     "!a field's name does not read"},
    {STR_INIT("A B\n\3\0\0\0\0\0\0\0a\nb\n"), "!a field's name does not read"},
    {STR_INIT("M\n\2\0\0\0\0\0\0\0a\nb\n"), "!no line feed behind a field"},
    {STR_INIT("M\n\3\0\0\0\0\0\0\1a\nb\n"), "!a field longer than any may be"},
    {STR_INIT("{\"MESSAGE\":\"x\"}\n"), "!a field's name does not read"},
};

/* The JSON line is told to be none as soon as its line is whole or eight more bytes came; either is a refusal. */
static void every_split(void)
{
    struct buf buf;
    buf_init(&buf, 4096);
    for (size_t i = 0; i + 1 < ARRAY_LEN(rows); i++) {
        for (size_t first = 0; first <= rows[i].text.n; first++) {
            for (size_t second = first; second <= rows[i].text.n; second++) {
                test_row("%zu cut at %zu and %zu", i, first, second);
                run(&buf, rows[i].text, first, second);
                if (!CHECK_TEXT(buf_view(&buf), rows[i].want))
                    return;
            }
        }
    }
    buf_done(&buf);
}

/* Fields longer than an object may be are passed over, and the entry and what follows are whole. */
static void long_fields(void)
{
    for (int binary = 0; binary < 2; binary++) {
        struct journal_export export;
        struct journal_export_entry entry;
        size_t size = JOURNAL_EXPORT_JSON_MAX + 100000;
        struct buf text;
        unsigned entries = 0;
        buf_init(&text, 4 << 20);
        buf_text(&text, binary ? "A=1\nM\n" : "A=1\nM=");
        if (binary)
            buf_le64(&text, size);
        for (size_t i = 0; i < size; i++)
            buf_char(&text, 'x');
        buf_text(&text, "\nB=2\n\nC=3\n\n");
        journal_export_init(&export);
        for (size_t at = 0; at < text.n; at += 10000) {
            struct str part = str_slice(buf_view(&text), at, at + 10000);
            while (journal_export_next(&export, &part, &entry) == RC_OK)
                CHECK_TEXT(entry.json,
                           entries++ ? "{\"C\":\"3\"}" : "{\"A\":\"1\",\"B\":\"2\",\"QORGAN_FIELDS_LEFT_OUT\":1}");
        }
        test_row("%d", binary);
        CHECK_INT(entries, 2);
        CHECK(journal_export_whole(&export));
        journal_export_done(&export);
        buf_done(&text);
    }
}

static const struct test tests[] = {
    {"every split", every_split},
    {"long fields", long_fields},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
