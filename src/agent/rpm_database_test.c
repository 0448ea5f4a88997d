/* Samples that SQLite, Berkeley DB's own loader and rpm's ndb wrote, of the same headers: fuzz/agent_rpm_database. */
#include "agent/rpm_database.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_MAX 32768u

static const char *const names[] = {"sqlite", "log", "ndb", "berkeley"};

struct sample {
    uint8_t bytes[SAMPLE_MAX];
    struct str file, log;
};

static uint64_t fail_at; /* the n-th read from now fails; 0: none */
static uint64_t reads, bytes_given;

static bool bytes_read(void *context, uint64_t offset, void *bytes, size_t n)
{
    const struct str *file = context;
    CHECK(offset <= file->n && n <= file->n - offset);
    if (++reads == fail_at)
        return false;
    bytes_given += n;
    memcpy(bytes, file->p + offset, n);
    return true;
}

static void sample_load(struct sample *sample, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/fuzz/agent_rpm_database/%s", test_source_dir(), name);
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(sample->bytes, 1, sizeof sample->bytes, file) : 0;
    if (!CHECK(n > 1024 && n < sizeof sample->bytes))
        abort();
    fclose(file);
    sample->file = str_at(sample->bytes + 4, get_le32(sample->bytes));
    sample->log = str_at(sample->bytes + 4 + sample->file.n, n - 4 - sample->file.n);
}

static int text_order(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct list {
    char rows[64][768];
    size_t count, most;
};

static bool package_note(void *context, const struct rpm_package *package)
{
    struct list *list = context;
    if (list->count == ARRAY_LEN(list->rows))
        return false;
    snprintf(list->rows[list->count++], sizeof list->rows[0], "%u:%s-%s-%s.%s %s %u", package->epoch, package->name,
             package->version, package->release, package->architecture, package->source, package->installed_s);
    return list->most == 0 || list->count < list->most;
}

static bool sample_read(struct sample *sample, bool brief, struct list *list)
{
    const struct rpm_database database = {.file = {bytes_read, &sample->file, sample->file.n},
                                          .log = {bytes_read, &sample->log, sample->log.n},
                                          .brief = brief};
    list->count = 0;
    reads = bytes_given = 0;
    bool whole = rpm_database_read(&database, package_note, list);
    qsort(list->rows, list->count, sizeof list->rows[0], text_order);
    return whole;
}

static const char *const all[] = {
    "0:beta-libs-3.0.7-24.el9.noarch beta-3.0.7-24.el9.src.rpm 1700000001",
    "0:gpg-pubkey-fd431d51-4ae0493b.  0",
    "0:kernel-5.14.0-70.el9.x86_64 kernel-5.14.0-70.el9.src.rpm 1700000002",
    "0:kernel-5.14.0-71.el9.x86_64 kernel-5.14.0-71.el9.src.rpm 1700000003",
    "0:tool-1^git2-3.x86_64 tool-set-9-1.nosrc.rpm 0",
    "2:alpha-1.0-1.el9.x86_64 alpha-1.0-1.el9.src.rpm 1700000000",
};

static bool is_all(const struct list *list)
{
    bool same = list->count == ARRAY_LEN(all);
    for (size_t i = 0; same && i < list->count; i++)
        same = strcmp(list->rows[i], all[i]) == 0;
    return same;
}

static struct sample sample;
static struct list list;

/* Work is as the files are large, whatever they say. */
static bool was_bounded(void)
{
    uint64_t size = sample.file.n + sample.log.n;
    return reads <= 4097 + size / 256 && bytes_given <= ((uint64_t)1 << 20) + 3 * size + 16;
}

static void each_form_gives_its_packages(void)
{
    static const enum rpm_form forms[] = {RPM_SQLITE, RPM_SQLITE, RPM_NDB, RPM_BERKELEY};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        test_row("%s", names[i]);
        sample_load(&sample, names[i]);
        const struct rpm_file file = {bytes_read, &sample.file, sample.file.n};
        CHECK(rpm_database_form(&file) == forms[i]);
        CHECK(sample_read(&sample, false, &list) && is_all(&list));
        CHECK(sample_read(&sample, true, &list) && list.count == ARRAY_LEN(all));
        CHECK_TEXT(str_of(list.rows[0]), "0:alpha--.x86_64  0");
        list.most = 2;
        CHECK(!sample_read(&sample, false, &list) && list.count == 2); /* ended is not whole */
        list.most = 0;
    }
}

