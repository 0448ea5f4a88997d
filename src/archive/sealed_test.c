#include "archive/sealed_io.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME  "000000000000012c.seg"
#define OTHER "0000000000000200.seg"
#define FIRST UINT64_C(0x12c)

static const char ring[] = "qorgan-master-key 1 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
static const uint8_t uuid[16] = {9, 8, 7};
static char path[64];
static int folder;

/* ---- a folder of its own for each test ---- */

static struct vault *vault_made(void)
{
    struct vault *vault = NULL;
    CHECK_INT(vault_new(str_of(ring), &vault, NULL), RC_OK);
    return vault;
}

/* A ring with one new key, and, when `with_old`, the golden one behind it. */
static struct vault *vault_new_key(char text[VAULT_RING_MAX], bool with_old)
{
    struct vault *vault = NULL;
    struct buf other;
    buf_init_fixed(&other, text, VAULT_RING_MAX - 1);
    if (!text[0])
        CHECK_INT(vault_ring_add(STR_NONE, &other, NULL), RC_OK);
    else
        other.n = strlen(text);
    if (with_old)
        buf_text(&other, ring);
    text[other.n] = '\0';
    CHECK_INT(vault_new(buf_view(&other), &vault, NULL), RC_OK);
    return vault;
}

static struct sealed_io *sealed_made(const struct vault *vault)
{
    struct sealed_io *sealed = NULL;
    CHECK_INT(sealed_io_new(&io_kernel, folder, vault, uuid, &sealed, NULL), RC_OK);
    return sealed;
}

static bool remove_one(void *context, const char *name)
{
    (void)context;
    IGNORE(io_kernel.unlink(NULL, folder, name) != 0);
    return true;
}

static void begin(void)
{
    IGNORE(io_kernel.list(NULL, folder, remove_one, NULL) != 0);
}

static char byte_of(size_t i)
{
    return (char)(i * 7 + i / 251);
}

static void fill(char *bytes, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = byte_of(from + i);
}

/* Writes a file of `n` bytes in pieces of `step`. */
static void write_file(const struct io *io, const char *name, size_t n, size_t step)
{
    char *bytes = memory_new(step);
    int fd = io->open(io->self, folder, name, IO_READ | IO_WRITE | IO_CREATE);
    CHECK(fd >= 0);
    for (size_t at = 0; at < n; at += step) {
        size_t part = MIN(step, n - at);
        fill(bytes, at, part);
        CHECK_INT(file_write_at(io, fd, str_at(bytes, part), (int64_t)at, NULL), RC_OK);
    }
    CHECK_INT(io->sync(io->self, fd), 0);
    CHECK_INT(io->close(io->self, fd), 0);
    memory_free(bytes);
}

/* 0, or what open or a read of everything failed with. */
static int read_file(const struct io *io, const char *name, size_t want)
{
    char bytes[1000];
    int64_t size = 0;
    int fd = io->open(io->self, folder, name, IO_READ);
    if (fd < 0)
        return fd;
    ssize_t got = io->size(io->self, fd, &size);
    bool same = (size_t)size == want;
    for (size_t at = 0; at < (size_t)size && got >= 0 && same; at += (size_t)got) {
        got = io->pread(io->self, fd, bytes, sizeof bytes, (int64_t)at);
        for (ssize_t i = 0; i < got; i++)
            same = same && bytes[i] == byte_of(at + (size_t)i);
        same = same && got != 0;
    }
    IGNORE(io->close(io->self, fd) != 0);
    return got < 0 ? (int)got : same ? 0 : -EIO;
}

static struct str stored_of(const char *name, struct arena *arena)
{
    struct str bytes = STR_NONE;
    CHECK_INT(file_load(&io_kernel, folder, name, (size_t)1 << 24, arena, &bytes, NULL), RC_OK);
    return bytes;
}

static void stored_put(const char *name, struct str bytes)
{
    CHECK_INT(file_replace(&io_kernel, folder, name, bytes, NULL), RC_OK);
}

struct key_names {
    char name[4][SEALED_KEY_NAME];
    size_t count;
};

