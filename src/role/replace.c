#include "role/replace.h"

#include "archive/repack.h"
#include "archive/sealed.h"
#include "archive/sealed_io.h"
#include "archive/segment.h"
#include "base/arena.h"
#include "base/assert.h"
#include "os/io.h"
#include "role/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOK_NS     UINT64_C(5000000000)    /* between two looks for files */
#define SOON_NS     UINT64_C(30000000000)   /* one that somebody still writes is looked at again */
#define AGAIN_NS    UINT64_C(3600000000000) /* those that were refused are tried again: a fault may have passed */
#define REFUSED_MAX 4096
#define PIECE       ((size_t)1 << 20)
#define PIECES      32u /* hashed in one step */

enum state { STATE_LOOKING, STATE_JUDGED, STATE_HASHING };

enum { FILE_SEGMENT, FILE_COLD, FILES };

struct refused {
    uint64_t first;
    uint64_t until_ns; /* boot time */
};

struct replace {
    struct replace_options options;
    enum state state;
    uint64_t first; /* of the segment at work */
    struct judging_file files[FILES];
    struct tlog_hash digest; /* of the packed file as the judge read it */
    struct tlog_hasher *hasher;
    char *piece;
    int64_t hashed;
    uint64_t now_ns;  /* boot time of this step */
    uint64_t look_ns; /* boot time of the next look */
    uint64_t tidy_ns; /* boot time of the next tidying */
    struct refused refused[REFUSED_MAX];
    size_t refused_count;
    bool leases_told;
};

static void state_to(struct replace *r, enum state state)
{
    ASSERT(state == STATE_LOOKING || state == r->state + 1);
    r->state = state;
}

struct replace *replace_new(const struct replace_options *options)
{
    struct replace *r = memory_new(sizeof *r);
    if (!r)
        return NULL;
    r->options = *options;
    for (size_t i = 0; i < FILES; i++)
        r->files[i].fd = -1;
    r->hasher = tlog_hasher_new();
    r->piece = memory_new(PIECE);
    if (r->hasher && r->piece)
        return r;
    replace_free(r);
    return NULL;
}

static void work_end(struct replace *r)
{
    for (size_t i = 0; i < FILES; i++)
        judging_file_close(&r->files[i]);
    state_to(r, STATE_LOOKING);
}

void replace_free(struct replace *replace)
{
    if (!replace)
        return;
    work_end(replace);
    tlog_hasher_free(replace->hasher);
    memory_free(replace->piece);
    memory_free(replace);
}

bool replace_busy(const struct replace *replace)
{
    return replace->state == STATE_HASHING;
}

/* When more were refused than can be remembered, the one that would be tried first is tried sooner. */
static void remember(struct replace *r, uint64_t wait_ns)
{
    size_t at = 0;
    for (size_t i = 0; i < r->refused_count; i++)
        at = r->refused[i].until_ns < r->refused[at].until_ns ? i : at;
    if (r->refused_count < REFUSED_MAX)
        at = r->refused_count++;
    r->refused[at] = (struct refused){.first = r->first, .until_ns = r->now_ns + wait_ns};
}

static void refuse(struct replace *r, const char *why)
{
    log_warning("the segment of record %llu is not replaced by what was packed: %s", (unsigned long long)r->first, why);
    remember(r, AGAIN_NS);
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
        if (r->refused[i].first == first)
            return true;
    return false;
}

