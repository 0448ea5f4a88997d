/* engine.c - reads its share of the log in order: parse, normalise, match, encode. Owns nothing; may die at any time.
 *
 *   LOG_FILE, DURABLE ──► wal_reader ──► record ──► normaliser ──► matcher ──► MATCH to the desk
 *                                                       └──► block builder ──► engine_blocks ──► BLOCK to the keeper
 *
 * A block leaves only when no event has a piece in it that waits for others, and when the desk has every match of its
 * records, so that a restart from the last block loses no match and no hit. Matches not acknowledged are sent again to
 * a new desk; the desk drops what it knows.
 *
 * Work begins when the desk has told which rules are switched off, else these would be found in the first records. A
 * desk that does not come is waited for a minute; then the archive must go on: all rules run as they were written, and
 * what they found is kept back until the desk has told, and judged then. So it is with patterns that people wrote
 * there; what was parsed without them stays so. */
#include "archive/block.h"
#include "base/assert.h"
#include "base/map.h"
#include "codec/canary_text.h"
#include "codec/json.h"
#include "event/normalise.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/canary.h"
#include "role/engine_blocks.h"
#include "role/engine_counts.h"
#include "role/engine_patterns.h"
#include "role/engine_rules.h"
#include "role/engine_set.h"
#include "role/engine_source.h"
#include "role/indicator_folder.h"
#include "role/inventory_desk.h"
#include "role/log.h"
#include "role/match.h"
#include "role/parser_folder.h"
#include "role/roles.h"
#include "role/rule_bundle.h"
#include "role/rule_states.h"
#include "role/rule_stats.h"
#include "rule/repeat.h"
#include "wal/wal_reader.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_ARENA  ((size_t)48 << 20)
#define HITS_MAX      64
#define MATCHES_MAX   1024 /* not yet acknowledged */
#define LOGS_MAX      4096
#define SLICE_NS      UINT64_C(20000000) /* work between two looks at the channels */
#define SLICE_RECORDS 16                 /* records between two looks at the clock */
#define STATS_NS      UINT64_C(1000000000)
#define FLUSH_NS      INT64_C(100000000) /* of receive time, between two looks for events that waited long enough */
#define STATS_AT_ONCE 2000
#define RULES_NS      UINT64_C(5000000000)  /* between two statistics of rules */
#define DESK_WAIT_NS  UINT64_C(60000000000) /* for the first word of a desk */

struct match_held {
    uint64_t id;
    enum msg_type type; /* MSG_MATCH; MSG_INVENTORY, what is told of a machine, waits in the same line */
    struct buf body;
};

struct engine {
    struct process *process;
    struct names *names;
    struct normaliser *normaliser;
    struct engine_patterns patterns;
    struct engine_set set;   /* the rules at work */
    struct set_maker *maker; /* makes the next ones */
    struct buf states;       /* MSG_RULE_STATES as it came last, for these */
    struct repeats *repeats;
    uint64_t incomplete;           /* script blocks that lacked pieces, as told last */
    struct indicators *indicators; /* NULL: none are configured */
    struct indicator_matcher *indicator_matcher;
    uint64_t lists_stamp; /* of what was read; 0: none are configured */
    struct buf lists_trouble;
    char lists_trouble_text[INDICATORS_TROUBLE];
    struct wal_reader *reader;
    struct wal_frame frame;     /* at work: records are taken from it while matches and blocks have room */
    struct reader frame_reader; /* what is left of its payload */
    uint32_t frame_left;        /* records; 0 = the next frame may come */
    struct err frame_err;       /* of a record that does not read: not cleared for each that does */
    struct block_builder *builder;
    struct engine_blocks *blocks; /* finished */
    int64_t flushed_ns;           /* receive time up to which events were waited for last */
    uint64_t hits_lost;           /* they have no place beside their record */
    uint64_t hits_told;
    uint64_t unwritten_told; /* of them, those that did not fit when their block left */
    uint64_t early_told;     /* blocks that left although events waited */
    uint64_t key[2];         /* of the filters, the same in all engines */
    struct arena *arena;
    struct arena *kept; /* source names */
    struct engine_source *sources;
    size_t source_count;
    size_t source_room;
    size_t source_last; /* looked up last: most records follow one of their own source */
    struct map *source_by_id;
    struct engine_counts counts; /* of what sources sent since the desk was told */
    struct engine_canary canary;
    uint64_t resume;
    uint64_t set_aside[MSG_ASIDE_MAX]; /* records that killed an engine: they go into blocks unparsed */
    size_t set_aside_count;
    uint32_t number;
    uint32_t of;
    uint64_t durable;
    uint64_t logs[LOGS_MAX]; /* first numbers of log files, a ring */
    size_t log_count;
    size_t log_next; /* the first log that begins above what was read */
    volatile uint64_t *progress;
    struct match_held matches[MATCHES_MAX]; /* ring */
    size_t match_first;
    size_t match_count;
    size_t match_sent; /* of these, given to the present desk */
    uint64_t match_id;
    struct buf text;
    uint64_t stats_ns;
    uint64_t rules_ns;    /* statistics of rules went last */
    uint64_t resumed_ns;  /* boot time of the first RESUME */
    bool settled;         /* the desk's rules are at work, or cannot be had */
    bool impatient;       /* the desk did not come */
    uint64_t generation;  /* of the keeper's collection: blocks of an earlier one are not wanted */
    uint64_t plain_until; /* records below go into blocks as they are: a segment of them did not read back */
    enum block_plain plain;
    bool failed; /* a record is missing in the builder: no block may leave any more */
    /* of the record at work */
    const struct engine_source *source;
    uint64_t record;
    bool late; /* of none: time went by */
    struct event archived;
    bool has_archived;
    struct str hits[HITS_MAX];
    size_t hit_count;
    bool behind;
};

