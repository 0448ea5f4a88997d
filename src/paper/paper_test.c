/* Papers made of a small signed log of its own, and then attacked line by line. */
#include "base/assert.h"
#include "base/civil.h"
#include "base/test.h"
#include "paper/certificate.h"
#include "paper/export_proof.h"
#include "paper/seal.h"
#include "paper/sheet.h"
#include "paper/visible.h"

#include <stdio.h>
#include <string.h>

#define RECORDS 40
#define DAY_NS  (INT64_C(1795000000) / DAY_S * DAY_S * SECOND_NS)
#define BIG     70000

static struct arena *arena;
static struct tlog_hasher *hasher;
static struct policy policy;
static struct signing_key *key;
static struct buf note;
static struct tlog_hash leaves[RECORDS];
static struct leaf headers[RECORDS];
static struct buf bytes[RECORDS]; /* leaves */
static char big[BIG];
static uint8_t source_id[16];
static struct err err;

/* A complete subtree, folded anew each time. */
static enum rc hash_at(void *context, unsigned height, uint64_t index, struct tlog_hash *ret_hash, struct err *ret_err)
{
    struct tlog_frontier frontier;
    (void)context;
    (void)ret_err;
    tlog_frontier_init(&frontier);
    for (uint64_t i = index << height; i < (index + 1) << height; i++)
        tlog_frontier_append(&frontier, hasher, &leaves[i]);
    tlog_frontier_root(&frontier, hasher, ret_hash);
    return RC_OK;
}

static const struct tlog_source tree = {NULL, hash_at};

/* What each record is: 5 of an earlier day, then the day with a hole, a gap leaf, a silence, then the next day. */
static void make_header(uint64_t i, struct leaf *leaf)
{
    *leaf = (struct leaf){.type = LEAF_RAW, .index = i, .epoch = 7, .sequence = i + 1, .received_boot_ns = i};
    leaf->received_ns = DAY_NS + (int64_t)i * SECOND_NS;
    if (i < 5)
        leaf->received_ns = DAY_NS - (int64_t)(5 - i) * SECOND_NS;
    if (i >= 20)
        leaf->received_ns += 100 * SECOND_NS;
    if (i >= 35)
        leaf->received_ns = DAY_NS + (DAY_S + (int64_t)i) * SECOND_NS;
    if (i >= 12)
        leaf->sequence += 3;
    if (i % 4 != 3)
        memcpy(leaf->source, source_id, 16);
    if (i % 4 == 3)
        leaf->epoch = i;
    if (i == 14)
        leaf->type = LEAF_GAP;
    leaf->source_ns = i == 6 ? leaf->received_ns - 5 : 0;
}

static struct str raw_of(uint64_t i)
{
    static const char *const hostile[] = {"plain", "two\nlines\n-----BEGIN QORGAN EVIDENCE-----\n",
                                          "\x1b[2J back\\slash \xff\xfe \xe2\x80\xae turned", "",
                                          "Қазақша; \"quoted\"\r\n"};
    return i == 9 ? str_at(big, sizeof big) : str_of(hostile[i % ARRAY_LEN(hostile)]);
}

static void make_log(void)
{
    static const uint8_t seed[32] = {1};
    struct tlog_frontier frontier;
    struct tlog_head head = {.size = RECORDS};
    struct tlog_hash hash;
    tlog_frontier_init(&frontier);
    memset(big, 'x', sizeof big);
    for (uint64_t i = 0; i < RECORDS; i++) {
        uint8_t header[LEAF_HEADER_SIZE];
        struct str raw = raw_of(i);
        make_header(i, &headers[i]);
        headers[i].raw_length = (uint32_t)raw.n;
        headers[i].type = raw.n > LEAF_RAW_MAX ? LEAF_DIGEST : headers[i].type;
        leaf_write(&headers[i], header);
        buf_init(&bytes[i], 1 << 17);
        buf_put(&bytes[i], header, sizeof header);
        tlog_hash_bytes(hasher, raw, &hash);
        if (headers[i].type == LEAF_DIGEST)
            buf_put(&bytes[i], hash.bytes, sizeof hash.bytes);
        else
            buf_str(&bytes[i], raw);
        tlog_hash_leaf(hasher, STR_NONE, buf_view(&bytes[i]), &leaves[i]);
        tlog_frontier_append(&frontier, hasher, &leaves[i]);
    }
    tlog_frontier_root(&frontier, hasher, &head.root);
    CHECK_INT(signing_key_from_seed(STR("log.example"), NOTE_ED25519, seed, &key, &err), RC_OK);
    buf_init(&note, NOTE_SIZE_MAX);
    CHECK_INT(checkpoint_sign(key, STR("log.example"), &head, &note, &err), RC_OK);
    policy_of_key(signing_key_public(key), &policy);
}