static void what_the_log_did_not_commit_is_not_there(void)
{
    sample_load(&sample, "log");
    const struct str log = sample.log;
    size_t frame = 24 + 512;
    size_t before = 3;
    for (size_t n = 0; n <= log.n; n += n < 32 ? 1 : n < 32 + 2 * frame ? 7 : frame / 4) {
        test_row("%zu of %zu", n, log.n);
        sample.log = str_slice(log, 0, n);
        CHECK(sample_read(&sample, false, &list));
        CHECK(list.count >= before && list.count <= ARRAY_LEN(all) + 1);
        before = MIN(list.count, (size_t)6);
    }
    sample.log = STR_NONE;
    CHECK(sample_read(&sample, false, &list) && list.count == 3);
    /* Of another generation, with a changed byte, of another size of pages: the frames from there on are none. */
    static const size_t places[] = {0, 4, 8, 16, 24, 32 + 8, 32 + 16, 32 + 24 + 100};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        test_row("changed at %zu", places[i]);
        sample_load(&sample, "log");
        sample.bytes[4 + sample.file.n + places[i]] ^= 0x40;
        CHECK(sample_read(&sample, false, &list) && list.count == 3);
    }
}

static void a_file_that_is_cut_is_not_read(void)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sample_load(&sample, names[i]);
        const struct str file = sample.file;
        size_t whole = 0;
        for (size_t n = 0; n < file.n; n++) {
            test_row("%s, %zu of %zu", names[i], n, file.n);
            sample.file = str_slice(file, 0, n);
            /* What lacks may be a page that nothing leads to, or that the log has: then all is there. */
            if (sample_read(&sample, false, &list)) {
                whole++;
                CHECK(is_all(&list));
            }
        }
        CHECK(whole < file.n / 3);
    }
}

static void each_read_fails_once(void)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sample_load(&sample, names[i]);
        CHECK(sample_read(&sample, false, &list));
        uint64_t count = reads;
        for (fail_at = 1; fail_at <= count; fail_at++) {
            test_row("%s, read %llu", names[i], (unsigned long long)fail_at);
            CHECK(!sample_read(&sample, false, &list));
        }
        fail_at = 0;
    }
}

static void memory_fails_once(void)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sample_load(&sample, names[i]);
        uint64_t before = memory_allocations();
        CHECK(sample_read(&sample, false, &list));
        uint64_t count = memory_allocations() - before;
        for (uint64_t n = 1; n <= count; n++) {
            test_row("%s, allocation %llu", names[i], (unsigned long long)n);
            memory_fail_at(n);
            CHECK(!sample_read(&sample, false, &list));
        }
        memory_fail_at(0);
    }
}

static void any_byte_may_be_wrong(void)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sample_load(&sample, names[i]);
        for (size_t at = 0; at < sample.file.n + sample.log.n; at++)
            for (unsigned flip = 1; flip < 256; flip *= 3) {
                uint8_t *byte = &sample.bytes[4 + at];
                test_row("%s, byte %zu, %u", names[i], at, flip);
                *byte ^= (uint8_t)flip;
                IGNORE(sample_read(&sample, false, &list)); /* that it ends, and reads nothing outside */
                CHECK(was_bounded());
                *byte ^= (uint8_t)flip;
            }
        CHECK(sample_read(&sample, false, &list) && is_all(&list));
    }
}

struct change {
    const char *name;
    size_t at;
    size_t n;
    const char *bytes;
};

