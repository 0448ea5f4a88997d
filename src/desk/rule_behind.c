/* rule_behind.c - who could not take the rules that are in force and works with those of before. Kept in memory: who
 * begins anew is given the rules again and says so again. */
#include "base/assert.h"
#include "desk/own_alarm.h"
#include "desk/rulebook.h"

#include <stdio.h>

#define WHO_MAX 24

static void who_name(size_t who, char name[WHO_MAX])
{
    if (who == DESK_RULES_SELF)
        snprintf(name, WHO_MAX, "desk");
    else
        snprintf(name, WHO_MAX, "engine %zu", who);
}

/* The beginning is an incident; that another reason took its place is a record only. */
static void begin_tell(struct desk *desk, const char *name, struct str reason, bool fresh, int64_t now_ns)
{
    char storage[WHO_MAX + DESK_BEHIND_MAX + 8];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof storage);
    buf_format(&text, "%s: ", name);
    buf_str(&text, reason);
    struct buf *body = desk_record_begin(desk, "rules.not_taken", STR("qorgan"), now_ns);
    json_put_text(body, "process", name);
    int64_t outgoing = desk_record_end(desk, 0, reason);
    const struct own_alarm alarm = {
        .trouble = RULES_NOT_TAKEN, .host = STR(""), .address = STR(""), .text = buf_view(&text)};
    if (fresh)
        own_alarm_put(desk, &alarm, outgoing, now_ns);
}

static void end_tell(struct desk *desk, const char *name, int64_t since_ns, int64_t now_ns)
{
    struct buf *body = desk_record_begin(desk, "rules.taken", STR("qorgan"), now_ns);
    json_put_text(body, "process", name);
    json_put_int(body, "since_ns", since_ns);
    IGNORE(desk_record_end(desk, 0, STR_NONE) == 0); /* its number is not asked for */
}

enum rc desk_rules_taken(struct desk *desk, size_t who, struct str reason, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC && who <= DESK_RULES_SELF);
    struct rule_behind *behind = &desk->rulebook->behind[who];
    char name[WHO_MAX];
    reason = desk_cut(reason, DESK_BEHIND_MAX);
    if (behind->since_ns ? str_is(reason, behind->reason) : reason.n == 0)
        return RC_OK;
    who_name(who, name);
    enum rc rc = desk_begin(desk, err);
    if (rc != RC_OK)
        return rc;
    if (reason.n)
        begin_tell(desk, name, reason, behind->since_ns == 0, now_ns);
    else
        end_tell(desk, name, behind->since_ns, now_ns);
    rc = desk_end(desk, true, err);
    if (rc != RC_OK)
        return rc;
    behind->since_ns = reason.n == 0 ? 0 : behind->since_ns ? behind->since_ns : MAX(now_ns, 1);
    IGNORE(!str_copy_z(reason, behind->reason, sizeof behind->reason)); /* it was cut */
    return RC_OK;
}

int64_t rules_behind_count(const struct desk *desk)
{
    int64_t count = 0;
    for (size_t i = 0; i <= DESK_RULES_SELF; i++)
        count += desk->rulebook->behind[i].since_ns != 0;
    return count;
}

void rules_behind_put(struct ask *ask)
{
    json_write_key(ask->out, "behind");
    json_write_array(ask->out);
    for (size_t i = 0; i <= DESK_RULES_SELF; i++) {
        const struct rule_behind *behind = &ask->desk->rulebook->behind[i];
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
