#include "event/normalise.h"

#include "base/assert.h"
#include "base/hash.h"
#include "codec/utf8.h"
#include "codec/winevent.h"
#include "event/normaliser.h"

#include <string.h>

enum form { FORM_NONE, FORM_NESTED, FORM_SYSLOG, FORM_WEB, FORM_W3C, FORM_PAIRS, FORM_PLAIN, FORM_COUNT };

static const char *const word_text[] = {
#define X(id, text) [id] = (text),
    WORDS(X)
#undef X
};

void say(struct normaliser *normaliser, enum word word, struct str value)
{
    if (value.n)
        draft_add(&normaliser->draft, normaliser->word[word], EVENT_STRING, value);
}

struct str said(const struct normaliser *normaliser, enum word word)
{
    return draft_slot(&normaliser->draft, mapping_slot(normaliser->mapping, normaliser->word[word]));
}

struct rows rows_for(struct normaliser *normaliser, struct str name, struct str value, struct str detail)
{
    char key[MAPPING_KEY_MAX] UNINITIALISED;
    struct buf text;
    struct rows none = {.count = 0};
    buf_init_fixed(&text, key, sizeof key);
    buf_str(&text, name);
    buf_char(&text, '=');
    buf_str(&text, value);
    if (detail.n) {
        buf_char(&text, '/');
        buf_str(&text, detail);
    }
    if (text.overflow)
        return none;
    bool is_new = false;
    uint32_t *place = cache_at(&normaliser->selector, buf_view(&text), &is_new);
    if (place && !is_new)
        return *place ? normaliser->mapping->list[*place - 1] : none;
    for (size_t i = 0; i < text.n; i++)
        key[i] = char_lower(key[i]);
    const uint64_t *list = map_get(normaliser->mapping->lists, str_at(key, text.n));
    if (place)
        *place = list ? (uint32_t)*list : 0;
    return list ? normaliser->mapping->list[*list - 1] : none;
}

static bool normaliser_memory(struct normaliser *normaliser, uint64_t seed)
{
    if (!draft_init(&normaliser->draft, normaliser->mapping, normaliser->names) ||
        !cache_init(&normaliser->paths, seed) || !cache_init(&normaliser->selector, seed) ||
        !cache_init(&normaliser->programs, seed) || !cache_init(&normaliser->sources, seed) ||
        !audit_join_init(&normaliser->join))
        return false;
    normaliser->json_paths = json_paths_new(seed);
    normaliser->known_room = 64;
    normaliser->known = memory_new(normaliser->known_room * sizeof *normaliser->known);
    normaliser->known_count = 1; /* [0]: the unknown program */
    normaliser->state_room = 16;
    normaliser->state = memory_new(normaliser->state_room * sizeof *normaliser->state);
    normaliser->state_count = 1;
    return normaliser->json_paths && normaliser->known && normaliser->state &&
           picker_init(&normaliser->picker, normaliser->mapping);
}

struct normaliser *normaliser_new(const struct mapping *mapping, struct names *names)
{
    struct normaliser *normaliser = memory_new(sizeof *normaliser);
    if (!normaliser)
        return NULL;
    normaliser->mapping = mapping;
    normaliser->names = names;
    if (!normaliser_memory(normaliser, names_seed(names))) {
        normaliser_free(normaliser);
        return NULL;
    }
    for (size_t i = 0; i < WORD_COUNT; i++)
        normaliser->word[i] = names_put(names, str_of(word_text[i]));
    for (uint32_t i = 0; i < CARRIERS; i++)
        normaliser->carrier_slot[i] = mapping_slot(mapping, normaliser->word[WORD_CARRIER + i]);
    normaliser->any_program = mapping_program(mapping, STR("*"));
    normaliser->plain_program = mapping_program(mapping, STR("-"));
    normaliser->other_program = mapping_program(mapping, STR("?"));
    normaliser->syslog_rows = mapping_rows(mapping, STR("format=syslog"));
    normaliser->journal_rows = mapping_rows(mapping, STR("format=journal"));
    normaliser->json_rows = mapping_rows(mapping, STR("format=json"));
    normaliser->carried_rows = mapping_rows(mapping, STR("format=carried"));
    normaliser->carrier_rows = mapping_rows(mapping, STR("format=carrier"));
    normaliser->windows_rows = mapping_rows(mapping, STR("format=windows"));
    normaliser->audit_rows = mapping_rows(mapping, STR("format=audit"));
    normaliser->audit_event_rows = mapping_rows(mapping, STR("format=audit_event"));
    normaliser->web_rows = mapping_rows(mapping, STR("format=weblog"));
    normaliser->cef_rows = mapping_rows(mapping, STR("format=cef"));
    normaliser->leef_rows = mapping_rows(mapping, STR("format=leef"));
    normaliser->kv_rows = mapping_rows(mapping, STR("format=kv"));
    return normaliser;
}