static bool list_keys(void *context, const char *name)
{
    struct key_names *names = context;
    uint64_t first;
    uint64_t serial;
    if (names->count < 4 && sealed_key_name_parse(str_of(name), &first, &serial))
        memcpy(names->name[names->count++], name, strlen(name) + 1);
    return true;
}

static struct key_names keys_found(void)
{
    struct key_names names = {.count = 0};
    CHECK_INT(io_kernel.list(NULL, folder, list_keys, &names), 0);
    return names;
}

/* ---- tests ---- */

static void golden(void)
{
    uint8_t key[CIPHER_KEY_SIZE] = {1, 2, 3};
    char header[SEALED_HEADER];
    char chunk[4 + SEALED_OVERHEAD];
    char trailer[SEALED_TRAILER];
    char text[2 * SEALED_TRAILER];
    struct cipher *cipher = NULL;
    struct sealed_header h = {CIPHER_AES_256_GCM, SEALED_CHUNK, {9, 8, 7}, FIRST, 0x1122334455667788};
    struct sealed_trailer t = {.plain = 4, .digest = {{5}}};
    CHECK_INT(cipher_new(CIPHER_AES_256_GCM, key, &cipher, NULL), RC_OK);
    sealed_header_write(&h, header);
    CHECK_TEXT(
        str_at(text, hex_encode(header, sizeof header, text)),
        "514f5247534c440a0001000100000000000000000000400009080700000000000000000000000000000000000000012c112233445566"
        "778800000000554d196a");
    CHECK(sealed_chunk_write(cipher, &h, 0, 1, STR("abcd"), chunk));
    CHECK_TEXT(str_at(text, hex_encode(chunk, sizeof chunk, text)),
               "000000000000000105b495805a5d3bc3383ccee0677713aae3d039e8");
    CHECK_INT(sealed_trailer_write(cipher, &h, 2, &t, trailer, NULL), RC_OK);
    CHECK_TEXT(
        str_at(text, hex_encode(trailer, sizeof trailer, text)),
        "514f5247534c445400000000000000040500000000000000000000000000000000000000000000000000000000000000000000000000"
        "0002bc1e09b3e0a3e8759da74998e7de72fc000000003feea975");
    cipher_free(cipher);
}

static void sizes(void)
{
    static const size_t lengths[] = {0, 1, 511, 16383, 16384, 16385, 32768, 100000, 3000000};
    static const size_t steps[] = {333, 16384, 70000, 2000000};
    struct vault *vault = vault_made();
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
            test_row("%zu bytes in steps of %zu", lengths[i], steps[k]);
            begin();
            struct sealed_io *writer = sealed_made(vault);
            struct sealed_io *reader = sealed_made(vault);
            write_file(sealed_io_table(writer), NAME, lengths[i], steps[k]);
            CHECK_INT(read_file(sealed_io_table(writer), NAME, lengths[i]), 0);
            CHECK_INT(read_file(sealed_io_table(reader), NAME, lengths[i]), 0);
            CHECK_INT(sealed_check(&io_kernel, folder, NAME, NULL), RC_OK);
            CHECK_INT(keys_found().count, 1);
            sealed_io_free(writer);
            sealed_io_free(reader);
        }
    vault_free(vault);
}

