#include "archive/sources.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/map.h"
#include "codec/json.h"

#include <string.h>

#define TEXT_LIMIT (128u << 20)
#define LEAF_ARENA (1u << 20)

struct row {
    uint8_t id[16];
    struct str kind;
    struct str name;
    uint64_t last_epoch;
    uint64_t last_sequence;
    uint64_t records;
    int64_t last_received_ns;
};

struct epoch {
    uint64_t epoch;
    uint64_t highest;
    size_t row;
};

struct sources {
    uint64_t seed;
    struct map *ids;    /* id -> row */
    struct map *epochs; /* id, epoch -> position in list */
    struct arena *text;
    struct arena *scratch;
    struct row *rows;
    size_t rows_room;
    struct epoch *list;
    size_t list_count;
    size_t list_room;
    size_t last_row; /* what the latest record belonged to: most records follow one of their own */
    size_t last_epoch;
};

bool sources_reset(struct sources *sources)
{
    map_free(sources->ids);
    map_free(sources->epochs);
    arena_reset(sources->text);
    sources->ids = map_new(ARCHIVE_SOURCES_MAX, sources->seed);
    sources->epochs = map_new(SOURCES_EPOCHS_MAX, sources->seed ^ 0x5bd1e995u);
    sources->list_count = 0;
    sources->last_row = SIZE_MAX;
    sources->last_epoch = SIZE_MAX;
    return sources->ids && sources->epochs;
}

struct sources *sources_new(uint64_t seed)
{
    struct sources *sources = memory_new(sizeof *sources);
    if (!sources)
        return NULL;
    sources->seed = seed;
    sources->text = arena_new(TEXT_LIMIT);
    sources->scratch = arena_new(LEAF_ARENA);
    if (!sources->text || !sources->scratch || !sources_reset(sources)) {
        sources_free(sources);
        return NULL;
    }
    return sources;
}

void sources_free(struct sources *sources)
{
    if (!sources)
        return;
    map_free(sources->ids);
    map_free(sources->epochs);
    arena_free(sources->text);
    arena_free(sources->scratch);
    memory_free(sources->rows);
    memory_free(sources->list);
    memory_free(sources);
}

size_t sources_count(const struct sources *sources)
{
    return map_count(sources->ids);
}

struct archive_source_row sources_at(const struct sources *sources, size_t position)
{
    ASSERT(position < sources_count(sources));
    const struct row *row = &sources->rows[position];
    struct archive_source_row out = {.kind = row->kind,
                                     .name = row->name,
                                     .last_epoch = row->last_epoch,
                                     .last_sequence = row->last_sequence,
                                     .records = row->records,
                                     .last_received_ns = row->last_received_ns};
    memcpy(out.id, row->id, sizeof out.id);
    return out;
}

bool sources_find(const struct sources *sources, const uint8_t id[16], size_t *ret_position)
{
    if (sources->last_row != SIZE_MAX && memcmp(sources->rows[sources->last_row].id, id, 16) == 0) {
        *ret_position = sources->last_row;
        return true;
    }
    const uint64_t *found = map_get(sources->ids, str_at(id, 16));
    if (found)
        *ret_position = (size_t)*found;
    return found != NULL;
}

/* The row's position, added when new; SIZE_MAX past the limit. */
static size_t row_put(struct sources *sources, const uint8_t id[16])
{
    size_t position;
    if (sources_find(sources, id, &position))
        return position;
    position = sources_count(sources);
    if (position == sources->rows_room) {
        size_t room = sources->rows_room ? sources->rows_room * 2 : 64;
        struct row *rows = memory_resize(sources->rows, room * sizeof *rows);
        if (!rows)
            return SIZE_MAX;
        sources->rows = rows;
        sources->rows_room = room;
    }
    uint64_t *value = map_put(sources->ids, str_at(id, 16));
    if (!value)
        return SIZE_MAX;
    *value = position;
    sources->rows[position] = (struct row){0};
    memcpy(sources->rows[position].id, id, 16);
    return position;
}