void normaliser_free(struct normaliser *normaliser)
{
    if (!normaliser)
        return;
    for (uint32_t i = 0; normaliser->state && i < normaliser->state_count; i++)
        memory_free(normaliser->state[i].fields);
    draft_done(&normaliser->draft);
    picker_done(&normaliser->picker);
    json_paths_free(normaliser->json_paths);
    cache_done(&normaliser->paths);
    cache_done(&normaliser->selector);
    cache_done(&normaliser->programs);
    cache_done(&normaliser->sources);
    if (normaliser->join.pending)
        audit_join_done(&normaliser->join);
    script_join_done(&normaliser->scripts);
    memory_free(normaliser->known);
    memory_free(normaliser->state);
    memory_free(normaliser);
}

#define SWAP(x, y)                                                                                                     \
    do {                                                                                                               \
        __typeof__(x) swap_kept = (x);                                                                                 \
        (x) = (y);                                                                                                     \
        (y) = swap_kept;                                                                                               \
    } while (0)

/* What was remembered of the mapping (caches, rows, slots) is made anew; what records left behind stays. */
bool normaliser_remap(struct normaliser *normaliser, const struct mapping *mapping)
{
    struct normaliser *fresh = normaliser_new(mapping, normaliser->names);
    ASSERT(mapping->files.count == normaliser->mapping->files.count); /* a source's state has the number of one */
    if (!fresh)
        return false;
    SWAP(*normaliser, *fresh);
    SWAP(normaliser->join, fresh->join);
    SWAP(normaliser->scripts, fresh->scripts);
    SWAP(normaliser->sources, fresh->sources);
    SWAP(normaliser->state, fresh->state);
    SWAP(normaliser->state_count, fresh->state_count);
    SWAP(normaliser->state_room, fresh->state_room);
    normaliser_set_zone(normaliser, fresh->offset_s);
    normaliser_free(fresh);
    return true;
}

void normaliser_set_zone(struct normaliser *normaliser, int32_t offset_s)
{
    normaliser->offset_s = offset_s;
    normaliser->draft.offset_s = offset_s;
}

static uint16_t file_row(const struct mapping *mapping, const struct event_source *source)
{
    for (uint32_t i = 0; i < mapping->files.count; i++)
        if (str_ends(source->name, mapping->file_suffix[i]))
            return (uint16_t)(i + 1);
    return 0;
}

/* The state of a source; the nameless one, emptied, past the limit. */
static struct source_state *state_find(struct normaliser *normaliser, const struct event_source *source)
{
    bool is_new = false;
    uint32_t *place = cache_at(&normaliser->sources, str_at(source->id, sizeof source->id), &is_new);
    if (place && *place)
        return &normaliser->state[*place];
    if (place && normaliser->state_count == normaliser->state_room && normaliser->state_room < STATES_MAX) {
        uint32_t room = normaliser->state_room * 2;
        struct source_state *state = memory_resize(normaliser->state, room * sizeof *state);
        if (state) {
            normaliser->state = state;
            normaliser->state_room = room;
        }
    }
    struct source_state *state = &normaliser->state[0];
    if (place && normaliser->state_count < normaliser->state_room) {
        *place = normaliser->state_count++;
        state = &normaliser->state[*place];
    } else {
        memory_free(state->fields);
    }
    *state = (struct source_state){.file = file_row(normaliser->mapping, source)};
    return state;
}