/* Grows over several syncs, is read in between through two descriptors, at any place. */
static void growing(void)
{
    struct vault *vault = vault_made();
    struct sealed_io *sealed = sealed_made(vault);
    const struct io *io = sealed_io_table(sealed);
    static char bytes[50000];
    static char back[50000];
    begin();
    int fd = io->open(io->self, folder, NAME, IO_READ | IO_WRITE | IO_CREATE);
    CHECK(fd >= 0);
    size_t size = 0;
    uint64_t random = 12345;
    for (int round = 0; round < 60; round++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t n = (size_t)((random >> 33) % sizeof bytes);
        fill(bytes, size, n);
        CHECK_INT(file_write_at(io, fd, str_at(bytes, n), (int64_t)size, NULL), RC_OK);
        size += n;
        size_t from = size ? (size_t)((random >> 20) % size) : 0;
        size_t want = MIN(sizeof back, size - from);
        CHECK_INT(file_read_at(io, fd, back, want, (int64_t)from, NULL), RC_OK);
        for (size_t i = 0; i < want; i++)
            if (!CHECK(back[i] == byte_of(from + i)))
                break;
        if (round % 3 != 0)
            continue;
        CHECK_INT(io->sync(io->self, fd), 0);
        CHECK_INT(read_file(io, NAME, size), 0);
        CHECK_INT(sealed_check(&io_kernel, folder, NAME, NULL), RC_OK);
    }
    CHECK_INT(io->pwrite(io->self, fd, "x", 1, 0), -ESPIPE);
    CHECK_INT(io->truncate(io->self, fd, 10), -EOPNOTSUPP);
    CHECK_INT(io->allocate(io->self, fd, 0, 10), -EOPNOTSUPP);
    CHECK_INT(io->sync(io->self, fd), 0);
    CHECK_INT(io->close(io->self, fd), 0);
    fd = io->open(io->self, folder, NAME, IO_READ | IO_WRITE);
    CHECK_INT(io->pwrite(io->self, fd, "x", 1, (int64_t)size), -EROFS);
    CHECK_INT(io->close(io->self, fd), 0);
    sealed_io_free(sealed);
    vault_free(vault);
}

/* No nonce comes twice under a key: the last chunk, written again after a sync, has another counter each time. */
static void nonces_differ(void)
{
    struct vault *vault = vault_made();
    struct sealed_io *sealed = sealed_made(vault);
    const struct io *io = sealed_io_table(sealed);
    uint64_t seen[20];
    begin();
    int fd = io->open(io->self, folder, NAME, IO_READ | IO_WRITE | IO_CREATE);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        char counter[8];
        CHECK_INT(io->pwrite(io->self, fd, "x", 1, (int64_t)i), 1);
        CHECK_INT(io->sync(io->self, fd), 0);
        CHECK_INT(io->sync(io->self, fd), 0); /* nothing new: nothing written */
        CHECK_INT(file_read_at(&io_kernel, fd, counter, 8, SEALED_HEADER, NULL), RC_OK);
        seen[i] = get_be64(counter);
        for (size_t k = 0; k < i; k++)
            CHECK(seen[k] != seen[i]);
    }
    CHECK_INT(io->close(io->self, fd), 0);
    write_file(io, OTHER, 12 * SEALED_CHUNK + 5, 50000); /* and each of many chunks its own */
    fd = io_kernel.open(NULL, folder, OTHER, IO_READ);
    for (size_t i = 0; i < 13; i++) {
        char counter[8];
        int64_t at = SEALED_HEADER + (int64_t)i * (SEALED_CHUNK + SEALED_OVERHEAD);
        CHECK_INT(file_read_at(&io_kernel, fd, counter, 8, at, NULL), RC_OK);
        seen[i] = get_be64(counter);
        for (size_t k = 0; k < i; k++)
            CHECK(seen[k] != seen[i]);
    }
    CHECK_INT(io_kernel.close(NULL, fd), 0);
    sealed_io_free(sealed);
    vault_free(vault);
}

/* Every byte of the stored file changed, every length of it: nothing of it is believed. */
static void every_flip_and_cut(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 24);
    struct vault *vault = vault_made();
    struct sealed_io *sealed = sealed_made(vault);
    const struct io *io = sealed_io_table(sealed);
    begin();
    write_file(io, NAME, 16384 + 700, 5000);
    struct str whole = stored_of(NAME, arena);
    char *bytes = arena_alloc_raw(arena, whole.n);
    for (size_t i = 0; i < whole.n; i += i < 200 || i + 1100 > whole.n ? 1 : 97) {
        test_row("byte %zu", i);
        memcpy(bytes, whole.p, whole.n);
        bytes[i] ^= 0x20;
        stored_put(NAME, str_at(bytes, whole.n));
        int result = read_file(io, NAME, 16384 + 700);
        bool magic = i < SEALED_MAGIC_SIZE; /* then it is no sealed file any more: the segment's own magic is missing */
        CHECK(result != 0 && (magic || result == -EKEYREJECTED || result == -EBADMSG || result == -ENOKEY));
        CHECK(sealed_check(&io_kernel, folder, NAME, NULL) != RC_OK);
        stored_put(NAME, str_slice(whole, 0, i));
        CHECK(read_file(io, NAME, 16384 + 700) != 0);
        CHECK(sealed_check(&io_kernel, folder, NAME, NULL) != RC_OK);
    }
    sealed_io_free(sealed);
    vault_free(vault);
}

