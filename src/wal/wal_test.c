#include "wal/wal.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/file.h"
#include "wal/frame.h"
#include "wal/lock.h"
#include "wal/wal_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a folder of our own, and an io table that fails when told ---- */

static char folder_path[64];
static int folder;
static int fail_sync;     /* the n-th sync from now fails */
static int fail_allocate; /* as long as it is not 0, a full disk */

static int faulty_sync(void *self, int fd)
{
    if (fail_sync && --fail_sync == 0)
        return -EIO;
    return io_kernel.sync(self, fd);
}

static int faulty_allocate(void *self, int fd, int64_t offset, int64_t size)
{
    return fail_allocate ? -ENOSPC : io_kernel.allocate(self, fd, offset, size);
}

static struct io faulty(void)
{
    struct io io = io_kernel;
    io.sync = faulty_sync;
    io.allocate = faulty_allocate;
    return io;
}

static bool remove_one(void *context, const char *name)
{
    (void)context;
    return unlinkat(folder, name, 0) == 0;
}

static void folder_make(void)
{
    snprintf(folder_path, sizeof folder_path, "/tmp/qorgan-wal-XXXXXX");
    CHECK(mkdtemp(folder_path) != NULL);
    folder = io_open_folder(folder_path);
    CHECK(folder >= 0);
    fail_sync = 0;
    fail_allocate = 0;
}

static void folder_remove(void)
{
    IGNORE(io_kernel.list(NULL, folder, remove_one, NULL));
    close(folder);
    rmdir(folder_path);
}

/* ---- records: the payload of frame f is "record <f>" repeated so that sizes differ ---- */

static const uint8_t uuid[16] = "0123456789abcde";

static struct wal_options options(uint64_t first, uint64_t known)
{
    struct wal_options o = {.file_size = WAL_FILE_SIZE_MIN, .first = first, .known_size = known};
    memcpy(o.uuid, uuid, sizeof o.uuid);
    return o;
}

static size_t frame_fill(char *frame, uint64_t first, size_t extra)
{
    int n = snprintf(frame + WAL_FRAME_HEADER, 64, "record %llu ", (unsigned long long)first);
    memset(frame + WAL_FRAME_HEADER + n, 'x', extra);
    return WAL_FRAME_HEADER + (size_t)n + extra;
}

static enum rc put(struct wal *wal, uint32_t count, size_t extra, struct err *err)
{
    static char frame[1 << 17];
    uint64_t first = wal_end(wal);
    return wal_append(wal, first, count, frame, frame_fill(frame, first, extra), err);
}

struct seen {
    uint64_t next;
    uint64_t frames;
    bool wrong;
};

static enum rc see(void *context, const struct wal_frame *frame, struct err *err)
{
    struct seen *seen = context;
    char want[64];
    (void)err;
    snprintf(want, sizeof want, "record %llu ", (unsigned long long)frame->first);
    if ((seen->frames && frame->first != seen->next) || !str_starts(frame->payload, str_of(want)))
        seen->wrong = true;
    seen->next = frame->first + frame->count;
    seen->frames++;
    return RC_OK;
}

static enum rc reopen(struct wal_options o, struct wal **ret_wal, struct wal_recovered *ret_found, struct seen *seen,
                      struct err *err)
{
    *seen = (struct seen){0};
    o.each = see;
    o.context = seen;
    enum rc rc = wal_open(&io_kernel, folder, &o, ret_wal, err);
    *ret_found = rc == RC_OK ? wal_recovered(*ret_wal) : (struct wal_recovered){0};
    return rc;
}

static void names_round(void)
{
    static const char *const bad[] = {"",
                                      "0.wal",
                                      "000000000000000g.wal",
                                      "0000000000000001.tmp",
                                      "0000000000000001.wal.damaged",
                                      "00000000000000AB.wal",
                                      "0x00000000000001.wal"};
    char name[WAL_NAME_MAX];
    uint64_t first;
    wal_file_name(0x1234abcd, name);
    CHECK_TEXT(str_of(name), "000000001234abcd.wal");
    CHECK(wal_file_name_parse(str_of(name), &first));
    CHECK_INT(first, 0x1234abcd);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(!wal_file_name_parse(str_of(bad[i]), &first));
    }
}

