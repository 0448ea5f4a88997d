/* source.c - the counters that the other processes report, for the live page. Memory only. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/map.h"
#include "desk/canary_inside.h"
#include "desk/inside.h"
#include "desk/loss.h"
#include "desk/rulebook.h"
#include "desk/time_source.h"

#include <string.h>

#define SILENT_NS      (10 * MINUTE_S * SECOND_NS)
#define SAMPLES        7 /* ten seconds apart: the mean is over the last minute */
#define SAMPLE_NS      (10 * SECOND_NS)
#define NAME_SIZE      128
#define RECENT_NS      (7 * DAY_S * SECOND_NS) /* what was heard before that is not missed any more */
#define LISTEN_NS      (10 * SECOND_NS)
#define LISTEN_AT_ONCE 64 /* changes told in one transaction; the rest have their turn ten seconds later */
#define LIST_DEFAULT   1000
#define LIST_MAX       2000

struct sample {
    int64_t time_ns;
    uint64_t records;
};

struct source {
    uint8_t id[16];
    char kind[32], name[NAME_SIZE], host[NAME_SIZE];
    int64_t first_ns, last_ns;
    int64_t heard_ns; /* when it said last that it is there and has nothing; 0 = never */
    uint64_t records, not_understood, dropped;
    struct sample sample[SAMPLES]; /* the oldest first */
    uint32_t samples;
    bool silence_told; /* the archive has a record of its silence */
    bool known;        /* it was listened to before: what it was when it appeared is no news */
    int64_t missed_ns; /* it appeared silent, at that time, and the ledger of losses was not told; else 0 */
};

struct desk_sources {
    struct map *index; /* id -> place */
    struct source *source;
    size_t count;
    size_t room;
    struct desk_totals totals;
    int64_t listened_ns;
};

bool desk_sources_new(struct desk *desk)
{
    desk->sources = memory_new(sizeof *desk->sources);
    if (desk->sources)
        desk->sources->index = map_new(DESK_SOURCES_MAX, 1);
    return desk->sources && desk->sources->index;
}

void desk_sources_free(struct desk *desk)
{
    if (!desk->sources)
        return;
    map_free(desk->sources->index);
    memory_free(desk->sources->source);
    memory_free(desk->sources);
    desk->sources = NULL;
}

static struct source *source_place(struct desk_sources *sources, const uint8_t id[16])
{
    struct str key = str_at(id, 16);
    uint64_t *place = map_get(sources->index, key);
    if (place)
        return &sources->source[*place];
    if (sources->count == sources->room) {
        size_t room = MIN(MAX(sources->room * 2, 64), (size_t)DESK_SOURCES_MAX);
        struct source *grown = room > sources->room ? memory_resize(sources->source, room * sizeof *grown) : NULL;
        if (!grown)
            return NULL;
        sources->source = grown;
        sources->room = room;
    }
    place = map_put(sources->index, key);
    if (!place)
        return NULL;
    *place = sources->count;
    struct source *source = &sources->source[sources->count++];
    memset(source, 0, sizeof *source);
    memcpy(source->id, id, 16);
    return source;
}

static void text_set(char *to, size_t size, struct str text)
{
    IGNORE(str_copy_z(desk_cut(text, size - 1), to, size)); /* cut to fit */
}

static void source_set(struct source *source, const struct desk_source *in, int64_t now_ns)
{
    text_set(source->kind, sizeof source->kind, in->kind);
    text_set(source->name, sizeof source->name, in->name);
    text_set(source->host, sizeof source->host, in->host);
    source->first_ns = in->first_ns;
    source->last_ns = in->last_ns;
    source->not_understood = in->not_understood;
    source->dropped = in->dropped;
    /* Counters start over with the process that counts. */
    if (in->records < source->records || (source->samples && source->sample[source->samples - 1].time_ns > now_ns))
        source->samples = 0;
    source->records = in->records;
    if (source->samples && now_ns - source->sample[source->samples - 1].time_ns < SAMPLE_NS)
        return;
    if (source->samples == SAMPLES) {
        memmove(source->sample, source->sample + 1, sizeof source->sample - sizeof source->sample[0]);
        source->samples--;
    }
    source->sample[source->samples++] = (struct sample){now_ns, in->records};
}

