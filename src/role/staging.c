#include "role/staging.h"

#include "archive/sealed.h"
#include "archive/segment.h"
#include "base/assert.h"
#include "os/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE (SEALED_KEY_NAME + 8) /* a key's, and ".tmp" */

/* Names that a walk found: a folder is not changed while it is walked. */
struct names {
    const struct staging *staging;
    uint64_t first; /* of which they are; not asked in a tidying */
    bool folder;    /* of the packer, not seg/ */
    size_t max;
    size_t count;
    bool more; /* than fit */
    char list[STAGING_TIDY_MAX][NAME_SIZE];
};

static bool names_add(struct names *names, const char *name)
{
    names->more = names->count == names->max;
    if (!names->more)
        snprintf(names->list[names->count++], NAME_SIZE, "%s", name);
    return !names->more;
}

static bool is_there(int folder, const char *name)
{
    struct io_identity identity;
    return io_identify_name(folder, name, &identity) != -ENOENT; /* in doubt it is */
}

static bool has(int folder, uint64_t first, const char *suffix)
{
    char name[SEGMENT_NAME_MAX];
    snprintf(name, sizeof name, "%016llx%s", (unsigned long long)first, suffix);
    return is_there(folder, name);
}

/* ---- moving ---- */

struct search {
    const struct staging *staging;
    const struct staging_skip *skip;
    uint64_t first; /* the lowest */
    bool found;
};

static bool cold_is(void *context, const char *name)
{
    struct search *s = context;
    uint64_t first = 0;
    if (!segment_cold_name_parse(str_of(name), &first) || (s->found && first >= s->first) ||
        s->skip->skip(s->skip->context, first) || is_there(s->staging->segments, name))
        return true;
    s->first = first;
    s->found = true;
    return true;
}

static bool key_is(void *context, const char *name)
{
    struct names *names = context;
    uint64_t first = 0;
    uint64_t serial = 0;
    return !sealed_key_name_parse(str_of(name), &first, &serial) || first != names->first || names_add(names, name);
}

/* A file with this one name. */
static enum rc honest(int folder, const char *name, struct err *err)
{
    struct io_identity identity;
    int result = io_identify_name(folder, name, &identity);
    if (result < 0)
        return err_errno(err, -result, "could not look at \"%s\"", name);
    if (!identity.regular)
        return err_set(err, RC_DENIED, "\"%s\" is no file", name);
    return identity.links == 1 ? RC_OK : err_set(err, RC_DENIED, "\"%s\" has another name", name);
}

static enum rc move_one(const struct staging *staging, const char *name, struct err *err)
{
    enum rc rc = honest(staging->folder, name, err);
    if (rc != RC_OK)
        return rc;
    int result = io_move(staging->folder, name, staging->segments);
    if (result == -EXDEV)
        return err_set(err, RC_IO, "archive/pack and archive/seg are not of one file system, or it lets no file pass");
    if (result == -EEXIST)
        return err_set(err, RC_DENIED, "\"%s\" is in archive/seg already", name);
    if (result < 0)
        return err_errno(err, -result, "could not move \"%s\" into archive/seg", name);
    rc = honest(staging->segments, name, err); /* where nobody exchanges it any more */
    if (rc == RC_DENIED)
        IGNORE(io_kernel.unlink(NULL, staging->segments, name)); /* what came just now; else it is refused again */
    return rc;
}