static struct str epoch_key(const uint8_t id[16], uint64_t epoch, char ret_key[24])
{
    memcpy(ret_key, id, 16);
    put_be64(ret_key + 16, epoch);
    return str_at(ret_key, 24);
}

static size_t epoch_find(const struct sources *sources, const uint8_t id[16], uint64_t epoch)
{
    char key[24];
    size_t last = sources->last_epoch;
    if (last != SIZE_MAX && sources->list[last].epoch == epoch &&
        memcmp(sources->rows[sources->list[last].row].id, id, 16) == 0)
        return last;
    const uint64_t *found = map_get(sources->epochs, epoch_key(id, epoch, key));
    return found ? (size_t)*found : SIZE_MAX;
}

static size_t epoch_put(struct sources *sources, size_t row, uint64_t epoch)
{
    char key[24];
    const uint8_t *id = sources->rows[row].id;
    size_t position = epoch_find(sources, id, epoch);
    if (position != SIZE_MAX)
        return position;
    if (sources->list_count == sources->list_room) {
        size_t room = sources->list_room ? sources->list_room * 2 : 64;
        struct epoch *list = memory_resize(sources->list, room * sizeof *list);
        if (!list)
            return SIZE_MAX;
        sources->list = list;
        sources->list_room = room;
    }
    uint64_t *value = map_put(sources->epochs, epoch_key(id, epoch, key));
    if (!value)
        return SIZE_MAX;
    position = sources->list_count++;
    *value = position;
    sources->list[position] = (struct epoch){.epoch = epoch, .row = row};
    return position;
}

enum rc sources_name(struct sources *sources, const uint8_t id[16], struct str kind, struct str name, struct err *err)
{
    size_t position = row_put(sources, id);
    struct str kept_kind = STR_NONE;
    struct str kept_name = STR_NONE;
    if (position != SIZE_MAX) {
        kept_kind = arena_str(sources->text, str_slice(kind, 0, SOURCE_KIND_MAX));
        kept_name = arena_str(sources->text, str_slice(name, 0, SOURCE_NAME_MAX));
    }
    if (position == SIZE_MAX || (kind.n && !kept_kind.p) || (name.n && !kept_name.p))
        return err_set(err, RC_LIMIT, "too many sources: at most %d", ARCHIVE_SOURCES_MAX);
    sources->rows[position].kind = kept_kind;
    sources->rows[position].name = kept_name;
    return RC_OK;
}

bool sources_highest(const struct sources *sources, const uint8_t id[16], uint64_t epoch, uint64_t *ret_sequence)
{
    size_t position = epoch_find(sources, id, epoch);
    if (position != SIZE_MAX)
        *ret_sequence = sources->list[position].highest;
    return position != SIZE_MAX;
}

bool sources_is_new(struct sources *sources, const uint8_t id[16], uint64_t epoch, uint64_t sequence)
{
    uint64_t highest;
    return !sources_highest(sources, id, epoch, &highest) || sequence > highest;
}

static void saw_lifecycle(struct sources *sources, struct str raw)
{
    struct json_value *body;
    uint8_t id[16];
    arena_reset(sources->scratch);
    if (json_parse(sources->scratch, raw, JSON_DEPTH, &body, NULL) != RC_OK ||
        !str_is(json_str(json_get(body, "event"), STR_NONE), "source") ||
        !hex_decode(json_str(json_get(body, "id"), STR_NONE), id, sizeof id))
        return;
    struct str kind = json_str(json_get(body, "kind"), STR_NONE);
    struct str name = json_str(json_get(body, "name"), STR_NONE);
    IGNORE(sources_name(sources, id, kind, name, NULL)); /* past the bound it stays nameless */
}

