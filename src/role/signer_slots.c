#include "role/signer_slots.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/file.h"

#include <string.h>

#define SLOT_SIZE 4096
#define SLOT_HEAD 14

_Static_assert(2 * SLOT_SIZE == SIGNER_SLOTS_SIZE, "two slots");

static bool slot_read(int fd, unsigned slot, uint64_t *turn, struct signer_state *ret_state)
{
    char bytes[SLOT_SIZE];
    struct err err;
    struct signer_state state;
    if (file_read_at(&io_kernel, fd, bytes, sizeof bytes, (int64_t)slot * SLOT_SIZE, &err) != RC_OK)
        return false;
    struct reader reader = reader_of(str_at(bytes, sizeof bytes));
    uint32_t crc = read_be32(&reader);
    uint64_t found = read_be64(&reader);
    struct str text = read_bytes(&reader, read_be16(&reader));
    if (reader.failed || crc != crc32c(0, bytes + 4, SLOT_HEAD - 4 + text.n) || found <= *turn ||
        signer_state_parse(text, &state, &err) != RC_OK)
        return false;
    *turn = found;
    *ret_state = state;
    return true;
}

bool signer_slots_read(int fd, uint64_t *ret_turn, struct signer_state *ret_state)
{
    bool known = false;
    *ret_turn = 0;
    for (unsigned slot = 0; slot < 2; slot++)
        known |= slot_read(fd, slot, ret_turn, ret_state);
    return known;
}

enum rc signer_slots_write(int fd, uint64_t *turn, const struct signer_state *state, struct err *err)
{
    char bytes[SLOT_SIZE] = {0};
    struct buf text;
    buf_init_fixed(&text, bytes + SLOT_HEAD, sizeof bytes - SLOT_HEAD);
    signer_state_write(state, &text);
    ASSERT(!text.overflow);
    uint64_t next = *turn + 1;
    put_be64(bytes + 4, next);
    put_be16(bytes + 12, (uint16_t)text.n);
    put_be32(bytes, crc32c(0, bytes + 4, SLOT_HEAD - 4 + text.n));
    enum rc rc = file_write_at(&io_kernel, fd, str_at(bytes, sizeof bytes), (int64_t)(next % 2) * SLOT_SIZE, err);
    if (rc != RC_OK)
        return rc;
    int result = io_kernel.sync(NULL, fd);
    if (result < 0)
        return err_errno(err, -result, "could not sync the signer's state");
    *turn = next;
    return RC_OK;
}