static void golden_bytes(void)
{
    char frame[WAL_FRAME_HEADER + 3] = {0};
    char text[2 * sizeof frame];
    memcpy(frame + WAL_FRAME_HEADER, "abc", 3);
    frame_seal(frame, sizeof frame, 258, 1, 0x01020304);
    size_t n = hex_encode(frame, sizeof frame, text);
    CHECK_TEXT(str_at(text, n), "51464d3100000003d37bddc100000000000001020000000101020304616263");
    struct wal_header header = {.first = 7, .previous_crc = 9};
    struct wal_header back;
    char bytes[WAL_FILE_HEADER];
    memcpy(header.uuid, uuid, 16);
    wal_header_encode(&header, bytes);
    CHECK_INT(wal_header_decode(str_at(bytes, sizeof bytes), &back, NULL), RC_OK);
    CHECK_INT(back.first, 7);
    CHECK_INT(back.previous_crc, 9);
    for (size_t i = 0; i < sizeof bytes; i++) {
        test_row("byte %zu", i);
        bytes[i] ^= 1;
        CHECK_INT(wal_header_decode(str_at(bytes, sizeof bytes), &back, NULL), RC_CORRUPT);
        bytes[i] ^= 1;
        CHECK(wal_header_decode(str_at(bytes, i), &back, NULL) != RC_OK);
    }
}

static void frames_refuse_damage(void)
{
    char frame[WAL_FRAME_HEADER + 40];
    struct frame_header header;
    struct str payload;
    memset(frame, 'p', sizeof frame);
    frame_seal(frame, sizeof frame, 1, 2, 3);
    CHECK_INT(frame_decode(str_at(frame, sizeof frame), &header, &payload), RC_OK);
    CHECK_INT(header.count, 2);
    CHECK_INT(payload.n, 40);
    for (size_t i = 0; i < sizeof frame; i++) {
        test_row("byte %zu", i);
        frame[i] ^= 0x20;
        CHECK(frame_decode(str_at(frame, sizeof frame), &header, &payload) != RC_OK);
        frame[i] ^= 0x20;
        CHECK_INT(frame_decode(str_at(frame, i), &header, &payload), i ? RC_AGAIN : RC_END);
    }
}

static void grows_and_recovers(void)
{
    struct wal_recovered found;
    struct seen seen;
    struct err err = {0};
    struct wal *wal = NULL;
    folder_make();
    CHECK_INT(reopen(options(5, 0), &wal, &found, &seen, &err), RC_OK);
    for (int i = 0; i < 300; i++)
        CHECK_INT(put(wal, (uint32_t)(i % 3 + 1), (size_t)i * 7, &err), RC_OK);
    CHECK_INT(wal_durable(wal) < wal_end(wal), true);
    CHECK_INT(wal_sync(wal, &err), RC_OK);
    CHECK_INT(wal_durable(wal), wal_end(wal));
    CHECK(wal_file_count(wal) >= 4);
    uint64_t end = wal_end(wal);
    wal_close(wal);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(reopen(options(5, end), &wal, &found, &seen, &err), RC_OK);
        CHECK_INT(found.end, end);
        CHECK_INT(seen.frames, 300);
        CHECK_INT(found.torn_bytes, 0);
        CHECK(!seen.wrong);
        CHECK_INT(wal_durable(wal), end);
        wal_close(wal);
    }
    struct wal_options other = options(5, 0);
    other.uuid[3] ^= 1;
    CHECK_INT(reopen(other, &wal, &found, &seen, &err), RC_CORRUPT);
    CHECK_INT(reopen(options(4, 0), &wal, &found, &seen, &err), RC_CORRUPT);
    CHECK_INT(reopen(options(5, end + 1), &wal, &found, &seen, &err), RC_CORRUPT);
    folder_remove();
}

static void name_count(void *context, const char *name)
{
    (*(int *)context)++;
    CHECK_INT(unlinkat(folder, name, 0), 0);
}