static enum rc engine_start(struct process *process, void **ret_self, struct err *err)
{
    struct engine *engine = memory_new(sizeof *engine);
    char data[4096];
    if (!engine)
        return err_set(err, RC_LIMIT, "no memory");
    engine->process = process;
    engine->names = names_new(random_u64());
    engine->arena = arena_new(RECORD_ARENA);
    engine->kept = arena_new((size_t)64 << 20);
    engine->source_by_id = map_new(1 << 20, random_u64());
    buf_init(&engine->text, MSG_MIB);
    ASSERT(engine->names && engine->arena && engine->kept && engine->source_by_id);
    buf_format(&engine->text, "%.*s/data", STR_ARG(process->config.share));
    bool fits = str_copy_z(buf_view(&engine->text), data, sizeof data);
    ASSERT(fits);
    enum rc rc = parsers_open(&process->config, engine->names, &engine->patterns.parsers, err);
    if (rc == RC_OK)
        rc = engine_set_make(process_handle(process, "rules", -1), engine->names, &engine->set, err);
    buf_init_fixed(&engine->lists_trouble, engine->lists_trouble_text, sizeof engine->lists_trouble_text);
    engine->lists_stamp = indicators_stamp(&process->config); /* before they are read: what changes then is told anew */
    if (rc == RC_OK)
        rc = indicators_match_configured(&process->config, engine->names, &engine->indicators,
                                         &engine->indicator_matcher, &engine->lists_trouble, err);
    if (rc != RC_OK)
        return rc;
    engine->normaliser = normaliser_new(parsers_mapping(engine->patterns.parsers), engine->names);
    engine->patterns.normaliser = engine->normaliser;
    engine->patterns.counts = &engine->counts;
    engine_patterns_init(&engine->patterns);
    engine->repeats = repeats_new();
    engine->blocks = engine_blocks_new();
    engine->maker = set_maker_new(engine->names);
    buf_init(&engine->states, RULE_STATES_BYTES);
    ASSERT(engine->normaliser && engine->repeats && engine->maker && engine->blocks);
    if (engine->indicator_matcher)
        engine_rules_given(engine->set.duties, indicator_field_names, INDICATOR_FIELDS);
    normaliser_set_zone(engine->normaliser, (int32_t)process->config.zone_offset_s);
    rc = engine_counts_init(&engine->counts, data, parsers_mapping(engine->patterns.parsers), engine->kept, err);
    if (rc != RC_OK)
        return rc;
    engine_counts_attach(&engine->counts, engine->set.duties);
    *ret_self = engine;
    return RC_OK;
}

/* ---- sources ---- */

static struct engine_source *source_of(struct engine *engine, const uint8_t id[16])
{
    if (engine->source_last < engine->source_count && memcmp(engine->sources[engine->source_last].id, id, 16) == 0)
        return &engine->sources[engine->source_last];
    uint64_t *place = map_get(engine->source_by_id, str_at(id, 16));
    if (!place)
        return NULL;
    engine->source_last = *place;
    return &engine->sources[*place];
}

static struct engine_source *source_add(struct engine *engine, const uint8_t id[16], struct str kind, struct str name)
{
    struct engine_source *source = source_of(engine, id);
    if (!source) {
        if (engine->source_count == engine->source_room) {
            size_t room = MAX(engine->source_room * 2, (size_t)256);
            struct engine_source *grown = memory_resize(engine->sources, room * sizeof *grown);
            ASSERT(grown != NULL);
            engine->sources = grown;
            engine->source_room = room;
        }
        uint64_t *place = map_put(engine->source_by_id, str_at(id, 16));
        if (!place)
            return NULL; /* past a million sources: their records go without a name */
        *place = engine->source_count;
        source = &engine->sources[engine->source_count++];
        memset(source, 0, sizeof *source);
        memcpy(source->id, id, 16);
        memcpy(source->event.id, id, 16);
    }
    /* All sources come again with every RESUME: only what changed takes memory. */
    if (!str_eq(source->kind, kind) || !source->kind.p)
        source->kind = source->event.kind = arena_str(engine->kept, kind);
    source->canary = canary_is_of(kind);
    if (!str_eq(source->name, name) || !source->name.p)
        source->name = source->event.name = arena_str(engine->kept, name);
    return source;
}

