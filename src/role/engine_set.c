#include "role/engine_set.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/proc.h"
#include "os/random.h"
#include "os/thread.h"
#include "role/rule_bundle.h"
#include "tlog/hash.h"

#include <unistd.h>

struct set_maker {
    const struct names *names;
    struct thread *thread; /* NULL: idle */
    int wanted;            /* the newest wish, -1 = none */
    uint64_t wanted_version;
    /* of the thread, while it runs */
    int bundle;
    uint64_t version;
    uint64_t digest;
    struct rules *rules;
    struct rule_set *compiled;
    enum rc rc;
    struct err err;
};

/* --- a set --- */

void engine_set_done(struct engine_set *set)
{
    engine_rules_free(set->duties);
    matcher_free(set->matcher);
    rule_set_free(set->compiled);
    rules_free(set->rules);
    *set = (struct engine_set){0};
}

static enum rc set_complete(struct engine_set *set, const struct names *names, struct err *err)
{
    for (size_t i = 0; i < rules_outcome_count(set->rules); i++)
        set->refused += !rules_outcome_at(set->rules, i)->loaded;
    set->matcher = matcher_new(set->compiled);
    set->duties = set->matcher ? engine_rules_new(set->rules, set->matcher, names) : NULL;
    if (!set->duties) {
        engine_set_done(set);
        return err_set(err, RC_LIMIT, "no memory for rules");
    }
    matcher_clock(set->matcher, clock_boot_ns);
    return RC_OK;
}

enum rc engine_set_make(int bundle, const struct names *names, struct engine_set *ret_set, struct err *err)
{
    struct engine_set set = {0};
    enum rc rc = rule_bundle_digest(bundle, &set.digest, err);
    if (rc == RC_OK)
        rc = rule_bundle_load(bundle, &set.rules, err);
    if (rc == RC_OK)
        rc = rule_set_compile(set.rules, names, &set.compiled, err);
    if (rc == RC_OK)
        rc = set_complete(&set, names, err);
    if (rc == RC_OK)
        *ret_set = set;
    else
        engine_set_done(&set);
    return rc;
}

bool engine_set_write(const struct engine_set *set, struct buf *out)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash hash;
    char text[2 * sizeof hash];
    if (!hasher)
        return false;
    tlog_hash_begin(hasher);
    for (size_t i = 0; i < rules_count(set->rules); i++) {
        uint8_t bytes[8];
        put_be64(bytes, rules_at(set->rules, i)->hash);
        tlog_hash_add(hasher, str_at(bytes, sizeof bytes));
    }
    tlog_hash_end(hasher, &hash);
    json_put_text(out, "event", "rules");
    json_put_u64(out, "loaded", rules_count(set->rules));
    json_put_u64(out, "refused", set->refused);
    json_put_str(out, "sha256", str_at(text, hex_encode(&hash, sizeof hash, text)));
    return true;
}

/* --- made beside --- */

struct set_maker *set_maker_new(const struct names *names)
{
    struct set_maker *maker = memory_new(sizeof *maker);
    if (!maker)
        return NULL;
    maker->names = names;
    maker->wanted = maker->bundle = -1;
    return maker;
}

static void work_forget(struct set_maker *maker)
{
    thread_end(maker->thread);
    maker->thread = NULL;
    if (maker->bundle >= 0)
        close(maker->bundle);
    maker->bundle = -1;
    rule_set_free(maker->compiled);
    maker->compiled = NULL;
    rules_free(maker->rules);
    maker->rules = NULL;
}

void set_maker_free(struct set_maker *maker)
{
    if (!maker)
        return;
    work_forget(maker);
    if (maker->wanted >= 0)
        close(maker->wanted);
    memory_free(maker);
}

bool set_maker_is_at_work(const struct set_maker *maker)
{
    return maker->thread || maker->wanted >= 0;
}

bool set_maker_is_ready(const struct set_maker *maker)
{
    return maker->thread ? thread_is_done(maker->thread) : maker->wanted >= 0;
}

/* In the thread. */
static void work(void *context)
{
    struct set_maker *maker = context;
    maker->rc = rule_bundle_digest(maker->bundle, &maker->digest, &maker->err);
    if (maker->rc == RC_OK)
        maker->rc = rule_bundle_load(maker->bundle, &maker->rules, &maker->err);
    if (maker->rc == RC_OK)
        maker->rc = rule_set_compile(maker->rules, maker->names, &maker->compiled, &maker->err);
}

static enum rc wanted_begin(struct set_maker *maker, struct err *err)
{
    maker->bundle = maker->wanted;
    maker->version = maker->wanted_version;
    maker->wanted = -1;
    maker->thread = thread_begin(work, maker);
    return maker->thread ? RC_OK : err_set(err, RC_LIMIT, "no thread to compile rules");
}

enum rc set_maker_want(struct set_maker *maker, int bundle, uint64_t version, struct err *err)
{
    int fd = dup(bundle);
    if (fd < 0)
        return err_set(err, RC_LIMIT, "no descriptor for rules");
    if (maker->wanted >= 0)
        close(maker->wanted);
    maker->wanted = fd;
    maker->wanted_version = version;
    return RC_OK; /* set_maker_take begins with it */
}

static enum rc finished_take(struct set_maker *maker, struct engine_set *ret_set, struct err *err)
{
    struct engine_set set = {.version = maker->version, .digest = maker->digest};
    ret_set->version = maker->version;
    if (maker->rc != RC_OK) {
        *err = maker->err;
        return maker->rc;
    }
    set.rules = maker->rules;
    set.compiled = maker->compiled;
    maker->rules = NULL;
    maker->compiled = NULL;
    enum rc rc = set_complete(&set, maker->names, err);
    if (rc == RC_OK)
        *ret_set = set;
    return rc;
}

enum rc set_maker_take(struct set_maker *maker, struct engine_set *ret_set, struct err *err)
{
    *ret_set = (struct engine_set){0};
    if (!set_maker_is_ready(maker))
        return RC_AGAIN;
    enum rc rc;
    if (maker->thread) {
        thread_end(maker->thread);
        maker->thread = NULL;
        rc = finished_take(maker, ret_set, err);
    } else {
        rc = wanted_begin(maker, err);
        ret_set->version = maker->version;
        if (rc == RC_OK)
            return RC_AGAIN;
    }
    work_forget(maker);
    return rc;
}