static void releases_whole_files(void)
{
    struct wal_recovered found;
    struct seen seen;
    struct err err = {0};
    struct wal *wal = NULL;
    int gone = 0;
    folder_make();
    CHECK_INT(reopen(options(0, 0), &wal, &found, &seen, &err), RC_OK);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(put(wal, 1, 100, &err), RC_OK);
        if (i % 3 == 2)
            CHECK_INT(wal_rotate(wal, &err), RC_OK);
    }
    CHECK_INT(wal_rotate(wal, &err), RC_OK);
    CHECK_INT(wal_rotate(wal, &err), RC_OK); /* an empty file is not ended */
    CHECK_INT(wal_file_count(wal), 5);
    CHECK_INT(wal_file_at(wal, 1).first, 3);
    CHECK_INT(wal_file_at(wal, 1).end, 6);
    wal_release(wal, 5, name_count, &gone);
    CHECK_INT(gone, 1);
    wal_close(wal);
    CHECK_INT(reopen(options(3, 10), &wal, &found, &seen, &err), RC_OK);
    CHECK_INT(seen.frames, 7);
    wal_close(wal);
    CHECK_INT(reopen(options(7, 10), &wal, &found, &seen, &err), RC_OK);
    CHECK_INT(seen.frames, 3);
    wal_release(wal, 100, name_count, &gone);
    CHECK_INT(gone, 4);
    CHECK_INT(wal_end(wal), 10);
    wal_close(wal);
    CHECK_INT(reopen(options(7, 10), &wal, &found, &seen, &err), RC_CORRUPT);
    CHECK_INT(reopen(options(10, 10), &wal, &found, &seen, &err), RC_OK);
    wal_close(wal);
    folder_remove();
}

/* Cuts the file at every byte of the last frame, and damages every byte of it. */
static void cut_everywhere(void)
{
    struct wal_recovered found;
    struct seen seen;
    struct err err = {0};
    struct wal *wal = NULL;
    char name[WAL_NAME_MAX];
    static char before[4096];
    folder_make();
    CHECK_INT(reopen(options(0, 0), &wal, &found, &seen, &err), RC_OK);
    for (int i = 0; i < 4; i++)
        CHECK_INT(put(wal, 1, 30, &err), RC_OK);
    wal_close(wal);
    char second[WAL_NAME_MAX];
    wal_file_name(3, second);
    wal_file_name(0, name);
    int fd = openat(folder, name, O_RDWR);
    CHECK_INT(pread(fd, before, sizeof before, 0), sizeof before);
    size_t frame = WAL_FRAME_HEADER + 39;
    size_t from = WAL_FILE_HEADER + 3 * frame;
    for (size_t i = 0; i < 2 * frame; i++) {
        size_t at = from + i % frame;
        bool flip = i >= frame;
        char byte = (char)(before[at] ^ 0x10);
        test_row("%s at %zu", flip ? "flip" : "cut", at);
        CHECK_INT(pwrite(fd, before, sizeof before, 0), sizeof before);
        if (flip)
            CHECK_INT(pwrite(fd, &byte, 1, (off_t)at), 1);
        else
            CHECK_INT(ftruncate(fd, (off_t)at), 0);
        CHECK_INT(reopen(options(0, 4), &wal, &found, &seen, &err), RC_CORRUPT);
        CHECK(str_search(str_of(err.text), str_of(name)) < str_of(err.text).n);
        CHECK_INT(reopen(options(0, 3), &wal, &found, &seen, &err), RC_OK);
        CHECK_INT(found.end, 3);
        CHECK(found.torn_bytes <= (flip ? frame : i));
        CHECK(found.torn_bytes > 0 || (!flip && i < 1));
        CHECK_INT(put(wal, 1, i, &err), RC_OK);
        wal_close(wal);
        CHECK_INT(reopen(options(0, 4), &wal, &found, &seen, &err), RC_OK);
        CHECK_INT(found.end, 4);
        CHECK_INT(found.torn_bytes, 0);
        CHECK(!seen.wrong);
        wal_close(wal);
        CHECK_INT(ftruncate(fd, 0), 0);
        CHECK_INT(ftruncate(fd, WAL_FILE_SIZE_MIN), 0);
        IGNORE(unlinkat(folder, second, 0)); /* is there when the cut file had no room */
    }
    close(fd);
    folder_remove();
}