static void on_source(struct engine *engine, const struct msg *msg)
{
    if (msg->body.n < 25)
        return;
    struct str rest = str_skip(msg->body, 24);
    struct str kind = str_cut(&rest, '\0');
    struct engine_source *source = source_add(engine, (const uint8_t *)msg->body.p, kind, rest);
    bool own = str_is(kind, "internal") || str_is(kind, "desk") || canary_is_of(kind); /* the archive's */
    bool mine = source && !own && engine->of && source->id[0] % engine->of == engine->number;
    /* A source that sends nothing since the start is shown all the same, with the time it was heard last. */
    if (mine && source->last_ns == 0) {
        source->last_ns = (int64_t)get_be64(msg->body.p + 16);
        source->changed = true;
    }
}

/* ---- matches and blocks on their way out ---- */

static struct match_held *match_at(struct engine *engine, size_t i)
{
    return &engine->matches[(engine->match_first + i) % MATCHES_MAX];
}

/* In order and without a hole: an acknowledgement covers all before it. What finds no room goes at a later tick. */
static void matches_send(struct engine *engine)
{
    struct channel *desk = engine_rules_known(engine->set.duties) ? process_peer(ROLE_DESK, 0) : NULL;
    while (desk && engine->match_sent < engine->match_count) {
        const struct match_held *held = match_at(engine, engine->match_sent);
        if (!channel_send(desk, held->type, held->id, buf_view(&held->body)))
            return;
        engine->match_sent++;
    }
}

static void blocks_release(struct engine *engine)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    uint64_t acknowledged = engine->match_count ? match_at(engine, 0)->id - 1 : engine->match_id;
    struct str block;
    while (keeper && (block = engine_blocks_next(engine->blocks, acknowledged)).n) {
        if (!channel_send(keeper, MSG_BLOCK, engine->generation, block))
            return;
        engine_blocks_sent(engine->blocks);
    }
}

static void on_match_done(struct engine *engine, const struct msg *msg)
{
    while (engine->match_sent && match_at(engine, 0)->id <= msg->id) {
        buf_done(&match_at(engine, 0)->body);
        engine->match_first = (engine->match_first + 1) % MATCHES_MAX;
        engine->match_count--;
        engine->match_sent--;
    }
    blocks_release(engine);
}

static bool engine_must_wait(const struct engine *engine)
{
    return engine->match_count + HITS_MAX >= MATCHES_MAX || engine_blocks_full(engine->blocks);
}

/* The process stops, another begins behind the last good block. */
static void engine_fail(struct engine *engine)
{
    engine->failed = true;
    process_stop(EXIT_FAILURE);
}

static void blocks_settle(struct engine *engine)
{
    engine_blocks_settle(engine->blocks, normaliser_pending(engine->normaliser), engine->match_id);
    blocks_release(engine);
}

static void block_finish(struct engine *engine)
{
    struct buf bytes;
    struct err err = {0};
    if (engine->failed || block_builder_count(engine->builder) == 0)
        return;
    buf_init(&bytes, BLOCK_SIZE_MAX);
    enum rc rc = block_builder_finish(engine->builder, &bytes, &err);
    rc = rc == RC_OK ? engine_blocks_put(engine->blocks, &bytes, &err) : rc;
    if (rc != RC_OK) {
        log_error("a block could not be encoded: %s", err.text);
        buf_done(&bytes);
        engine_fail(engine);
        return;
    }
    blocks_settle(engine);
}

/* Where it can be chosen, a block ends where no event waits for the next record. */
static bool block_suits(const struct engine *engine)
{
    return block_builder_is_nearly_full(engine->builder) && normaliser_pending(engine->normaliser) == UINT64_MAX;
}

/* ---- one record ---- */

/* Whether the event is of the record at work. One of several records may be complete only when a record of another
 * event is at work, or when time went by. */
static bool is_of_record(const struct engine *engine, const struct event *event)
{
    for (uint32_t i = 0; i < event->record_count; i++)
        if (event->records[i] == engine->record)
            return !engine->late;
    return !engine->late && event->record == engine->record;
}

/* What the archive does not show beside its record: the desk has the match. */
static void hits_lost(struct engine *engine, uint64_t record, uint64_t count, int64_t received_ns)
{
    static const uint8_t many[16];
    engine->hits_lost += count;
    loss_counts_hits(engine->counts.losses, engine->source ? engine->source->id : many, record, count, received_ns);
}

/* Beside the record at work, else beside the last one of the event, which is in the block at work or in one that waits
 * for just this. */
static void hit_put(struct engine *engine, const struct event *event, const struct rule *rule)
{
    bool here = is_of_record(engine, event);
    uint64_t record = event->record_count ? event->records[event->record_count - 1] : event->record;
    if (here && engine->hit_count < HITS_MAX) {
        engine->hits[engine->hit_count++] = rule->id;
        return;
    }
    enum rc rc = here ? RC_LIMIT : block_builder_hit(engine->builder, record, rule->id);
    if (rc == RC_NOT_FOUND && engine_blocks_hit(engine->blocks, record, rule->id))
        return;
    if (rc != RC_OK)
        hits_lost(engine, here ? engine->record : record, 1, event->received_ns);
}

