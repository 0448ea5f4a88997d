/* Deleting segments: what stays goes on, every byte of a tombstone matters, and the judge believes nobody. */
#include "archive/retire.h"

#include "archive/folder.h"
#include "archive/segment_format.h"
#include "archive/state.h"
#include "archive/testbed.h"
#include "archive/tombstone.h"
#include "archive/verify.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/test.h"
#include "os/file.h"
#include "tlog/checkpoint.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LATER (TESTBED_TIME + 4 * 366 * DAY_S * SECOND_NS)

static const char table[] = "rule\tact\tedition\tfrom\tuntil\tmonths\tparagraph\tparagraph_kk\tparagraph_ru\n"
                            "keep\t832\t10.02.2023\t2023-02-10\t\t36\tp.38(4)\tkk\tru\n";

static struct retention_law law;

static char first_finding[256];

static void finding(void *context, const struct verify_finding *found)
{
    (void)context;
    if (!found->warning && !first_finding[0])
        snprintf(first_finding, sizeof first_finding, "%s: %s", found->file, found->text);
}

static enum rc verify(struct testbed *bed, struct verify_result *ret_result)
{
    struct verify_options options = {.finding = finding};
    first_finding[0] = '\0';
    return archive_verify(bed->io, bed->folder, &options, ret_result, &bed->err);
}

static bool told(const char *part)
{
    return CHECK(str_search(str_of(first_finding), str_of(part)) < strlen(first_finding)) ||
           CHECK_TEXT(str_of(first_finding), part);
}

/* ---- making ---- */

static void put_sealed(struct testbed *bed, size_t count)
{
    testbed_ok(bed, testbed_put(bed, count, true));
    testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
    CHECK_INT(testbed_seal(bed, 1), 1);
}

static uint64_t put_own(struct testbed *bed, uint32_t type, struct str raw)
{
    struct archive_appended appended = {0};
    struct archive_record record = {.type = type,
                                    .transport = TRANSPORT_INTERNAL,
                                    .source = {9},
                                    .epoch = 1,
                                    .sequence = archive_size(bed->archive) + 1,
                                    .received_ns = LATER,
                                    .raw = raw};
    uint64_t durable;
    testbed_ok(bed, archive_append(bed->archive, &record, 1, &appended, &bed->err));
    testbed_ok(bed, archive_commit(bed->archive, &durable, &bed->err));
    return appended.first;
}

static void describe(struct testbed *bed, uint64_t first, struct retention_record *ret_record)
{
    *ret_record = (struct retention_record){.keep_until_ns = LATER - DAY_S * SECOND_NS,
                                            .days = 1096,
                                            .act = "832",
                                            .edition = "10.02.2023",
                                            .paragraph = "p.38(4)",
                                            .proposal = "17",
                                            .proposer = "aigul",
                                            .approver = "bolat",
                                            .proposed_ns = LATER - 2,
                                            .approved_ns = LATER - 1};
    testbed_ok(bed, archive_retention_describe(bed->archive, first, ret_record, &bed->err));
    struct retention_question question = {
        .received_max_ns = ret_record->received_max_ns, .days = 1096, .signed_max_ns = LATER, .wall_ns = LATER};
    ret_record->keep_until_ns = retention_may_delete(&law, &question).keep_until_ns;
}

static uint64_t put_retention(struct testbed *bed, const struct retention_record *record)
{
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, 60000);
    retention_record_write(record, &body);
    return put_own(bed, LEAF_RETENTION, buf_view(&body));
}

static uint64_t retire(struct testbed *bed, uint64_t first)
{
    struct retention_record record;
    describe(bed, first, &record);
    uint64_t number = put_retention(bed, &record);
    testbed_ok(bed, testbed_checkpoint(bed, false));
    testbed_ok(bed, archive_tombstone(bed->archive, first, number, &bed->err));
    return number;
}

static void drop(struct testbed *bed, uint64_t first)
{
    char name[SEGMENT_NAME_MAX];
    char path[64];
    segment_name(first, name);
    snprintf(path, sizeof path, "seg/%s", name);
    CHECK_INT(unlinkat(bed->folder, path, 0), 0);
    testbed_ok(bed, archive_segments_refresh(bed->archive, &bed->err));
}

static struct archive_reader *reader_new(struct testbed *bed)
{
    struct archive_reader_options options = {.names = bed->names};
    struct archive_reader *reader = NULL;
    testbed_ok(bed, archive_reader_open(bed->io, bed->folder, &options, &reader, &bed->err));
    return reader;
}

/* ---- what stays goes on ---- */

static bool listed(void *context, const struct archive_segment *segment)
{
    char *out = context;
    size_t n = strlen(out);
    snprintf(out + n, 256 - n, "%llu-%llu%s%s%s ", (unsigned long long)segment->first,
             (unsigned long long)segment->end - 1, segment->gone ? " gone" : "", segment->held ? " held" : "",
             segment->last ? " last" : "");
    return true;
}

