/* What a server answers and what stands in the file of tokens: refusals, mostly. */
#include "role/mirror_wire.h"

#include "base/test.h"
#include "role/tokens.h"

#include <stdio.h>
#include <string.h>

#define STAMP "{\"size\":5,\"stamp\":\"YQ==\"}"
#define HASH  "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\""

static struct arena *arena;

static void answers_are_read(void)
{
    struct err err = {0};
    struct wire_rows rows;
    struct tlog_path path;
    struct mirror_log log;
    struct wire_notes notes;
    struct wire_stamps stamps;
    struct wire_checkpoint checkpoint;
    struct wire_refusal refusal;
    struct str bytes;
    struct str text = STR("{\"ok\":true,\"segments\":[{\"first\":0,\"end\":7,\"size\":9000,\"footer\":" HASH
                          "},{\"first\":7,\"end\":8,\"size\":1,\"footer\":" HASH "}],\"more\":true}");
    CHECK_INT(wire_rows_read(text, arena, &rows, &err), RC_OK);
    CHECK_INT(rows.count, 2);
    CHECK(rows.more);
    CHECK_INT(rows.rows[1].first, 7);
    CHECK_INT(rows.rows[0].footer.bytes[31], 31);
    CHECK_INT(wire_path_read(STR("{\"ok\":true,\"hashes\":[" HASH "]}"), arena, &path, &err), RC_OK);
    CHECK_INT(path.count, 1);
    CHECK_INT(wire_path_read(STR("{\"ok\":true,\"hashes\":[]}"), arena, &path, &err), RC_OK);
    text = STR("{\"ok\":true,\"first\":9,\"count\":2,\"file_first\":7}\nab\ncd");
    CHECK_INT(wire_log_read(text, arena, &log, &bytes, &err), RC_OK);
    CHECK_INT(log.count, 2);
    CHECK_TEXT(bytes, "ab\ncd");
    CHECK_INT(wire_part_read(STR("{\"ok\":true}\n"), arena, &bytes, &err), RC_OK);
    CHECK_INT(bytes.n, 0);
    CHECK_INT(wire_notes_read(STR("{\"ok\":true,\"notes\":[{\"note\":\"n\"}]}"), arena, &notes, &err), RC_OK);
    CHECK_TEXT(notes.notes[0].note, "n");
    CHECK(notes.notes[0].path == NULL);
    text = STR("{\"ok\":true,\"notes\":[{\"note\":\"n\",\"path\":[" HASH "," HASH "]}]}");
    CHECK_INT(wire_notes_read(text, arena, &notes, &err), RC_OK);
    CHECK(notes.notes[0].path && notes.notes[0].path->count == 2);
    text = STR("{\"ok\":true,\"tombstones\":[{\"first\":0,\"end\":7,\"size\":9000,\"record\":7,\"footer\":" HASH "}]}");
    CHECK_INT(wire_tombstones_read(text, arena, &rows, &err), RC_OK);
    CHECK_INT(rows.rows[0].record, 7);
    text = STR("{\"ok\":true,\"hashes\":[" HASH "]}\nab");
    CHECK_INT(wire_retention_read(text, arena, &path, &bytes, &err), RC_OK);
    CHECK_INT(path.count, 1);
    CHECK_TEXT(bytes, "ab");
    text = STR("{\"ok\":true,\"stamps\":[{\"size\":5,\"stamp\":\"YWI=\"},{\"size\":9,\"stamp\":\"YQ==\"}]}");
    CHECK_INT(wire_stamps_read(text, arena, &stamps, &err), RC_OK);
    CHECK_INT(stamps.count, 2);
    CHECK_INT(stamps.stamps[1].size, 9);
    CHECK_TEXT(stamps.stamps[0].response, "ab");
    text = STR("{\"ok\":true,\"instance\":\"i\",\"note\":\"n\",\"log_file_bytes\":5}");
    CHECK_INT(wire_checkpoint_read(text, arena, &checkpoint, &err), RC_OK);
    CHECK_TEXT(checkpoint.note, "n");
    CHECK_INT(checkpoint.cosigned.n, 0);
    text = STR("{\"ok\":true,\"instance\":\"i\",\"note\":\"n\",\"cosigned\":\"c\",\"log_file_bytes\":5}");
    CHECK_INT(wire_checkpoint_read(text, arena, &checkpoint, &err), RC_OK);
    CHECK_TEXT(checkpoint.cosigned, "c");
    uint64_t cosign = 1;
    CHECK_INT(wire_report_read(STR("{\"ok\":true}"), arena, &cosign, &err), RC_OK);
    CHECK_INT(cosign, 0);
    CHECK_INT(wire_report_read(STR("{\"ok\":true,\"cosign\":77}"), arena, &cosign, &err), RC_OK);
    CHECK_INT(cosign, 77);
    CHECK_INT(wire_report_read(STR("{\"ok\":true,\"cosign\":-7}"), arena, &cosign, &err), RC_INVALID);
    CHECK_INT(wire_report_read(STR("{\"ok\":true,\"cosign\":\"7\"}"), arena, &cosign, &err), RC_INVALID);
    wire_refusal_read(STR("{\"error\":\"mirror_busy\",\"retry_ms\":99999999}"), arena, &refusal);
    CHECK_TEXT(refusal.key, "mirror_busy");
    CHECK_INT(refusal.retry_ms, 60000);
    wire_refusal_read(STR("<html>"), arena, &refusal);
    CHECK_TEXT(refusal.key, "");
}