static void match_found(struct engine *engine, const struct event *event, const struct rule *rule)
{
    hit_put(engine, event, rule);
    if (!engine_rules_wants(engine->set.duties, rule))
        return;
    struct match match = {
        .record = event->record,
        .time_ns = event->time_ns,
        .rule_hash = rule->hash,
        .source = engine->source ? engine->source->name : STR_NONE,
        .host = event->statutory[STATUTORY_HOST],
        .account = event->statutory[STATUTORY_ACCOUNT],
        .address =
            statutory_address(event->statutory[STATUTORY_SOURCE_ADDRESS], event->statutory[STATUTORY_USER_ADDRESS]),
        .description = event->statutory[STATUTORY_DESCRIPTION],
    };
    match.value_count = matcher_carry(engine->set.matcher, rule, event, match.values);
    if (str_is(rule->id, CANARY_RULE) && (!engine->source || !engine_canary_match(&engine->canary, engine->source->id,
                                                                                  engine->source->kind, event, &match)))
        return; /* somebody else wrote it: it stands in the archive, as its hit */
    if (engine->match_count == MATCHES_MAX) {
        log_error("more matches in one record than can be held: rule %.*s is passed over", STR_ARG(rule->id));
        return;
    }
    struct match_held *held = match_at(engine, engine->match_count++);
    held->id = ++engine->match_id;
    held->type = MSG_MATCH;
    buf_init(&held->body, msg_size_max(MSG_MATCH));
    match_write(&match, &held->body);
    matches_send(engine);
}

/* What an agent tells of its machine. It stands in the archive whatever becomes of it here. */
static void inventory_found(struct engine *engine, const struct leaf *leaf, struct str raw)
{
    if (!inventory_concerns(engine->source->kind, raw) || engine->match_count == MATCHES_MAX)
        return;
    struct match_held *held = match_at(engine, engine->match_count++);
    held->id = ++engine->match_id;
    held->type = MSG_INVENTORY;
    buf_init(&held->body, msg_size_max(MSG_INVENTORY));
    inventory_write(&(struct inventory_told){leaf->index, leaf->received_ns, leaf->source, raw}, &held->body);
    matches_send(engine);
}

static void on_event(void *context, const struct event *event)
{
    struct engine *engine = context;
    if (event->flags & EVENT_ARCHIVE) {
        event_copy(event, &engine->archived); /* its fields live in the record's arena */
        engine->has_archived = true;
        engine_counts_event(&engine->counts, engine->normaliser);
    }
    if (!(event->flags & EVENT_MATCH))
        return;
    struct rule_match found[HITS_MAX] UNINITIALISED;
    size_t count = 0;
    if (engine->late)
        engine_rules_late(engine->set.duties, event);
    if (engine->indicator_matcher)
        event = indicator_matcher_event(engine->indicator_matcher, event);
    if (matcher_event(engine->set.matcher, event, found, HITS_MAX, &count) != RC_OK)
        return;
    count = MIN(count, (size_t)HITS_MAX);
    if (repeats_concern(event))
        count = repeats_sift(engine->repeats, event, found, count);
    for (size_t i = 0; i < count; i++)
        match_found(engine, event, found[i].rule);
}

/* The events that blocks wait for, when the records that come now were received long after their pieces: one that
 * catches up does not wait for the clock. */
static void blocks_look(struct engine *engine, int64_t received_ns)
{
    bool due = received_ns < engine->flushed_ns || received_ns - engine->flushed_ns >= FLUSH_NS;
    if (!due || engine_must_wait(engine))
        return;
    engine->flushed_ns = received_ns;
    engine->late = true;
    engine->source = NULL; /* they may be another's */
    normaliser_flush(engine->normaliser, received_ns, engine->arena, on_event, engine);
    engine->late = false;
    blocks_settle(engine);
}

static bool is_set_aside(const struct engine *engine, uint64_t record)
{
    for (size_t i = 0; i < engine->set_aside_count; i++)
        if (engine->set_aside[i] == record)
            return true;
    return false;
}