static void proofs_hold(struct testbed *bed, struct archive_reader *reader, uint64_t from, uint64_t size)
{
    struct tlog_hasher *hasher = tlog_hasher_new();
    struct tlog_head head = {.size = size};
    struct buf leaf CLEANUP(buf_done) = {0};
    buf_init(&leaf, 65536);
    testbed_ok(bed, archive_reader_root(reader, size, &head.root, &bed->err));
    for (uint64_t i = from; i < size; i += 7) {
        struct tlog_path path;
        struct tlog_hash hash;
        test_row("record %llu", (unsigned long long)i);
        buf_clear(&leaf);
        testbed_ok(bed, archive_reader_inclusion(reader, i, size, &path, &bed->err));
        testbed_ok(bed, archive_reader_leaf(reader, i, &leaf, &hash, &bed->err));
        if (!CHECK(tlog_verify_inclusion(hasher, &hash, i, &path, &head)))
            break;
    }
    tlog_hasher_free(hasher);
}

static void make_long(struct testbed *bed, int64_t log_size)
{
    testbed_make(bed);
    testbed_ok(bed, testbed_open(bed, log_size, false));
    testbed_ok(bed, testbed_put(bed, 100, true));
    testbed_ok(bed, testbed_checkpoint(bed, true));
    testbed_ok(bed, testbed_put(bed, 28, true));
    testbed_ok(bed, testbed_checkpoint(bed, true)); /* 128: its path does not give the root */
    put_sealed(bed, 172);
    testbed_ok(bed, testbed_checkpoint(bed, true));
    testbed_ok(bed, testbed_put(bed, 300, true));
    testbed_ok(bed, testbed_checkpoint(bed, true));
    put_sealed(bed, 300); /* 300 to 899, with a whole group inside */
    put_sealed(bed, 100);
    testbed_ok(bed, testbed_put(bed, 20, true));
    testbed_ok(bed, testbed_checkpoint(bed, true));
}

static void the_tree_goes_on(void)
{
    struct testbed bed;
    struct verify_result before;
    struct verify_result after;
    struct tlog_hash root[5];
    const uint64_t sizes[] = {256, 768, 900, 960, 1020};
    char list[256] = "";
    make_long(&bed, 256 << 10);
    struct archive_reader *old = reader_new(&bed);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        testbed_ok(&bed, archive_reader_root(old, sizes[i], &root[i], &bed.err));
    CHECK_INT(retire(&bed, 300), 1020);
    CHECK_INT(retire(&bed, 0), 1021);
    testbed_ok(&bed, verify(&bed, &before)); /* both there: begun */
    CHECK_INT(before.warnings, 2);
    CHECK_INT(before.gone_segments, 0);
    drop(&bed, 300);
    drop(&bed, 0);
    testbed_ok(&bed, verify(&bed, &after));
    CHECK_TEXT(str_of(first_finding), "");
    CHECK_STR(str_at(after.root, 32), str_at(before.root, 32));
    CHECK_INT(after.gone_segments, 2);
    CHECK_INT(after.gone_records, 900);
    CHECK_INT(after.records, before.records - 900);
    CHECK_INT(after.blind, 1);
    CHECK_INT(after.checkpoints, before.checkpoints - 1);
    testbed_ok(&bed, archive_segments(bed.archive, listed, list, &bed.err));
    CHECK_TEXT(str_of(list), "0-299 gone 300-899 gone 900-999 last ");
    /* a reader from before, and a new one */
    struct archive_reader *fresh = reader_new(&bed);
    testbed_ok(&bed, archive_reader_refresh(old, &bed.err));
    CHECK_INT(archive_reader_first(fresh), 900);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct tlog_hash again;
        test_row("size %llu", (unsigned long long)sizes[i]);
        testbed_ok(&bed, archive_reader_root(fresh, sizes[i], &again, &bed.err));
        CHECK(tlog_hash_eq(&again, &root[i]));
        testbed_ok(&bed, archive_reader_root(old, sizes[i], &again, &bed.err));
        CHECK(tlog_hash_eq(&again, &root[i]));
    }
    proofs_hold(&bed, fresh, 900, 1022);
    proofs_hold(&bed, old, 900, 1022);
    struct arena *arena = arena_new(1 << 28);
    struct archive_hit hit;
    CHECK_INT(archive_reader_record(fresh, 299, arena, &hit, &bed.err), RC_NOT_FOUND);
    CHECK_TEXT(str_of(bed.err.text),
               "record 299 is gone: records 0 to 299 were deleted on 2030-11-21 under record 1021");
    CHECK_INT(archive_reader_record(old, 300, arena, &hit, &bed.err), RC_NOT_FOUND);
    arena_free(arena);
    archive_reader_close(fresh);
    archive_reader_close(old);
    testbed_remove(&bed);
}

