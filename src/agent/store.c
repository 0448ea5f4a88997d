#include "agent/store.h"

#include "base/bytes.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

void store_id_text(const uint8_t id[16], char ret_text[37])
{
    char digits[32];
    hex_encode(id, 16, digits);
    snprintf(ret_text, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16, digits + 20);
}

static bool id_parse(struct str text, uint8_t ret_id[16])
{
    static const size_t lengths[] = {8, 4, 4, 4, 12};
    char digits[32];
    size_t n = 0;
    struct str rest = str_trim_end(text, '\n');
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct str part = str_cut(&rest, '-');
        if (part.n != lengths[i])
            return false;
        memcpy(digits + n, part.p, part.n);
        n += part.n;
    }
    return !rest.p && hex_decode(str_at(digits, n), ret_id, 16);
}

static enum rc load(int folder, const char *name, struct arena *arena, struct str *ret_bytes, struct err *err)
{
    return file_load(&io_kernel, folder, name, STORE_FILE_MAX, arena, ret_bytes, err);
}

enum rc store_identity(int folder, struct arena *arena, struct identity *ret_identity, struct err *err)
{
    struct str id;
    struct str servers;
    enum rc rc = load(folder, STORE_ID, arena, &id, err);
    if (rc == RC_OK)
        rc = load(folder, STORE_SERVERS, arena, &servers, err);
    if (rc == RC_OK)
        rc = load(folder, STORE_KEY, arena, &ret_identity->key, err);
    if (rc == RC_OK)
        rc = load(folder, STORE_CERTIFICATE, arena, &ret_identity->certificate, err);
    if (rc == RC_OK)
        rc = load(folder, STORE_AUTHORITY, arena, &ret_identity->authority, err);
    if (rc != RC_OK)
        return rc;
    if (!id_parse(id, ret_identity->id))
        return err_set(err, RC_CORRUPT, "\"" STORE_ID "\" does not read");
    if (!agent_servers_parse(str_trim(servers), &ret_identity->servers))
        return err_set(err, RC_CORRUPT, "\"" STORE_SERVERS "\" does not read");
    return RC_OK;
}

enum rc store_config(int folder, struct arena *arena, struct agent_config *ret_config, struct err *err)
{
    struct str text;
    agent_config_defaults(ret_config);
    enum rc rc = load(folder, STORE_CONFIG, arena, &text, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc == RC_OK)
        rc = agent_config_parse(text, ret_config, err);
    if (rc != RC_OK)
        IGNORE(err_wrap(err, STORE_CONFIG)); /* the code stays rc */
    return rc;
}

enum rc store_quick(int folder, const char *name, struct str bytes, struct err *err)
{
    const struct io *io = &io_kernel;
    char temporary[64];
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = io->open(io->self, folder, temporary, IO_WRITE | IO_CREATE);
    if (fd < 0)
        return err_errno(err, -fd, "could not create \"%s\"", temporary);
    int result = io->truncate(io->self, fd, 0);
    enum rc rc = result < 0 ? err_errno(err, -result, "could not empty \"%s\"", temporary)
                            : file_write_at(io, fd, bytes, 0, err);
    IGNORE(io->close(io->self, fd)); /* not synced: nothing depends on it */
    if (rc == RC_OK && (result = io->rename(io->self, folder, temporary, name)) < 0)
        rc = err_errno(err, -result, "could not rename \"%s\"", temporary);
    return rc;
}
