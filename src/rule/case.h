/* case.h - what the tests of this room share: events from JSON text, rules from text, one match. Tests only. */
#ifndef RULE_CASE_H
#define RULE_CASE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"
#include "codec/json.h"
#include "event/event.h"
#include "event/names.h"
#include "rule/naive.h"
#include "rule/rule.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

/* Read here because this room may not know os/. */
UNUSED(static struct str case_file(struct arena *arena, const char *folder, const char *name));
static struct str case_file(struct arena *arena, const char *folder, const char *name)
{
    struct buf path;
    struct stat status;
    buf_init(&path, 4096);
    buf_format(&path, "%s%s%s", folder, folder[0] ? "/" : "", name);
    int fd = open(buf_z(&path), O_RDONLY | O_CLOEXEC);
    buf_done(&path);
    if (fd < 0)
        return STR_NONE;
    struct str text = STR_NONE;
    if (fstat(fd, &status) == 0) {
        size_t size = (size_t)status.st_size;
        char *bytes = arena_alloc_raw(arena, size + 1);
        size_t n = 0;
        for (ssize_t got = 1; bytes && n < size && got > 0; n += got > 0 ? (size_t)got : 0)
            got = read(fd, bytes + n, size - n);
        text = str_at(bytes, n);
    }
    close(fd);
    return text;
}

static struct rules *case_walking;
static struct arena *case_walking_arena;

static int case_walk_file(const char *path, const struct stat *status, int type, struct FTW *place)
{
    struct err err;
    struct str name = str_of(path);
    (void)status;
    (void)place;
    if (type != FTW_F || !str_ends(name, STR(".yml")))
        return 0;
    struct str text = case_file(case_walking_arena, "", path);
    CHECK_INT(rules_add(case_walking, name, text, &err), RC_OK);
    arena_reset(case_walking_arena);
    return 0;
}

/* Adds every rule below a folder. */
UNUSED(static void case_walk(struct rules *rules, const char *folder, const char *name));
static void case_walk(struct rules *rules, const char *folder, const char *name)
{
    struct buf path;
    buf_init(&path, 4096);
    buf_format(&path, "%s/%s", folder, name);
    case_walking = rules;
    case_walking_arena = arena_new((size_t)8 << 20);
    CHECK_INT(nftw(buf_z(&path), case_walk_file, 16, FTW_PHYS), 0);
    arena_free(case_walking_arena);
    buf_done(&path);
}

UNUSED(static double case_seconds(void));
static double case_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

#endif