enum rc staging_claim(const struct staging *staging, const struct staging_skip *skip, uint64_t *ret_first,
                      struct err *err)
{
    struct search search = {.staging = staging, .skip = skip};
    int result = io_kernel.list(NULL, staging->folder, cold_is, &search);
    if (result < 0 || !search.found)
        return RC_END;
    struct names keys = {.first = search.first, .max = STAGING_KEYS_MAX};
    char cold[SEGMENT_NAME_MAX];
    *ret_first = search.first;
    segment_cold_name(search.first, cold);
    if (!has(staging->segments, search.first, ".seg"))
        return err_set(err, RC_NOT_FOUND, "its segment is not there");
    result = io_kernel.list(NULL, staging->folder, key_is, &keys);
    if (result < 0)
        return err_errno(err, -result, "could not list archive/pack");
    if (keys.more)
        return err_set(err, RC_DENIED, "it has more than %u keys", STAGING_KEYS_MAX);
    enum rc rc = RC_OK;
    for (size_t i = 0; i < keys.count && rc == RC_OK; i++)
        rc = move_one(staging, keys.list[i], err);
    if (rc == RC_OK && keys.count && (result = io_kernel.sync(NULL, staging->segments)) < 0)
        return err_errno(err, -result, "could not sync archive/seg");
    rc = rc == RC_OK ? move_one(staging, cold, err) : rc;
    if (rc != RC_OK)
        return rc;
    result = io_kernel.sync(NULL, staging->segments);
    result = result < 0 ? result : io_kernel.sync(NULL, staging->folder);
    return result < 0 ? err_errno(err, -result, "could not sync archive/seg and archive/pack") : RC_OK;
}

/* ---- tidying ---- */

/* Begun, and nobody writes it. */
static bool left_over(int folder, const char *name)
{
    struct io_identity identity;
    if (io_identify_name(folder, name, &identity) < 0)
        return false;
    if (!identity.regular)
        return true;
    int fd = io_kernel.open(NULL, folder, name, IO_READ);
    int result = fd < 0 ? fd : io_unwritten(fd);
    if (fd >= 0)
        IGNORE(io_kernel.close(NULL, fd)); /* only looked at */
    return result == 0;
}

static bool begun_is(void *context, const char *name)
{
    struct names *names = context;
    const struct staging *staging = names->staging;
    uint64_t first = 0;
    if (!sealed_name_parse(str_of(name), &first) || !str_ends(str_of(name), STR(".pack")) ||
        !left_over(names->folder ? staging->folder : staging->segments, name))
        return true;
    return names_add(names, name);
}

/* A key is made while its file is open, under the name .pack, which then becomes .cold: looked for in this order. */
static bool lone_key_is(void *context, const char *name)
{
    struct names *names = context;
    int folder = names->staging->folder;
    struct str text = str_of(name);
    uint64_t first = 0;
    uint64_t serial = 0;
    if (str_ends(text, STR(".tmp")))
        text = str_slice(text, 0, text.n - strlen(".tmp"));
    if (!sealed_key_name_parse(text, &first, &serial) || has(folder, first, ".pack") || has(folder, first, ".cold"))
        return true;
    return names_add(names, name);
}

static int names_unlink(const struct names *names, int folder)
{
    for (size_t i = 0; i < names->count; i++) {
        int result = io_kernel.unlink(NULL, folder, names->list[i]);
        if (result < 0 && result != -ENOENT)
            return result;
    }
    int result = names->count ? io_kernel.sync(NULL, folder) : 0;
    return result < 0 ? result : (int)names->count;
}

static int tidy(const struct staging *staging, int folder, bool (*each)(void *context, const char *name))
{
    struct names names = {.staging = staging, .folder = folder == staging->folder, .max = STAGING_TIDY_MAX};
    int result = io_kernel.list(NULL, folder, each, &names);
    return result < 0 ? result : names_unlink(&names, folder);
}

int staging_tidy(const struct staging *staging)
{
    int here = tidy(staging, staging->folder, begun_is);
    int there = here < 0 ? here : tidy(staging, staging->segments, begun_is);
    int keys = there < 0 ? there : tidy(staging, staging->folder, lone_key_is);
    return keys < 0 ? keys : here + there + keys;
}

/* ---- of one segment ---- */

static bool of_segment(void *context, const char *name)
{
    struct names *names = context;
    uint64_t first = 0;
    struct str text = str_of(name);
    bool of = text.n > 17 && text.p[16] == '.' && str_hex_to_u64(str_slice(text, 0, 16), &first);
    return !of || first != names->first || strlen(name) >= NAME_SIZE || names_add(names, name);
}

int staging_remove(const struct staging *staging, uint64_t first)
{
    for (;;) {
        struct names names = {.first = first, .max = STAGING_TIDY_MAX};
        int result = io_kernel.list(NULL, staging->folder, of_segment, &names);
        result = result < 0 ? result : names_unlink(&names, staging->folder);
        if (result < 0 || !names.more)
            return result < 0 ? result : 0;
    }
}
