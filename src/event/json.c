/* JSON objects: Windows events in their several shapes, journal records, everything else; and Windows events as XML. */
#include "codec/json.h"

#include "codec/winevent.h"
#include "event/normaliser.h"

#include <string.h>

#define NOT_KEPT 1 /* value of the path cache: a container that only wraps; names are stored as id + 2 */

static uint32_t path_name(struct normaliser *normaliser, struct str path, bool *ret_dropped)
{
    bool is_new = false;
    uint32_t *place = cache_at(&normaliser->paths, path, &is_new);
    if (place && *place) {
        *ret_dropped = *place == NOT_KEPT;
        return *place - 2 + (*place == NOT_KEPT);
    }
    uint32_t end = names_end(normaliser->names);
    uint32_t name = mapping_path(normaliser->mapping, normaliser->names, path);
    *ret_dropped = !name && end <= NAMES_MAX && path.n <= NAMES_TEXT_MAX && path.n;
    if (place && (name || *ret_dropped))
        *place = name ? name + 2 : NOT_KEPT;
    return name;
}

static const enum event_type member_types[] = {
    [JSON_NULL] = EVENT_NULL,     [JSON_FALSE] = EVENT_BOOL,    [JSON_TRUE] = EVENT_BOOL,
    [JSON_NUMBER] = EVENT_NUMBER, [JSON_STRING] = EVENT_STRING, [JSON_ARRAY] = EVENT_OBJECT,
    [JSON_OBJECT] = EVENT_OBJECT,
};

static void leaf_add(void *context, struct str path, enum json_kind kind, struct str value)
{
    struct normaliser *normaliser = context;
    bool dropped = false;
    uint32_t name = path_name(normaliser, path, &dropped);
    if (!dropped && kind <= JSON_OBJECT)
        draft_add(&normaliser->draft, name, member_types[kind], kind == JSON_NULL ? STR_NONE : value);
}

/* The path's memo: a value as in the path cache, and above it the name's slot. */
static uint64_t path_memo(struct normaliser *normaliser, struct str path, uint32_t *ret_name, bool *ret_dropped)
{
    *ret_name = path_name(normaliser, path, ret_dropped);
    if (*ret_dropped || *ret_name == 0)
        return *ret_dropped ? NOT_KEPT : 0;
    return (uint64_t)mapping_slot(normaliser->mapping, *ret_name) << 32 | (*ret_name + 2);
}

static void leaves_add(void *context, const struct json_flat *leaves, size_t count)
{
    struct normaliser *normaliser = context;
    for (size_t i = 0; i < count; i++) {
        const struct json_flat *leaf = &leaves[i];
        uint64_t memo = leaf->path->memo;
        bool dropped = memo == NOT_KEPT;
        uint32_t name = (uint32_t)memo - 2;
        if (memo == 0) {
            memo = path_memo(normaliser, leaf->path->text, &name, &dropped);
            leaf->path->memo = memo;
        }
        if (!dropped)
            draft_add_slot(&normaliser->draft, name, (uint32_t)(memo >> 32), member_types[leaf->kind],
                           leaf->kind == JSON_NULL ? STR_NONE : leaf->value);
    }
}

/* A script that does not fit into one event 4104: see script_join.h. */
static void script_note(struct normaliser *normaliser, struct str channel)
{
    struct script_piece *piece = &normaliser->piece;
    *piece =
        (struct script_piece){.block = said(normaliser, WORD_SCRIPT_ID), .text = said(normaliser, WORD_SCRIPT_TEXT)};
    normaliser->has_piece = str_to_u64(said(normaliser, WORD_SCRIPT_TOTAL), &piece->total) &&
                            str_to_u64(said(normaliser, WORD_SCRIPT_NUMBER), &piece->number) && piece->number > 0 &&
                            piece->total > 1 && piece->number <= piece->total && piece->block.n > 0 &&
                            piece->block.n <= SCRIPT_ID_MAX && piece->text.p &&
                            str_search(channel, STR("PowerShell")) < channel.n;
}

/* The rows of a channel and an id: events of a few kinds come again and again. */
static void windows_find(struct normaliser *normaliser, struct str channel, struct str id, struct rows ret_rows[2])
{
    size_t sum = channel.n + (unsigned char)id.p[0] + 3u * (unsigned char)id.p[id.n - 1];
    struct windows_known *known = &normaliser->windows_known[sum % WINDOWS_KNOWN];
    if (known->channel_n == channel.n && known->id_n == id.n && memcmp(known->text, channel.p, channel.n) == 0 &&
        memcmp(known->text + channel.n, id.p, id.n) == 0) {
        ret_rows[0] = known->of_id;
        ret_rows[1] = known->of_channel;
        return;
    }
    ret_rows[0] = rows_for(normaliser, STR("channel"), channel, id);
    ret_rows[1] = rows_for(normaliser, STR("channel"), channel, STR_NONE);
    if (channel.n + id.n > WINDOWS_TEXT_MAX)
        return;
    *known = (struct windows_known){(uint32_t)channel.n, (uint32_t)id.n, {0}, ret_rows[0], ret_rows[1]};
    memcpy(known->text, channel.p, channel.n);
    memcpy(known->text + channel.n, id.p, id.n);
}

