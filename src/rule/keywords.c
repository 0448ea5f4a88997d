#include "rule/keywords.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"

#include <stdlib.h>

#define KEYWORDS_MAX ((size_t)1 << 26)
#define SOURCE_MAX   1024u

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for compiled rules");
}

/* The group of a log source; log sources are compared without regard to case. */
static enum rc group_put(struct keywords *keywords, const struct rule_logsource *logsource, uint32_t *ret_group,
                         struct err *err)
{
    const struct str words[] = {logsource->product, logsource->category, logsource->service};
    char storage[SOURCE_MAX];
    struct buf key;
    buf_init_fixed(&key, storage, sizeof(storage));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        for (size_t at = 0; at < words[i].n; at++)
            buf_char(&key, char_lower(words[i].p[at]));
        buf_char(&key, '\n');
    }
    if (!keywords->groups)
        keywords->groups = map_new(RULES_MAX + 1, 1);
    /* Log sources too long to tell apart share a group: it is shown to the events of all of them. */
    uint64_t *place = keywords->groups ? map_put(keywords->groups, buf_view(&key)) : NULL;
    if (!place)
        return no_memory(err);
    if (*place == 0)
        *place = map_count(keywords->groups);
    *ret_group = (uint32_t)*place;
    return RC_OK;
}

static bool keyword_add(struct keywords *keywords, struct keyword keyword)
{
    if (keywords->count == keywords->size) {
        size_t size = MAX(keywords->size * 2, (size_t)1024);
        struct keyword *grown = size > KEYWORDS_MAX ? NULL : memory_resize(keywords->all, size * sizeof(*grown));
        if (!grown)
            return false;
        keywords->all = grown;
        keywords->size = size;
    }
    keywords->all[keywords->count++] = keyword;
    return true;
}

enum rc keywords_add(struct keywords *keywords, struct rule_set *set, uint32_t rule, const uint32_t *numbers,
                     size_t count, struct err *err)
{
    struct set_rule *one = &set->rule[rule];
    for (size_t i = 0; i < count; i++) {
        const struct set_predicate *predicate = &set->predicates[numbers[i]];
        enum rc rc = RC_OK;
        if (predicate->field != 0 || predicate->direct != DIRECT_LITERAL)
            continue;
        if (one->keywords == 0)
            rc = group_put(keywords, &one->rule->logsource, &one->keywords, err);
        if (rc == RC_OK && !keyword_add(keywords, (struct keyword){one->keywords, numbers[i]}))
            rc = no_memory(err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static int by_group(const void *a, const void *b)
{
    const struct keyword *left = a;
    const struct keyword *right = b;
    if (left->group != right->group)
        return left->group < right->group ? -1 : 1;
    return left->predicate < right->predicate ? -1 : left->predicate > right->predicate;
}

enum rc keywords_build(struct keywords *keywords, struct rule_set *set, struct err *err)
{
    size_t groups = keywords->groups ? map_count(keywords->groups) : 0;
    struct literal *literals = memory_new((keywords->count + 1) * sizeof(*literals));
    set->keywords = memory_new((groups + 1) * sizeof(*set->keywords));
    set->keywords_count = (uint32_t)groups + 1;
    enum rc rc = literals && set->keywords ? RC_OK : no_memory(err);
    if (rc == RC_OK && keywords->count)
        qsort(keywords->all, keywords->count, sizeof(*keywords->all), by_group);
    for (size_t at = 0; at < keywords->count && rc == RC_OK;) {
        struct set_keywords *group = &set->keywords[keywords->all[at].group];
        size_t begin = at;
        size_t n = 0;
        for (; at < keywords->count && keywords->all[at].group == keywords->all[begin].group; at++) {
            uint32_t number = keywords->all[at].predicate;
            if (n == 0 || literals[n - 1].id != number)
                literals[n++] = (struct literal){set->predicates[number].text, number};
        }
        rc = scanner_literals(literals, n, &group->literals, err);
        if (rc == RC_OK) {
            group->count = (uint32_t)n;
            group->sieve = sieve_new(set->arena, literals, n);
            set->stats.databases++;
            set->stats.database_bytes += scanner_bytes(group->literals);
        }
    }
    memory_free(literals);
    return rc;
}

void keywords_done(struct keywords *keywords)
{
    map_free(keywords->groups);
    memory_free(keywords->all);
}