static void odd_answers_are_refused(void)
{
    static const char *const rows_bad[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"ok\":false,\"segments\":[]}",
        "{\"ok\":true}",
        "{\"ok\":true,\"segments\":{}}",
        "{\"ok\":true,\"segments\":[],\"more\":true}", /* for ever */
        "{\"ok\":true,\"segments\":[{\"first\":-1,\"end\":7,\"size\":9,\"footer\":" HASH "}]}",
        "{\"ok\":true,\"segments\":[{\"first\":7,\"end\":7,\"size\":9,\"footer\":" HASH "}]}",
        "{\"ok\":true,\"segments\":[{\"first\":0,\"end\":7,\"size\":0,\"footer\":" HASH "}]}",
        "{\"ok\":true,\"segments\":[{\"first\":0,\"end\":7,\"size\":9,\"footer\":\"AAEC\"}]}",
        "{\"ok\":true,\"segments\":[{\"first\":0,\"end\":9223372036854775807,\"size\":9,\"footer\":" HASH "}]}",
        "{\"ok\":true,\"segments\":[{\"first\":0,\"end\":7,\"size\":9,\"footer\":" HASH
        "},{\"first\":6,\"end\":9,\"size\":9,\"footer\":" HASH "}]}"};
    static const char *const log_bad[] = {"",
                                          "{\"ok\":true,\"first\":1,\"count\":1,\"file_first\":1}",
                                          "{\"ok\":true,\"first\":1,\"count\":4294967296,\"file_first\":1}\n",
                                          "{\"ok\":true,\"first\":1,\"count\":1,\"file_first\":2}\n",
                                          "{\"ok\":true,\"count\":1,\"file_first\":0}\n",
                                          "\n{\"ok\":true}"};
    static const char *const stamps_bad[] = {"{\"ok\":true}",
                                             "{\"ok\":true,\"stamps\":[],\"more\":true}",
                                             "{\"ok\":true,\"stamps\":[{\"size\":5}]}",
                                             "{\"ok\":true,\"stamps\":[{\"size\":0,\"stamp\":\"YQ==\"}]}",
                                             "{\"ok\":true,\"stamps\":[{\"size\":5,\"stamp\":\"Y\"}]}",
                                             "{\"ok\":true,\"stamps\":[" STAMP "," STAMP "]}"};
    struct err err = {0};
    struct wire_rows rows;
    struct wire_stamps stamps;
    struct tlog_path path;
    struct mirror_log log;
    struct wire_checkpoint checkpoint;
    struct str bytes;
    for (size_t i = 0; i < ARRAY_LEN(stamps_bad); i++) {
        test_row("stamp %zu", i);
        CHECK_INT(wire_stamps_read(str_of(stamps_bad[i]), arena, &stamps, &err), RC_INVALID);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows_bad); i++) {
        test_row("row %zu", i);
        CHECK_INT(wire_rows_read(str_of(rows_bad[i]), arena, &rows, &err), RC_INVALID);
    }
    for (size_t i = 0; i < ARRAY_LEN(log_bad); i++) {
        test_row("log %zu", i);
        CHECK_INT(wire_log_read(str_of(log_bad[i]), arena, &log, &bytes, &err), RC_INVALID);
    }
    struct buf many;
    buf_init(&many, 1u << 16);
    buf_text(&many, "{\"ok\":true,\"hashes\":[" HASH);
    for (int i = 0; i < TLOG_HEIGHT_MAX; i++)
        buf_text(&many, "," HASH);
    buf_text(&many, "]}");
    CHECK_INT(wire_path_read(buf_view(&many), arena, &path, &err), RC_INVALID);
    buf_done(&many);
    CHECK_INT(wire_path_read(STR("{\"ok\":true,\"hashes\":[1]}"), arena, &path, &err), RC_INVALID);
    CHECK_INT(wire_checkpoint_read(STR("{\"ok\":true,\"note\":\"n\",\"log_file_bytes\":5}"), arena, &checkpoint, &err),
              RC_INVALID);
    CHECK_INT(wire_part_read(STR("{\"ok\":true}"), arena, &bytes, &err), RC_INVALID);
}