static void windows_apply(struct normaliser *normaliser, struct str channel, struct str id)
{
    struct draft *draft = &normaliser->draft;
    draft->event.parser = "windows";
    if (str_is(id, "33205")) {
        struct str data = said(normaliser, WORD_DATA);
        mssql_audit(normaliser, data.n ? data : said(normaliser, WORD_PARAM1));
    }
    struct rows rows[2];
    windows_find(normaliser, channel, id, rows);
    draft_apply_list(draft, rows[0]);
    draft_apply_list(draft, rows[1]);
    draft_apply_list(draft, normaliser->windows_rows);
    if (str_is(id, "4104"))
        script_note(normaliser, channel);
}

/* The journal splits an audit record: "SYSCALL arch=..." in MESSAGE, serial and time beside it. Put together again it
 * is an audit line like any other. */
static bool journal_audit(struct normaliser *normaliser, struct str message)
{
    struct draft *draft = &normaliser->draft;
    struct str id = said(normaliser, WORD_AUDIT_ID);
    struct str time = said(normaliser, WORD_AUDIT_TIME);
    struct str rest = message;
    struct str type = str_cut(&rest, ' ');
    struct buf line;
    if (!id.n || time.n < 7 || !type.n || !str_is(said(normaliser, WORD_TRANSPORT), "audit"))
        return false;
    size_t room = message.n + id.n + time.n + 64;
    char *storage = arena_alloc_raw(draft->arena, room);
    if (!storage)
        return false;
    buf_init_fixed(&line, storage, room);
    buf_text(&line, "type=");
    buf_str(&line, type);
    buf_text(&line, " msg=audit(");
    buf_str(&line, str_slice(time, 0, time.n - 6));
    buf_char(&line, '.');
    buf_str(&line, str_slice(time, time.n - 6, time.n - 3));
    buf_char(&line, ':');
    buf_str(&line, id);
    buf_text(&line, "): ");
    buf_str(&line, rest);
    return !line.overflow && audit_line(normaliser, buf_view(&line));
}

static void journal_apply(struct normaliser *normaliser, struct str message)
{
    struct draft *draft = &normaliser->draft;
    draft->event.parser = "journal";
    struct str program = said(normaliser, WORD_PROGRAM);
    if (!program.n) {
        program = said(normaliser, WORD_COMM);
        say(normaliser, WORD_PROGRAM, program);
    }
    draft_statutory(draft, STATUTORY_HOST, said(normaliser, WORD_HOST));
    if (journal_audit(normaliser, message))
        return;
    text_message(normaliser, program, message);
    draft_apply_list(draft, normaliser->journal_rows);
}

/* A journal record has the journal's own trusted fields (a leading underscore). */
static bool is_journal(const struct normaliser *normaliser)
{
    if (str_is(normaliser->draft.source->kind, "journal"))
        return true;
    return said(normaliser, WORD_TRANSPORT).p != NULL;
}

/* The value of a name, which some field has, among those that were added last. */
static struct str value_since(const struct draft *draft, uint32_t name, uint32_t slot, uint32_t first)
{
    if (draft->first[slot] >= first)
        return draft_slot(draft, slot);
    for (uint32_t i = first; i < draft->event.field_count; i++)
        if (draft->fields[i].name == name)
            return draft->fields[i].value;
    return STR_NONE;
}

/* A line that this object carries, as agents and shippers send them: it says more than what it is wrapped in. False
 * when there is no text that could be one. */
static bool carried_parse(struct normaliser *normaliser, uint32_t first)
{
    struct draft *draft = &normaliser->draft;
    bool is_carrier = false;
    bool understood = false;
    if (normaliser->inner == INNER_MAX) /* which bounds the recursion too */
        return false;
    normaliser->inner++;
    for (uint32_t i = 0; i < CARRIERS && !understood; i++) {
        uint32_t slot = normaliser->carrier_slot[i];
        if (draft->stamps[slot] != draft->stamp)
            continue;
        struct str text = str_trim(value_since(draft, normaliser->word[WORD_CARRIER + i], slot, first));
        if (text.n == 0)
            continue;
        uint32_t before = draft->event.field_count;
        is_carrier = true;
        understood = text_inner(normaliser, text);
        if (!understood)
            draft_forget_since(draft, before);
    }
    normaliser->inner--;
    return is_carrier;
}

bool json_line(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    uint32_t before = draft->event.field_count;
    uint32_t lost = 0;
    if (json_flatten_at(normaliser->json_paths, draft->arena, text, leaves_add, normaliser, &lost) != RC_OK) {
        draft_forget_since(draft, before);
        return false;
    }
    draft->event.fields_lost += lost;
    struct str channel = said(normaliser, WORD_CHANNEL);
    struct str id = said(normaliser, WORD_EVENT_ID);
    struct str message = said(normaliser, WORD_MESSAGE);
    if (channel.n && id.n) {
        windows_apply(normaliser, channel, id);
    } else if (before == 0 && message.n && is_journal(normaliser)) {
        journal_apply(normaliser, message);
    } else {
        draft->event.parser = "json";
        bool is_carrier = carried_parse(normaliser, before);
        draft_apply_list(draft, normaliser->json_rows);
        if (is_carrier)
            draft_apply_list(draft, normaliser->carrier_rows);
    }
    return true;
}

bool winevent_line(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    uint32_t before = draft->event.field_count;
    uint32_t lost = 0;
    enum rc rc = winevent_flatten(draft->arena, text, leaf_add, normaliser, &lost, NULL);
    struct str channel = said(normaliser, WORD_CHANNEL);
    struct str id = said(normaliser, WORD_EVENT_ID);
    if (rc != RC_OK || !channel.n || !id.n) {
        draft_forget_since(draft, before);
        return false;
    }
    draft->event.fields_lost += lost;
    windows_apply(normaliser, channel, id);
    return true;
}
