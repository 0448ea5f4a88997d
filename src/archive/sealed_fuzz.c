/* Encrypted files: header, trailer, chunks, names, and the walk through a whole file without its key. */
#include "archive/sealed_io.h"
#include "os/io_input.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Keys are not there. */
static int open_without_keys(void *self, int folder, const char *name, unsigned flags)
{
    (void)self;
    (void)folder;
    (void)flags;
    return strstr(name, ".key") ? -ENOENT : 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t key[CIPHER_KEY_SIZE] = {1, 2, 3};
    static const uint8_t uuid[16] = {9, 8, 7};
    static struct cipher *cipher;
    struct str input = str_at(bytes, size);
    struct io io = io_input(&input);
    struct sealed_header header = {CIPHER_AES_256_GCM, 512, {9}, 1, 1};
    struct sealed_trailer trailer;
    struct sealed_io *sealed = NULL;
    uint64_t numbers[2];
    char plain[4096];
    io.open = open_without_keys;
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
