#include "role/inventory_desk.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "role/log.h"

#define GATHERED_MAX 64u
#define BYTES_MAX    ((size_t)12 << 20)
#define RAW_MAX      ((size_t)128 << 10)

bool inventory_concerns(struct str kind, struct str raw)
{
    return str_is(kind, "agent") && str_starts(raw, STR("{\"event\":\"inventory.")) && raw.n <= RAW_MAX;
}

void inventory_write(const struct inventory_told *told, struct buf *out)
{
    buf_be64(out, told->record);
    buf_be64(out, (uint64_t)told->received_ns);
    buf_put(out, told->source, 16);
    buf_str(out, told->raw);
}

bool inventory_read(struct str body, struct inventory_told *ret_told)
{
    struct reader reader = reader_of(body);
    ret_told->record = read_be64(&reader);
    ret_told->received_ns = (int64_t)read_be64(&reader);
    ret_told->source = (const uint8_t *)read_bytes(&reader, 16).p;
    ret_told->raw = read_bytes(&reader, reader_left(&reader));
    return !reader.failed && ret_told->raw.n > 0 && ret_told->raw.n <= RAW_MAX && ret_told->record <= INT64_MAX;
}

struct inventory_desk {
    struct desk *desk;
    struct arena *arena;
    struct desk_inventory_record records[GATHERED_MAX];
    size_t count;
};

struct inventory_desk *inventory_desk_new(struct desk *desk)
{
    struct inventory_desk *self = memory_new(sizeof *self);
    if (!self)
        return NULL;
    self->desk = desk;
    self->arena = arena_new(BYTES_MAX);
    if (self->arena)
        return self;
    memory_free(self);
    return NULL;
}

void inventory_desk_free(struct inventory_desk *self)
{
    if (!self)
        return;
    arena_free(self->arena);
    memory_free(self);
}

bool inventory_desk_is_full(const struct inventory_desk *self)
{
    return self->count == GATHERED_MAX;
}

void inventory_desk_gather(struct inventory_desk *self, struct str body)
{
    struct inventory_told told;
    struct str kept = arena_str(self->arena, body);
    if (!kept.p || inventory_desk_is_full(self) || !inventory_read(kept, &told)) {
        log_warning("what an agent told of its machine is passed over: it is damaged, or cannot be stored");
        return;
    }
    self->records[self->count++] = (struct desk_inventory_record){
        .record = told.record, .received_ns = told.received_ns, .source = told.source, .json = told.raw};
}

enum rc inventory_desk_store(struct inventory_desk *self, struct err *err)
{
    enum rc rc = self->count ? desk_inventory_take(self->desk, self->records, self->count, err) : RC_OK;
    if (rc != RC_OK && rc != RC_INVALID)
        return rc;
    if (rc == RC_INVALID)
        log_error("what agents told of their machines cannot be stored: %s", err->text);
    self->count = 0;
    arena_reset(self->arena);
    return RC_OK;
}
