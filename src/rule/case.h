/* case.h - what the tests of this room share: events from JSON text, rules from text, one match. Tests only. */
#ifndef RULE_CASE_H
#define RULE_CASE_H

#include "base/arena.h"
#include "base/test.h"
#include "codec/json.h"
#include "event/event.h"
#include "event/names.h"
#include "rule/naive.h"
#include "rule/rule.h"

#include <string.h>

#define CASE_MEMORY ((size_t)512 << 20)

struct case_event {
    struct arena *arena;
    struct names *names;
    struct event event;
    struct event_field fields[EVENT_FIELDS_MAX];
};

static void case_leaf(void *context, struct str path, enum json_kind kind, struct str value)
{
    struct case_event *made = context;
    uint32_t type = kind == JSON_STRING   ? EVENT_STRING
                    : kind == JSON_NUMBER ? EVENT_NUMBER
                    : kind == JSON_NULL   ? EVENT_NULL
                    : kind == JSON_OBJECT ? EVENT_OBJECT
                                          : EVENT_BOOL;
    struct str text = arena_str(made->arena, value);
    made->fields[made->event.field_count++] = (struct event_field){names_put(made->names, path), type, text};
}

/* Flat fields from a JSON object; the values live in the arena. */
UNUSED(static bool case_event_of(struct case_event *made, struct arena *arena, struct names *names, struct str json));
static bool case_event_of(struct case_event *made, struct arena *arena, struct names *names, struct str json)
{
    struct err err;
    made->arena = arena;
    made->names = names;
    made->event = (struct event){.fields = made->fields, .parser = "json", .raw = json, .record_count = 1};
    return json_flatten(arena, json, case_leaf, made, NULL, &err) == RC_OK;
}

/* One document in, finished; NULL when it was refused, and the reason is in the outcome. */
UNUSED(static struct rules *case_rules(struct str text));
static struct rules *case_rules(struct str text)
{
    struct err err;
    struct rules *rules = rules_new(CASE_MEMORY);
    CHECK(rules != NULL);
    CHECK_INT(rules_add(rules, STR("case.yml"), text, &err), RC_OK);
    CHECK_INT(rules_finish(rules, &err), RC_OK);
    return rules;
}

#endif