static void swapped_chunks(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 24);
    struct vault *vault = vault_made();
    struct sealed_io *sealed = sealed_made(vault);
    const struct io *io = sealed_io_table(sealed);
    size_t step = SEALED_CHUNK + SEALED_OVERHEAD;
    begin();
    write_file(io, NAME, 3 * SEALED_CHUNK, 5000);
    write_file(io, OTHER, 3 * SEALED_CHUNK, 5000);
    struct str one = stored_of(NAME, arena);
    struct str two = stored_of(OTHER, arena);
    char *bytes = arena_alloc_raw(arena, one.n);
    memcpy(bytes, one.p, one.n); /* inside a file */
    memcpy(bytes + SEALED_HEADER, one.p + SEALED_HEADER + step, step);
    memcpy(bytes + SEALED_HEADER + step, one.p + SEALED_HEADER, step);
    stored_put(NAME, str_at(bytes, one.n));
    CHECK_INT(read_file(io, NAME, 3 * SEALED_CHUNK), -EBADMSG);
    CHECK_TEXT(str_of(io->reason(io->self)->text), "the bytes of \"" NAME "\" at 64 (chunk 0) are not those that were "
                                                   "encrypted there");
    memcpy(bytes, one.p, one.n); /* between files */
    memcpy(bytes + SEALED_HEADER, two.p + SEALED_HEADER, step);
    stored_put(NAME, str_at(bytes, one.n));
    CHECK_INT(read_file(io, NAME, 3 * SEALED_CHUNK), -EBADMSG);
    stored_put(NAME, two); /* a whole file */
    CHECK_INT(read_file(io, NAME, 3 * SEALED_CHUNK), -EKEYREJECTED);
    memcpy(bytes, one.p, one.n); /* another file's end */
    memcpy(bytes + one.n - SEALED_TRAILER, two.p + two.n - SEALED_TRAILER, SEALED_TRAILER);
    stored_put(NAME, str_at(bytes, one.n));
    CHECK_INT(read_file(io, NAME, 3 * SEALED_CHUNK), -EKEYREJECTED);
    sealed_io_free(sealed);
    vault_free(vault);
}

/* Opens with fresh keys only, and gives what it failed with. */
static int opens(const struct vault *vault, struct err *ret_err)
{
    struct sealed_io *sealed = sealed_made(vault);
    const struct io *io = sealed_io_table(sealed);
    int result = read_file(io, NAME, 5000);
    *ret_err = *io->reason(io->self);
    sealed_io_free(sealed);
    return result;
}

static bool says(const struct err *err, const char *words)
{
    return str_search(str_of(err->text), str_of(words)) < strlen(err->text);
}

static void keys(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 24);
    char text[VAULT_RING_MAX] = "";
    struct vault *vault = vault_made();
    struct vault *stranger = vault_new_key(text, false);
    struct sealed_io *sealed = sealed_made(vault);
    struct err err;
    begin();
    write_file(sealed_io_table(sealed), NAME, 5000, 5000);
    write_file(sealed_io_table(sealed), OTHER, 5000, 5000);
    sealed_io_free(sealed);
    CHECK_INT(opens(vault, &err), 0);
    CHECK_INT(opens(NULL, &err), -ENOKEY);
    CHECK(says(&err, "no master key was given; it needs master key 25aac1b8a5f4a682"));
    CHECK_INT(opens(stranger, &err), -ENOKEY);
    CHECK(says(&err, "needs master key 25aac1b8a5f4a682, which is not among"));
    struct key_names names = keys_found();
    CHECK_INT(names.count, 2);
    bool second = str_starts(str_of(names.name[0]), STR("0000000000000200"));
    const char *mine = names.name[second ? 1 : 0];
    struct str good = stored_of(mine, arena);
    stored_put(mine, stored_of(names.name[second ? 0 : 1], arena));
    CHECK_INT(opens(vault, &err), -EKEYREJECTED);
    CHECK(says(&err, "its key is that of another file"));
    for (size_t i = 0; i < good.n; i++) {
        char bytes[VAULT_BLOB_SIZE];
        memcpy(bytes, good.p, sizeof bytes);
        bytes[i] ^= 4;
        stored_put(mine, str_at(bytes, sizeof bytes));
        CHECK_INT(opens(vault, &err), -EKEYREJECTED);
    }
    CHECK_INT(io_kernel.unlink(NULL, folder, mine), 0);
    CHECK_INT(opens(vault, &err), -EKEYREJECTED);
    CHECK(says(&err, "is not there"));
    vault_free(vault);
    vault_free(stranger);
}