static void record_work(struct engine *engine, const struct leaf *leaf, struct str raw)
{
    struct engine_source *source = source_of(engine, leaf->source);
    static const struct event_source unknown = {.kind = STR_INIT("unknown"), .name = STR_INIT("unknown")};
    engine->source = source;
    engine->record = leaf->index;
    engine->has_archived = false;
    engine->hit_count = 0;
    arena_reset(engine->arena);
    bool data = leaf->type == LEAF_RAW || leaf->type == LEAF_DIGEST;
    engine_rules_record(engine->set.duties, leaf->index);
    if (data && !is_set_aside(engine, leaf->index))
        normaliser_record(engine->normaliser, source ? &source->event : &unknown, leaf->index, leaf->received_ns, raw,
                          engine->arena, on_event, engine);
    if (leaf->type == LEAF_GAP && source) {
        source->dropped += gap_lost(raw, engine->arena);
        source->changed = true;
    }
    if (source && leaf->type == LEAF_RAW)
        inventory_found(engine, leaf, raw);
    bool counted = source && data && !source->canary;
    if (source && data && source->canary)
        engine_canary_record(&engine->canary, leaf);
    if (counted)
        engine_source_count(source, leaf, engine->has_archived ? &engine->archived : NULL);
    engine->counts.durable_ns = engine_canary_durable_ns(&engine->canary, leaf->index);
    if (counted && engine->has_archived && engine_rules_counting(engine->set.duties))
        engine_counts_record(&engine->counts,
                             &(struct annex_record){&source->event, &engine->archived, raw, leaf->received_ns},
                             leaf->index);
    const struct event *event = engine->has_archived ? &engine->archived : NULL;
    if (engine_rules_counting(engine->set.duties))
        loss_counts_record(engine->counts.losses, leaf, raw, source ? &source->watch : NULL, event, engine->arena);
    block_builder_plain(engine->builder, leaf->index < engine->plain_until ? engine->plain : BLOCK_PLAIN_NOT);
    enum rc rc = block_builder_add(engine->builder, leaf, raw, event, engine->hits, engine->hit_count);
    if (rc == RC_LIMIT) {
        block_finish(engine);
        rc =
            engine->failed ? rc : block_builder_add(engine->builder, leaf, raw, event, engine->hits, engine->hit_count);
    }
    if (rc != RC_OK) {
        log_error("record %llu could not be put into a block: %s", (unsigned long long)leaf->index, rc_name(rc));
        engine_fail(engine);
    }
    if (engine_blocks_held(engine->blocks))
        blocks_look(engine, leaf->received_ns);
    if (block_suits(engine))
        block_finish(engine);
}

/* A block never straddles log files, and each is a segment of its own. */
static void log_border(struct engine *engine, uint64_t next)
{
    while (engine->log_next < engine->log_count && engine->logs[engine->log_next] <= next) {
        if (engine->logs[engine->log_next] > 0)
            block_finish(engine);
        if (!engine->failed)
            block_builder_segment(engine->builder, engine->key);
        engine->log_next++;
    }
}

/* One record of the frame at work. */
static bool frame_step(struct engine *engine)
{
    struct leaf leaf;
    struct str leaf_bytes;
    struct str raw;
    struct err *err = &engine->frame_err;
    if (record_read(&engine->frame_reader, NULL, &leaf, &leaf_bytes, &raw, err) != RC_OK) {
        log_error("log frame at %lld: %s", (long long)engine->frame.offset, err->text);
        process_stop(EXIT_FAILURE);
        return false;
    }
    engine->frame_left--;
    log_border(engine, leaf.index);
    bool mine = leaf.source[0] % engine->of == engine->number;
    if (leaf.index < engine->resume || !mine)
        return true;
    *engine->progress = leaf.index + 1;
    record_work(engine, &leaf, raw);
    return !engine->failed;
}

static bool frame_next(struct engine *engine)
{
    struct err err = {0};
    enum rc rc = wal_reader_next(engine->reader, engine->durable, &engine->frame, &err);
    if (rc == RC_OK) {
        engine->frame_reader = reader_of(engine->frame.payload);
        engine->frame_left = engine->frame.count;
        return true;
    }
    if (rc != RC_AGAIN && rc != RC_END) {
        log_error("the log does not read: %s", err.text);
        process_stop(EXIT_FAILURE);
    }
    return false;
}

static bool engine_is_told(const struct engine *engine)
{
    return engine->settled && engine->patterns.known && engine_rules_known(engine->set.duties);
}

/* Not before the desk has told: see above. */
static bool engine_may_work(struct engine *engine)
{
    if (engine_is_told(engine) || engine->impatient)
        return true;
    if (clock_boot_ns() - engine->resumed_ns < DESK_WAIT_NS || set_maker_is_at_work(engine->maker))
        return false;
    log_warning("the desk does not tell which rules there are and which are switched off: those of files run until it "
                "does");
    engine->impatient = true;
    return true;
}

/* Stops between two records, not two frames: one frame may hold more matches than can wait for the desk. */
static void engine_work(struct engine *engine)
{
    uint64_t begin = clock_boot_ns();
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (desk)
        channel_cork(desk, true);
    engine->behind = false;
    for (size_t done = 1; engine->reader && !engine_must_wait(engine); done++) {
        if (engine->frame_left == 0 && !frame_next(engine))
            break;
        if (engine->frame_left && !frame_step(engine))
            break;
        if (done % SLICE_RECORDS == 0 && clock_boot_ns() - begin >= SLICE_NS) {
            engine->behind = true;
            break;
        }
    }
    engine->behind = engine->behind || engine->frame_left;
    desk = process_peer(ROLE_DESK, 0);
    if (desk)
        channel_cork(desk, false);
    if (engine->reader && engine->progress && !engine->failed) { /* what it failed at is for the keeper to see */
        *engine->progress = 0;
        if (engine->frame_left == 0)
            log_border(engine, wal_reader_position(engine->reader));
    }
}