static struct str proof_of(uint64_t i)
{
    struct tlog_proof proof = {.index = i, .has_extra = true, .extra = buf_view(&bytes[i]), .note = buf_view(&note)};
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, PROOF_SIZE_MAX);
    CHECK_INT(tlog_inclusion(hasher, &tree, i, RECORDS, &proof.path, &err), RC_OK);
    proof_write(&proof, &text);
    return arena_str(arena, buf_view(&text));
}

/* ---- attacks ---- */

/* Each line changed, removed, doubled: never accepted. */
static void attack(struct str text, enum rc (*check)(struct str text))
{
    struct buf changed CLEANUP(buf_done) = {0};
    buf_init(&changed, 2 * text.n + 16);
    size_t number = 0;
    for (size_t at = 0; at < text.n;) {
        size_t end = at + str_find(str_skip(text, at), '\n') + 1;
        end = MIN(end, text.n);
        for (int kind = 0; kind < 3; kind++) {
            arena_reset(arena);
            buf_clear(&changed);
            buf_str(&changed, str_slice(text, 0, kind == 2 ? end : at));
            buf_str(&changed, kind == 1 ? STR_NONE : str_slice(text, at, end));
            if (kind == 0)
                changed.p[at + (end - at) / 2] ^= 1;
            buf_str(&changed, str_skip(text, end));
            test_row("line %zu %s", number + 1, kind == 0 ? "changed" : kind == 1 ? "removed" : "doubled");
            CHECK(check(buf_view(&changed)) != RC_OK);
        }
        at = end;
        number++;
        if (number > 90 && number % 97 != 0) /* the many lines of a large content: some of them */
            while (at < text.n && text.n - at > 4000 && number++ % 97 != 0)
                at += str_find(str_skip(text, at), '\n') + 1;
    }
    for (size_t n = 0; n < text.n; n += 1 + text.n / 300) {
        arena_reset(arena);
        CHECK(check(str_slice(text, 0, n)) != RC_OK);
    }
}

/* ---- tests ---- */

static void texts_are_those_of_the_table(void)
{
    char path[4096];
    static char tsv[65536];
    snprintf(path, sizeof path, "%s/data/i18n/paper.tsv", test_source_dir());
    FILE *file = fopen(path, "r");
    if (!CHECK(file != NULL))
        return;
    struct str rest = str_at(tsv, fread(tsv, 1, sizeof tsv, file));
    fclose(file);
    unsigned row = 0;
    while (rest.n > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str name = str_cut(&line, '\t');
        if (line.n == 0 || name.p[0] == '#' || str_is(name, "key"))
            continue;
        test_row("%.*s", STR_ARG(name));
        for (unsigned i = 0; i < PAPER_LANGUAGES && row < PAPER_TEXTS; i++)
            CHECK_TEXT(str_cut(&line, '\t'), paper_text_of((enum paper_language)i, (enum paper_text)row));
        row++;
    }
    CHECK_INT(row, PAPER_TEXTS);
}