static bool form_try(struct normaliser *normaliser, struct source_state *state, enum form form, struct str text)
{
    switch (form) {
    case FORM_NESTED:
        return text_nested(normaliser, text);
    case FORM_SYSLOG:
        return syslog_line(normaliser, text);
    case FORM_WEB:
        return web_line(normaliser, text);
    case FORM_W3C:
        return (state->fields || text.p[0] == '#') && w3c_line(normaliser, state, text);
    case FORM_PAIRS:
        if (!text_pairs(normaliser, text))
            return false;
        normaliser->draft.event.parser = "kv";
        return true;
    case FORM_PLAIN:
        return text_plain(normaliser, text);
    case FORM_NONE:
    case FORM_COUNT:
        break;
    }
    return false;
}

/* Tries all in the order of how surely their beginning tells (a name and `=`, a time, an address). What a source sent
 * before decides nothing but the columns of W3C: a record reads the same wherever reading begins. */
static bool record_parse(struct normaliser *normaliser, struct source_state *state, struct str text)
{
    static const enum form order[] = {FORM_NESTED, FORM_W3C, FORM_PAIRS, FORM_SYSLOG, FORM_WEB, FORM_PLAIN};
    struct draft *draft = &normaliser->draft;
    enum form first = FORM_NONE;
    if (!text.n)
        return false;
    if (text.p[0] == '<') /* a PRI and an event tell surely, and a W3C or web line never begins so */
        first = winevent_begins(text) ? FORM_NESTED : FORM_SYSLOG;
    if (first != FORM_NONE && form_try(normaliser, state, first, text))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (order[i] == first)
            continue;
        draft_forget_fields(draft);
        if (form_try(normaliser, state, order[i], text))
            return true;
    }
    draft_forget_fields(draft);
    normaliser->grasp = GRASP_NONE;
    draft->event.parser = "none";
    draft->has_own = false;
    return false;
}

static void record_begin(struct normaliser *normaliser, const struct event_source *source, uint64_t record,
                         int64_t received_ns, struct str raw, struct arena *arena)
{
    struct draft *draft = &normaliser->draft;
    draft_begin(draft, source, raw, received_ns, arena);
    draft->event.record = record;
    draft->event.records[0] = record;
    draft->event.record_count = 1;
    draft->event.flags = EVENT_ARCHIVE | EVENT_MATCH;
    normaliser->has_audit = false;
    normaliser->has_piece = false;
    normaliser->pattern = NULL;
    normaliser->inner = 0;
    normaliser->asked_message = STR_NONE;
    normaliser->grasp = GRASP_FIELDS; /* unless it is text, or nothing */
}

#define DESCRIPTION_MAX 4096

static struct str description_cut(struct str description)
{
    if (description.n > DESCRIPTION_MAX)
        description.n = utf8_valid_prefix(str_slice(description, 0, DESCRIPTION_MAX));
    return description;
}

/* Where events go, and the arena they live in. */
struct outlet {
    struct arena *arena;
    event_sink sink;
    void *context;
};

/* Gives a joined event and forgets its pieces. Without a SYSCALL record there is nothing to join around. */
static void joined_give(struct normaliser *normaliser, int at, const struct outlet *outlet)
{
    struct arena *arena = outlet->arena;
    const struct audit_pending *pending = &normaliser->join.pending[at];
    struct draft *draft = &normaliser->draft;
    struct event_source source = {.kind = pending->kind};
    struct str lines = arena_str(arena, buf_view(&pending->text));
    source.name = arena_str(arena, str_at(pending->name, pending->name_n));
    memcpy(source.id, pending->source, sizeof source.id);
    if (pending->has_syscall && lines.n) {
        draft_begin(draft, &source, lines, pending->received_ns, arena);
        draft->event.record = pending->syscall;
        draft->event.record_count = pending->record_count;
        memcpy(draft->event.records, pending->record, pending->record_count * sizeof pending->record[0]);
        draft->event.flags = EVENT_MATCH | EVENT_UNDERSTOOD;
        draft->event.parser = "audit";
        normaliser->pattern = NULL;
        normaliser->grasp = GRASP_FIELDS;
        struct str host = arena_str(arena, str_at(pending->host, pending->host_n));
        say(normaliser, WORD_HOST, host);
        draft_statutory(draft, STATUTORY_HOST, host);
        audit_whole(normaliser, lines);
        draft_give(draft, outlet->sink, outlet->context);
    }
    audit_join_remove(&normaliser->join, at);
}