/* Which rules judge the records from here on: their number and a digest of their meaning. */
static void rules_record(struct engine *engine)
{
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    buf_clear(&engine->text);
    json_write_object(&engine->text);
    if (!keeper || engine->number != 0 || !engine_set_write(&engine->set, &engine->text))
        return;
    if (engine->indicators) {
        json_put_u64(&engine->text, "indicators", indicators_count(engine->indicators));
        indicators_log(engine->indicators);
    }
    json_write_object_end(&engine->text);
    IGNORE(channel_send(keeper, MSG_LIFECYCLE, 0, buf_view(&engine->text))); /* a new keeper resumes us: told again */
}

/* ---- messages ---- */

static void on_resume(struct engine *engine, struct msg *msg)
{
    struct reader reader = reader_of(msg->body);
    uint8_t uuid[16];
    read_copy(&reader, uuid, sizeof uuid);
    engine->resume = read_be64(&reader);
    engine->resumed_ns = engine->resumed_ns ? engine->resumed_ns : clock_boot_ns();
    engine_rules_resumed(engine->set.duties);
    engine_canary_resumed(&engine->canary);
    engine->number = read_be32(&reader);
    engine->of = read_be32(&reader);
    engine->key[0] = read_be64(&reader);
    engine->key[1] = read_be64(&reader);
    engine->plain_until = read_be64(&reader);
    uint32_t plain = read_be32(&reader);
    engine->plain = (enum block_plain)MIN(plain, (uint32_t)BLOCK_PLAIN_ALONE);
    engine->generation = msg->id;
    engine->set_aside_count = 0;
    while (reader_left(&reader) >= 8 && engine->set_aside_count < MSG_ASIDE_MAX)
        engine->set_aside[engine->set_aside_count++] = read_be64(&reader);
    ASSERT(reader_done(&reader) && engine->of > 0 && msg->fd_count == 1);
    wal_reader_free(engine->reader);
    engine->frame_left = 0;
    block_builder_free(engine->builder);
    engine->reader = wal_reader_new(&io_kernel, uuid, engine->resume);
    engine->builder = block_builder_new(engine->names, engine->key);
    engine->progress = proc_map(msg->fds[0], 4096);
    ASSERT(engine->reader && engine->builder && engine->progress);
    engine_blocks_clear(engine->blocks);
    engine->log_count = 0;
    engine->log_next = 0;
    engine->durable = 0;
    rules_record(engine);
    engine_patterns_tell(&engine->patterns, engine->number == 0 ? process_peer(ROLE_KEEPER, 0) : NULL);
}

static void on_log_file(struct engine *engine, struct msg *msg)
{
    struct err err = {0};
    ASSERT(msg->fd_count == 1 && msg->body.n >= 8 && engine->reader);
    if (engine->log_count == LOGS_MAX) {
        ASSERT(engine->log_next > 0);
        memmove(engine->logs, engine->logs + engine->log_next,
                (engine->log_count - engine->log_next) * sizeof engine->logs[0]);
        engine->log_count -= engine->log_next;
        engine->log_next = 0;
    }
    engine->logs[engine->log_count++] = get_be64(msg->body.p);
    int fd = msg->fds[0];
    msg->fd_count = 0;
    if (wal_reader_add_key(engine->reader, fd, str_skip(msg->body, 8), &err) != RC_OK) {
        log_error("log file refused: %s", err.text);
        process_stop(EXIT_FAILURE);
    }
}

/* Of what was found before the desk told, the desk gets what it wants. */
static void matches_judge(struct engine *engine)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->match_count; i++) {
        struct match_held *held = match_at(engine, i);
        struct match match;
        bool inventory = held->type == MSG_INVENTORY;
        bool read = !inventory && match_read(buf_view(&held->body), &match);
        const struct rule *rule = read ? rules_find_hash(engine->set.rules, match.rule_hash) : NULL;
        if (!inventory && (!rule || !engine_rules_wants(engine->set.duties, rule))) {
            buf_done(&held->body);
            continue;
        }
        struct match_held moved = *held;
        *match_at(engine, kept++) = moved;
    }
    engine->match_count = kept;
}

static void on_rule_states(struct engine *engine, const struct msg *msg)
{
    struct err err = {0};
    bool first = !engine_rules_known(engine->set.duties);
    arena_reset(engine->arena);
    if (engine_rules_take(engine->set.duties, msg->body, engine->arena, &err) != RC_OK) {
        log_error("what the desk told of rules is passed over: %s", err.text);
        return;
    }
    buf_clear(&engine->states);
    buf_str(&engine->states, msg->body);
    if (first)
        matches_judge(engine);
    engine->behind = true;
}

