/* The audit against archives that the archive room made, whole and then attacked. */
#include "archive/retire.h"
#include "archive/testbed.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/test.h"
#include "cmd/qorgan_verify_audit.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_SIZE   (INT64_C(64) << 10)
#define FILES_MAX  64
#define COPY_LIMIT ((size_t)1 << 20)

static struct arena *arena;
static struct policy policy;
static char found_file[AUDIT_FILE_MAX];
static char found_text[ERR_TEXT_MAX];
static int64_t found_offset;
static uint64_t found_size;
static uint64_t found_warnings;
static struct err found_err;

/* Audits with the testbed's key and keeps what was found. */
static enum rc audit(const struct testbed *bed)
{
    arena_reset(arena);
    policy_of_key(signing_key_public(bed->key), &policy);
    struct audit *a = audit_new(&policy, arena);
    enum rc rc = audit_check(a, bed->path, &found_err);
    CHECK_INT(rc == RC_CORRUPT, a->damaged);
    snprintf(found_file, sizeof(found_file), "%s", a->damaged ? a->file : "");
    snprintf(found_text, sizeof(found_text), "%s", a->text);
    found_offset = a->offset;
    found_size = a->frontier.size;
    found_warnings = a->warning_count;
    audit_done(a);
    return rc;
}

/* Two segments, a log file closed and one that grows; retained checkpoints, the newest not at the end. */
static void make(struct testbed *bed, size_t count)
{
    testbed_make(bed);
    CHECK(testbed_open(bed, LOG_SIZE, false) == RC_OK);
    struct event_source source = {.id = {1}, .kind = STR("udp"), .name = STR("one")};
    CHECK(archive_source(bed->archive, &source, 1, 2, &bed->err) == RC_OK);
    for (int i = 0; i < 3; i++) {
        CHECK(testbed_put(bed, count, true) == RC_OK);
        CHECK(testbed_checkpoint(bed, true) == RC_OK);
        CHECK(testbed_put(bed, count / 3, true) == RC_OK);
        CHECK(archive_rotate(bed->archive, &bed->err) == RC_OK);
        if (i < 2)
            CHECK(testbed_seal(bed, 2) > 0);
    }
    CHECK(testbed_put(bed, 10, true) == RC_OK);
    CHECK(testbed_checkpoint(bed, false) == RC_OK);
    CHECK(testbed_put(bed, 5, true) == RC_OK);
}

static void whole_archive(void)
{
    static const size_t counts[] = {3, 90, 255, 256, 700};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct testbed bed;
        test_row("%zu records", counts[i]);
        make(&bed, counts[i]);
        if (!CHECK_INT(audit(&bed), RC_OK))
            printf("# %s %lld\n", found_file, (long long)found_offset);
        CHECK_INT(found_size, archive_durable(bed.archive));
        CHECK_INT(found_warnings, 0);
        testbed_remove(&bed);
    }
}

static void large_records(void)
{
    struct testbed bed;
    struct archive_appended appended;
    static char raw[200000];
    memset(raw, 'x', sizeof(raw));
    testbed_make(&bed);
    CHECK(testbed_open(&bed, 1 << 20, false) == RC_OK);
    struct archive_record record = {.type = LEAF_RAW, .source = {3}, .sequence = 1, .raw = str_at(raw, sizeof(raw))};
    for (int i = 0; i < 2; i++) { /* in a segment, in the log */
        uint64_t durable = 0;
        CHECK(archive_append(bed.archive, &record, 1, &appended, &bed.err) == RC_OK);
        record.sequence++;
        CHECK(archive_commit(bed.archive, &durable, &bed.err) == RC_OK);
        CHECK(archive_rotate(bed.archive, &bed.err) == RC_OK);
        if (i == 0)
            CHECK_INT(testbed_seal(&bed, 1), 1);
    }
    CHECK(testbed_checkpoint(&bed, true) == RC_OK);
    CHECK_INT(audit(&bed), RC_OK);
    CHECK_INT(found_size, 2);
    testbed_remove(&bed);
}

/* ---- files, for attackers ---- */

struct files {
    const char *path;
    const char *folder;
    size_t count;
    char name[FILES_MAX][AUDIT_FILE_MAX];
};

static bool files_add(void *context, const char *name)
{
    struct files *files = context;
    struct stat status;
    char whole[256];
    snprintf(whole, sizeof(whole), "%s/%s%s", files->path, files->folder, name);
    if (CHECK(files->count < FILES_MAX) && stat(whole, &status) == 0 && S_ISREG(status.st_mode))
        snprintf(files->name[files->count++], AUDIT_FILE_MAX, "%s%s", files->folder, name);
    return true;
}