bool desk_source_names(const struct desk *desk, const uint8_t id[16], struct str *ret_kind, struct str *ret_name,
                       struct str *ret_host)
{
    const uint64_t *place = map_get(desk->sources->index, str_at(id, 16));
    if (!place)
        return false;
    const struct source *source = &desk->sources->source[*place];
    *ret_kind = str_of(source->kind);
    *ret_name = str_of(source->name);
    *ret_host = str_of(source->host);
    return true;
}

enum rc desk_source_stats(struct desk *desk, const struct desk_source *sources, size_t count, int64_t now_ns,
                          struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    size_t lost = 0;
    for (size_t i = 0; i < count; i++) {
        struct source *source = source_place(desk->sources, sources[i].id);
        if (source)
            source_set(source, &sources[i], now_ns);
        lost += !source;
    }
    if (lost)
        return err_set(err, RC_LIMIT, "%zu sources past the limit of %u are not shown", lost, DESK_SOURCES_MAX);
    return RC_OK;
}

void desk_source_heard(struct desk *desk, const uint8_t id[16], int64_t now_ns)
{
    ASSERT(desk->magic == DESK_MAGIC);
    const uint64_t *place = map_get(desk->sources->index, str_at(id, 16));
    if (place)
        desk->sources->source[*place].heard_ns = now_ns;
}

static bool is_silent(const struct source *source, int64_t now_ns)
{
    return source->last_ns > 0 && now_ns - MAX(source->last_ns, source->heard_ns) > SILENT_NS;
}

void desk_sources_silent(const struct desk *desk, int64_t now_ns, desk_silent_sink sink, void *context)
{
    for (size_t i = 0; i < desk->sources->count; i++) {
        const struct source *source = &desk->sources->source[i];
        if (is_silent(source, now_ns))
            sink(context, str_of(source->name), str_of(source->host), source->last_ns);
    }
}

static void silence_record(struct desk *desk, const struct source *source, int64_t now_ns)
{
    char id[32];
    struct buf *body =
        desk_record_begin(desk, source->silence_told ? "source.silent" : "source.heard", STR_NONE, now_ns);
    json_put_str(body, "id", str_at(id, hex_encode(source->id, sizeof source->id, id)));
    json_put_text(body, "kind", source->kind);
    json_put_text(body, "name", source->name);
    json_put_text(body, "host", source->host);
    json_put_int(body, "last_ns", source->last_ns);
    int64_t outgoing = desk_record_end(desk, 0, STR_NONE);
    if (source->silence_told && outgoing)
        loss_silence(desk, source->id, source->last_ns);
}

int64_t desk_source_last_ns(const struct desk *desk, const uint8_t id[16])
{
    const uint64_t *place = map_get(desk->sources->index, str_at(id, 16));
    return place ? desk->sources->source[*place].last_ns : 0;
}

/* Whether there is something to tell of it. One that appeared silent may have fallen so while nothing ran that could
 * say it: that is a loss, once it had as long to speak again as any other. */
static bool source_listen(struct source *source, int64_t now_ns)
{
    bool silent = is_silent(source, now_ns);
    bool turned = silent != source->silence_told;
    source->silence_told = silent;
    if (turned) {
        source->missed_ns = silent && !source->known ? now_ns : 0;
        return source->known;
    }
    return source->missed_ns && now_ns - source->missed_ns > SILENT_NS &&
           source->last_ns > source->missed_ns - RECENT_NS;
}

enum rc desk_listen(struct desk *desk, int64_t now_ns, struct err *err)
{
    ASSERT(desk->magic == DESK_MAGIC);
    struct desk_sources *sources = desk->sources;
    if (now_ns - sources->listened_ns < LISTEN_NS && now_ns >= sources->listened_ns)
        return RC_OK;
    sources->listened_ns = now_ns;
    struct source *changed[LISTEN_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; i < sources->count && count < LISTEN_AT_ONCE; i++)
        if (source_listen(&sources->source[i], now_ns))
            changed[count++] = &sources->source[i];
    for (size_t i = 0; i < sources->count; i++)
        sources->source[i].known = true;
    if (count == 0)
        return RC_OK;
    enum rc rc = desk_begin(desk, err);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        if (changed[i]->missed_ns)
            loss_silence(desk, changed[i]->id, changed[i]->last_ns);
        else
            silence_record(desk, changed[i], now_ns);
    rc = rc == RC_OK ? desk_end(desk, true, err) : rc;
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        changed[i]->missed_ns = 0;
    return rc;
}

void desk_set_totals(struct desk *desk, const struct desk_totals *totals)
{
    ASSERT(desk->magic == DESK_MAGIC);
    desk->sources->totals = *totals;
}

