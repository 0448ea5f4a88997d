#include "role/engine_set.h"

#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/proc.h"
#include "os/random.h"
#include "os/thread.h"
#include "role/log.h"
#include "role/rule_bundle.h"

#include <unistd.h>

struct set_maker {
    struct names *names;
    struct thread *thread; /* NULL: idle */
    int wanted;            /* the newest wish, -1 = none */
    uint64_t wanted_version;
    /* of the thread, while it runs */
    int bundle;
    uint64_t version;
    uint64_t digest;
    struct names *copy;
    uint32_t copied; /* names that the copy began with */
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

enum rc engine_set_make(int bundle, struct names *names, struct engine_set *ret_set, struct err *err)
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

/* --- made beside --- */

struct set_maker *set_maker_new(struct names *names)
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
    names_free(maker->copy);
    maker->copy = NULL;
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
    return maker->thread && thread_is_done(maker->thread);
}

/* In the thread. What was read is read: a second time only the compilation is to be done. */
static void work(void *context)
{
    struct set_maker *maker = context;
    maker->rc = RC_OK;
    if (!maker->rules) {
        maker->rc = rule_bundle_digest(maker->bundle, &maker->digest, &maker->err);
        if (maker->rc == RC_OK)
            maker->rc = rule_bundle_load(maker->bundle, &maker->rules, &maker->err);
    }
    if (maker->rc == RC_OK)
        maker->rc = rule_set_compile(maker->rules, maker->copy, &maker->compiled, &maker->err);
}

static enum rc work_begin(struct set_maker *maker, struct err *err)
{
    ASSERT(!maker->thread && !maker->compiled);
    names_free(maker->copy);
    maker->copied = names_end(maker->names);
    maker->copy = names_copy(maker->names);
    maker->thread = maker->copy ? thread_begin(work, maker) : NULL;
    return maker->thread ? RC_OK : err_set(err, RC_LIMIT, "no memory to compile rules");
}

static enum rc wanted_begin(struct set_maker *maker, struct err *err)
{
    work_forget(maker);
    maker->bundle = maker->wanted;
    maker->version = maker->wanted_version;
    maker->wanted = -1;
    return work_begin(maker, err);
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
    return maker->thread ? RC_OK : wanted_begin(maker, err);
}

/* Whether each number means the same name in the copy and here, once the copy's new ones are here. */
static bool names_agree(const struct set_maker *maker)
{
    bool agree = true;
    for (uint32_t id = maker->copied; id < names_end(maker->copy); id++)
        agree = names_put(maker->names, names_text(maker->copy, id)) == id && agree;
    return agree;
}

static enum rc finished_take(struct set_maker *maker, struct engine_set *ret_set, struct err *err)
{
    struct engine_set set = {.version = maker->version, .digest = maker->digest};
    ret_set->version = maker->version;
    if (maker->rc != RC_OK) {
        *err = maker->err;
        return maker->rc;
    }
    rule_set_names(maker->compiled, maker->names);
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
    thread_end(maker->thread);
    maker->thread = NULL;
    if (maker->rc == RC_OK && !names_agree(maker)) {
        rule_set_free(maker->compiled);
        maker->compiled = NULL;
        ret_set->version = maker->version;
        enum rc rc = work_begin(maker, err);
        return rc == RC_OK ? RC_AGAIN : rc;
    }
    enum rc rc = finished_take(maker, ret_set, err);
    work_forget(maker);
    struct err later = {0};
    if (maker->wanted >= 0 && wanted_begin(maker, &later) != RC_OK && rc == RC_OK)
        log_error("%s", later.text);
    return rc;
}