static void files_of(const struct testbed *bed, struct files *files)
{
    static const char *const folders[] = {"", "seg/", "wal/", "checkpoints/"};
    *files = (struct files){.path = bed->path};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        char whole[256];
        snprintf(whole, sizeof(whole), "%s/%s", bed->path, folders[i]);
        files->folder = folders[i];
        int fd = io_open_folder(whole);
        CHECK(fd >= 0);
        CHECK(io_kernel.list(NULL, fd, files_add, files) == 0);
        close(fd);
    }
}

static int open_file(const struct testbed *bed, const char *name)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%s/%s", bed->path, name);
    IGNORE(chmod(whole, 0600)); /* segments are read-only */
    int fd = open(whole, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static void flip(const struct testbed *bed, const char *name, off_t at, uint8_t mask)
{
    uint8_t byte = 0;
    int fd = open_file(bed, name);
    CHECK_INT(pread(fd, &byte, 1, at), 1);
    byte ^= mask;
    CHECK_INT(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static off_t size_of(const struct testbed *bed, const char *name)
{
    int fd = open_file(bed, name);
    off_t size = lseek(fd, 0, SEEK_END);
    close(fd);
    return size;
}

/* Bytes behind the last frame of a log file carry no record: touching them is a warning. */
static bool in_log(const char *name)
{
    return str_starts(str_of(name), STR("wal/"));
}

static void any_flip_is_found(void)
{
    struct testbed bed;
    static struct files files;
    size_t flips = 0;
    make(&bed, 60);
    CHECK_INT(audit(&bed), RC_OK);
    uint64_t whole = found_size;
    files_of(&bed, &files);
    CHECK(files.count >= 10);
    for (size_t i = 0; i < files.count; i++) {
        const char *name = files.name[i];
        off_t size = size_of(&bed, name);
        off_t step = in_log(name) ? 41 : size > 4096 ? 13 : 1;
        for (off_t at = 0; at < size; at += step, flips++) {
            uint8_t mask = (uint8_t)(1u << ((unsigned)at % 8));
            test_row("%s byte %lld", name, (long long)at);
            flip(&bed, name, at, mask);
            enum rc rc = audit(&bed);
            if (in_log(name) && rc == RC_OK) /* a torn end that nobody signed, or nothing but the zeros behind it */
                CHECK(found_warnings > 0 && found_size >= whole - 5);
            else
                CHECK(rc == RC_CORRUPT || rc == RC_INVALID); /* invalid: a version that is not known */
            flip(&bed, name, at, mask);
        }
    }
    CHECK(flips > 2000);
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

static void any_missing_file_is_found(void)
{
    struct testbed bed;
    static struct files files;
    make(&bed, 60);
    files_of(&bed, &files);
    for (size_t i = 0; i < files.count; i++) {
        char from[256];
        char to[256];
        snprintf(from, sizeof(from), "%s/%s", bed.path, files.name[i]);
        snprintf(to, sizeof(to), "%s/aside", bed.path);
        CHECK_INT(rename(from, to), 0);
        test_row("%s", files.name[i]);
        enum rc rc = audit(&bed);
        /* Without the latest, retained checkpoints and the lock are not missed: nothing says how many there were. */
        bool spare = str_is(str_of(files.name[i]), "lock") || (str_starts(str_of(files.name[i]), STR("checkpoints/0")));
        CHECK_INT(rc == RC_OK, spare);
        CHECK_INT(rename(to, from), 0);
    }
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

static void any_cut_is_found(void)
{
    struct testbed bed;
    static struct files files;
    make(&bed, 60);
    files_of(&bed, &files);
    for (size_t i = 0; i < files.count; i++) {
        off_t size = size_of(&bed, files.name[i]);
        for (off_t keep = 0; keep < size; keep += size / 9 + 1) {
            static char bytes[COPY_LIMIT];
            int fd = open_file(&bed, files.name[i]);
            CHECK_INT(pread(fd, bytes, (size_t)size, 0), size);
            CHECK_INT(ftruncate(fd, keep), 0);
            test_row("%s cut to %lld", files.name[i], (long long)keep);
            CHECK(audit(&bed) != RC_OK || in_log(files.name[i]));
            CHECK_INT(pwrite(fd, bytes, (size_t)size, 0), size);
            close(fd);
        }
    }
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

/* Every byte of one small segment. */
static void every_byte_of_a_segment_counts(void)
{
    static const char name[] = "seg/0000000000000000.seg";
    struct testbed bed;
    make(&bed, 3);
    CHECK_INT(audit(&bed), RC_OK);
    off_t size = size_of(&bed, name);
    for (off_t at = 0; at < size; at++) {
        uint8_t mask = (uint8_t)(1u << ((unsigned)at % 8));
        test_row("byte %lld", (long long)at);
        flip(&bed, name, at, mask);
        enum rc rc = audit(&bed);
        CHECK(rc == RC_CORRUPT || rc == RC_INVALID);
        flip(&bed, name, at, mask);
    }
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

/* Who holds the archive but not the key. */
static void another_key_proves_nothing(void)
{
    struct testbed bed;
    struct signing_key *other = NULL;
    uint8_t seed[32] = {99};
    make(&bed, 60);
    CHECK(signing_key_from_seed(str_of(archive_origin(bed.archive)), NOTE_ED25519, seed, &other, NULL) == RC_OK);
    struct signing_key *own = bed.key;
    bed.key = other;
    CHECK_INT(audit(&bed), RC_CORRUPT);
    CHECK(str_starts(str_of(found_file), STR("checkpoints/")));
    bed.key = NULL;
    CHECK(signing_key_from_seed(STR("another.test/log"), NOTE_ED25519, seed, &bed.key, NULL) == RC_OK);
    CHECK_INT(audit(&bed), RC_CORRUPT);
    CHECK_TEXT(str_of(found_file), "instance");
    signing_key_free(bed.key);
    signing_key_free(other);
    bed.key = own;
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

/* After a rollback a new instance goes on; its incident explains the checkpoints that the new key is not of. */
static void new_instance_is_explained(void)
{
    struct testbed bed;
    char path[128];
    testbed_make(&bed);
    CHECK(testbed_open(&bed, 1 << 20, false) == RC_OK);
    CHECK(testbed_put(&bed, 100, true) == RC_OK);
    CHECK(testbed_checkpoint(&bed, true) == RC_OK);
    CHECK(testbed_put(&bed, 50, true) == RC_OK);
    CHECK(testbed_checkpoint(&bed, false) == RC_OK);
    CHECK_INT(audit(&bed), RC_OK);
    testbed_close(&bed);
    snprintf(path, sizeof(path), "%s/wal/0000000000000000.wal", bed.path);
    CHECK_INT(truncate(path, 16500), 0);
    CHECK_INT(audit(&bed), RC_CORRUPT);
    CHECK_TEXT(str_of(found_file), "wal/0000000000000000.wal");
    CHECK(testbed_open(&bed, 1 << 20, true) == RC_OK);
    CHECK(bed.recovered.new_instance);
    CHECK(testbed_checkpoint(&bed, true) == RC_OK);
    if (!CHECK_INT(audit(&bed), RC_OK))
        printf("# %s\n", found_file);
    CHECK(found_warnings > 0);
    testbed_remove(&bed);
}

static void damage_has_a_place(void)
{
    struct testbed bed;
    make(&bed, 60);
    flip(&bed, "seg/0000000000000000.seg", 4096 + 200, 1);
    CHECK_INT(audit(&bed), RC_CORRUPT);
    CHECK_TEXT(str_of(found_file), "seg/0000000000000000.seg");
    CHECK_INT(found_offset, 4096);
    flip(&bed, "seg/0000000000000000.seg", 4096 + 200, 1);
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

/* A footer with its checksum right that names records which no file of this size can hold: refused before any memory is
 * taken for them. */
static void footer_cannot_ask_for_memory(void)
{
    static const char name[] = "seg/0000000000000000.seg";
    static const uint64_t ends[] = {UINT32_MAX, UINT32_MAX - 1, 1u << 30, 16384, 1};
    struct testbed bed;
    uint8_t footer[1024];
    make(&bed, 700);
    off_t place = size_of(&bed, name) - (off_t)sizeof(footer);
    int fd = open_file(&bed, name);
    CHECK_INT(pread(fd, footer, sizeof(footer), place), sizeof(footer));
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        test_row("end %llu", (unsigned long long)ends[i]);
        put_be64(footer + 16, ends[i]);
        put_be32(footer + sizeof(footer) - 4, crc32c(0, footer, sizeof(footer) - 4));
        CHECK_INT(pwrite(fd, footer, sizeof(footer), place), sizeof(footer));
        CHECK_INT(audit(&bed), RC_CORRUPT);
        CHECK_TEXT(str_of(found_text), "the segment's footer contradicts itself");
    }
    close(fd);
    testbed_remove(&bed);
}

/* An object asked for as many days, the settings for fewer. */
static void true_object(struct retention_record *record)
{
    record->object_days = record->days--;
    snprintf(record->object, sizeof(record->object), "a\"b");
}

/* The first segment goes as the keeper and the reaper let it go; `liar` changes its record. */
static void make_gone_signed(struct testbed *bed, size_t count, void (*liar)(struct retention_record *record),
                             bool is_signed)
{
    char path[128];
    struct archive_appended appended;
    struct retention_record record = {
        .days = 1096, .act = "832", .edition = "10.02.2023", .paragraph = "p.38(4)", .proposal = "1"};
    struct buf body CLEANUP(buf_done);
    uint64_t durable = 0;
    buf_init(&body, 60000);
    make(bed, count);
    snprintf(record.proposer, sizeof(record.proposer), "a\"b");
    snprintf(record.approver, sizeof(record.approver), "c");
    CHECK_INT(archive_retention_describe(bed->archive, 0, &record, &bed->err), RC_OK);
    record.keep_until_ns = record.received_max_ns + record.days * DAY_S * SECOND_NS;
    record.proposed_ns = record.keep_until_ns - 1;
    record.approved_ns = record.keep_until_ns;
    if (liar)
        liar(&record);
    retention_record_write(&record, &body);
    struct archive_record own = {
        .type = LEAF_RETENTION, .source = {7}, .sequence = 1, .received_ns = 3, .raw = buf_view(&body)};
    CHECK_INT(archive_append(bed->archive, &own, 1, &appended, &bed->err), RC_OK);
    CHECK_INT(archive_commit(bed->archive, &durable, &bed->err), RC_OK);
    CHECK_INT(is_signed ? testbed_checkpoint(bed, true) : RC_OK, RC_OK);
    CHECK_INT(archive_tombstone(bed->archive, 0, appended.first, &bed->err), RC_OK);
    CHECK_INT(audit(bed), (liar && liar != true_object) || !is_signed ? RC_CORRUPT : RC_OK); /* both there */
    snprintf(path, sizeof(path), "%s/seg/0000000000000000.seg", bed->path);
    CHECK_INT(unlink(path), 0);
}

static void make_gone(struct testbed *bed, size_t count, void (*liar)(struct retention_record *record))
{
    make_gone_signed(bed, count, liar, true);
}

static void a_deletion_must_be_signed(void)
{
    struct testbed bed;
    make_gone_signed(&bed, 60, NULL, false);
    CHECK_INT(audit(&bed), RC_CORRUPT);
    CHECK_TEXT(str_of(found_file), "seg/0000000000000000.gone");
    CHECK(str_ends(str_of(found_text), STR(", is not signed")));
    CHECK_INT(testbed_checkpoint(&bed, true), RC_OK);
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

/* A deleted segment excuses no checkpoint that none of the keys signed. */
static void other_origins_are_not_excused(void)
{
    static const uint8_t seed[32] = {77};
    struct testbed bed;
    struct tlog_head head = {.size = 3};
    struct buf note CLEANUP(buf_done);
    struct signing_key *key = NULL;
    make_gone(&bed, 60, NULL);
    buf_init(&note, NOTE_SIZE_MAX);
    CHECK_INT(signing_key_from_seed(STR("other.test/1"), NOTE_ED25519, seed, &key, NULL), RC_OK);
    CHECK_INT(checkpoint_sign(key, STR("other.test/1"), &head, &note, NULL), RC_OK);
    int folder = openat(bed.folder, "checkpoints", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(file_replace(bed.io, folder, "0000000000000003", buf_view(&note), NULL), RC_OK);
    CHECK_INT(audit(&bed), RC_CORRUPT);
    CHECK_TEXT(str_of(found_file), "checkpoints/0000000000000003");
    close(folder);
    signing_key_free(key);
    testbed_remove(&bed);
}

static void deleted_segments_are_proven(void)
{
    static const size_t counts[] = {3, 90, 255, 256, 700};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct testbed bed;
        test_row("%zu records", counts[i]);
        make_gone(&bed, counts[i], NULL);
        if (!CHECK_INT(audit(&bed), RC_OK))
            printf("# %s %lld\n", found_file, (long long)found_offset);
        CHECK_INT(found_size, archive_durable(bed.archive));
        testbed_remove(&bed);
    }
}

static void lie_first(struct retention_record *record)
{
    record->first++;
}

static void lie_end(struct retention_record *record)
{
    record->end++;
}

static void lie_footer(struct retention_record *record)
{
    record->footer.bytes[31] ^= 1;
}

static void lie_received(struct retention_record *record)
{
    record->received_min_ns--;
}

static void lie_alone(struct retention_record *record)
{
    snprintf(record->approver, sizeof(record->approver), "%s", record->proposer);
}

static void lie_sources(struct retention_record *record)
{
    record->sources = !record->sources;
}

static void lie_early(struct retention_record *record)
{
    record->keep_until_ns--;
}

static void lie_approved(struct retention_record *record)
{
    record->approved_ns--;
}

static void lie_days(struct retention_record *record)
{
    record->days++;
}

static void lie_no_days(struct retention_record *record)
{
    record->days = 0;
}

static void lie_act(struct retention_record *record)
{
    record->act[0] = '\0';
}

static void lie_edition(struct retention_record *record)
{
    record->edition[0] = '\0';
}

static void lie_quoted(struct retention_record *record)
{
    /* What it should say stands in a text instead. */
    snprintf(record->proposal, sizeof(record->proposal), ",\"first\":%llu,\"", (unsigned long long)record->first);
    record->first++;
}

static void lie_object_longer(struct retention_record *record)
{
    true_object(record);
    record->object_days++;
}

static void lie_object_shorter(struct retention_record *record)
{
    true_object(record);
    record->object_days = record->days;
}

static void lie_object_nameless(struct retention_record *record)
{
    true_object(record);
    record->object[0] = '\0';
}

static void a_deletion_names_an_object(void)
{
    struct testbed bed;
    make_gone(&bed, 60, true_object);
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

static void a_deletion_needs_its_record(void)
{
    static void (*const liars[])(struct retention_record * record) = {
        lie_first,   lie_end,           lie_footer,         lie_received,       lie_alone, lie_quoted,
        lie_early,   lie_approved,      lie_days,           lie_no_days,        lie_act,   lie_edition,
        lie_sources, lie_object_longer, lie_object_shorter, lie_object_nameless};
    for (size_t i = 0; i < ARRAY_LEN(liars); i++) {
        struct testbed bed;
        test_row("lie %zu", i);
        make_gone(&bed, 60, liars[i]);
        CHECK_INT(audit(&bed), RC_CORRUPT);
        CHECK_TEXT(str_of(found_file), "seg/0000000000000000.gone");
        testbed_remove(&bed);
    }
}

static void every_byte_of_a_tombstone_counts(void)
{
    static const char name[] = "seg/0000000000000000.gone";
    struct testbed bed;
    make_gone(&bed, 300, NULL);
    off_t size = size_of(&bed, name);
    for (off_t at = 0; at<size; at += at> 128 && at < 4096 ? 31 : 1) {
        uint8_t mask = (uint8_t)(1u << ((unsigned)at % 8));
        test_row("byte %lld", (long long)at);
        flip(&bed, name, at, mask);
        CHECK_INT(audit(&bed), RC_CORRUPT);
        flip(&bed, name, at, mask);
    }
    /* Inside of what is gone, a checkpoint still has to be that of the tree. */
    flip(&bed, "checkpoints/000000000000012d.path", 40, 1);
    CHECK_INT(audit(&bed), RC_CORRUPT);
    CHECK_TEXT(str_of(found_file), "checkpoints/000000000000012d.path");
    flip(&bed, "checkpoints/000000000000012d.path", 40, 1);
    CHECK_INT(audit(&bed), RC_OK);
    testbed_remove(&bed);
}

static const struct test tests[] = {
    {"whole archive", whole_archive},
    {"large records", large_records},
    {"any flip is found", any_flip_is_found},
    {"every byte of a segment counts", every_byte_of_a_segment_counts},
    {"any missing file is found", any_missing_file_is_found},
    {"any cut is found", any_cut_is_found},
    {"another key proves nothing", another_key_proves_nothing},
    {"new instance is explained", new_instance_is_explained},
    {"damage has a place", damage_has_a_place},
    {"a footer cannot ask for memory", footer_cannot_ask_for_memory},
    {"deleted segments are proven", deleted_segments_are_proven},
    {"other origins are not excused", other_origins_are_not_excused},
    {"a deletion must be signed", a_deletion_must_be_signed},
    {"a deletion needs its record", a_deletion_needs_its_record},
    {"a deletion names an object", a_deletion_names_an_object},
    {"every byte of a tombstone counts", every_byte_of_a_tombstone_counts},
};

int main(int argc, char **argv)
{
    arena = arena_new((size_t)1 << 30);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_free(arena);
    return status;
}