static void odd_tombstones_are_refused(void)
{
    static const char *const stones_bad[] = {
        "{\"ok\":true,\"segments\":[]}",
        "{\"ok\":true,\"tombstones\":[],\"more\":true}",
        "{\"ok\":true,\"tombstones\":[{\"first\":0,\"end\":7,\"size\":9,\"footer\":" HASH "}]}",
        "{\"ok\":true,\"tombstones\":[{\"first\":0,\"end\":7,\"size\":9,\"record\":6,\"footer\":" HASH "}]}",
        "{\"ok\":true,\"tombstones\":[{\"first\":0,\"end\":7,\"size\":9,\"record\":-1,\"footer\":" HASH "}]}",
        "{\"ok\":true,\"tombstones\":[{\"first\":0,\"end\":7,\"size\":600000000,\"record\":9,\"footer\":" HASH "}]}"};
    static const char *const notes_bad[] = {"{\"ok\":true,\"notes\":[{\"note\":\"n\",\"path\":[1]}]}",
                                            "{\"ok\":true,\"notes\":[{\"note\":\"n\",\"path\":[\"AAEC\"]}]}"};
    struct err err = {0};
    struct wire_rows rows;
    struct wire_notes notes;
    struct tlog_path path;
    struct str bytes;
    for (size_t i = 0; i < ARRAY_LEN(stones_bad); i++) {
        test_row("tombstone %zu", i);
        CHECK_INT(wire_tombstones_read(str_of(stones_bad[i]), arena, &rows, &err), RC_INVALID);
    }
    for (size_t i = 0; i < ARRAY_LEN(notes_bad); i++) {
        test_row("note %zu", i);
        CHECK_INT(wire_notes_read(str_of(notes_bad[i]), arena, &notes, &err), RC_INVALID);
    }
    CHECK_INT(wire_retention_read(STR("{\"ok\":true,\"hashes\":[1]}\n"), arena, &path, &bytes, &err), RC_INVALID);
    CHECK_INT(wire_retention_read(STR("{\"ok\":true,\"hashes\":[]}"), arena, &path, &bytes, &err), RC_INVALID);
}

static void tokens_let_in(void)
{
    static struct tokens tokens;
    static struct tokens again;
    struct tlog_hasher *hasher = tlog_hasher_new();
    char token[3][TOKEN_TEXT_MAX];
    struct err err = {0};
    struct buf text;
    tokens.count = 0;
    CHECK_INT(tokens_add(&token_mirrors, &tokens, STR("a"), 1, token[0], &err), RC_OK);
    CHECK_INT(tokens_add(&token_mirrors, &tokens, STR("site-b.example"), 2, token[1], &err), RC_OK);
    CHECK_INT(tokens_add(&token_mirrors, &tokens, STR("a"), 1, token[2], &err), RC_EXISTS);
    CHECK_INT(tokens_add(&token_mirrors, &tokens, STR("a b"), 1, token[2], &err), RC_INVALID);
    CHECK_INT(tokens_add(&token_mirrors, &tokens, STR(""), 1, token[2], &err), RC_INVALID);
    CHECK(strcmp(token[0], token[1]) != 0);
    buf_init(&text, 1u << 16);
    tokens_write(&tokens, &text);
    CHECK(str_search(buf_view(&text), str_of(token[0])) == text.n); /* the token itself is kept nowhere */
    CHECK_INT(tokens_parse(&token_mirrors, buf_view(&text), &again, &err), RC_OK);
    CHECK_INT(again.count, 2);
    for (int i = 0; i < 2; i++) {
        const struct token *found = tokens_find(&again, hasher, str_of(token[i]));
        CHECK(found && found == &again.list[i]);
        for (size_t n = 0; n < strlen(token[i]); n++)
            CHECK(!tokens_find(&again, hasher, str_at(token[i], n)));
        token[i][20] = (char)(token[i][20] == '0' ? '1' : '0');
        CHECK(!tokens_find(&again, hasher, str_of(token[i])));
    }
    CHECK(!tokens_find(&again, hasher, STR("")));
    CHECK(tokens_remove(&again, STR("a")));
    CHECK(!tokens_remove(&again, STR("a")));
    CHECK_INT(again.count, 1);
    static const char *const bad[] = {"a", "a \n", "a 00 1\n", "\n", "a b c d\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("line %zu", i);
        CHECK_INT(tokens_parse(&token_mirrors, str_of(bad[i]), &again, &err), RC_INVALID);
    }
    buf_done(&text);
    tlog_hasher_free(hasher);
}

static const struct test tests[] = {
    {"answers are read", answers_are_read},
    {"odd answers are refused", odd_answers_are_refused},
    {"odd tombstones and paths are refused", odd_tombstones_are_refused},
    {"tokens let in", tokens_let_in},
};

int main(int argc, char **argv)
{
    arena = arena_new((size_t)16 << 20);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