/* ---- counters ---- */

/* Their pieces were matched one by one, which is less than the whole. */
static void incomplete_log(struct engine *engine)
{
    uint64_t now = normaliser_incomplete(engine->normaliser);
    if (now != engine->incomplete)
        log_warning("%llu PowerShell script blocks lacked pieces or were too long: they were matched in parts",
                    (unsigned long long)(now - engine->incomplete));
    engine->incomplete = now;
}

static void hits_log(struct engine *engine)
{
    uint64_t record;
    uint64_t unwritten = engine_blocks_unwritten(engine->blocks, &record);
    if (unwritten != engine->unwritten_told)
        hits_lost(engine, record, unwritten - engine->unwritten_told, engine->flushed_ns);
    engine->unwritten_told = unwritten;
    uint64_t lost = engine->hits_lost;
    uint64_t early = engine_blocks_early(engine->blocks);
    if (early != engine->early_told)
        log_warning("%llu blocks went into the archive although events waited for the rest of their records: too many "
                    "were held, or for too long",
                    (unsigned long long)(early - engine->early_told));
    if (lost != engine->hits_told)
        log_warning("%llu hits of rules could not be written beside their records",
                    (unsigned long long)(lost - engine->hits_told));
    engine->early_told = early;
    engine->hits_told = lost;
}

static void stats_send(struct engine *engine)
{
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (!desk)
        return;
    struct buf *out = &engine->text;
    buf_clear(out);
    json_write_object(out);
    json_put_u64(out, "rules_loaded", rules_count(engine->set.rules));
    json_put_u64(out, "rules_refused", engine->set.refused);
    json_put_u64(out, "position", engine->reader ? wal_reader_position(engine->reader) : 0);
    json_put_u64(out, "canary", engine->canary.own);
    json_write_key(out, "sources");
    json_write_array(out);
    size_t given = 0;
    for (size_t i = 0; i < engine->source_count && given < STATS_AT_ONCE && out->n < MSG_MIB / 2; i++) {
        if (!engine->sources[i].changed)
            continue;
        engine_source_write(out, &engine->sources[i]);
        engine->sources[i].changed = false;
        given++;
    }
    json_write_array_end(out);
    json_write_object_end(out);
    IGNORE(channel_send(desk, MSG_STATS, engine->number, buf_view(out))); /* the next ones say more */
}

/* What the desk does not take now comes with the next ones. Whether all is told. */
static bool rule_stats_send(struct engine *engine)
{
    struct channel *desk = process_peer(ROLE_DESK, 0);
    while (engine_rules_write(engine->set.duties, &engine->text)) {
        if (!desk || channel_queued(desk) >= RULE_STATS_BYTES ||
            !channel_send(desk, MSG_RULE_STATS, engine->number, buf_view(&engine->text)))
            return false;
        engine_rules_sent(engine->set.duties);
    }
    return true;
}

/* ---- other rules ---- */

static void rules_settle(struct engine *engine, uint64_t version, const char *reason)
{
    struct channel *desk = process_peer(ROLE_DESK, 0);
    engine->settled = true;
    engine->behind = true;
    log_info("%zu rules are at work, %zu refused", rules_count(engine->set.rules), engine->set.refused);
    if (!desk) /* the next one asks anew */
        return;
    IGNORE(channel_send(desk, MSG_RULES_TAKEN, version, str_of(reason)));
    IGNORE(channel_send(desk, MSG_LISTS_TAKEN, engine->lists_stamp, buf_view(&engine->lists_trouble)));
}

/* The desk waits with rules that are gone until every engine has the new ones. */
static void on_rules(struct engine *engine, const struct msg *msg)
{
    struct err err = {0};
    uint64_t digest = 0;
    enum rc rc = msg->fd_count == 1 ? rule_bundle_digest(msg->fds[0], &digest, &err)
                                    : err_set(&err, RC_INVALID, "no rules came with it");
    bool same = rc == RC_OK && digest == engine->set.digest && !set_maker_is_at_work(engine->maker);
    if (same)
        engine->set.version = msg->id;
    else if (rc == RC_OK)
        rc = set_maker_want(engine->maker, msg->fds[0], msg->id, &err);
    if (rc != RC_OK)
        log_error("the rules of the desk cannot be had: %s", err.text);
    if (same || rc != RC_OK)
        rules_settle(engine, msg->id, rc == RC_OK ? "" : err.text);
}

/* Between two records. What was counted of the old rules is told first; what they found stays. */
static void rules_swap(struct engine *engine, struct engine_set *next)
{
    struct engine_set old = engine->set;
    struct err err = {0};
    if (engine->indicator_matcher)
        engine_rules_given(next->duties, indicator_field_names, INDICATOR_FIELDS);
    engine_rules_follow(next->duties, old.duties);
    engine_counts_attach(&engine->counts, next->duties);
    repeats_follow(engine->repeats, next->rules);
    arena_reset(engine->arena);
    if (engine->states.n && engine_rules_take(next->duties, buf_view(&engine->states), engine->arena, &err) != RC_OK)
        log_error("what the desk told of rules is passed over: %s", err.text);
    engine->hit_count = 0; /* they named the old ones */
    engine->set = *next;
    engine_set_done(&old);
    rules_record(engine);
}