static void visible_there_and_back(void)
{
    static const char *const refused[] = {"\\", "\\x4", "\\x41", "a\\n", "\x1b", "\xff", "\\xFF", "\xe2\x80\xae"};
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {{"a\\b", "a\\\\b"},         {"\n\t\x7f", "\\x0a\\x09\\x7f"},
                {"қ\xff", "қ\\xff"},        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},
                {"\xc2\x85", "\\xc2\\x85"}, {"\xed\xa0\x80", "\\xed\\xa0\\x80"}};
    struct str back;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out CLEANUP(buf_done) = {0};
        buf_init(&out, 4096);
        visible_put(&out, str_of(rows[i].in));
        CHECK_TEXT(buf_view(&out), rows[i].out);
        CHECK(visible_read(buf_view(&out), arena, &back));
        CHECK_TEXT(back, rows[i].in);
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        test_row("%zu", i);
        CHECK(!visible_read(str_of(refused[i]), arena, &back));
    }
}

static enum rc check_sheet(struct str text)
{
    struct sheet sheet = {0};
    struct policy_result result;
    return sheet_check(text, &policy, arena, &sheet, &result, &err);
}

static void make_sheet(enum paper_language language, struct buf *out)
{
    static const uint64_t numbers[] = {6, 9, 1, 2, 4};
    static struct sheet_record record[ARRAY_LEN(numbers)];
    struct sheet sheet = {.language = language, .zone_s = 18000, .count = ARRAY_LEN(numbers), .record = record};
    memset(record, 0, sizeof record);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        record[i].proof = proof_of(numbers[i]);
        record[i].kind = STR("udp");
        record[i].name = STR("10.0.0.1 \n");
        record[i].content = numbers[i] == 9 ? raw_of(9) : STR_NONE;
    }
    CHECK_INT(sheet_write(&sheet, arena, out, &err), RC_OK);
}

static void sheets(void)
{
    for (unsigned i = 0; i < PAPER_LANGUAGES; i++) {
        struct buf text CLEANUP(buf_done) = {0};
        buf_init(&text, PAPER_SIZE_MAX);
        arena_reset(arena);
        make_sheet((enum paper_language)i, &text);
        if (!CHECK_INT(check_sheet(buf_view(&text)), RC_OK))
            printf("# %s\n", err.text);
        CHECK(str_search(buf_view(&text), STR("\x1b")) == text.n);
        CHECK(str_search(buf_view(&text), STR("back\\\\slash \\xff\\xfe \\xe2\\x80\\xae")) < text.n);
        if (i == PAPER_EN)
            attack(buf_view(&text), check_sheet);
    }
}

static void sheets_refuse(void)
{
    struct buf text CLEANUP(buf_done) = {0};
    struct sheet_record record = {.proof = proof_of(9), .content = str_at(big, BIG - 1)};
    struct sheet sheet = {.count = 1, .record = &record};
    buf_init(&text, PAPER_SIZE_MAX);
    CHECK_INT(sheet_write(&sheet, arena, &text, &err), RC_DENIED); /* another content */
    record = (struct sheet_record){.proof = proof_of(6), .kind = STR("udp"), .name = STR("10.0.0.2")};
    CHECK_INT(sheet_write(&sheet, arena, &text, &err), RC_DENIED); /* another source */
    record = (struct sheet_record){.proof = STR("c2sp.org/tlog-proof@v1\n")};
    CHECK_INT(sheet_write(&sheet, arena, &text, &err), RC_INVALID);
    sheet.count = SHEET_RECORDS_MAX + 1;
    CHECK_INT(sheet_write(&sheet, arena, &text, &err), RC_LIMIT);
}

/* ---- certificates ---- */

static enum rc check_certificate(struct str text)
{
    struct certificate certificate;
    struct policy_result result;
    return certificate_check(text, &policy, arena, &certificate, &result, &err);
}