static void record_join(struct normaliser *normaliser, const struct event_source *source, uint64_t record,
                        int64_t received_ns, const struct outlet *outlet)
{
    struct audit audit = normaliser->audit;
    struct audit_join *join = &normaliser->join;
    const struct audit_piece piece = {&audit, record, received_ns, normaliser->audit_text, said(normaliser, WORD_HOST)};
    int at = -1;
    while ((at = audit_join_due(join, source->id, audit.time_ns, received_ns)) >= 0)
        joined_give(normaliser, at, outlet);
    if (!audit_joins(audit.type))
        return;
    if (join->count == AUDIT_PENDING_MAX) {
        join->crowded++;
        joined_give(normaliser, 0, outlet);
    }
    audit_join_add(join, source, &piece, &at);
    if (at >= 0)
        joined_give(normaliser, at, outlet);
}

/* Gives a script block as far as it came, and forgets it. One part alone has been seen as its record. */
static void script_give(struct normaliser *normaliser, int at, bool goes_on, const struct outlet *outlet)
{
    struct arena *arena = outlet->arena;
    const struct script_block *block = &normaliser->scripts.blocks[at];
    struct draft *draft = &normaliser->draft;
    struct event_source source = {.kind = block->kind};
    struct str record_text = block->count > 1 ? arena_str(arena, buf_view(&block->record_text)) : STR_NONE;
    struct str text = record_text.n ? script_block_text(block, arena) : STR_NONE;
    source.name = arena_str(arena, str_at(block->name, block->name_n));
    memcpy(source.id, block->source, sizeof source.id);
    if (text.p) {
        record_begin(normaliser, &source, block->part[0].record, block->received_ns, record_text, arena);
        draft->event.record_count = block->count;
        for (uint32_t i = 0; i < block->count; i++)
            draft->event.records[i] = block->part[i].record;
        draft->event.flags = EVENT_MATCH | EVENT_UNDERSTOOD | EVENT_JOINED;
        uint32_t slot = mapping_slot(normaliser->mapping, normaliser->word[WORD_SCRIPT_TEXT]);
        /* A piece comes of a Windows event, alone or inside syslog. */
        bool parsed = text_nested(normaliser, record_text);
        if (!parsed)
            draft_forget_fields(draft);
        if ((parsed || syslog_line(normaliser, record_text)) && draft_replace(draft, slot, text)) {
            draft->event.statutory[STATUTORY_DESCRIPTION] = description_cut(text);
            draft_give(draft, outlet->sink, outlet->context);
        }
        normaliser->has_piece = false;
    }
    script_join_remove(&normaliser->scripts, at, goes_on);
}

/* What the record just given means for script blocks: those of its host may have waited long enough, and it may be a
 * part of one. */
static void scripts_step(struct normaliser *normaliser, const struct event_source *source, struct str record_text,
                         const struct outlet *outlet)
{
    const struct event *event = &normaliser->draft.event;
    struct script_join *join = &normaliser->scripts;
    struct script_piece piece = normaliser->piece;
    bool has_piece = normaliser->has_piece;
    bool goes_on = false;
    int at = -1;
    piece.host = hash_text(names_seed(normaliser->names), event->statutory[STATUTORY_HOST]);
    piece.record = event->record;
    piece.time_ns = event->time_ns;
    piece.received_ns = event->received_ns;
    piece.record_text = record_text;
    while ((at = script_join_due(join, source->id, piece.host, piece.time_ns)) >= 0)
        script_give(normaliser, at, false, outlet);
    while (has_piece && (at = script_join_full(join, source, &piece, &goes_on)) >= 0)
        script_give(normaliser, at, goes_on, outlet);
    at = has_piece ? script_join_add(join, source, &piece) : -1;
    if (at >= 0)
        script_give(normaliser, at, false, outlet);
}

