/* Encrypted files: header, trailer, chunks, names, and the walk through a whole file without its key. */
#include "archive/sealed_io.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int input_open(void *self, int folder, const char *name, unsigned flags)
{
    (void)self;
    (void)folder;
    (void)flags;
    return strstr(name, ".key") ? -ENOENT : 3;
}

static int input_close(void *self, int fd)
{
    (void)self;
    (void)fd;
    return 0;
}

static int input_size(void *self, int fd, int64_t *ret_size)
{
    const struct str *input = self;
    (void)fd;
    *ret_size = (int64_t)input->n;
    return 0;
}

static ssize_t input_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    const struct str *input = self;
    struct str part = str_slice(str_skip(*input, (size_t)offset), 0, n);
    (void)fd;
    if (part.n)
        memcpy(bytes, part.p, part.n);
    return (ssize_t)part.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t key[CIPHER_KEY_SIZE] = {1, 2, 3};
    static const uint8_t uuid[16] = {9, 8, 7};
    static struct cipher *cipher;
    struct str input = str_at(bytes, size);
    struct io io = {.self = &input, .open = input_open, .close = input_close, .size = input_size, .pread = input_pread};
    struct sealed_header header = {CIPHER_AES_256_GCM, 512, {9}, 1, 1};
    struct sealed_trailer trailer;
    struct sealed_io *sealed = NULL;
    uint64_t numbers[2];
    char plain[4096];
    if (!cipher && cipher_new(CIPHER_AES_256_GCM, key, &cipher, NULL) != RC_OK)
        return 0;
    IGNORE(sealed_trailer_read(cipher, &header, input, &trailer, NULL) != RC_OK);
    IGNORE(sealed_chunk_read(cipher, &header, 0, str_slice(input, 0, sizeof plain), plain));
    IGNORE(sealed_header_read(input, &header, NULL) != RC_OK);
    IGNORE(sealed_name_parse(input, numbers) || sealed_key_name_parse(input, numbers, numbers + 1));
    IGNORE(sealed_check(&io, 0, "000000000000012c.seg", NULL) != RC_OK);
    if (sealed_io_new(&io, 0, NULL, uuid, &sealed, NULL) != RC_OK)
        return 0;
    const struct io *table = sealed_io_table(sealed);
    if (table->open(table->self, 0, "000000000000012c.seg", IO_READ) >= 0)
        IGNORE(table->close(table->self, 3) != 0);
    sealed_io_free(sealed);
    return 0;
}