static void make_certificate(struct certificate *c)
{
    struct certificate_counter counter;
    uint64_t *needs = arena_alloc_array(arena, CERTIFICATE_PROOFS_MAX, sizeof *needs);
    *c = (struct certificate){
        .language = PAPER_EN, .zone_s = 0, .first = 5, .end = 35, .kind = STR("udp"), .name = STR("10.0.0.1 \n")};
    memcpy(c->source, source_id, 16);
    c->from_ns = DAY_NS;
    c->to_ns = DAY_NS + DAY_S * SECOND_NS;
    c->count = arena_alloc(arena, sizeof *c->count);
    ASSERT(c->count && needs);
    CHECK_INT(certificate_counter_init(&counter, c, c->count, &err), RC_OK);
    for (size_t i = 0; i < RECORDS; i++)
        CHECK_INT(certificate_counter_add(&counter, &headers[i], &err), RC_OK);
    certificate_counter_done(&counter);
    c->proof_count = certificate_needs(c, RECORDS, needs);
    c->proof = arena_alloc_array(arena, c->proof_count, sizeof *c->proof);
    for (size_t i = 0; i < c->proof_count; i++)
        c->proof[i] = proof_of(needs[i]);
}

static void certificates(void)
{
    struct certificate c;
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, PAPER_SIZE_MAX);
    arena_reset(arena);
    make_certificate(&c);
    CHECK_INT(c.count->loss_count, 1);
    CHECK_INT(c.count->silence_count, 2); /* within the day, and between its last record and the next day's first */
    CHECK_INT(c.count->run[0].first_sequence, 6);
    CHECK_INT(c.count->run[0].last_record, 6); /* 7 is of another source: its sequence is missing here */
    if (!CHECK_INT(certificate_write(&c, arena, &text, &err), RC_OK))
        printf("# %s\n", err.text);
    if (!CHECK_INT(check_certificate(buf_view(&text)), RC_OK))
        printf("# %s\n", err.text);
    CHECK(str_search(buf_view(&text), STR("MISSING, epoch 0000000000000007: sequences 8..8\n")) < text.n);
    CHECK(str_search(buf_view(&text), STR("KNOWN LOSS, record 14: ")) < text.n);
    attack(buf_view(&text), check_certificate);
}

/* Claims that are written with all care, and are false. */
static void certificates_that_lie(void)
{
    for (int lie = 0; lie < 6; lie++) {
        struct certificate c;
        struct buf text CLEANUP(buf_done) = {0};
        buf_init(&text, PAPER_SIZE_MAX);
        arena_reset(arena);
        make_certificate(&c);
        test_row("lie %d", lie);
        if (lie == 0)
            c.count->run[0].last_sequence++;
        else if (lie == 1)
            c.count->run[1].epoch++;
        else if (lie == 2)
            c.count->loss_count = 0;
        else if (lie == 3)
            c.count->silence_count = 1;
        else if (lie == 4)
            c.first++;
        else
            c.count->run_count--;
        CHECK(certificate_write(&c, arena, &text, &err) != RC_OK);
    }
}

static void seals(void)
{
    struct buf body CLEANUP(buf_done) = {0};
    struct tlog_hash hash;
    struct tlog_hash other = {{1}};
    struct str split;
    struct str proof;
    buf_init(&body, 65536);
    tlog_hash_bytes(hasher, STR("body\n"), &hash);
    seal_record(&body, "export", &hash, STR("a \"b\"\n\\"));
    struct proven proven = {.leaf = {.type = LEAF_LIFECYCLE}, .raw = buf_view(&body)};
    CHECK_INT(seal_check(&proven, &hash, &err), RC_OK);
    CHECK_INT(seal_check(&proven, &other, &err), RC_DENIED);
    proven.leaf.type = LEAF_RAW;
    CHECK_INT(seal_check(&proven, &hash, &err), RC_DENIED);
    buf_clear(&body);
    buf_text(&body, "body\n");
    CHECK_INT(seal_split(buf_view(&body), &split, &proof, &err), RC_OK);
    CHECK_INT(proof.n, 0);
    seal_write(&body, STR("x\n"));
    CHECK_INT(seal_split(buf_view(&body), &split, &proof, &err), RC_OK);
    CHECK_TEXT(split, "body\n");
    CHECK_TEXT(proof, "x\n");
    CHECK_INT(seal_split(str_slice(buf_view(&body), 0, body.n - 3), &split, &proof, &err), RC_INVALID);
}

/* ---- exports ---- */

static char lines[12][32];
static size_t line_count;

