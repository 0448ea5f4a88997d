#include "codec/evtx.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

/* A file of one chunk, as Windows writes it, but with the names of its elements in place and without templates. The
 * layout is that of libevtx's documentation, "Windows XML Event Log (EVTX)". */
#define HEADER_BYTES 4096u
#define CHUNK_BYTES  65536u
#define CHUNK_HEADER 512u
#define FILE_BYTES   (HEADER_BYTES + CHUNK_BYTES)

static char storage[FILE_BYTES];

static void utf16_put(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_le16(out, (uint16_t)(unsigned char)*text);
}

/* Up to the end of its opening tag; the offset of *ret_size is where its size goes. `chunk`: where the chunk begins. */
static size_t element_open(struct buf *out, size_t chunk, const char *name)
{
    buf_u8(out, 0x01);
    buf_le16(out, 0xffff); /* depends on no value of a template */
    size_t size_at = out->n;
    buf_le32(out, 0);
    buf_le32(out, (uint32_t)(out->n + 4 - chunk)); /* the name: right here */
    buf_le32(out, 0);
    buf_le16(out, 0);
    buf_le16(out, (uint16_t)strlen(name));
    utf16_put(out, name);
    buf_le16(out, 0);
    buf_u8(out, 0x02);
    return size_at;
}

static void element_close(struct buf *out, size_t size_at)
{
    buf_u8(out, 0x04);
    put_le32(out->p + size_at, (uint32_t)(out->n - size_at - 4));
}

static void event_put(struct buf *out, size_t chunk, uint64_t number, const char *value)
{
    size_t begin = out->n;
    buf_be32(out, 0x2a2a0000);
    buf_le32(out, 0);
    buf_le64(out, number);
    buf_le64(out, UINT64_C(133500000000000000));
    buf_be32(out, 0x0f010100);
    size_t event = element_open(out, chunk, "Event");
    size_t data = element_open(out, chunk, "Data");
    buf_be16(out, 0x0501);
    buf_le16(out, (uint16_t)strlen(value));
    utf16_put(out, value);
    element_close(out, data);
    element_close(out, event);
    buf_u8(out, 0x00);
    put_le32(out->p + begin + 4, (uint32_t)(out->n + 4 - begin));
    buf_le32(out, (uint32_t)(out->n + 4 - begin));
}

static uint32_t crc(const char *bytes, size_t n, uint32_t before)
{
    return (uint32_t)crc32(before, (const unsigned char *)bytes, (uInt)n);
}

static void chunk_head(char *chunk, uint64_t events, size_t last, size_t end)
{
    memcpy(chunk, "ElfChnk\0", 8);
    put_le64(chunk + 8, 1);
    put_le64(chunk + 16, events);
    put_le64(chunk + 24, 1);
    put_le64(chunk + 32, events);
    put_le32(chunk + 40, 128);
    put_le32(chunk + 44, (uint32_t)last);
    put_le32(chunk + 48, (uint32_t)end);
    put_le32(chunk + 52, crc(chunk + CHUNK_HEADER, end - CHUNK_HEADER, 0));
    put_le32(chunk + 124, crc(chunk + 128, CHUNK_HEADER - 128, crc(chunk, 120, 0)));
}

static struct str file_make(void)
{
    struct buf out;
    memset(storage, 0, sizeof storage);
    buf_init_fixed(&out, storage, sizeof storage);
    out.n = HEADER_BYTES + CHUNK_HEADER;
    event_put(&out, HEADER_BYTES, 1, "first");
    size_t last = out.n - HEADER_BYTES;
    event_put(&out, HEADER_BYTES, 2, "second");
    chunk_head(storage + HEADER_BYTES, 2, last, out.n - HEADER_BYTES);
    memcpy(storage, "ElfFile\0", 8);
    put_le64(storage + 24, 3);
    put_le32(storage + 32, 128);
    put_le16(storage + 36, 1);
    put_le16(storage + 38, 3);
    put_le16(storage + 40, HEADER_BYTES);
    put_le16(storage + 42, 1);
    put_le32(storage + 124, crc(storage, 120, 0));
    return str_at(storage, FILE_BYTES);
}

/* All that is given: events, or why not, and whether there may have been more. */
static void tell(struct evtx *evtx, struct buf *ret_told)
{
    struct buf event CLEANUP(buf_done) = {0};
    struct err err = {0};
    buf_init(&event, EVTX_RECORD_MAX);
    for (uint64_t i = 0; i < evtx_count(evtx); i++) {
        enum rc rc = evtx_event(evtx, i, &event, &err);
        buf_str(ret_told, rc == RC_OK ? buf_view(&event) : str_of(err.text));
        buf_char(ret_told, '\n');
    }
    buf_text(ret_told, evtx_is_damaged(evtx) ? "damaged" : "whole");
    evtx_free(evtx);
}