static void damage_in_the_middle(void)
{
    struct wal_recovered found;
    struct seen seen;
    struct err err = {0};
    struct wal *wal = NULL;
    char name[WAL_NAME_MAX];
    folder_make();
    CHECK_INT(reopen(options(0, 0), &wal, &found, &seen, &err), RC_OK);
    for (int i = 0; i < 6; i++) {
        CHECK_INT(put(wal, 1, 50, &err), RC_OK);
        if (i == 3)
            CHECK_INT(wal_rotate(wal, &err), RC_OK);
    }
    wal_close(wal);
    wal_file_name(0, name);
    int fd = openat(folder, name, O_RDWR);
    CHECK_INT(pwrite(fd, "?", 1, WAL_FILE_HEADER + 200), 1);
    close(fd);
    CHECK_INT(reopen(options(0, 0), &wal, &found, &seen, &err), RC_CORRUPT);
    CHECK(str_search(str_of(err.text), STR("offset")) < str_of(err.text).n);
    struct wal_options o = options(0, 6);
    o.keep_damaged = true;
    CHECK_INT(reopen(o, &wal, &found, &seen, &err), RC_OK);
    CHECK(found.damaged);
    CHECK_INT(found.end, 2);
    CHECK_INT(put(wal, 1, 5, &err), RC_OK);
    wal_close(wal);
    CHECK_INT(reopen(options(0, 3), &wal, &found, &seen, &err), RC_OK);
    CHECK_INT(found.end, 3);
    wal_close(wal);
    folder_remove();
}

/* ---- keys of encrypted files ---- */

#define RING_OLD "qorgan-master-key 1 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

struct rings {
    struct vault *old;
    struct vault *both;
    struct vault *next;
};

static struct rings rings_made(void)
{
    struct rings rings = {NULL, NULL, NULL};
    char text[VAULT_RING_MAX];
    struct buf ring;
    buf_init_fixed(&ring, text, sizeof text);
    CHECK_INT(vault_ring_add(STR_NONE, &ring, NULL), RC_OK);
    CHECK_INT(vault_new(buf_view(&ring), &rings.next, NULL), RC_OK);
    buf_text(&ring, RING_OLD);
    CHECK_INT(vault_new(buf_view(&ring), &rings.both, NULL), RC_OK);
    CHECK_INT(vault_new(STR(RING_OLD), &rings.old, NULL), RC_OK);
    return rings;
}

static void rings_free(struct rings *rings)
{
    vault_free(rings->old);
    vault_free(rings->both);
    vault_free(rings->next);
}

/* An encrypted file with three frames; its key slot gets the generation. */
static void locked_make(const struct vault *vault, uint32_t generation)
{
    struct wal_options o = options(0, 0);
    struct wal_recovered found;
    struct seen seen;
    struct wal *wal = NULL;
    char name[WAL_NAME_MAX];
    char slot[WAL_LOCK_SLOT];
    o.vault = vault;
    CHECK_INT(reopen(o, &wal, &found, &seen, NULL), RC_OK);
    for (int i = 0; i < 3; i++)
        CHECK_INT(put(wal, 1, 50, NULL), RC_OK);
    CHECK_INT(wal_sync(wal, NULL), RC_OK);
    wal_close(wal);
    wal_file_name(0, name);
    int fd = openat(folder, name, O_RDWR);
    CHECK_INT(pread(fd, slot, sizeof slot, WAL_LOCK_SLOT_AT), sizeof slot);
    put_be32(slot, generation);
    put_be32(slot + sizeof slot - 4, crc32c(0, slot, sizeof slot - 4));
    CHECK_INT(pwrite(fd, slot, sizeof slot, WAL_LOCK_SLOT_AT), sizeof slot);
    close(fd);
}

static enum rc locked_read(const struct vault *vault, uint64_t *ret_frames)
{
    struct wal_options o = options(0, 0);
    struct wal_recovered found;
    struct seen seen;
    struct wal *wal = NULL;
    o.vault = vault;
    o.read_only = true;
    enum rc rc = reopen(o, &wal, &found, &seen, NULL);
    *ret_frames = seen.frames;
    wal_close(rc == RC_OK ? wal : NULL);
    return rc;
}