/* Of a checkpoint whose path is not there nothing can be said; a path that is damaged is damage. */
static void paths_are_read(void)
{
    static const char name[] = "checkpoints/0000000000000064.path";
    static const char zeros[4096];
    const struct {
        size_t size;
        const char *told;
    } rows[] = {{0, "0000000000000064: the first 100 records are not"},
                {31, "0000000000000064: the first 100 records are not"},
                {96, "0000000000000064: the first 100 records are not"},
                {4096, "0000000000000064: its path cannot be read"}};
    struct testbed bed;
    struct verify_result result;
    make_long(&bed, 256 << 10);
    retire(&bed, 0);
    drop(&bed, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu bytes", rows[i].size);
        CHECK_INT(unlinkat(bed.folder, name, 0), 0);
        int fd = openat(bed.folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK_INT(pwrite(fd, zeros, rows[i].size, 0), rows[i].size);
        close(fd);
        CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        told(rows[i].told);
        CHECK_INT(result.findings, 1);
        CHECK_INT(result.blind, 1);
    }
    CHECK_INT(unlinkat(bed.folder, name, 0), 0);
    testbed_ok(&bed, verify(&bed, &result));
    CHECK_INT(result.blind, 2);
    testbed_remove(&bed);
}

static void the_writer_goes_on(void)
{
    struct testbed bed;
    struct verify_result result;
    char list[256] = "";
    make_long(&bed, 256 << 10);
    retire(&bed, 0);
    drop(&bed, 0);
    testbed_close(&bed);
    testbed_ok(&bed, testbed_open(&bed, 256 << 10, false));
    CHECK_INT(bed.recovered.size, 1021);
    retire(&bed, 300);
    put_sealed(&bed, 100);
    testbed_close(&bed); /* 300's tombstone is beside it */
    testbed_ok(&bed, testbed_open(&bed, 256 << 10, false));
    testbed_ok(&bed, testbed_put(&bed, 10, true));
    testbed_ok(&bed, testbed_checkpoint(&bed, true));
    put_sealed(&bed, 10);
    drop(&bed, 300);
    testbed_ok(&bed, verify(&bed, &result));
    CHECK_INT(result.gone_records, 900);
    /* the segment with both retention records stays */
    testbed_ok(&bed, archive_segments(bed.archive, listed, list, &bed.err));
    CHECK_TEXT(str_of(list), "0-299 gone 300-899 gone 900-999 1000-1121 held 1122-1141 last ");
    struct archive_totals totals = archive_totals(bed.archive);
    CHECK_INT(totals.segments, 3);
    CHECK_INT(totals.gone_segments, 2);
    testbed_remove(&bed);
}

/* ---- every byte ---- */

static void flip(struct testbed *bed, int fd, size_t at, char bits)
{
    char byte;
    CHECK_INT(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= bits;
    CHECK_INT(pwrite(fd, &byte, 1, (off_t)at), 1);
    (void)bed;
}

static const char gone_name[] = "seg/0000000000000000.gone";

static void make_gone(struct testbed *bed)
{
    testbed_make(bed);
    testbed_ok(bed, testbed_open(bed, 64 << 10, false));
    put_sealed(bed, 6);
    put_sealed(bed, 3);
    retire(bed, 0);
    drop(bed, 0);
}

static void every_byte_is_pinned(void)
{
    struct testbed bed;
    struct verify_result result;
    struct stat st;
    make_gone(&bed);
    CHECK_INT(fstatat(bed.folder, gone_name, &st, 0), 0);
    int fd = openat(bed.folder, gone_name, O_RDWR | O_CLOEXEC);
    for (size_t at = 0; at < (size_t)st.st_size; at++) {
        /* of the header's zeros, and of the footer's, some: one hash is over all of them */
        bool zeros = (at > 64 + 64 && at < 64 + 4092) || (at > (size_t)st.st_size - 400 && at < (size_t)st.st_size - 4);
        if (zeros && at % 61)
            continue;
        test_row("byte %zu", at);
        flip(&bed, fd, at, 0x10);
        bool found = CHECK_INT(verify(&bed, &result), RC_CORRUPT) && told(gone_name);
        flip(&bed, fd, at, 0x10);
        if (!found)
            break;
    }
    for (off_t cut = 0; cut < st.st_size; cut += 97) {
        static char bytes[1 << 15];
        test_row("cut to %lld", (long long)cut);
        CHECK_INT(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
        CHECK_INT(ftruncate(fd, cut), 0);
        CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        CHECK_INT(pwrite(fd, bytes, (size_t)st.st_size, 0), st.st_size);
    }
    close(fd);
    testbed_ok(&bed, verify(&bed, &result));
    testbed_remove(&bed);
}

/* Puts bytes somewhere and makes the checksum at `crc_at` over [from, crc_at) right again. */
static void forge(int fd, off_t at, const void *bytes, size_t n, off_t from, off_t crc_at)
{
    static char room[8192];
    char crc[4];
    CHECK_INT(pwrite(fd, bytes, n, at), n);
    CHECK_INT(pread(fd, room, (size_t)(crc_at - from), from), crc_at - from);
    put_be32(crc, crc32c(0, room, (size_t)(crc_at - from)));
    CHECK_INT(pwrite(fd, crc, 4, crc_at), 4);
}

static void checksums_do_not_help_a_forger(void)
{
    struct testbed bed;
    struct verify_result result;
    struct stat st;
    char old[64];
    char eight[8];
    make_gone(&bed);
    CHECK_INT(fstatat(bed.folder, gone_name, &st, 0), 0);
    int fd = openat(bed.folder, gone_name, O_RDWR | O_CLOEXEC);
    off_t footer = st.st_size - SEGMENT_FOOTER;
    const struct {
        off_t at;
        uint64_t value;
        off_t from;
        off_t crc_at;
        const char *told;
    } rows[] = {
        {16, 8, 0, 60, "record 8 does not vouch for the deletion: it is no retention record"},
        {16, 99, 0, 60, "record 99, which should say who deleted records 0 to 5, is not in the archive"},
        {16, 3, 0, 60, "its mark is that of another segment"},
        {24, 1, 0, 60, "its mark is that of another segment"},
        {32, 1, 0, 60, "its mark is damaged"},
        {footer + 40, (uint64_t)TESTBED_TIME, footer, st.st_size - 4, "it names another footer"},
        {footer + 16, 7, footer, st.st_size - 4, "its edges do not match its range"},
        {footer + 700, 7, footer, st.st_size - 4, "it names another footer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK_INT(pread(fd, old, 8, rows[i].at), 8);
        put_be64(eight, rows[i].value);
        forge(fd, rows[i].at, eight, 8, rows[i].from, rows[i].crc_at);
        CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        told(rows[i].told);
        forge(fd, rows[i].at, old, 8, rows[i].from, rows[i].crc_at);
    }
    close(fd);
    testbed_ok(&bed, verify(&bed, &result));
    CHECK_INT(renameat(bed.folder, gone_name, bed.folder, "aside"), 0);
    CHECK_INT(verify(&bed, &result), RC_CORRUPT);
    told("records 0 to 5 are missing");
    testbed_remove(&bed);
}

/* What cannot be looked at is neither damaged nor refused. */
static void a_limit_is_no_damage(void)
{
    struct testbed bed;
    struct verify_result result;
    struct retire_question question = {.law = &law};
    make_long(&bed, 256 << 10);
    retire(&bed, 0);
    int fd = openat(bed.folder, gone_name, O_RDWR | O_CLOEXEC);
    CHECK_INT(ftruncate(fd, (off_t)TOMBSTONE_SIZE_MAX + 1), 0);
    close(fd);
    CHECK_INT(verify(&bed, &result), RC_LIMIT);
    CHECK_TEXT(str_of(first_finding), "");
    struct archive_reader *reader = reader_new(&bed);
    CHECK_INT(archive_retire_judge(reader, 0, &question, &bed.err), RC_LIMIT);
    archive_reader_close(reader);
    testbed_remove(&bed);
}

/* Whoever cannot sign deletes a segment and appends a record that says so. */
static void a_record_must_be_signed(void)
{
    struct testbed bed;
    struct verify_result result;
    struct retention_record record;
    testbed_make(&bed);
    testbed_ok(&bed, testbed_open(&bed, 64 << 10, false));
    put_sealed(&bed, 6);
    put_sealed(&bed, 3);
    testbed_ok(&bed, testbed_checkpoint(&bed, false));
    describe(&bed, 0, &record);
    testbed_ok(&bed, archive_tombstone(bed.archive, 0, put_retention(&bed, &record), &bed.err));
    for (int gone = 0; gone < 2; gone++) {
        if (gone)
            drop(&bed, 0);
        CHECK_INT(verify(&bed, &result), RC_CORRUPT);
        told("record 9, which says who deleted records 0 to 5, is under no checkpoint");
    }
    testbed_ok(&bed, testbed_checkpoint(&bed, false));
    testbed_ok(&bed, verify(&bed, &result));
    testbed_remove(&bed);
}

/* The table of sources cannot be left out unseen, though the mark would allow it. */
static void sources_cannot_be_stripped(void)
{
    static char bytes[1 << 15];
    struct testbed bed;
    struct verify_result result;
    make_gone(&bed);
    int fd = openat(bed.folder, gone_name, O_RDWR | O_CLOEXEC);
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    const char *footer = bytes + n - SEGMENT_FOOTER;
    size_t sources = get_be64(footer + SEGMENT_ROWS + (SECTION_SOURCES - 1) * SEGMENT_ROW + SEGMENT_ROW_LENGTH);
    CHECK(n > SEGMENT_FOOTER && sources > 0 && sources < (size_t)n);
    memmove(bytes + n - SEGMENT_FOOTER - sources, footer, SEGMENT_FOOTER);
    put_be32(bytes + 12, get_be32(bytes + 12) & ~(1u << SECTION_SOURCES));
    put_be32(bytes + 60, crc32c(0, bytes, 60));
    CHECK_INT(pwrite(fd, bytes, (size_t)n - sources, 0), n - (ssize_t)sources);
    CHECK_INT(ftruncate(fd, n - (off_t)sources), 0);
    CHECK_INT(verify(&bed, &result), RC_CORRUPT);
    told("record 9 does not vouch for the deletion: it says otherwise whether the table of sources is kept");
    close(fd);
    testbed_remove(&bed);
}

/* A deleted segment excuses no checkpoint of an origin that nobody knows. */
static void other_origins_are_not_excused(void)
{
    static const uint8_t seed[32] = {77};
    struct testbed bed;
    struct verify_result result;
    struct tlog_head head = {.size = 3};
    struct buf note CLEANUP(buf_done) = {0};
    struct signing_key *key = NULL;
    make_gone(&bed);
    buf_init(&note, NOTE_SIZE_MAX);
    testbed_ok(&bed, signing_key_from_seed(STR("other.test/1"), NOTE_ED25519, seed, &key, &bed.err));
    testbed_ok(&bed, checkpoint_sign(key, STR("other.test/1"), &head, &note, &bed.err));
    int folder = openat(bed.folder, NAME_CHECKPOINTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    testbed_ok(&bed, file_replace(bed.io, folder, "0000000000000003", buf_view(&note), &bed.err));
    CHECK_INT(verify(&bed, &result), RC_CORRUPT);
    told("the checkpoint is of an unknown instance, \"other.test/1\"");
    close(folder);
    signing_key_free(key);
    testbed_remove(&bed);
}

/* ---- the judge ---- */

struct lie {
    const char *name;
    /* Makes a segment at 0, and what else the lie needs, then asks. */
    void (*tell)(struct testbed *bed);
    const char *why; /* the judge's answer; NULL: it may go */
    uint64_t first;
    int64_t wall_ns;
    uint32_t days;
    enum { ALONE, LAWLESS, WITNESSED } with; /* the last: a witness is asked for */
};

static void honest(struct testbed *bed)
{
    retire(bed, 0);
}

static void no_tombstone(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    put_retention(bed, &record);
    testbed_ok(bed, testbed_checkpoint(bed, false));
}

static void last_one(struct testbed *bed)
{
    retire(bed, 6);
}

static void other_tombstone(struct testbed *bed)
{
    retire(bed, 0);
    int fd = openat(bed->folder, gone_name, O_RDWR | O_CLOEXEC);
    flip(bed, fd, 64 + 4096 + 5, 1);
    close(fd);
}

static void with_record(struct testbed *bed, uint64_t number)
{
    testbed_ok(bed, testbed_checkpoint(bed, false));
    testbed_ok(bed, archive_tombstone(bed->archive, 0, number, &bed->err));
}

static void other_type(struct testbed *bed)
{
    struct retention_record record;
    struct buf body CLEANUP(buf_done) = {0};
    buf_init(&body, 60000);
    describe(bed, 0, &record);
    retention_record_write(&record, &body);
    with_record(bed, put_own(bed, LEAF_LIFECYCLE, buf_view(&body)));
}

static void other_text(struct testbed *bed)
{
    with_record(bed, put_own(bed, LEAF_RETENTION, STR("{\"event\":\"retention\"}")));
}

static void other_segment(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 6, &record);
    with_record(bed, put_retention(bed, &record));
}

static void other_footer(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.footer.bytes[3] ^= 1;
    with_record(bed, put_retention(bed, &record));
}

static void other_times(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.received_max_ns -= DAY_S * SECOND_NS;
    with_record(bed, put_retention(bed, &record));
}

static void one_person(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    snprintf(record.approver, sizeof record.approver, "%s", record.proposer);
    with_record(bed, put_retention(bed, &record));
}

static void early_term(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.keep_until_ns = 1;
    with_record(bed, put_retention(bed, &record));
}

static void no_act(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.edition[0] = '\0';
    with_record(bed, put_retention(bed, &record));
}

static void other_edition(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.edition[0] = '2';
    with_record(bed, put_retention(bed, &record));
}

static void other_term(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.keep_until_ns += DAY_S * SECOND_NS;
    with_record(bed, put_retention(bed, &record));
}

static void fewer_days(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.days = 30;
    with_record(bed, put_retention(bed, &record));
}

static void other_sources(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.sources = !record.sources;
    with_record(bed, put_retention(bed, &record));
}

static void nobody(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    record.proposer[0] = '\0';
    with_record(bed, put_retention(bed, &record));
}

static void unsigned_record(struct testbed *bed)
{
    struct retention_record record;
    describe(bed, 0, &record);
    testbed_ok(bed, testbed_checkpoint(bed, false));
    uint64_t number = put_retention(bed, &record);
    testbed_ok(bed, archive_tombstone(bed->archive, 0, number, &bed->err));
}

static struct signing_key *key_of(struct testbed *bed, enum note_type type, uint8_t first)
{
    const uint8_t seed[32] = {first};
    struct signing_key *key = NULL;
    struct str name = type == NOTE_COSIGNATURE ? STR("w.test") : str_of(archive_origin(bed->archive));
    testbed_ok(bed, signing_key_from_seed(name, type, seed, &key, &bed->err));
    return key;
}

struct forged {
    const char *name;
    uint64_t size;
    uint8_t key;
    uint8_t witness; /* 0: none */
    bool other_root;
};

static void forge_note(struct testbed *bed, const struct forged *forged)
{
    struct tlog_head head = {.size = forged->size};
    struct buf note CLEANUP(buf_done) = {0};
    struct str origin = str_of(archive_origin(bed->archive));
    int folder = openat(bed->folder, NAME_CHECKPOINTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct signing_key *key = key_of(bed, NOTE_ED25519, forged->key);
    struct signing_key *witness = key_of(bed, NOTE_COSIGNATURE, forged->witness);
    buf_init(&note, NOTE_SIZE_MAX);
    if (!forged->other_root)
        testbed_ok(bed, archive_root(bed->archive, head.size, &head.root, &bed->err));
    testbed_ok(bed, checkpoint_sign(key, origin, &head, &note, &bed->err));
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, NOTE_SIZE_MAX);
    buf_put(&text, note.p, str_search(buf_view(&note), STR("\n\n")) + 1);
    if (forged->witness)
        testbed_ok(bed, signing_key_sign(witness, buf_view(&text), 77, &note, &bed->err));
    testbed_ok(bed, file_replace(bed->io, folder, forged->name, buf_view(&note), &bed->err));
    signing_key_free(key);
    signing_key_free(witness);
    close(folder);
}

static void forged_root(struct testbed *bed)
{
    retire(bed, 0);
    forge_note(bed, &(struct forged){NAME_LATEST, archive_durable(bed->archive), 42, 0, true});
}

static void forged_key(struct testbed *bed)
{
    retire(bed, 0);
    forge_note(bed, &(struct forged){NAME_LATEST, archive_durable(bed->archive), 44, 0, false});
}

static void witnesses_behind(struct testbed *bed)
{
    retire(bed, 0);
    forge_note(bed, &(struct forged){NAME_COSIGNED, 5, 42, 43, false});
}

static void witnesses_agree(struct testbed *bed)
{
    retire(bed, 0);
    forge_note(bed, &(struct forged){NAME_COSIGNED, archive_durable(bed->archive), 42, 43, false});
}

static void witnesses_missing(struct testbed *bed)
{
    retire(bed, 0);
    forge_note(bed, &(struct forged){NAME_COSIGNED, archive_durable(bed->archive), 42, 0, false});
}

static void witnesses_others(struct testbed *bed)
{
    retire(bed, 0);
    forge_note(bed, &(struct forged){NAME_COSIGNED, archive_durable(bed->archive), 42, 45, false});
}

static void signed_clock_behind(struct testbed *bed)
{
    /* The retention record's own time is the newest that is signed; one more of today makes today the signed clock. */
    retire(bed, 0);
    testbed_ok(bed, testbed_put(bed, 1, true));
    testbed_ok(bed, testbed_checkpoint(bed, false));
}

static void holder(struct testbed *bed)
{
    retire(bed, 0);
    drop(bed, 0);
    put_sealed(bed, 1); /* 9 to 10 have the record */
    put_sealed(bed, 1);
    retire(bed, 9);
}

static void incident(struct testbed *bed)
{
    struct str body = STR("{\"event\":\"incident\",\"old_origin\":\"test.example/1\"}");
    testbed_ok(bed, archive_lifecycle(bed->archive, body, TESTBED_TIME, 0, &bed->err));
    put_sealed(bed, 3);
    put_sealed(bed, 1);
    retire(bed, 9);
}

/* Records of today, in a segment whose footer says that they are old. */
static void young(struct testbed *bed, bool whole_group)
{
    static const char name[] = "seg/0000000000000009.seg";
    struct stat st;
    char times[16];
    bed->time_ns = LATER;
    put_sealed(bed, whole_group ? 300 : 4);
    put_sealed(bed, 1);
    testbed_close(bed);
    put_be64(times, (uint64_t)TESTBED_TIME);
    put_be64(times + 8, (uint64_t)TESTBED_TIME);
    int fd = openat(bed->folder, name, O_RDWR | O_CLOEXEC);
    CHECK_INT(fstat(fd, &st), 0);
    forge(fd, st.st_size - SEGMENT_FOOTER + 32, times, sizeof times, st.st_size - SEGMENT_FOOTER, st.st_size - 4);
    close(fd);
    testbed_ok(bed, testbed_open(bed, 64 << 10, false));
    retire(bed, 9);
}

static void young_records(struct testbed *bed)
{
    young(bed, false);
}

static void young_group(struct testbed *bed)
{
    young(bed, true);
}

/* The segment of other records, whole in itself. */
static void other_records(struct testbed *bed)
{
    struct testbed other;
    char from[128];
    char to[128];
    testbed_make(&other);
    other.time_ns = TESTBED_TIME - DAY_S * SECOND_NS;
    testbed_ok(&other, testbed_open(&other, 64 << 10, false));
    put_sealed(&other, 6);
    put_sealed(bed, 300); /* its first group has the true records' leaves in it */
    testbed_close(bed);
    snprintf(from, sizeof from, "%s/seg/0000000000000000.seg", other.path);
    snprintf(to, sizeof to, "%s/seg/0000000000000000.seg", bed->path);
    CHECK_INT(rename(from, to), 0);
    testbed_remove(&other);
    testbed_ok(bed, testbed_open(bed, 64 << 10, false));
    retire(bed, 0);
}

static const struct lie lies[] = {
    {"none", honest, NULL, 0, LATER, 1096, ALONE},
    {"no tombstone", no_tombstone, "its tombstone is not there", 0, LATER, 1096, ALONE},
    {"the last segment", last_one, "it is the last segment", 6, LATER, 1096, ALONE},
    {"no such segment", honest, "no segment begins at record 3", 3, LATER, 1096, ALONE},
    {"another tombstone", other_tombstone, "tombstone \"0000000000000000.gone\" is not that of its segment", 0, LATER,
     1096, ALONE},
    {"a record of another type", other_type, "the record that its tombstone names is no retention record", 0, LATER,
     1096, ALONE},
    {"a record of another text", other_text, "the record that its tombstone names is no retention record", 0, LATER,
     1096, ALONE},
    {"a record of another segment", other_segment, "its retention record does not fit: it is of another segment", 0,
     LATER, 1096, ALONE},
    {"another footer", other_footer, "its retention record does not fit: it names another footer", 0, LATER, 1096,
     ALONE},
    {"other times", other_times, "its retention record does not fit: it names other times of receipt", 0, LATER, 1096,
     ALONE},
    {"one person", one_person, "its retention record does not fit: one person alone agreed to it", 0, LATER, 1096,
     ALONE},
    {"other sources", other_sources,
     "its retention record does not fit: it says otherwise whether the table of sources is kept", 0, LATER, 1096,
     ALONE},
    {"an early term", early_term,
     "its retention record does not fit: its term ends before that of the settings it names", 0, LATER, 1096, ALONE},
    {"no act", no_act, "its retention record does not fit: it names no act", 0, LATER, 1096, ALONE},
    {"another edition", other_edition,
     "its retention record names another act or term than follows from the acts' table", 0, LATER, 1096, ALONE},
    {"another term", other_term, "its retention record names another act or term than follows from the acts' table", 0,
     LATER, 1096, ALONE},
    {"fewer days", fewer_days, "its retention record is of 30 days by the settings, which now ask for 1096", 0, LATER,
     1096, ALONE},
    {"nobody", nobody, "its retention record does not fit: one person alone agreed to it", 0, LATER, 1096, ALONE},
    {"not signed", unsigned_record, "the newest checkpoint does not cover its retention record", 0, LATER, 1096, ALONE},
    {"another root", forged_root, "the newest checkpoint is not of this archive's records", 0, LATER, 1096, ALONE},
    {"another key", forged_key,
     "the newest checkpoint is not to be believed: checkpoint of \"test.example/01020304000000000000000000000000\" is "
     "not "
     "signed by a log of the policy",
     0, LATER, 1096, ALONE},
    {"witnesses behind", witnesses_behind,
     "the newest checkpoint that witnesses signed does not cover its retention record", 0, LATER, 1096, WITNESSED},
    {"no witness asked for", witnesses_behind, NULL, 0, LATER, 1096, ALONE},
    {"witnesses", witnesses_agree, NULL, 0, LATER, 1096, WITNESSED},
    {"nothing of witnesses", honest, "the newest checkpoint that witnesses signed is not there", 0, LATER, 1096,
     WITNESSED},
    {"no quorum", witnesses_missing,
     "the newest checkpoint that witnesses signed is not to be believed: 0 witnesses cosigned; that does not reach the "
     "policy's quorum",
     0, LATER, 1096, WITNESSED},
    {"another witness", witnesses_others,
     "the newest checkpoint that witnesses signed is not to be believed: 0 witnesses cosigned; that does not reach the "
     "policy's quorum",
     0, LATER, 1096, WITNESSED},
    {"this clock behind", honest,
     "it is kept until 2029-11-18 (832 p.38(4), edition 10.02.2023; 1096 days by the settings)", 0,
     TESTBED_TIME + DAY_S *SECOND_NS, 1096, ALONE},
    {"the signed clock behind", signed_clock_behind,
     "it is kept until 2029-11-18 (832 p.38(4), edition 10.02.2023; 1096 days by the settings)", 0, LATER, 1096, ALONE},
    {"a longer policy", honest,
     "it is kept until 2032-05-10 (832 p.38(4), edition 10.02.2023; 2000 days by the settings)", 0, LATER, 2000, ALONE},
    {"no law", honest, "no act in force says how long it is kept", 0, LATER, 1096, LAWLESS},
    {"the holder of an incident", incident, "it holds the record of an incident, which explains older checkpoints", 9,
     LATER, 1096, ALONE},
    {"records of today", young_records,
     "segment \"0000000000000009.seg\": the footer names other times or sizes than its blocks have", 9, LATER, 1096,
     ALONE},
    {"many records of today", young_group,
     "segment \"0000000000000009.seg\": the footer names other times or sizes than its blocks have", 9, LATER, 1096,
     ALONE},
    {"other records", other_records, "its last records are not those of the tree", 0, LATER, 1096, ALONE},
    {"the holder of a record", holder, "it holds the retention record of another segment", 9, LATER, 1096, ALONE},
};

static struct policy *signers_of(struct testbed *bed, bool witnessed)
{
    static struct policy signers;
    struct signing_key *key = key_of(bed, NOTE_ED25519, 42);
    struct signing_key *witness = key_of(bed, NOTE_COSIGNATURE, 43);
    policy_of_key(signing_key_public(key), &signers);
    signers.witness[0].key = *signing_key_public(witness);
    signers.witness_count = 1;
    signers.quorum_is_witness = true;
    signers.no_quorum = !witnessed;
    signing_key_free(key);
    signing_key_free(witness);
    return &signers;
}

static void judge_all(const struct lie *all, size_t count,
                      enum rc (*judge)(struct archive_reader *reader, uint64_t first,
                                       const struct retire_question *question, struct err *err))
{
    static struct retention_law none;
    for (size_t i = 0; i < count; i++) {
        const struct lie *lie = &all[i];
        struct testbed bed;
        struct err err = {0};
        struct retention_policy policy = {.days = lie->days};
        struct retire_question question = {
            .law = lie->with == LAWLESS ? &none : &law, .policy = &policy, .wall_ns = lie->wall_ns};
        testbed_make(&bed);
        testbed_ok(&bed, testbed_open(&bed, 64 << 10, false));
        put_sealed(&bed, 6);
        put_sealed(&bed, 3);
        test_row("%s", lie->name);
        lie->tell(&bed);
        question.signers = signers_of(&bed, lie->with == WITNESSED);
        struct archive_reader *reader = reader_new(&bed);
        enum rc rc = judge(reader, lie->first, &question, &err);
        CHECK_INT(rc, lie->why ? (lie->first == 3 ? RC_NOT_FOUND : RC_DENIED) : RC_OK);
        if (lie->why)
            CHECK_TEXT(str_of(err.text), lie->why);
        archive_reader_close(reader);
        testbed_remove(&bed);
    }
}

static void the_judge_believes_nobody(void)
{
    judge_all(lies, ARRAY_LEN(lies), archive_retire_judge);
}

static void young_gone(struct testbed *bed)
{
    bed->time_ns = LATER;
    put_sealed(bed, 4);
    put_sealed(bed, 1);
    retire(bed, 9);
    drop(bed, 9);
}

static void unsigned_gone(struct testbed *bed)
{
    unsigned_record(bed);
    drop(bed, 0);
}

static void other_gone(struct testbed *bed)
{
    other_footer(bed);
    drop(bed, 0);
}

static void honest_gone(struct testbed *bed)
{
    retire(bed, 0);
    drop(bed, 0);
}

static const struct lie key_lies[] = {
    {"none", honest_gone, NULL, 0, LATER, 1096, ALONE},
    {"the segment is there", honest, "the segment is there", 0, LATER, 1096, ALONE},
    {"not signed", unsigned_gone, "the newest checkpoint does not cover its retention record", 0, LATER, 1096, ALONE},
    {"no witness", honest_gone, "the newest checkpoint that witnesses signed is not there", 0, LATER, 1096, WITNESSED},
    {"another footer", other_gone, "its retention record does not fit: it names another footer", 0, LATER, 1096, ALONE},
    {"records of today", young_gone, "its retention record does not fit: it was approved before it could be", 9, LATER,
     1096, ALONE},
    {"no such segment", honest_gone, "no segment begins at record 3", 3, LATER, 1096, ALONE},
};

static void keys_are_judged_too(void)
{
    judge_all(key_lies, ARRAY_LEN(key_lies), archive_retire_judge_keys);
}

static const struct test tests[] = {
    {"the tree goes on over deleted segments", the_tree_goes_on},
    {"paths are read", paths_are_read},
    {"the writer goes on over deleted segments", the_writer_goes_on},
    {"every byte of a tombstone is pinned", every_byte_is_pinned},
    {"checksums do not help a forger", checksums_do_not_help_a_forger},
    {"other origins are not excused", other_origins_are_not_excused},
    {"sources cannot be stripped", sources_cannot_be_stripped},
    {"a limit is no damage", a_limit_is_no_damage},
    {"a record must be signed", a_record_must_be_signed},
    {"keys are judged too", keys_are_judged_too},
    {"the judge believes nobody", the_judge_believes_nobody},
};

int main(int argc, char **argv)
{
    CHECK_INT(retention_law_parse(&law, str_of(table), NULL), RC_OK);
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