static void rotation(void)
{
    char text[VAULT_RING_MAX] = "";
    struct vault *vault = vault_made();
    struct vault *next = vault_new_key(text, false);
    struct vault *both = vault_new_key(text, true);
    struct sealed_io *sealed = sealed_made(vault);
    struct sealed_rotation found;
    struct err err;
    begin();
    write_file(sealed_io_table(sealed), NAME, 5000, 5000);
    write_file(sealed_io_table(sealed), OTHER, 5000, 5000);
    sealed_io_free(sealed);
    CHECK_INT(sealed_rotate(&io_kernel, folder, next, uuid, &found, &err), RC_DENIED);
    CHECK_INT(opens(vault, &err), 0);
    CHECK_INT(sealed_rotate(&io_kernel, folder, both, uuid, &found, &err), RC_OK);
    CHECK_INT(found.keys, 2);
    CHECK_INT(found.rewrapped, 2);
    CHECK_INT(opens(next, &err), 0);
    CHECK_INT(opens(vault, &err), -ENOKEY);
    CHECK_INT(sealed_rotate(&io_kernel, folder, both, uuid, &found, &err), RC_OK);
    CHECK_INT(found.rewrapped, 0);
    vault_free(vault);
    vault_free(next);
    vault_free(both);
}

static void count_key(void *context, const char *id)
{
    (void)id;
    ++*(size_t *)context;
}

/* A key that a refused seal left: it is named as such, asks for no master key, and holds no rotation up. */
static void orphans(void)
{
    char text[VAULT_RING_MAX] = "";
    struct vault *vault = vault_made();
    struct vault *next = vault_new_key(text, false);
    struct sealed_io *sealed = sealed_made(vault);
    struct sealed_io *other = sealed_made(next);
    struct sealed_rotation found;
    size_t count = 0;
    begin();
    write_file(sealed_io_table(sealed), NAME, 5000, 5000);
    struct key_names left = keys_found();
    CHECK_INT(left.count, 1);
    CHECK(!sealed_key_orphan(&io_kernel, folder, left.name[0]));
    write_file(sealed_io_table(other), NAME, 5000, 5000); /* again, under another key */
    CHECK_INT(keys_found().count, 2);
    CHECK(sealed_key_orphan(&io_kernel, folder, left.name[0]));
    CHECK_INT(sealed_keys(&io_kernel, folder, count_key, &count, NULL), RC_OK);
    CHECK_INT(count, 1);
    CHECK_INT(sealed_rotate(&io_kernel, folder, next, uuid, &found, NULL), RC_OK);
    CHECK_INT(found.keys, 1);
    stored_put(NAME, STR("QORGSLD\nnot whole")); /* in doubt it is nobody's orphan */
    CHECK(!sealed_key_orphan(&io_kernel, folder, left.name[0]));
    CHECK_INT(io_kernel.unlink(NULL, folder, NAME), 0);
    CHECK(sealed_key_orphan(&io_kernel, folder, left.name[0]));
    CHECK(!sealed_key_orphan(&io_kernel, folder, NAME));
    sealed_io_free(sealed);
    sealed_io_free(other);
    vault_free(vault);
    vault_free(next);
}

static unsigned writes_left;

