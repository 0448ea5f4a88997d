#include "role/hit.h"

#include "base/arena.h"
#include "codec/json.h"

#include <string.h>

#define RAW_SHOWN_MAX ((size_t)64 << 10)

struct hit_deriver {
    struct normaliser *normaliser;
    struct arena *arena;
    struct event *found; /* where the present record's event goes */
    bool has;
};

struct hit_deriver *hit_deriver_new(const struct mapping *mapping, struct names *names, int32_t zone_offset_s)
{
    struct hit_deriver *deriver = memory_new(sizeof *deriver);
    if (!deriver)
        return NULL;
    deriver->normaliser = normaliser_new(mapping, names);
    if (!deriver->normaliser) {
        memory_free(deriver);
        return NULL;
    }
    normaliser_set_zone(deriver->normaliser, zone_offset_s);
    return deriver;
}

void hit_deriver_free(struct hit_deriver *deriver)
{
    if (!deriver)
        return;
    normaliser_free(deriver->normaliser);
    memory_free(deriver);
}

bool hit_deriver_remap(struct hit_deriver *deriver, const struct mapping *mapping)
{
    return normaliser_remap(deriver->normaliser, mapping);
}

static void on_event(void *context, const struct event *event)
{
    struct hit_deriver *deriver = context;
    if (!(event->flags & EVENT_ARCHIVE))
        return;
    struct event_field *fields = arena_alloc_raw(deriver->arena, event->field_count * sizeof *fields);
    if (!fields)
        return;
    memcpy(fields, event->fields, event->field_count * sizeof *fields);
    *deriver->found = *event;
    deriver->found->fields = fields;
    deriver->has = true;
}

bool hit_derive(void *context, const struct event_source *source, const struct leaf *leaf, struct str raw,
                struct arena *arena, struct event *ret_event)
{
    struct hit_deriver *deriver = context;
    if (leaf->type != LEAF_RAW && leaf->type != LEAF_DIGEST)
        return false;
    deriver->arena = arena;
    deriver->found = ret_event;
    deriver->has = false;
    normaliser_record(deriver->normaliser, source, leaf->index, leaf->received_ns, raw, arena, on_event, deriver);
    return deriver->has;
}

static bool named_before(const struct event *event, uint32_t position)
{
    for (uint32_t i = 0; i < position; i++)
        if (event->fields[i].name == event->fields[position].name && event->fields[i].type != EVENT_OBJECT)
            return true;
    return false;
}

/* A field that comes several times is an array; sub-objects are shown by their members only. */
static void fields_write(struct buf *out, const struct event *event, const struct names *names)
{
    json_write_object(out);
    for (uint32_t i = 0; i < event->field_count; i++) {
        const struct event_field *field = &event->fields[i];
        if (field->type == EVENT_OBJECT || named_before(event, i))
            continue;
        uint32_t same = 0;
        for (uint32_t k = i; k < event->field_count; k++)
            same += event->fields[k].name == field->name && event->fields[k].type != EVENT_OBJECT;
        json_write_key_slice(out, names_text(names, field->name));
        if (same > 1)
            json_write_array(out);
        for (uint32_t k = i; k < event->field_count; k++)
            if (event->fields[k].name == field->name && event->fields[k].type != EVENT_OBJECT)
                json_write_str(out, event->fields[k].value);
        if (same > 1)
            json_write_array_end(out);
    }
    json_write_object_end(out);
}

void hit_write_members(struct buf *out, const struct archive_hit *hit, const struct names *names)
{
    json_put_u64(out, "record", hit->leaf.index);
    json_put_int(out, "time_ns", hit->event.time_ns);
    json_put_int(out, "received_ns", hit->leaf.received_ns);
    json_put_str(out, "source", hit->source.name);
    json_put_str(out, "kind", hit->source.kind);
    json_put_text(out, "type", leaf_type_name(hit->leaf.type));
    json_put_text(out, "parser", hit->event.parser ? hit->event.parser : "");
    json_put_str(out, "raw", str_slice(hit->raw, 0, RAW_SHOWN_MAX));
    hit_write_derived(out, hit, names);
}

void hit_write_derived(struct buf *out, const struct archive_hit *hit, const struct names *names)
{
    json_write_key(out, "fields");
    fields_write(out, &hit->event, names);
    json_write_key(out, "statutory");
    json_write_object(out);
    for (unsigned i = 0; i < STATUTORY_COUNT; i++)
        if (hit->event.statutory[i].n)
            json_put_str(out, statutory_key((enum statutory)i), hit->event.statutory[i]);
    json_write_object_end(out);
    json_write_key(out, "rules");
    json_write_array(out);
    for (size_t i = 0; i < hit->rule_count; i++)
        json_write_str(out, hit->rules[i]);
    json_write_array_end(out);
}

void hit_write_json(struct buf *out, const struct archive_hit *hit, const struct names *names)
{
    json_write_object(out);
    hit_write_members(out, hit, names);
    json_write_object_end(out);
}
