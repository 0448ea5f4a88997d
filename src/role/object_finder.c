#include "role/object_finder.h"

#include "archive/reader.h"
#include "archive/segment_hosts.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "desk/asset_rules.h"
#include "os/io.h"
#include "role/log.h"
#include "role/object_terms.h"
#include "tlog/hash.h"

#define RULES_ARENA ((size_t)16 << 20)
#define IDLE_NS     UINT64_C(30000000000) /* the archive is closed when nobody asked for so long */

_Static_assert(RULES_ARENA > 2 * ASSET_RULES_BYTES + ASSET_RULES_MAX * sizeof(struct asset_rule),
               "all rules have room");

struct object_finder {
    struct object_finder_options options;
    struct tlog_hasher *hasher;
    struct arena *arena; /* of the rules */
    struct asset_rules rules;
    struct tlog_hash digest; /* of them; zeros: there are none yet */
    bool asked;
    uint64_t first; /* of the segment that was asked about */
    struct tlog_hash wanted;
    struct archive_reader *reader; /* while there are questions */
    uint64_t used_ns;              /* boot time of its last use */
    struct segment_hosts *hosts;
    int64_t objects[OBJECTS_FOUND_MAX];
    size_t count;
    bool too_many;
};

struct object_finder *object_finder_new(const struct object_finder_options *options)
{
    struct object_finder *f = memory_new(sizeof *f);
    if (!f)
        return NULL;
    f->options = *options;
    f->hasher = tlog_hasher_new();
    f->arena = arena_new(RULES_ARENA);
    if (f->hasher && f->arena)
        return f;
    object_finder_free(f);
    return NULL;
}

static void reader_close(struct object_finder *f)
{
    segment_hosts_free(f->hosts);
    archive_reader_close(f->reader);
    f->hosts = NULL;
    f->reader = NULL;
}

void object_finder_free(struct object_finder *finder)
{
    if (!finder)
        return;
    reader_close(finder);
    tlog_hasher_free(finder->hasher);
    arena_free(finder->arena);
    memory_free(finder);
}

static void question_begin(struct object_finder *f)
{
    segment_hosts_free(f->hosts);
    f->hosts = NULL;
    f->count = 0;
    f->too_many = false;
}

static void on_rules(struct object_finder *f, struct str body)
{
    struct err err = {0};
    question_begin(f); /* what was found of the segment at work followed the former rules */
    arena_reset(f->arena);
    tlog_hash_bytes(f->hasher, body, &f->digest);
    if (asset_rules_read(body, f->arena, &f->rules, &err) == RC_OK)
        return;
    f->digest = (struct tlog_hash){0};
    log_error("whose records are whose was not understood: %s", err.text);
}

static void on_ask(struct object_finder *f, uint64_t first, struct str body)
{
    struct reader in = reader_of(body);
    question_begin(f);
    read_copy(&in, f->wanted.bytes, sizeof f->wanted.bytes);
    f->asked = reader_done(&in);
    f->first = first;
}

void object_finder_message(struct object_finder *finder, const struct msg *msg)
{
    if (msg->type == MSG_OBJECT_RULES)
        on_rules(finder, msg->body);
    else if (msg->type == MSG_OBJECTS_ASK)
        on_ask(finder, msg->id, msg->body);
}

bool object_finder_busy(const struct object_finder *finder)
{
    return finder->asked && tlog_hash_eq(&finder->wanted, &finder->digest);
}

static void answer(struct object_finder *f, const struct err *err)
{
    char storage[OBJECTS_FOUND_SIZE];
    struct buf body;
    buf_init_fixed(&body, storage, sizeof storage);
    buf_put(&body, f->digest.bytes, TLOG_HASH_SIZE);
    buf_u8(&body, err || f->too_many ? 0 : 1);
    for (size_t i = 0; i < f->count && !err && !f->too_many; i++)
        buf_be64(&body, (uint64_t)f->objects[i]);
    if (err)
        log_warning("whose records the segment of record %llu has is not known: %s", (unsigned long long)f->first,
                    err->text);
    f->asked = false;
    segment_hosts_free(f->hosts);
    f->hosts = NULL;
    f->options.answer(f->options.context, f->first, buf_view(&body));
}

static void host_take(void *context, struct str host, struct str address)
{
    struct object_finder *f = context;
    int64_t object = asset_rules_object(&f->rules, host, address);
    for (size_t i = 0; i < f->count; i++)
        if (f->objects[i] == object)
            return;
    if (f->count < OBJECTS_FOUND_MAX)
        f->objects[f->count++] = object;
    else
        f->too_many = true;
}

static enum rc hosts_open(struct object_finder *f, struct err *err)
{
    struct archive_reader_options options = {.vault = f->options.vault};
    enum rc rc = f->reader ? archive_reader_refresh(f->reader, err)
                           : archive_reader_open(&io_kernel, f->options.archive, &options, &f->reader, err);
    return rc == RC_OK ? segment_hosts_new(f->reader, f->first, &f->hosts, err) : rc;
}

enum rc object_finder_step(struct object_finder *finder, uint64_t boot_ns)
{
    struct object_finder *f = finder;
    struct err err = {0};
    if (!object_finder_busy(f)) {
        if (f->reader && boot_ns - f->used_ns >= IDLE_NS)
            reader_close(f);
        return RC_OK;
    }
    f->used_ns = boot_ns;
    enum rc rc = f->hosts ? RC_OK : hosts_open(f, &err);
    if (rc == RC_DENIED && !f->reader && f->options.vault)
        return rc; /* with the keys of now it can be answered */
    rc = rc == RC_OK ? segment_hosts_step(f->hosts, host_take, f, &err) : rc;
    if (rc == RC_AGAIN && !f->too_many)
        return RC_OK;
    answer(f, rc == RC_OK || rc == RC_AGAIN ? NULL : &err);
    if (rc != RC_OK && rc != RC_AGAIN)
        reader_close(f); /* the next one looks anew */
    return RC_OK;
}