static void rules_look(struct engine *engine)
{
    struct engine_set next;
    struct err err = {0};
    if (!set_maker_is_ready(engine->maker) || !rule_stats_send(engine))
        return;
    enum rc rc = set_maker_take(engine->maker, &next, &err);
    if (rc == RC_AGAIN)
        return;
    if (rc == RC_OK)
        rules_swap(engine, &next);
    else
        log_error("the rules of the desk could not be compiled, the old ones stay: %s", err.text);
    rules_settle(engine, next.version, rc == RC_OK ? "" : err.text);
}

/* ---- other patterns ---- */

/* Between two records. */
static void on_patterns(struct engine *engine, struct channel *desk, const struct msg *msg)
{
    struct err err = {0};
    bool changed;
    enum rc rc = engine_patterns_take(&engine->patterns, msg->body, &changed, &err);
    if (changed && engine->of && engine->number == 0) /* else it is told with RESUME */
        engine_patterns_tell(&engine->patterns, process_peer(ROLE_KEEPER, 0));
    if (rc != RC_OK)
        log_error("the patterns of the desk cannot be had, those of before stay: %s", err.text);
    engine->behind = true;
    struct str why = rc == RC_OK ? STR("") : str_of(err.text);
    IGNORE(channel_send(desk, MSG_PATTERNS_TAKEN, msg->id, why)); /* the next one gives them anew */
}

/* ---- the process ---- */

static void engine_message(void *self, struct channel *channel, struct msg *msg)
{
    struct engine *engine = self;
    switch ((int)msg->type) {
    case MSG_RESUME:
        on_resume(engine, msg);
        break;
    case MSG_SOURCE:
        on_source(engine, msg);
        break;
    case MSG_LOG_FILE:
        on_log_file(engine, msg);
        break;
    case MSG_DURABLE:
        engine->durable = engine_canary_durable(&engine->canary, msg->body, engine->durable);
        engine->behind = true;
        break;
    case MSG_MATCH_DONE:
        on_match_done(engine, msg);
        break;
    case MSG_RULE_STATES:
        on_rule_states(engine, msg);
        break;
    case MSG_RULES:
        on_rules(engine, msg);
        break;
    case MSG_PATTERNS:
        on_patterns(engine, channel, msg);
        break;
    default:
        break;
    }
}

static void engine_peer_up(void *self, struct channel *channel)
{
    struct engine *engine = self;
    if (channel_peer(channel) != ROLE_DESK)
        return;
    engine->match_sent = 0;
    engine_rules_desk_up(engine->set.duties);
    matches_send(engine);
    for (size_t i = 0; i < engine->source_count; i++)
        engine->sources[i].changed = engine->sources[i].last_ns != 0;
}

static void engine_stop(void *self)
{
    IGNORE(rule_stats_send(self)); /* what is not taken is lost with this process */
}

static void engine_tick(void *self, int64_t now_real_ns)
{
    struct engine *engine = self;
    rules_look(engine);
    if (!engine->reader || !engine_may_work(engine))
        return;
    matches_send(engine);
    blocks_release(engine);
    engine_work(engine);
    if (engine_counts_are_many(&engine->counts))
        IGNORE(rule_stats_send(engine)); /* else at the next tick, or they are lost and that is said */
    uint64_t now = clock_boot_ns();
    if (now - engine->stats_ns < STATS_NS)
        return;
    engine->stats_ns = now;
    engine->source = NULL;
    engine->hit_count = 0;
    arena_reset(engine->arena);
    engine->late = true;
    if (!engine->behind && !engine_must_wait(engine))
        normaliser_flush(engine->normaliser, now_real_ns, engine->arena, on_event, engine);
    engine->late = false;
    if (!engine_must_wait(engine))
        engine_blocks_tick(engine->blocks);
    blocks_settle(engine);
    incomplete_log(engine);
    hits_log(engine);
    engine_counts_log(&engine->counts);
    stats_send(engine);
    if (now - engine->rules_ns < RULES_NS)
        return;
    engine->rules_ns = now;
    IGNORE(rule_stats_send(engine)); /* in five seconds again */
}

static int engine_timeout_ms(void *self)
{
    const struct engine *engine = self;
    bool may = engine_is_told(engine) || engine->impatient;
    return may && engine->behind && !engine_must_wait(engine) ? 0 : -1;
}

const struct role_driver engine_driver = {
    .role = ROLE_ENGINE,
    .calls = SANDBOX_THREADS, /* to compile rules */
    .files_max = 4096,
    .tick_ms = 200,
    .start = engine_start,
    .message = engine_message,
    .peer_up = engine_peer_up,
    .tick = engine_tick,
    .timeout_ms = engine_timeout_ms,
    .stop = engine_stop,
};