static void forgive(struct replace *r)
{
    for (size_t i = r->refused_count; i-- > 0;)
        if (r->now_ns >= r->refused[i].until_ns)
            r->refused[i] = r->refused[--r->refused_count];
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

struct keys {
    int folder;
    uint64_t first;
    bool written;
};

static bool written_key_is(void *context, const char *name)
{
    struct keys *keys = context;
    struct judging_file key = {.fd = -1};
    uint64_t first = 0;
    uint64_t serial = 0;
    if (!sealed_key_name_parse(str_of(name), &first, &serial) || first != keys->first)
        return true;
    if (judging_file_open(keys->folder, name, &key, NULL) == RC_OK)
        keys->written = io_unwritten(key.fd) == -EBUSY;
    judging_file_close(&key);
    return !keys->written;
}

/* Whether what will be judged can still be changed by who made it. RC_AGAIN: it or a key is open for writing. */
static enum rc nobody_writes(struct replace *r, struct err *err)
{
    const struct judging_file *cold = &r->files[FILE_COLD];
    struct keys keys = {.folder = r->options.staging.segments, .first = r->first};
    if (cold->identity.links != 1)
        return err_set(err, RC_DENIED, "\"%s\" has another name, under which it could be changed", cold->name);
    int result = io_unwritten(cold->fd);
    if (result == -EBUSY)
        return RC_AGAIN;
    int listed = io_kernel.list(NULL, keys.folder, written_key_is, &keys);
    if (listed < 0)
        return err_errno(err, -listed, "could not look for its keys");
    if (keys.written)
        return RC_AGAIN;
    if (result < 0 && !r->leases_told)
        log_warning("this file system does not tell who writes a packed file: its digest alone guards it");
    r->leases_told = r->leases_told || result < 0;
    return RC_OK;
}

static enum rc work_begin(struct replace *r, struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(r->first, name);
    enum rc rc = judging_file_open(r->options.staging.segments, name, &r->files[FILE_SEGMENT], err);
    if (rc != RC_OK)
        return rc;
    segment_cold_name(r->first, name);
    rc = judging_file_open(r->options.staging.segments, name, &r->files[FILE_COLD], err);
    if (rc == RC_NOT_FOUND) /* the segment is there, and it went */
        return RC_AGAIN;
    rc = rc == RC_OK ? nobody_writes(r, err) : rc;
    if (rc != RC_OK)
        return rc;
    const struct judging_question question = {
        .kind = JUDGING_SAME, .first = r->first, .files = r->files, .file_count = FILES};
    rc = judging_ask(r->options.judging, &question, r->now_ns);
    if (rc == RC_OK)
        state_to(r, STATE_JUDGED);
    return rc;
}

static bool skip(void *context, uint64_t first)
{
    return was_refused(context, first);
}

/* What the packer made comes into the folder of segments. Whether there was something. */
static bool claim(struct replace *r)
{
    const struct staging_skip passed = {.skip = skip, .context = r};
    struct err err = {0};
    enum rc rc = staging_claim(&r->options.staging, &passed, &r->first, &err);
    if (rc == RC_OK || rc == RC_END)
        return rc == RC_OK;
    if (rc == RC_NOT_FOUND)
        r->options.stray(r->options.context);
    refuse(r, err.text);
    return true;
}

static void tidy(struct replace *r)
{
    if (r->now_ns < r->tidy_ns)
        return;
    int result = staging_tidy(&r->options.staging);
    if (result < 0)
        log_warning("what the packer left cannot be removed: %s", strerror(-result));
    r->tidy_ns = r->now_ns + AGAIN_NS;
}

static void look(struct replace *r)
{
    struct search search = {.replace = r};
    struct err err = {0};
    tidy(r);
    if (!judging_free_for(r->options.judging, JUDGING_SAME))
        return;
    forgive(r);
    bool more = claim(r);
    int result = io_kernel.list(NULL, r->options.staging.segments, cold_is, &search);
    if (result < 0 || !search.found) {
        r->look_ns = r->now_ns + (more ? 0 : LOOK_NS);
        return;
    }
    r->first = search.first;
    enum rc rc = work_begin(r, &err);
    if (rc == RC_OK)
        return;
    if (rc == RC_NOT_FOUND)
        r->options.stray(r->options.context);
    if (rc != RC_AGAIN) {
        refuse(r, err.text);
        return;
    }
    remember(r, SOON_NS);
    work_end(r);
}

void replace_judged(struct replace *replace, const struct judging_verdict *verdict)
{
    struct replace *r = replace;
    ASSERT(r->state == STATE_JUDGED);
    if (verdict->rc == RC_AGAIN) { /* not yet: the judge is started anew */
        r->look_ns = r->now_ns + LOOK_NS;
        work_end(r);
        return;
    }
    if (verdict->rc != RC_OK) {
        refuse(r, verdict->text);
        return;
    }
    r->digest = verdict->digest;
    r->hashed = 0;
    tlog_hash_begin(r->hasher);
    state_to(r, STATE_HASHING);
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
        struct key_search search = {.folder = r->options.staging.segments, .first = r->first};
        int result = io_kernel.list(NULL, search.folder, former_key_is, &search);
        if (result < 0 || !search.found)
            return result;
        result = io_kernel.unlink(NULL, search.folder, search.name);
        if (result < 0)
            return result;
    }
}

