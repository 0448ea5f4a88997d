/* rule_behind.c - who could not take the rules that are in force and works with those of before; who could not read the
 * lists of indicators, or not all; who could not take all patterns. Kept in memory: who begins anew is given the
 * rules again, reads the lists again, and says so again. */
#include "base/assert.h"
#include "desk/own_alarm.h"
#include "desk/rulebook.h"

#include <stdio.h>

#define WHO_MAX 24

static const struct {
    const char *not_taken; /* records */
    const char *taken;
    const char *member;
    enum own_trouble trouble;
} kinds[BEHIND_KINDS] = {
    [BEHIND_RULES] = {"rules.not_taken", "rules.taken", "behind", RULES_NOT_TAKEN},
    [BEHIND_LISTS] = {"indicators.not_taken", "indicators.taken", "lists_behind", LISTS_NOT_TAKEN},
    [BEHIND_PATTERNS] = {"parsers.not_taken", "parsers.taken", "patterns_behind", PATTERNS_NOT_TAKEN},
};

static struct rule_behind *behind_of(const struct desk *desk, enum behind_kind kind, size_t who)
{
    return &desk->rulebook->behind[kind * DESK_RULES_WHO + who];
}

static void who_name(size_t who, char name[WHO_MAX])
{
    static const char *const others[] = {"desk", "query", "hunter"};
    _Static_assert(DESK_RULES_SELF + ARRAY_LEN(others) == DESK_RULES_WHO, "each has a name");
    if (who >= DESK_RULES_SELF)
        snprintf(name, WHO_MAX, "%s", others[who - DESK_RULES_SELF]);
    else
        snprintf(name, WHO_MAX, "engine %zu", who);
}

/* What one says now, and since when it says so. */
struct saying {
    enum behind_kind kind;
    const char *name;
    struct str reason;
    int64_t since_ns; /* 0: it is new */
};

/* The beginning is an incident; that another reason took its place is a record only. */
static void begin_tell(struct desk *desk, const struct saying *s, int64_t now_ns)
{
    char storage[WHO_MAX + DESK_BEHIND_MAX + 8];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    buf_format(&text, "%s: ", s->name);
    buf_str(&text, s->reason);
    struct buf *body = desk_record_begin(desk, kinds[s->kind].not_taken, STR("qorgan"), now_ns);
    json_put_text(body, "process", s->name);
    int64_t outgoing = desk_record_end(desk, 0, s->reason);
    const struct own_alarm alarm = {
        .trouble = kinds[s->kind].trouble, .host = STR(""), .address = STR(""), .text = buf_view(&text)};
    if (!s->since_ns)
        own_alarm_put(desk, &alarm, outgoing, now_ns);
}

static void end_tell(struct desk *desk, const struct saying *s, int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, kinds[s->kind].taken, STR("qorgan"), now_ns);
    json_put_text(body, "process", s->name);
    json_put_int(body, "since_ns", s->since_ns);
    IGNORE(desk_record_end(desk, 0, STR_NONE) == 0); /* its number is not asked for */
}

static enum rc say(struct desk *desk, struct rule_behind *behind, const struct saying *s, int64_t now_ns,
                   struct err *err)
{
    struct str reason = s->reason;
    if (behind->since_ns ? str_is(reason, behind->reason) : reason.n == 0)
        return RC_OK;
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    if (reason.n)
        begin_tell(desk, s, now_ns);
    else
        end_tell(desk, s, now_ns);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    behind->since_ns = reason.n == 0 ? 0 : behind->since_ns ? behind->since_ns : MAX(now_ns, 1);
    IGNORE(!str_copy_z(reason, behind->reason, sizeof behind->reason)); /* it was cut */
    return RC_OK;
}

static enum rc taken(struct desk *desk, enum behind_kind kind, size_t who, struct str reason, int64_t now_ns,
                     struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC && who < DESK_RULES_WHO);
    struct rule_behind *behind = behind_of(desk, kind, who);
    char name[WHO_MAX];
    who_name(who, name);
    const struct saying saying = {kind, name, desk_cut(reason, DESK_BEHIND_MAX), behind->since_ns};
    return say(desk, behind, &saying, now_ns, err);
}

enum rc desk_rules_taken(struct desk *desk, size_t who, struct str reason, int64_t now_ns, struct err *err)
{
    return taken(desk, BEHIND_RULES, who, reason, now_ns, err);
}

enum rc desk_lists_taken(struct desk *desk, size_t who, struct str reason, int64_t now_ns, struct err *err)
{
    return taken(desk, BEHIND_LISTS, who, reason, now_ns, err);
}

enum rc desk_patterns_taken(struct desk *desk, size_t who, struct str reason, int64_t now_ns, struct err *err)
{
    return taken(desk, BEHIND_PATTERNS, who, reason, now_ns, err);
}

int64_t rules_behind_count(const struct desk *desk, enum behind_kind kind)
{
    int64_t count = 0;
    for (size_t i = 0; i < DESK_RULES_WHO; i++)
        count += behind_of(desk, kind, i)->since_ns != 0;
    return count;
}

void rules_behind_put(struct ask *ask, enum behind_kind kind)
{
    json_write_key(ask->out, kinds[kind].member);
    json_write_array(ask->out);
    for (size_t i = 0; i < DESK_RULES_WHO; i++) {
        const struct rule_behind *behind = behind_of(ask->desk, kind, i);
        char name[WHO_MAX];
        if (!behind->since_ns)
            continue;
        who_name(i, name);
        json_write_object(ask->out);
        json_put_text(ask->out, "process", name);
        json_put_int(ask->out, "since_ns", behind->since_ns);
        json_put_text(ask->out, "reason", behind->reason);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}
