#include "role/replace.h"

#include "archive/reader.h"
#include "archive/repack.h"
#include "archive/sealed.h"
#include "archive/sealed_io.h"
#include "archive/segment.h"
#include "base/assert.h"
#include "event/names.h"
#include "os/io.h"
#include "os/random.h"
#include "role/log.h"

#include <errno.h>
#include <stdio.h>

#define LOOK_NS     UINT64_C(5000000000)    /* between two looks for files */
#define AGAIN_NS    UINT64_C(3600000000000) /* those that were refused are tried again: a fault may have passed */
#define REFUSED_MAX 64

struct replace {
    struct replace_options options;
    struct names *names; /* of one segment: fresh ones each time */
    struct archive_reader *reader;
    struct repack_check *check;
    uint64_t first;    /* of the segment at work */
    uint64_t look_ns;  /* boot time of the next look */
    uint64_t again_ns; /* boot time at which `refused` is forgotten */
    uint64_t refused[REFUSED_MAX];
    size_t refused_count;
};

struct replace *replace_new(const struct replace_options *options)
{
    struct replace *r = memory_new(sizeof *r);
    if (r)
        r->options = *options;
    return r;
}

bool replace_busy(const struct replace *replace)
{
    return replace->check != NULL;
}

static void work_end(struct replace *r)
{
    repack_check_free(r->check);
    archive_reader_close(r->reader);
    names_free(r->names);
    r->check = NULL;
    r->reader = NULL;
    r->names = NULL;
}

static void refuse(struct replace *r, const struct err *err)
{
    log_warning("the segment of record %llu is not replaced by what was packed: %s", (unsigned long long)r->first,
                err->text);
    r->refused[r->refused_count++] = r->first;
    work_end(r);
}

/* ---- looking ---- */

struct search {
    const struct replace *replace;
    uint64_t first; /* the lowest */
    bool found;
};

static bool was_refused(const struct replace *r, uint64_t first)
{
    for (size_t i = 0; i < r->refused_count; i++)
        if (r->refused[i] == first)
            return true;
    return false;
}

static bool cold_is(void *context, const char *name)
{
    struct search *s = context;
    uint64_t first = 0;
    if (segment_cold_name_parse(str_of(name), &first) && (!s->found || first < s->first) &&
        !was_refused(s->replace, first)) {
        s->first = first;
        s->found = true;
    }
    return true;
}

static enum rc work_begin(struct replace *r, struct err *err)
{
    r->names = names_new(random_u64());
    if (!r->names)
        return err_set(err, RC_LIMIT, "no memory for names");
    struct archive_reader_options options = {.names = r->names, .vault = r->options.vault};
    enum rc rc = archive_reader_open(&io_kernel, r->options.archive, &options, &r->reader, err);
    return rc == RC_OK ? repack_check_new(r->reader, r->first, &r->check, err) : rc;
}

static enum rc look(struct replace *r, uint64_t boot_ns)
{
    struct search search = {.replace = r};
    struct err err = {0};
    if (boot_ns >= r->again_ns) {
        r->refused_count = 0;
        r->again_ns = boot_ns + AGAIN_NS;
    }
    int result = r->refused_count < REFUSED_MAX ? io_kernel.list(NULL, r->options.segments, cold_is, &search) : 0;
    if (result < 0 || !search.found) {
        r->look_ns = boot_ns + LOOK_NS;
        return RC_OK;
    }
    r->first = search.first;
    enum rc rc = work_begin(r, &err);
    if (rc == RC_NOT_FOUND)
        r->options.stray(r->options.context);
    if (rc == RC_DENIED && !r->reader) {
        work_end(r);
        return RC_DENIED;
    }
    if (rc != RC_OK)
        refuse(r, &err);
    return RC_OK;
}

/* ---- replacing ---- */

struct key_search {
    int folder;
    uint64_t first;
    char name[SEALED_KEY_NAME];
    bool found;
};

static bool former_key_is(void *context, const char *name)
{
    struct key_search *s = context;
    uint64_t first = 0;
    uint64_t serial = 0;
    if (!sealed_key_name_parse(str_of(name), &first, &serial) || first != s->first ||
        !sealed_key_orphan(&io_kernel, s->folder, name))
        return true;
    sealed_key_name(first, serial, s->name);
    s->found = true;
    return false;
}

/* One that stays after a crash means nothing. */
static int former_keys_unlink(const struct replace *r)
{
    for (;;) {
        struct key_search search = {.folder = r->options.segments, .first = r->first};
        int result = io_kernel.list(NULL, search.folder, former_key_is, &search);
        if (result < 0 || !search.found)
            return result;
        result = io_kernel.unlink(NULL, search.folder, search.name);
        if (result < 0)
            return result;
    }
}

static int take_place(const struct replace *r)
{
    int folder = r->options.segments;
    char from[SEGMENT_NAME_MAX];
    char to[SEGMENT_NAME_MAX];
    char tombstone[SEGMENT_NAME_MAX];
    segment_cold_name(r->first, from);
    segment_name(r->first, to);
    snprintf(tombstone, sizeof tombstone, "%016llx.gone", (unsigned long long)r->first);
    int fd = io_kernel.open(NULL, folder, tombstone, IO_READ);
    if (fd >= 0)
        IGNORE(io_kernel.close(NULL, fd)); /* only looked at */
    if (fd != -ENOENT)
        return fd < 0 ? fd : -EEXIST; /* its deletion was begun */
    int result = io_kernel.rename(NULL, folder, from, to);
    return result < 0 ? result : io_kernel.sync(NULL, folder);
}

static enum rc replace_one(const struct replace *r, struct err *err)
{
    int lock = -1;
    enum rc rc = repack_lock(&io_kernel, r->options.archive, &lock, err);
    if (rc != RC_OK)
        return rc;
    int result = take_place(r);
    IGNORE(io_kernel.close(NULL, lock)); /* a folder */
    if (result >= 0)
        result = former_keys_unlink(r);
    if (result >= 0)
        result = io_kernel.sync(NULL, r->options.segments);
    return result < 0 ? err_errno(err, -result, "it could not take the place of the former file") : RC_OK;
}

enum rc replace_step(struct replace *replace, uint64_t boot_ns)
{
    struct replace *r = replace;
    struct err err = {0};
    if (!r->check)
        return boot_ns >= r->look_ns ? look(r, boot_ns) : RC_OK;
    enum rc rc = repack_check_step(r->check, &err);
    if (rc == RC_AGAIN)
        return RC_OK;
    rc = rc == RC_OK ? replace_one(r, &err) : rc;
    if (rc == RC_AGAIN)
        return RC_OK; /* a tombstone is just being written: the last step comes again */
    if (rc == RC_OK)
        work_end(r);
    else
        refuse(r, &err);
    return RC_OK;
}