/* RC_AGAIN: a tombstone is just being written. */
static enum rc take_place(const struct replace *r, struct err *err)
{
    int folder = r->options.staging.segments;
    char tombstone[SEGMENT_NAME_MAX];
    struct io_identity cold;
    snprintf(tombstone, sizeof tombstone, "%016llx.gone", (unsigned long long)r->first);
    int result = io_identify_name(folder, tombstone, &cold);
    if (result != -ENOENT)
        return result < 0 ? err_errno(err, -result, "could not look for its tombstone")
                          : err_set(err, RC_DENIED, "its deletion was begun");
    enum rc rc = judging_file_still(folder, &r->files[FILE_SEGMENT], err);
    rc = rc == RC_OK ? judging_file_still(folder, &r->files[FILE_COLD], err) : rc;
    if (rc != RC_OK)
        return rc;
    result = io_identify(r->files[FILE_COLD].fd, &cold);
    if (result == 0 && !io_identity_eq(&cold, &r->files[FILE_COLD].identity))
        return err_set(err, RC_DENIED, "\"%s\" was changed since it was judged", r->files[FILE_COLD].name);
    result =
        result < 0 ? result : io_kernel.rename(NULL, folder, r->files[FILE_COLD].name, r->files[FILE_SEGMENT].name);
    result = result < 0 ? result : io_kernel.sync(NULL, folder);
    if (result < 0)
        return err_errno(err, -result, "it could not take the place of the former file");
    struct judging_file now = r->files[FILE_COLD];
    snprintf(now.name, sizeof now.name, "%s", r->files[FILE_SEGMENT].name);
    return judging_file_still(folder, &now, err); /* of an exchange in that very moment at least the log tells */
}

static enum rc replace_one(struct replace *r, struct err *err)
{
    int lock = -1;
    enum rc rc = repack_lock(&io_kernel, r->options.archive, &lock, err);
    if (rc != RC_OK)
        return rc;
    rc = take_place(r, err);
    IGNORE(io_kernel.close(NULL, lock)); /* a folder */
    if (rc != RC_OK)
        return rc;
    int result = former_keys_unlink(r);
    if (result >= 0)
        result = io_kernel.sync(NULL, r->options.staging.segments);
    return result < 0 ? err_errno(err, -result, "the key of the former file could not be removed") : RC_OK;
}

/* RC_OK: all of it is what was judged. */
static enum rc hash_step(struct replace *r, struct err *err)
{
    const struct judging_file *cold = &r->files[FILE_COLD];
    struct tlog_hash digest;
    for (unsigned i = 0; i < PIECES && r->hashed < cold->identity.size; i++) {
        ssize_t n = io_kernel.pread(NULL, cold->fd, r->piece, PIECE, r->hashed);
        if (n <= 0)
            return n < 0 ? err_errno(err, (int)-n, "could not read \"%s\"", cold->name)
                         : err_set(err, RC_DENIED, "\"%s\" was cut since it was judged", cold->name);
        tlog_hash_add(r->hasher, str_at(r->piece, (size_t)n));
        r->hashed += n;
    }
    if (r->hashed < cold->identity.size)
        return RC_AGAIN;
    tlog_hash_end(r->hasher, &digest);
    r->hashed = INT64_MAX;
    return tlog_hash_eq(&digest, &r->digest)
               ? RC_OK
               : err_set(err, RC_DENIED, "the bytes of \"%s\" are not those that were judged", cold->name);
}

void replace_step(struct replace *replace, uint64_t boot_ns)
{
    struct replace *r = replace;
    struct err err = {0};
    r->now_ns = boot_ns;
    if (r->state == STATE_LOOKING && boot_ns >= r->look_ns)
        look(r);
    if (r->state != STATE_HASHING)
        return;
    enum rc rc = r->hashed == INT64_MAX ? RC_OK : hash_step(r, &err);
    rc = rc == RC_OK ? replace_one(r, &err) : rc;
    if (rc == RC_AGAIN)
        return; /* more to hash, or a tombstone is just being written: this step comes again */
    if (rc == RC_OK)
        work_end(r);
    else
        refuse(r, err.text);
}