int64_t desk_archive_size(const struct desk *desk)
{
    return (int64_t)MIN(desk->sources->totals.checkpoint_size, (uint64_t)INT64_MAX);
}

uint64_t desk_durable(const struct desk *desk)
{
    return desk->sources->totals.durable;
}

static double per_second(const struct source *source, int64_t now_ns)
{
    int64_t edge = now_ns - 7 * SAMPLE_NS; /* older samples say nothing about the last minute */
    for (uint32_t i = 0; i < source->samples; i++) {
        const struct sample *sample = &source->sample[i];
        int64_t span = now_ns - sample->time_ns;
        if (sample->time_ns >= edge && span > 0)
            return (double)(source->records - sample->records) * (double)SECOND_NS / (double)span;
    }
    return 0;
}

static void source_put(struct buf *out, const struct source *source, int64_t now_ns)
{
    char id[32];
    json_write_object(out);
    json_put_str(out, "id", str_at(id, hex_encode(source->id, sizeof source->id, id)));
    json_put_text(out, "kind", source->kind);
    json_put_text(out, "name", source->name);
    json_put_text(out, "host", source->host);
    json_put_int(out, "first_ns", source->first_ns);
    json_put_int(out, "last_ns", source->last_ns);
    json_put_u64(out, "records", source->records);
    json_write_key(out, "per_second");
    json_write_double(out, per_second(source, now_ns));
    json_put_u64(out, "not_understood", source->not_understood);
    json_put_u64(out, "dropped", source->dropped);
    json_put_bool(out, "silent", is_silent(source, now_ns));
    json_write_object_end(out);
}

static void totals_put(struct ask *ask)
{
    const struct desk_sources *sources = ask->desk->sources;
    const struct desk_totals *totals = &sources->totals;
    uint64_t records = 0, not_understood = 0, dropped = 0, silent = 0;
    double rate = 0;
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *source = &sources->source[i];
        records += source->records;
        not_understood += source->not_understood;
        dropped += source->dropped;
        silent += is_silent(source, ask->now_ns);
        rate += per_second(source, ask->now_ns);
    }
    json_write_key(ask->out, "totals");
    json_write_object(ask->out);
    json_put_u64(ask->out, "sources", sources->count);
    json_put_u64(ask->out, "records", records);
    json_write_key(ask->out, "per_second");
    json_write_double(ask->out, rate);
    json_put_u64(ask->out, "not_understood", not_understood);
    json_put_u64(ask->out, "dropped", dropped);
    json_put_u64(ask->out, "silent", silent);
    json_put_u64(ask->out, "durable", totals->durable);
    json_put_u64(ask->out, "checkpoint_size", totals->checkpoint_size);
    json_put_int(ask->out, "checkpoint_ns", totals->checkpoint_ns);
    json_put_u64(ask->out, "rules_loaded", totals->rules_loaded);
    json_put_u64(ask->out, "rules_refused", totals->rules_refused);
    json_put_u64(ask->out, "disk_free", totals->disk_free);
    json_put_int(ask->out, "deletion_ns", desk_next_deletion_ns(ask->desk));
    json_put_bool(ask->out, "proposal_waits", desk_proposal_waits(ask->desk));
    json_put_int(ask->out, "rules_behind", rules_behind_count(ask->desk, BEHIND_RULES));
    json_put_int(ask->out, "lists_behind", rules_behind_count(ask->desk, BEHIND_LISTS));
    json_put_int(ask->out, "patterns_behind", rules_behind_count(ask->desk, BEHIND_PATTERNS));
    canary_totals_put(ask);
    time_put(ask->desk, ask->out, STR(""));
    json_write_object_end(ask->out);
}

void ask_source_list(struct ask *ask)
{
    const struct desk_sources *sources = ask->desk->sources;
    int64_t offset = MAX(ask_int(ask, "offset"), 0);
    int64_t limit = ask_int(ask, "limit");
    limit = limit <= 0 ? LIST_DEFAULT : MIN(limit, LIST_MAX);
    json_write_key(ask->out, "sources");
    json_write_array(ask->out);
    for (size_t i = (size_t)MIN(offset, (int64_t)sources->count); i < sources->count && limit > 0; i++, limit--)
        source_put(ask->out, &sources->source[i], ask->now_ns);
    json_write_array_end(ask->out);
    totals_put(ask);
}