/* Rotation, at every generation that a slot may have: the new key opens the file, the old one does not. */
static void keys_rotate(void)
{
    static const uint32_t generations[] = {1, 2, 77, UINT32_MAX - 1, UINT32_MAX};
    struct rings rings = rings_made();
    uint64_t frames;
    for (size_t i = 0; i < ARRAY_LEN(generations); i++) {
        struct wal_lock_rotation found;
        test_row("generation %u", generations[i]);
        folder_make();
        locked_make(rings.old, generations[i]);
        CHECK_INT(wal_lock_rotate(&io_kernel, folder, rings.next, &found, NULL), RC_DENIED);
        CHECK_INT(wal_lock_rotate(&io_kernel, folder, rings.both, &found, NULL), RC_OK);
        CHECK_INT(found.rewrapped, 1);
        CHECK_INT(locked_read(rings.next, &frames), RC_OK);
        CHECK_INT(frames, 3);
        CHECK_INT(locked_read(rings.old, &frames), RC_DENIED);
        CHECK_INT(wal_lock_rotate(&io_kernel, folder, rings.both, &found, NULL), RC_OK);
        CHECK_INT(found.rewrapped, 0);
        CHECK_INT(locked_read(rings.next, &frames), RC_OK);
        folder_remove();
    }
    rings_free(&rings);
}

/* What was set aside as evidence keeps a key that opens it; what has no key any more holds nothing up. */
static void keys_of_files_set_aside_rotate(void)
{
    struct rings rings = rings_made();
    struct wal_lock_rotation found;
    uint64_t frames;
    char name[WAL_NAME_MAX];
    char aside[WAL_NAME_MAX + sizeof WAL_ASIDE];
    folder_make();
    wal_file_name(0, name);
    snprintf(aside, sizeof aside, "%s" WAL_ASIDE, name);
    locked_make(rings.old, 1);
    CHECK_INT(renameat(folder, name, folder, aside), 0);
    CHECK_INT(wal_lock_rotate(&io_kernel, folder, rings.both, &found, NULL), RC_OK);
    CHECK_INT(found.rewrapped, 1);
    CHECK_INT(renameat(folder, aside, folder, name), 0);
    CHECK_INT(locked_read(rings.next, &frames), RC_OK);
    CHECK_INT(frames, 3);
    int fd = openat(folder, "0000000000000005.wal" WAL_ASIDE, O_WRONLY | O_CREAT, 0600);
    CHECK_INT(write(fd, "nothing whole", 13), 13);
    close(fd);
    CHECK_INT(wal_lock_rotate(&io_kernel, folder, rings.both, &found, NULL), RC_OK);
    CHECK_INT(found.files, 1);
    folder_remove();
    rings_free(&rings);
}

/* Who was given the key of one file reads that file and no other. */
static void a_files_own_key(void)
{
    struct rings rings = rings_made();
    struct wal_frame frame;
    struct wal_lock *lock = NULL;
    uint8_t key[WAL_LOCK_KEY];
    char name[WAL_NAME_MAX];
    folder_make();
    wal_file_name(0, name);
    locked_make(rings.old, 1);
    int fd = openat(folder, name, O_RDONLY);
    CHECK_INT(wal_lock_find(&io_kernel, fd, rings.old, &lock, NULL), RC_OK);
    wal_lock_key(lock, key);
    wal_lock_free(lock);
    for (int turn = 0; turn < 4; turn++) {
        struct wal_reader *reader = wal_reader_new(&io_kernel, uuid, 0);
        key[3] ^= turn == 1;
        struct str given = str_at(key, sizeof key - (turn == 2));
        enum rc rc = wal_reader_add_key(reader, dup(fd), turn == 3 ? STR_NONE : given, NULL);
        CHECK_INT(rc, turn == 2 ? RC_INVALID : turn == 3 ? RC_DENIED : RC_OK);
        if (rc == RC_OK)
            CHECK_INT(wal_reader_next(reader, 3, &frame, NULL), turn == 0 ? RC_OK : RC_INVALID);
        key[3] ^= turn == 1;
        wal_reader_free(reader);
    }
    close(fd);
    folder_remove();
    rings_free(&rings);
}