static enum rc check_export(struct str proof, size_t skip, size_t twice, size_t change)
{
    struct export_check check;
    enum rc rc = export_check_begin(&check, proof, &policy, arena, &err);
    for (size_t i = 0; i < line_count && rc == RC_OK; i++) {
        char line[40];
        snprintf(line, sizeof line, "%s%s", i == change ? "!" : "", lines[i]);
        for (int n = i == skip ? 0 : i == twice ? 2 : 1; n > 0 && rc == RC_OK; n--)
            rc = export_check_line(&check, str_of(line), &err);
    }
    rc = rc == RC_OK ? export_check_end(&check, &err) : rc;
    export_check_done(&check);
    return rc;
}

/* What is said of the query is bound by the seal alone; what follows proves itself. */
static struct str export_said;
static enum rc check_export_rest(struct str rest)
{
    struct buf whole CLEANUP(buf_done) = {0};
    buf_init(&whole, 1 << 20);
    buf_str(&whole, export_said);
    buf_str(&whole, rest);
    return check_export(buf_view(&whole), SIZE_MAX, SIZE_MAX, SIZE_MAX);
}

static void exports(void)
{
    static const uint64_t records[] = {0, 1, 2, 17, 31, 32, 38};
    struct export_proof proof;
    struct export_head head = {.file = STR("f"), .format = STR("csv"), .class = STR("os"), .query = STR("a\nb")};
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, 1 << 20);
    snprintf(lines[0], sizeof lines[0], "heading\n");
    line_count = 1;
    CHECK_INT(export_proof_begin(&proof, &tree, RECORDS, &err), RC_OK);
    export_proof_head(&proof, &head, str_of(lines[0]), buf_view(&note), &text);
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        snprintf(lines[line_count], sizeof lines[0], "line %zu\n", i);
        CHECK_INT(
            export_proof_record(&proof, records[i], &leaves[records[i]], str_of(lines[line_count++]), &text, &err),
            RC_OK);
    }
    CHECK_INT(export_proof_record(&proof, 38, &leaves[38], STR("again\n"), &text, &err), RC_INVALID);
    CHECK_INT(export_proof_end(&proof, &text, &err), RC_OK);
    export_proof_done(&proof);
    struct str whole = buf_view(&text);
    size_t heads = str_search(whole, STR("heads "));
    export_said = str_slice(whole, 0, heads);
    if (!CHECK_INT(check_export_rest(str_skip(whole, heads)), RC_OK))
        printf("# %s\n", err.text);
    for (size_t i = 0; i < line_count; i++) {
        char said[64];
        test_row("line %zu", i + 1);
        snprintf(said, sizeof said, "line %zu of the file", i + 1);
        CHECK_INT(check_export(whole, SIZE_MAX, SIZE_MAX, i), RC_DENIED);
        CHECK(str_search(str_of(err.text), str_of(said)) < strlen(err.text));
        CHECK_INT(check_export(whole, i, SIZE_MAX, SIZE_MAX), RC_DENIED);
        CHECK_INT(check_export(whole, SIZE_MAX, i, SIZE_MAX), RC_DENIED);
        CHECK(i == 0 || strstr(err.text, "inserted") != NULL);
    }
    attack(str_skip(whole, heads), check_export_rest);
}

static const struct test tests[] = {
    {"texts are those of the table", texts_are_those_of_the_table},
    {"visible there and back", visible_there_and_back},
    {"sheets, each line attacked", sheets},
    {"sheets refuse", sheets_refuse},
    {"certificates, each line attacked", certificates},
    {"certificates that lie", certificates_that_lie},
    {"seals", seals},
    {"exports, each line attacked", exports},
};

int main(int argc, char **argv)
{
    struct tlog_hash id;
    arena = arena_new((size_t)512 << 20);
    hasher = tlog_hasher_new();
    ASSERT(arena && hasher);
    tlog_hash_bytes(hasher,
                    str_at("udp\0"
                           "10.0.0.1 \n",
                           14),
                    &id);
    memcpy(source_id, id.bytes, 16);
    make_log();
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