static void what_must_not_be_is_refused(void)
{
    static const struct change rows[] = {
        {"sqlite", 16, 2, "\x00\x00"},                /* pages of no size */
        {"sqlite", 16, 2, "\x01\x00"},                /* of 256 */
        {"sqlite", 16, 2, "\x03\x00"},                /* of 768 */
        {"sqlite", 20, 1, "\xff"},                    /* nearly nothing of them usable */
        {"sqlite", 100, 1, "\x02"},                   /* an index in the place of the table */
        {"ndb", 4, 1, "\x01"},                        /* a newer version */
        {"ndb", 12, 4, "\x00\x00\x00\x00"},           /* no pages of slots */
        {"ndb", 12, 4, "\xff\xff\xff\xff"},           /* more than the file has */
        {"ndb", 32, 1, "s"},                          /* no slot */
        {"ndb", 36, 4, "\x77\x00\x00\x00"},           /* the blob of another package */
        {"ndb", 40, 4, "\x02\x00\x00\x00"},           /* in the place of slots */
        {"ndb", 40, 4, "\xff\xff\xff\xff"},           /* behind the end */
        {"ndb", 44, 4, "\x01\x00\x00\x00"},           /* too small for its blob */
        {"berkeley", 16, 4, "\x07\x00\x00\x00"},      /* an older version */
        {"berkeley", 16, 4, "\x0b\x00\x00\x00"},      /* a newer one */
        {"berkeley", 20, 4, "\x00\x01\x00\x00"},      /* pages of 256 */
        {"berkeley", 20, 4, "\x00\x00\x02\x00"},      /* of 128 KiB */
        {"berkeley", 24, 1, "\x01"},                  /* encrypted */
        {"berkeley", 25, 1, "\x09"},                  /* a tree */
        {"berkeley", 26, 1, "\x01"},                  /* with checksums */
        {"berkeley", 72, 4, "\xff\xff\xff\x7f"},      /* more buckets than pages */
        {"berkeley", 96, 4, "\x00\x00\x00\x00"},      /* the first bucket is the head */
        {"berkeley", 512 + 8, 4, "\x07\x00\x00\x00"}, /* a page that is another */
        {"berkeley", 512 + 20, 2, "\x03\x00"},        /* a key without a value */
        {"berkeley", 512 + 20, 2, "\xff\xff"},        /* more items than there is room */
        {"berkeley", 512 + 25, 1, "\x05"},            /* a page of another kind */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s at %zu", rows[i].name, rows[i].at);
        sample_load(&sample, rows[i].name);
        CHECK(memcmp(sample.bytes + 4 + rows[i].at, rows[i].bytes, rows[i].n) != 0);
        memcpy(sample.bytes + 4 + rows[i].at, rows[i].bytes, rows[i].n);
        CHECK(!sample_read(&sample, false, &list));
    }
    sample_load(&sample, "sqlite");
    struct rpm_database large = {.file = {bytes_read, &sample.file, (UINT64_C(4) << 30) + 1}};
    list.count = 0;
    CHECK(!rpm_database_read(&large, package_note, &list) && list.count == 0);
    large.file.size--;
    CHECK(rpm_database_read(&large, package_note, &list) && list.count == ARRAY_LEN(all));
    static const char *const others[] = {"", "x", "SQLite format 2.....", "RpmX....................",
                                         "text text text text"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        test_row("%s", others[i]);
        sample.file = str_of(others[i]);
        sample.log = STR_NONE;
        CHECK(!sample_read(&sample, false, &list) && list.count == 0);
    }
}

/* Pages that lead to themselves, and few that seem to be millions. */
static void circles_end(void)
{
    sample_load(&sample, "berkeley");
    uint8_t *bucket = sample.bytes + 4 + 512;
    CHECK(bucket[25] == 13);
    put_le16(bucket + 20, 0);
    put_le32(bucket + 16, 1); /* an empty one that goes on with itself */
    CHECK(!sample_read(&sample, false, &list));
    CHECK(list.count == 0 && reads > 1000 && was_bounded());
    sample_load(&sample, "sqlite");
    for (uint32_t number = 2; number <= 7; number++) {
        uint8_t *page = sample.bytes + 4 + (number - 1) * 512;
        memset(page, 0, 512);
        page[0] = number < 7 ? 0x05 : 0x0d;
        if (number == 7)
            break; /* a leaf of no rows */
        put_be16(page + 3, 40);
        put_be32(page + 8, number + 1);
        for (size_t i = 0; i < 40; i++)
            put_be16(page + 12 + 2 * i, 8); /* where the head names the page below */
    }
    CHECK(!sample_read(&sample, false, &list));
    CHECK(list.count == 0 && reads > 1000 && was_bounded());
    put_be32(sample.bytes + 4 + 512 + 8, 2); /* deeper than there may be */
    CHECK(!sample_read(&sample, false, &list) && reads < 1000);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"each form gives its packages", each_form_gives_its_packages},
        {"what the log did not commit is not there", what_the_log_did_not_commit_is_not_there},
        {"a file that is cut is not read", a_file_that_is_cut_is_not_read},
        {"each read fails once", each_read_fails_once},
        {"memory fails once", memory_fails_once},
        {"any byte may be wrong", any_byte_may_be_wrong},
        {"what must not be is refused", what_must_not_be_is_refused},
        {"circles end", circles_end},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