bool sources_saw(struct sources *sources, const struct leaf *leaf, struct str raw)
{
    size_t epoch = epoch_find(sources, leaf->source, leaf->epoch);
    bool above = epoch == SIZE_MAX || leaf->sequence > sources->list[epoch].highest;
    size_t row = epoch == SIZE_MAX ? row_put(sources, leaf->source) : sources->list[epoch].row;
    if (epoch == SIZE_MAX && row != SIZE_MAX)
        epoch = epoch_put(sources, row, leaf->epoch);
    if (row != SIZE_MAX) {
        struct row *r = &sources->rows[row];
        r->records++;
        r->last_received_ns = leaf->received_ns;
        r->last_epoch = leaf->epoch;
        sources->last_row = row;
        if (epoch != SIZE_MAX) {
            sources->last_epoch = epoch;
            sources->list[epoch].highest = MAX(sources->list[epoch].highest, leaf->sequence);
            r->last_sequence = sources->list[epoch].highest;
        }
    }
    if (leaf->type == LEAF_LIFECYCLE)
        saw_lifecycle(sources, raw);
    return above;
}

void sources_leaf(const struct event_source *source, struct buf *out)
{
    char id[32];
    hex_encode(source->id, sizeof source->id, id);
    json_write_object(out);
    json_put_text(out, "event", "source");
    json_put_str(out, "id", str_at(id, sizeof id));
    json_put_str(out, "kind", str_slice(source->kind, 0, SOURCE_KIND_MAX));
    json_put_str(out, "name", str_slice(source->name, 0, SOURCE_NAME_MAX));
    json_write_object_end(out);
}

static void text_write(struct buf *out, struct str text)
{
    buf_varint(out, text.n);
    buf_put(out, text.p, text.n);
}

void sources_write(const struct sources *sources, struct buf *out)
{
    size_t count = sources_count(sources);
    buf_varint(out, count);
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &sources->rows[i];
        buf_put(out, row->id, sizeof row->id);
        text_write(out, row->kind);
        text_write(out, row->name);
        buf_be64(out, row->last_epoch);
        buf_be64(out, row->last_sequence);
        buf_be64(out, (uint64_t)row->last_received_ns);
    }
    buf_varint(out, sources->list_count);
    for (size_t i = 0; i < sources->list_count; i++) {
        buf_varint(out, sources->list[i].row);
        buf_be64(out, sources->list[i].epoch);
        buf_be64(out, sources->list[i].highest);
    }
}

static struct str text_read(struct reader *in, size_t limit)
{
    uint64_t n = read_varint(in);
    if (n > limit)
        in->failed = true;
    return in->failed ? STR_NONE : read_bytes(in, (size_t)n);
}

static enum rc damaged(struct err *err)
{
    return err_set(err, RC_CORRUPT, "the table of sources is damaged");
}

enum rc sources_parse(struct sources *sources, struct str bytes, struct err *err)
{
    ASSERT(sources_count(sources) == 0);
    struct reader in = reader_of(bytes);
    uint64_t count = read_varint(&in);
    for (uint64_t i = 0; i < count && !in.failed; i++) {
        uint8_t id[16];
        read_copy(&in, id, sizeof id);
        struct str kind = text_read(&in, SOURCE_KIND_MAX);
        struct str name = text_read(&in, SOURCE_NAME_MAX);
        uint64_t epoch = read_be64(&in);
        uint64_t sequence = read_be64(&in);
        int64_t received = (int64_t)read_be64(&in);
        if (in.failed)
            return damaged(err);
        enum rc rc = sources_name(sources, id, kind, name, err);
        if (rc != RC_OK)
            return rc;
        struct row *row = &sources->rows[sources_count(sources) - 1];
        row->last_epoch = epoch;
        row->last_sequence = sequence;
        row->last_received_ns = received;
    }
    uint64_t epochs = read_varint(&in);
    for (uint64_t i = 0; i < epochs && !in.failed; i++) {
        uint64_t row = read_varint(&in);
        uint64_t epoch = read_be64(&in);
        uint64_t highest = read_be64(&in);
        if (in.failed || row >= sources_count(sources))
            return damaged(err);
        size_t position = epoch_put(sources, (size_t)row, epoch);
        if (position == SIZE_MAX)
            return err_set(err, RC_LIMIT, "no memory for the table of sources");
        sources->list[position].highest = highest;
    }
    return reader_done(&in) ? RC_OK : damaged(err);
}