static void full_disk_and_failed_sync(void)
{
    struct io io = faulty();
    struct wal_options o = options(0, 0);
    struct wal_recovered found;
    struct seen seen = {0};
    struct err err = {0};
    struct wal *wal = NULL;
    folder_make();
    CHECK_INT(wal_open(&io, folder, &o, &wal, &err), RC_OK);
    CHECK_INT(put(wal, 1, 60000, &err), RC_OK);
    fail_allocate = 1;
    CHECK_INT(put(wal, 1, 60000, &err), RC_IO);
    CHECK(str_search(str_of(err.text), STR("No space left")) < str_of(err.text).n);
    CHECK_INT(wal_end(wal), 1);
    CHECK_INT(put(wal, 1, 100, &err), RC_OK); /* what fits still goes */
    fail_allocate = 0;
    CHECK_INT(put(wal, 1, 60000, &err), RC_OK);
    fail_sync = 1;
    CHECK_INT(wal_sync(wal, &err), RC_IO);
    CHECK_INT(wal_sync(wal, &err), RC_IO);
    CHECK_INT(put(wal, 1, 1, &err), RC_IO);
    wal_close(wal);
    CHECK_INT(reopen(options(0, 2), &wal, &found, &seen, &err), RC_OK);
    CHECK_INT(found.end, 3);
    CHECK_INT(put(wal, 1, 1 << 16, &err), RC_LIMIT);
    wal_close(wal);
    folder_remove();
}

static void give(struct wal *wal, struct wal_reader *reader, size_t position, struct err *err)
{
    CHECK_INT(wal_reader_add(reader, dup(wal_file_at(wal, position).fd), err), RC_OK);
}

static void reader_follows(void)
{
    struct wal_recovered found;
    struct seen seen;
    struct err err = {0};
    struct wal_frame frame;
    struct wal *wal = NULL;
    folder_make();
    CHECK_INT(reopen(options(0, 0), &wal, &found, &seen, &err), RC_OK);
    struct wal_reader *reader = wal_reader_new(&io_kernel, uuid, 2);
    CHECK_INT(wal_reader_next(reader, 0, &frame, &err), RC_AGAIN);
    CHECK_INT(wal_reader_next(reader, 9, &frame, &err), RC_END);
    give(wal, reader, 0, &err);
    for (int i = 0; i < 4; i++)
        CHECK_INT(put(wal, 1, 10, &err), RC_OK);
    CHECK_INT(wal_reader_next(reader, 1, &frame, &err), RC_AGAIN);
    CHECK_INT(wal_reader_next(reader, 3, &frame, &err), RC_OK);
    CHECK_INT(frame.first, 2);
    CHECK_INT(wal_reader_position(reader), 3);
    CHECK_INT(wal_reader_next(reader, 3, &frame, &err), RC_AGAIN);
    CHECK_INT(wal_reader_next(reader, 4, &frame, &err), RC_OK);
    CHECK_INT(wal_rotate(wal, &err), RC_OK);
    CHECK_INT(put(wal, 2, 10, &err), RC_OK);
    CHECK_INT(wal_reader_next(reader, 6, &frame, &err), RC_END);
    give(wal, reader, 1, &err);
    CHECK_INT(wal_reader_next(reader, 5, &frame, &err), RC_AGAIN);
    CHECK_INT(wal_reader_next(reader, 6, &frame, &err), RC_OK);
    CHECK_INT(frame.count, 2);
    CHECK_INT(frame.file_first, 4);
    CHECK_INT(wal_reader_add(reader, dup(wal_file_at(wal, 0).fd), &err), RC_INVALID);
    CHECK_INT(pwrite(wal_file_at(wal, 1).fd, "junk", 4, wal_file_at(wal, 1).fd >= 0 ? frame.offset + 70 : 0), 4);
    CHECK_INT(wal_reader_next(reader, 7, &frame, &err), RC_CORRUPT);
    wal_reader_free(reader);
    const uint8_t stranger[16] = {1};
    reader = wal_reader_new(&io_kernel, stranger, 0);
    CHECK_INT(wal_reader_add(reader, dup(wal_file_at(wal, 0).fd), &err), RC_INVALID);
    wal_reader_free(reader);
    wal_close(wal);
    folder_remove();
}

/* ---- a reader that runs while the writer writes ---- */

#define RACE_FRAMES 3000
#define RACE_FILES  64

struct race {
    _Atomic uint64_t durable; /* what the reader may see */
    _Atomic int fds[RACE_FILES];
    _Atomic size_t files;
    _Atomic bool over; /* the reader gave up */
    uint64_t frames;   /* the reader's, after its end */
    char wrong[640];
};

static bool race_wrong(struct race *race, const char *what, uint64_t first)
{
    snprintf(race->wrong, sizeof race->wrong, "%s at record %llu", what, (unsigned long long)first);
    return false;
}