/* In a block of their exact size, so that a sanitizer sees the first byte read past the end. */
static enum rc from_bytes(struct str bytes, struct buf *ret_told)
{
    struct evtx *evtx = NULL;
    struct err err = {0};
    char *block = memory_new(MAX(bytes.n, (size_t)1));
    if (!CHECK(block != NULL))
        return RC_LIMIT;
    memcpy(block, bytes.p, bytes.n);
    enum rc rc = evtx_open_bytes(str_at(block, bytes.n), &evtx, &err);
    if (rc == RC_OK)
        tell(evtx, ret_told);
    else
        buf_text(ret_told, err.text);
    CHECK(memcmp(block, bytes.p, bytes.n) == 0); /* nothing is written there */
    memory_free(block);
    return rc;
}

static enum rc from_file(struct str bytes, struct buf *ret_told)
{
    struct evtx *evtx = NULL;
    struct err err = {0};
    int fd = memfd_create("evtx", MFD_CLOEXEC);
    if (!CHECK(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n))
        return RC_IO;
    enum rc rc = evtx_open(fd, &evtx, &err);
    if (rc == RC_OK)
        tell(evtx, ret_told);
    else
        buf_text(ret_told, err.text);
    close(fd);
    return rc;
}

static void reads(void)
{
    struct buf told CLEANUP(buf_done) = {0};
    buf_init(&told, FILE_BYTES);
    struct str file = file_make();
    CHECK(evtx_begins(file));
    CHECK(!evtx_begins(STR("ElfFil")));
    CHECK_INT(from_bytes(file, &told), RC_OK);
    CHECK_TEXT(buf_view(&told), "<Event><Data>first</Data></Event>\n<Event><Data>second</Data></Event>\nwhole");
}

/* Whatever the bytes are: in memory as in a file. */
static void memory_is_as_a_file(struct str bytes, const char *what, size_t at)
{
    struct buf memory CLEANUP(buf_done) = {0};
    struct buf file CLEANUP(buf_done) = {0};
    buf_init(&memory, FILE_BYTES);
    buf_init(&file, FILE_BYTES);
    test_row("%s at %zu", what, at);
    enum rc rc = from_bytes(bytes, &memory);
    CHECK(rc == RC_OK || rc == RC_INVALID);
    CHECK_INT(rc, from_file(bytes, &file));
    if (rc == RC_OK)
        CHECK_STR(buf_view(&memory), buf_view(&file));
}

static void cut_anywhere(void)
{
    struct str file = file_make();
    size_t events_end = HEADER_BYTES + get_le32(file.p + HEADER_BYTES + 48);
    for (size_t n = 0; n <= 128; n++)
        memory_is_as_a_file(str_slice(file, 0, n), "cut", n);
    for (size_t n = HEADER_BYTES; n <= events_end; n += 7)
        memory_is_as_a_file(str_slice(file, 0, n), "cut", n);
}

static void changed_anywhere(void)
{
    struct str file = file_make();
    size_t events_end = HEADER_BYTES + get_le32(file.p + HEADER_BYTES + 48);
    for (size_t i = 0; i < events_end; i += i == 128 ? HEADER_BYTES - 128 : 1) {
        storage[i] ^= 0x41;
        memory_is_as_a_file(file, "changed", i);
        storage[i] ^= 0x41;
    }
}

static void refuses(void)
{
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {{"", 0}, {"E", 1}, {"ElfFile", 8}, {"ElfChnk\0xxxxxxxx", 16}, {"<Event/>", 8}};
    struct buf told CLEANUP(buf_done) = {0};
    struct err err = {0};
    struct evtx *evtx = NULL;
    buf_init(&told, FILE_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("row %zu", i);
        CHECK_INT(from_bytes(str_at(rows[i].bytes, rows[i].n), &told), RC_INVALID);
    }
    if (CHECK_INT(evtx_open_bytes(file_make(), &evtx, &err), RC_OK))
        CHECK_INT(evtx_event(evtx, 2, &told, &err), RC_INVALID);
    evtx_free(evtx);
}

/* libevtx loses memory of events that are damaged; ours is still looked for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libevtx.so";
}

static const struct test tests[] = {
    {"events of a file in memory", reads},
    {"a file cut anywhere gives in memory what it gives from a descriptor", cut_anywhere},
    {"a file changed anywhere too", changed_anywhere},
    {"what is no such file is refused", refuses},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