void normaliser_record(struct normaliser *normaliser, const struct event_source *source, uint64_t record,
                       int64_t received_ns, struct str raw, struct arena *arena, event_sink sink, void *context)
{
    struct draft *draft = &normaliser->draft;
    struct source_state *state = state_find(normaliser, source);
    /* Parsers see valid UTF-8 only, so every slice they give is valid too; the raw bytes stay as they came. */
    struct str text = utf8_make_valid(arena, raw);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    record_begin(normaliser, source, record, received_ns, raw, arena);
    if (record_parse(normaliser, state, str_trim(text)))
        draft->event.flags |= EVENT_UNDERSTOOD;
    else
        memset(draft->event.statutory, 0, sizeof draft->event.statutory);
    if (state->file)
        draft_apply(draft, normaliser->mapping->files.row[state->file - 1]);
    bool bracketed = str_starts(text, STR("{")) || winevent_begins(text); /* fields say more than brackets do */
    if (!bracketed || !(draft->event.flags & EVENT_UNDERSTOOD))
        draft_statutory(draft, STATUTORY_DESCRIPTION, text);
    struct str *description = &draft->event.statutory[STATUTORY_DESCRIPTION];
    *description = description_cut(*description);
    if (normaliser->has_piece)
        draft->event.flags |= EVENT_PIECE;
    normaliser->was_piece = normaliser->has_audit || normaliser->has_piece;
    draft_give(draft, sink, context);
    const struct outlet outlet = {arena, sink, context};
    /* A script block that is given takes the draft: of an audit record the join comes first, and blocks wait. */
    if (normaliser->has_audit)
        record_join(normaliser, source, record, received_ns, &outlet);
    else if (normaliser->has_piece || normaliser->scripts.count)
        scripts_step(normaliser, source, str_trim(text), &outlet);
}

void normaliser_flush(struct normaliser *normaliser, int64_t now_ns, struct arena *arena, event_sink sink,
                      void *context)
{
    const struct outlet outlet = {arena, sink, context};
    int at = -1;
    while ((at = audit_join_stale(&normaliser->join, now_ns)) >= 0)
        joined_give(normaliser, at, &outlet);
    while ((at = script_join_stale(&normaliser->scripts, now_ns)) >= 0)
        script_give(normaliser, at, false, &outlet);
}

/* Of audit lines, of the journal's audit fields, of the channels that script blocks come by. */
static const char *const piece_words[] = {"audit", "_audit_id", "powershell", "powershellcore"};

const char *normaliser_piece_word(size_t index)
{
    return index < ARRAY_LEN(piece_words) ? piece_words[index] : NULL;
}

bool normaliser_piece(const struct normaliser *normaliser)
{
    return normaliser->was_piece;
}

bool normaliser_heads(struct str raw)
{
    struct str text = str_starts(raw, STR("\xef\xbb\xbf")) ? str_skip(raw, 3) : raw;
    return str_starts_nocase(str_trim(text), STR("#Fields:"));
}

uint64_t normaliser_pending(const struct normaliser *normaliser)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < normaliser->join.count; i++)
        if (normaliser->join.pending[i].record_count)
            least = MIN(least, normaliser->join.pending[i].record[0]);
    for (uint32_t i = 0; i < normaliser->scripts.count; i++)
        for (uint32_t part = 0; part < normaliser->scripts.blocks[i].count; part++)
            least = MIN(least, normaliser->scripts.blocks[i].part[part].record);
    return least;
}

enum grasp normaliser_grasp(const struct normaliser *normaliser)
{
    return normaliser->grasp;
}

const struct pattern *normaliser_pattern(const struct normaliser *normaliser)
{
    return normaliser->pattern;
}

uint64_t normaliser_crowded(const struct normaliser *normaliser)
{
    return normaliser->join.crowded;
}

uint64_t normaliser_incomplete(const struct normaliser *normaliser)
{
    return normaliser->scripts.incomplete;
}