static bool race_frame(struct race *race, const struct wal_frame *frame, uint64_t next, uint64_t durable)
{
    char want[64];
    snprintf(want, sizeof want, "record %llu ", (unsigned long long)frame->first);
    if (frame->first != next)
        return race_wrong(race, "a gap or a repetition", frame->first);
    if (frame->first + frame->count > durable)
        return race_wrong(race, "a frame that is not durable", frame->first);
    if (!str_starts(frame->payload, str_of(want)))
        return race_wrong(race, "other bytes", frame->first);
    race->frames++;
    return true;
}

static void *race_read(void *context)
{
    struct race *race = context;
    struct wal_reader *reader = wal_reader_new(&io_kernel, uuid, 0);
    struct wal_frame frame;
    struct err err = {0};
    size_t files = 0;
    bool good = reader != NULL;
    uint64_t next = 0;
    while (good && next < RACE_FRAMES) {
        uint64_t durable = atomic_load(&race->durable);
        enum rc rc = wal_reader_next(reader, durable, &frame, &err);
        if (rc == RC_END && files < atomic_load(&race->files))
            good = wal_reader_add(reader, atomic_load(&race->fds[files++]), &err) == RC_OK;
        else if (rc == RC_OK)
            good = race_frame(race, &frame, next, durable);
        else if (rc != RC_AGAIN && rc != RC_END)
            good = race_wrong(race, err.text, next);
        if (rc == RC_OK)
            next = frame.first + frame.count;
    }
    wal_reader_free(reader);
    atomic_store(&race->over, true);
    return NULL;
}

/* Frames become durable a few at a time, new files begin, and the reader is never told anything but numbers. */
static void reader_races_writer(void)
{
    static struct race race;
    struct wal_recovered found;
    struct seen seen;
    struct err err = {0};
    struct wal *wal = NULL;
    pthread_t thread;
    folder_make();
    CHECK_INT(reopen(options(0, 0), &wal, &found, &seen, &err), RC_OK);
    CHECK_INT(pthread_create(&thread, NULL, race_read, &race), 0);
    for (uint64_t i = 0; i < RACE_FRAMES && !atomic_load(&race.over); i++) {
        if (wal_room(wal) < 1024)
            CHECK_INT(wal_rotate(wal, &err), RC_OK);
        for (size_t file = atomic_load(&race.files); file < wal_file_count(wal) && file < RACE_FILES; file++) {
            atomic_store(&race.fds[file], dup(wal_file_at(wal, file).fd));
            atomic_store(&race.files, file + 1);
        }
        CHECK_INT(put(wal, 1, (size_t)(i * 37 % 900), &err), RC_OK);
        if (i % 7 == 0 || i + 1 == RACE_FRAMES)
            atomic_store(&race.durable, wal_end(wal));
    }
    pthread_join(thread, NULL);
    CHECK_TEXT(str_of(race.wrong), "");
    CHECK_INT(race.frames, RACE_FRAMES);
    CHECK(wal_file_count(wal) > 3 && wal_file_count(wal) < RACE_FILES);
    wal_close(wal);
    folder_remove();
}

static void memory_fails(void)
{
    struct wal_recovered found;
    struct seen seen;
    struct err err = {0};
    folder_make();
    for (uint64_t n = 1; n < 50; n++) {
        struct wal *wal = NULL;
        memory_fail_at(n);
        enum rc rc = reopen(options(0, 0), &wal, &found, &seen, &err);
        memory_fail_at(0);
        CHECK(rc == RC_OK || rc == RC_LIMIT);
        CHECK((rc == RC_OK) == (wal != NULL));
        wal_close(wal);
    }
    folder_remove();
}

static const struct test tests[] = {
    {"names", names_round},
    {"golden bytes", golden_bytes},
    {"frames refuse damage", frames_refuse_damage},
    {"grows and recovers", grows_and_recovers},
    {"releases whole files", releases_whole_files},
    {"cut and flip everywhere", cut_everywhere},
    {"damage in the middle", damage_in_the_middle},
    {"keys rotate", keys_rotate},
    {"keys of files set aside rotate", keys_of_files_set_aside_rotate},
    {"a file's own key", a_files_own_key},
    {"full disk, failed sync", full_disk_and_failed_sync},
    {"reader follows", reader_follows},
    {"reader races writer", reader_races_writer},
    {"memory fails", memory_fails},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
