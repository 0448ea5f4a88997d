/* inventory.c - `qorgan inventory`: what machines are made of by the records of their agents, beside a running service
 * or without it. Records are read newest first: the first that names an item says whether it is there, and a whole
 * snapshot closes its kind. The service keeps the same in its database (desk/inventory.h) for its pages. */
#include "desk/inventory.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/map.h"
#include "cmd/cmd.h"
#include "cmd/interrupt.h"
#include "cmd/paper.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/random.h"

#include <stdio.h>
#include <string.h>

#define SCRATCH    ((size_t)8 << 20)
#define LINE_BYTES ((size_t)64 << 10)
#define KEYS_MAX   ((size_t)8 << 20)
#define DEPTH      12u

enum action { LIST, SHOW, SEARCH };

/* A source's kind, read backwards: behind its snapshot's first part nothing older counts. */
struct kind {
    int64_t snapshot; /* whose parts come; 0: none */
    int64_t part;     /* the one that came last */
    bool closed;
    uint64_t items;
};

struct taking {
    struct reading reading;
    enum action action;
    struct str name; /* of the machine, or of what is looked for */
    struct str kind;
    struct str below;
    bool json;
    bool failed;
    bool full; /* there are more items than fit */
    uint64_t printed;
    struct map *decided; /* source, kind and key */
    struct map *kinds;   /* source and kind: number of a struct kind */
    struct kind *kind_rows;
    size_t kind_count;
    size_t kind_room;
    struct arena *scratch;
    struct buf line;
    struct buf key;
    /* of the record at work */
    const struct archive_hit *hit;
    struct str source;
    struct str of; /* kind */
};

static struct kind *kind_of(struct taking *t)
{
    buf_clear(&t->key);
    buf_put(&t->key, t->hit->leaf.source, 16);
    buf_str(&t->key, t->of);
    uint64_t *place = map_get(t->kinds, buf_view(&t->key));
    if (place)
        return &t->kind_rows[*place];
    if (t->kind_count == t->kind_room) {
        size_t room = MAX(t->kind_room * 2, (size_t)64);
        struct kind *grown = memory_resize(t->kind_rows, room * sizeof *grown);
        if (!grown)
            return NULL;
        t->kind_rows = grown;
        t->kind_room = room;
    }
    place = map_put(t->kinds, buf_view(&t->key));
    if (!place)
        return NULL;
    *place = t->kind_count;
    t->kind_rows[t->kind_count] = (struct kind){0};
    return &t->kind_rows[t->kind_count++];
}

/* Whether nothing newer said it. */
static bool is_first(struct taking *t, struct str key)
{
    buf_clear(&t->key);
    buf_put(&t->key, t->hit->leaf.source, 16);
    buf_str(&t->key, t->of);
    buf_char(&t->key, '\0');
    buf_str(&t->key, key);
    size_t before = map_count(t->decided);
    t->full = !map_put(t->decided, buf_view(&t->key)) || t->full;
    return map_count(t->decided) > before;
}

/* The first part of a source is its package, the rest the version of that: "openssl (3.0.11-1)". */
static bool is_named(const struct taking *t, struct str key, const struct json_value *value)
{
    static const char *const members[] = {"name", "source", "program", "user", "serial", "mac"};
    const struct json_value *port = json_get(value, "port");
    if (str_eq(key, t->name) || (port && str_eq(port->text, t->name)))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct str text = json_str(json_get(value, members[i]), STR_NONE);
        if (str_eq(str_slice(text, 0, str_search(text, STR(" ("))), t->name))
            return true;
    }
    return false;
}

static bool is_wanted(const struct taking *t, struct str key, const struct json_value *value)
{
    if (t->kind.n && !str_eq(t->kind, t->of))
        return false;
    if (t->action == SHOW)
        return t->name.n == 0 || str_eq(t->name, t->source);
    if (t->action == LIST || !is_named(t, key, value))
        return false;
    struct str version = json_str(json_get(value, "version"), STR_NONE);
    struct str tool = json_str(json_get(value, "tool"), STR_NONE);
    return t->below.n == 0 || (version.n && inventory_version_compare(tool, version, t->below) < 0);
}