static ssize_t full_pwrite(void *self, int fd, const void *bytes, size_t n, int64_t offset)
{
    if (writes_left == 0)
        return -ENOSPC;
    writes_left--;
    return io_kernel.pwrite(self, fd, bytes, n, offset);
}

/* A full disk is called so wherever it is met: key, header, chunks, the end. */
static void full_disk(void)
{
    struct io io = io_kernel;
    struct vault *vault = vault_made();
    static char bytes[3 * SEALED_CHUNK];
    io.pwrite = full_pwrite;
    bool whole = false;
    for (unsigned writes = 0; !whole; writes++) {
        struct sealed_io *sealed = NULL;
        test_row("%u writes", writes);
        begin();
        CHECK_INT(sealed_io_new(&io, folder, vault, uuid, &sealed, NULL), RC_OK);
        const struct io *table = sealed_io_table(sealed);
        writes_left = writes;
        int fd = table->open(table->self, folder, NAME, IO_READ | IO_WRITE | IO_CREATE);
        CHECK(fd >= 0 || fd == -ENOSPC);
        if (fd >= 0) {
            ssize_t put = table->pwrite(table->self, fd, bytes, sizeof bytes, 0);
            CHECK(put == (ssize_t)sizeof bytes || put == -ENOSPC);
            int synced = table->sync(table->self, fd);
            CHECK(synced == 0 || synced == -ENOSPC);
            whole = put > 0 && synced == 0;
            CHECK_INT(table->close(table->self, fd), 0);
        }
        CHECK(writes < 20);
        whole = whole || writes >= 20;
        sealed_io_free(sealed);
    }
    vault_free(vault);
}

/* Without a vault the table is the base's; plain files are read with one, too. */
static void plain_files(void)
{
    struct vault *vault = vault_made();
    struct sealed_io *without = sealed_made(NULL);
    struct sealed_io *with = sealed_made(vault);
    begin();
    write_file(sealed_io_table(without), NAME, 40000, 5000);
    CHECK_INT(keys_found().count, 0);
    CHECK_INT(read_file(&io_kernel, NAME, 40000), 0);
    CHECK_INT(read_file(sealed_io_table(with), NAME, 40000), 0);
    CHECK_INT(sealed_check(&io_kernel, folder, NAME, NULL), RC_END);
    write_file(sealed_io_table(with), "note", 100, 100); /* a name that no segment has */
    CHECK_INT(read_file(&io_kernel, "note", 100), 0);
    sealed_io_free(without);
    sealed_io_free(with);
    vault_free(vault);
}

struct name_row {
    const char *name;
    bool sealed;
    bool key;
};

static void names(void)
{
    static const struct name_row rows[] = {
        {"000000000000012c.seg", true, false},
        {"000000000000012c.tmp", true, false},
        {"000000000000012C.tmp", false, false},
        {"000000000000012c.", false, false},
        {"00000000000012c.seg", false, false},
        {"latest", false, false},
        {"000000000000012c.0000000000000001.key", false, true},
        {"000000000000012c.0000000000000001.key.tmp", false, false},
        {"000000000000012c.000000000000000g.key", false, false},
        {"000000000000012c.0000000000000001.kez", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t first = 0;
        uint64_t serial = 0;
        test_row("%s", rows[i].name);
        CHECK_INT(sealed_name_parse(str_of(rows[i].name), &first), rows[i].sealed);
        CHECK_INT(sealed_key_name_parse(str_of(rows[i].name), &first, &serial), rows[i].key);
    }
}

static const struct test tests[] = {
    {"golden", golden},
    {"sizes", sizes},
    {"growing", growing},
    {"nonces differ", nonces_differ},
    {"every flip and cut", every_flip_and_cut},
    {"swapped chunks", swapped_chunks},
    {"keys", keys},
    {"rotation", rotation},
    {"orphans", orphans},
    {"full disk", full_disk},
    {"plain files", plain_files},
    {"names", names},
};

int main(int argc, char **argv)
{
    snprintf(path, sizeof path, "/tmp/qorgan-sealed-XXXXXX");
    if (!mkdtemp(path))
        return 1;
    folder = io_open_folder(path);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    begin();
    close(folder);
    rmdir(path);
    return status;
}