static void text_put(struct buf *out, struct str text)
{
    /* a name is what a stranger's machine says */
    for (size_t i = 0; i < text.n; i++)
        buf_char(out, (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? '?' : text.p[i]);
}

static void line_end(struct taking *t)
{
    buf_char(&t->line, '\n');
    struct str line = buf_view(&t->line);
    t->failed = t->failed || t->line.overflow || fwrite(line.p, 1, line.n, stdout) != line.n;
    buf_clear(&t->line);
    t->printed++;
}

static void item_print(struct taking *t, struct str key, const struct json_value *value)
{
    struct buf *out = &t->line;
    buf_clear(out);
    if (t->json) {
        json_write_object(out);
        json_put_str(out, "machine", t->source);
        json_put_str(out, "kind", t->of);
        json_put_str(out, "key", key);
        json_write_key(out, "value");
        json_write_raw(out, value->text);
        json_put_u64(out, "record", t->hit->leaf.index);
        json_put_int(out, "told_ns", t->hit->leaf.received_ns);
        json_write_object_end(out);
    } else {
        text_put(out, t->source);
        buf_text(out, "  ");
        text_put(out, t->of);
        buf_text(out, "  ");
        text_put(out, key);
        buf_text(out, "  ");
        text_put(out, value->text);
    }
    line_end(t);
}

/* An item that is there unless something newer says otherwise; NULL: one that is gone. */
static void item_take(struct taking *t, struct kind *kind, struct str key, const struct json_value *value)
{
    if (key.n == 0 || !is_first(t, key) || !value || value->kind != JSON_OBJECT)
        return;
    kind->items++;
    if (is_wanted(t, key, value))
        item_print(t, key, value);
}

static void snapshot_take(struct taking *t, struct kind *kind, const struct json_value *object)
{
    int64_t id = json_int(json_get(object, "snapshot"), 0);
    int64_t part = json_int(json_get(object, "part"), 0);
    bool goes_on = id == kind->snapshot && part == kind->part - 1;
    if (json_bool(json_get(object, "last"), false))
        kind->snapshot = id;
    else if (!goes_on)
        kind->snapshot = 0; /* one part is missing: it closes nothing */
    kind->part = part;
    for (const struct json_value *row = json_first(json_get(object, "items")); row; row = row->next) {
        const struct json_value *key = json_first(row);
        item_take(t, kind, json_str(key, STR_NONE), key ? key->next : NULL);
    }
    kind->closed = kind->snapshot == id && part == 1;
}

static bool on_hit(void *context, const struct archive_hit *hit)
{
    struct taking *t = context;
    struct json_value *object = NULL;
    struct event_source source = archive_reader_source(t->reading.reader, hit->leaf.source);
    if (!str_is(source.kind, "agent") || !str_starts(hit->raw, STR("{\"event\":\"inventory.")))
        return true;
    arena_reset(t->scratch);
    if (json_parse(t->scratch, hit->raw, DEPTH, &object, NULL) != RC_OK)
        return true;
    t->hit = hit;
    t->source = source.name;
    t->of = json_str(json_get(object, "kind"), STR_NONE);
    struct kind *kind = kind_of(t);
    if (!kind || kind->closed)
        return kind != NULL;
    struct str event = json_str(json_get(object, "event"), STR_NONE);
    if (str_is(event, "inventory.snapshot"))
        snapshot_take(t, kind, object);
    else
        item_take(t, kind, json_str(json_get(object, "key"), STR_NONE),
                  str_is(event, "inventory.removed") ? NULL : json_get(object, "value"));
    return !t->failed;
}

static bool on_progress(void *context, uint32_t permille, uint64_t scanned)
{
    (void)context;
    (void)permille;
    (void)scanned;
    return !interrupt_came();
}

/* How many of each kind each machine has. */
static void counts_print(struct taking *t)
{
    for (size_t i = 0; i < map_end(t->kinds); i++) {
        struct str key;
        uint64_t at;
        if (!map_at(t->kinds, i, &key, &at))
            continue;
        struct event_source source = archive_reader_source(t->reading.reader, (const uint8_t *)key.p);
        struct str of = str_skip(key, 16);
        buf_clear(&t->line);
        if (t->json) {
            json_write_object(&t->line);
            json_put_str(&t->line, "machine", source.name);
            json_put_str(&t->line, "kind", of);
            json_put_u64(&t->line, "items", t->kind_rows[at].items);
            json_put_bool(&t->line, "whole", t->kind_rows[at].closed);
            json_write_object_end(&t->line);
        } else {
            text_put(&t->line, source.name);
            buf_text(&t->line, "  ");
            text_put(&t->line, of);
            buf_format(&t->line, "  %llu%s", (unsigned long long)t->kind_rows[at].items,
                       t->kind_rows[at].closed ? "" : " (not whole)");
        }
        line_end(t);
    }
}

static enum rc run(struct taking *t, const struct options *options, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(SCRATCH);
    struct query *query = NULL;
    struct search_result result;
    const struct search_options search = {
        .now_ns = clock_real_ns(), .context = t, .hit = on_hit, .progress = on_progress};
    enum rc rc = reading_open(&t->reading, options_text(options, "data"), false, err);
    if (rc == RC_OK)
        rc = arena ? query_parse(STR("type:raw \"inventory\""), search.now_ns, 0, arena, &query, err)
                   : err_set(err, RC_LIMIT, "no memory to search");
    rc = rc == RC_OK ? search_run(t->reading.reader, query, &search, &result, err) : rc;
    if (rc == RC_OK && interrupt_came())
        return err_set(err, RC_AGAIN, "stopped: there may be more");
    if (rc == RC_OK && t->full)
        return err_set(err, RC_LIMIT, "there are more items than can be told apart: ask for one kind");
    if (rc == RC_OK && t->action == LIST)
        counts_print(t);
    if (rc == RC_OK && (fflush(stdout) != 0 || t->failed))
        return err_set(err, RC_IO, "could not write to standard output");
    return rc;
}

static bool action_read(const struct options *options, struct taking *t)
{
    static const char *const words[] = {[LIST] = "list", [SHOW] = "show", [SEARCH] = "search"};
    size_t at = 0;
    while (at < ARRAY_LEN(words) && strcmp(options->operands[0], words[at]) != 0)
        at++;
    t->action = (enum action)at;
    t->name = options->operand_count > 1 ? str_of(options->operands[1]) : STR_NONE;
    return at < ARRAY_LEN(words) && (t->action != LIST || t->name.n == 0) && (t->action != SEARCH || t->name.n > 0) &&
           (t->below.n == 0 || t->action == SEARCH);
}

int cmd_inventory(int argc, char **argv)
{
    static struct taking t;
    struct options options;
    struct err err = {0};
    int status = options_parse("inventory", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    t = (struct taking){.json = options_flag(&options, "json"),
                        .kind = options_text(&options, "kind") ? str_of(options_text(&options, "kind")) : STR_NONE,
                        .below = options_text(&options, "below") ? str_of(options_text(&options, "below")) : STR_NONE,
                        .decided = map_new(KEYS_MAX, random_u64()),
                        .kinds = map_new(KEYS_MAX, random_u64()),
                        .scratch = arena_new(SCRATCH)};
    if (!action_read(&options, &t))
        return cmd_usage("inventory", "say list, show [MACHINE] or search NAME; --below belongs to search");
    t.reading.folder = -1;
    buf_init(&t.line, LINE_BYTES);
    buf_init(&t.key, LINE_BYTES);
    interrupt_watch();
    enum rc rc = t.decided && t.kinds && t.scratch ? run(&t, &options, &err) : err_set(&err, RC_LIMIT, "no memory");
    reading_close(&t.reading);
    map_free(t.decided);
    map_free(t.kinds);
    memory_free(t.kind_rows);
    arena_free(t.scratch);
    buf_done(&t.line);
    buf_done(&t.key);
    if (rc != RC_OK)
        return cmd_fail("inventory", &err);
    return t.printed || t.action == LIST ? CMD_OK : CMD_FAILED;
}
