/* rule_edit.c - rules that people write: their texts shown, checked, saved as drafts, ended.
 *
 * A text is named by the id of its first document, which stays when the text is changed. What a text says is read by
 * the role (desk_options.rule_read), as the service reads rules; one that does not load alone is not saved. */
#include "base/assert.h"
#include "desk/rulebook.h"

#define OWN_PREFIX   "desk:rule/"
#define VERSIONS_MAX 100 /* listed, the newest */
#define UNSEEN_MAX   16  /* fields that a check names */
#define UUID_TEXT    36

/* --- whose text it is --- */

/* The name of the own text that a rule stands in; empty: it is none. */
static struct str own_name(struct ask *ask, struct str id)
{
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, id);
    if (entry && str_starts(entry->rule->path, STR(OWN_PREFIX)))
        return str_skip(entry->rule->path, sizeof OWN_PREFIX - 1);
    struct db_query q = db_query(ask->desk->db, "SELECT count(*) FROM rule_text WHERE kind = 'rule' AND name = ?1");
    db_put_text(&q, id);
    return db_one_i64(&q, 0) > 0 && !entry ? id : STR("");
}

static struct str path_of(struct ask *ask, struct str name)
{
    struct buf path;
    char storage[DESK_FIELD_MAX * 2];
    if (name.n == 0)
        return STR("");
    buf_init_fixed(&path, storage, sizeof storage);
    buf_text(&path, OWN_PREFIX);
    buf_str(&path, name);
    return path.overflow ? STR("") : arena_str(ask->arena, buf_view(&path));
}

/* --- a text is shown --- */

static void versions_put(struct ask *ask, struct str name)
{
    struct db_query q =
        db_query(ask->desk->db, "SELECT version, title, who, reason, from_ns, ended_ns, ended_by, ended_why,"
                                " coalesce(record, 0) FROM rule_text WHERE kind = 'rule' AND name = ?1"
                                " ORDER BY id DESC LIMIT ?2");
    db_put_text(&q, name);
    db_put_i64(&q, VERSIONS_MAX);
    json_write_key(ask->out, "versions");
    json_write_array(ask->out);
    while (db_next(&q)) {
        json_write_object(ask->out);
        json_put_int(ask->out, "version", db_i64(&q));
        json_put_str(ask->out, "title", db_text(&q));
        json_put_str(ask->out, "who", db_text(&q));
        json_put_str(ask->out, "reason", desk_cut(db_text(&q), DESK_EVENT_MAX));
        json_put_int(ask->out, "from_ns", db_i64(&q));
        json_put_int(ask->out, "ended_ns", db_i64(&q));
        json_put_str(ask->out, "ended_by", db_text(&q));
        json_put_str(ask->out, "ended_why", desk_cut(db_text(&q), DESK_EVENT_MAX));
        json_put_int(ask->out, "record", db_i64(&q));
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

/* That version, or the newest; false: there is none. */
static bool version_put(struct ask *ask, struct str name, int64_t version)
{
    struct db_query q = db_query(ask->desk->db, "SELECT version, ended_ns, title, text FROM rule_text"
                                                " WHERE kind = 'rule' AND name = ?1 AND (?2 = 0 OR version = ?2)"
                                                " ORDER BY id DESC LIMIT 1");
    db_put_text(&q, name);
    db_put_i64(&q, version);
    bool found = db_next(&q);
    if (found) {
        json_put_int(ask->out, "version", db_i64(&q));
        json_put_bool(ask->out, "in_effect", db_i64(&q) == 0);
        json_put_str(ask->out, "title", db_text(&q));
        json_put_str(ask->out, "text", db_text(&q));
    }
    db_query_end(&q);
    return found;
}

static void file_put(struct ask *ask, const struct rule_entry *entry)
{
    const struct desk *desk = ask->desk;
    struct str text = STR("");
    bool at_hand = desk->rule_file && desk->rule_file(desk->rule_context, entry->rule->path, ask->arena, &text) &&
                   text.n <= DESK_RULE_TEXT_MAX;
    json_put_str(ask->out, "title", desk_cut(entry->rule->title, DESK_NAME_MAX));
    json_put_bool(ask->out, "at_hand", at_hand);
    json_put_str(ask->out, "text", at_hand ? text : STR(""));
}

void ask_rule_text(struct ask *ask)
{
    struct str id = ask_str(ask, "id");
    struct str name = own_name(ask, id);
    const struct rule_entry *entry = rule_entry_of(ask->desk->rulebook, id);
    json_put_bool(ask->out, "may_change", role_rights(ask->role) & RIGHT_RULES);
    json_put_bool(ask->out, "own", name.n > 0);
    json_put_str(ask->out, "name", name);
    json_put_bool(ask->out, "loaded", entry != NULL);
    if (name.n > 0 && version_put(ask, name, ask_int(ask, "version")))
        versions_put(ask, name);
    else if (name.n == 0 && entry)
        file_put(ask, entry);
    else
        ask_refuse(ask, "not_found", "no such rule, or no such version of its text");
}

/* --- a text is read --- */

static bool text_read(struct ask *ask, struct str name, struct str text, struct desk_rule_reading *ret)
{
    struct desk *desk = ask->desk;
    struct err err = {0};
    *ret = (struct desk_rule_reading){.count = 0};
    if (!desk->rule_read)
        ask_refuse(ask, "unavailable", "texts of rules cannot be read here");
    else if (text.n == 0)
        ask_invalid(ask, "text", "the text is empty");
    else if (text.n > DESK_RULE_TEXT_MAX)
        ask_invalid(ask, "text", "the text is longer than 64 KiB");
    if (ask->error)
        return false;
    enum rc rc = desk->rule_read(desk->rule_context, path_of(ask, name), text, ask->arena, ret, &err);
    if (rc != RC_OK)
        rule_text_refused(ask, rc, &err, "text");
    return !ask->error;
}

static bool source_seen(const struct rulebook *book, const struct desk_rule *rule)
{
    for (size_t i = 0; i < book->source_count; i++)
        if (rule_source_fits(rule, &book->source[i]))
            return true;
    return false;
}

/* What rules that run saw until now: that a field of a new rule is not in it says little, and is said so. */
static void unseen_put(struct ask *ask, const struct desk_rule *rule)
{
    size_t count = 0;
    json_write_key(ask->out, "unseen");
    json_write_array(ask->out);
    for (size_t i = 0; i < rule->field_count && count < UNSEEN_MAX; i++) {
        if (rule_field_known(ask->desk->rulebook, rule->fields[i]))
            continue;
        json_write_str(ask->out, desk_cut(rule->fields[i], DESK_FIELD_MAX));
        count++;
    }
    json_write_array_end(ask->out);
}

static const char *kind_name(enum desk_rule_kind kind)
{
    return kind == DESK_RULE_DETECTION ? "detection" : kind == DESK_RULE_CORRELATION ? "correlation" : "filter";
}

static void document_put(struct ask *ask, const struct desk_rule_document *document)
{
    const struct desk_rule *rule = &document->rule;
    struct buf *out = ask->out;
    bool detection = document->loaded && rule->kind == DESK_RULE_DETECTION;
    json_write_object(out);
    json_put_int(out, "line", rule->line);
    json_put_str(out, "id", desk_cut(rule->id, DESK_FIELD_MAX));
    json_put_str(out, "title", desk_cut(rule->title, DESK_NAME_MAX));
    json_put_bool(out, "loaded", document->loaded);
    json_put_bool(out, "taken", document->taken);
    json_put_str(out, "text", desk_cut(document->text, DESK_EVENT_MAX));
    if (document->loaded) {
        json_put_text(out, "kind", kind_name(rule->kind));
        json_put_text(out, "level", desk_level_name(rule->level));
        json_put_str(out, "product", desk_cut(rule->product, DESK_FIELD_MAX));
        json_put_str(out, "category", desk_cut(rule->category, DESK_FIELD_MAX));
        json_put_str(out, "service", desk_cut(rule->service, DESK_FIELD_MAX));
    }
    if (detection) {
        json_put_bool(out, "source_seen", source_seen(ask->desk->rulebook, rule));
        unseen_put(ask, rule);
    }
    json_write_object_end(out);
}

static bool sound(const struct desk_rule_document *document)
{
    return document->loaded && !document->taken && document->rule.kind != DESK_RULE_FILTER;
}

static bool reading_sound(const struct desk_rule_reading *reading)
{
    bool good = reading->count > 0;
    for (size_t i = 0; i < reading->count; i++)
        good = good && sound(&reading->document[i]);
    return good;
}

void ask_rule_check(struct ask *ask)
{
    struct desk_rule_reading reading;
    struct str id = ask_str(ask, "id");
    if (!text_read(ask, id.n ? own_name(ask, id) : STR(""), ask_str(ask, "text"), &reading))
        return;
    json_put_bool(ask->out, "loads", reading_sound(&reading));
    json_put_bool(ask->out, "looked", rulebook_looked(ask->desk->rulebook, ask->now_ns));
    json_write_key(ask->out, "documents");
    json_write_array(ask->out);
    for (size_t i = 0; i < reading.count; i++)
        document_put(ask, &reading.document[i]);
    json_write_array_end(ask->out);
}

/* --- ids --- */

static bool is_uuid(struct str id)
{
    for (size_t i = 0; i < id.n && i < UUID_TEXT; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        char c = char_lower(id.p[i]);
        if (hyphen ? c != '-' : !(char_is_digit(c) || (c >= 'a' && c <= 'f')))
            return false;
    }
    return id.n == UUID_TEXT;
}

static void uuid_put(struct desk *desk, struct buf *out)
{
    uint8_t bytes[RULE_TEXT_UUID_BYTES];
    desk->random(bytes, sizeof bytes);
    rule_text_uuid(out, bytes, 4);
}

static struct str line_indent(struct str line)
{
    size_t n = 0;
    while (n < line.n && line.p[n] == ' ')
        n++;
    return str_slice(line, 0, n);
}

/* The text with a line `id: ...` before the first line of each document that has none. */
static struct str ids_give(struct ask *ask, struct str text, const struct desk_rule_reading *reading)
{
    struct buf out;
    uint32_t number = 0;
    char *room = arena_alloc_raw(ask->arena, text.n + reading->count * 128 + 1);
    if (!room)
        return STR_NONE;
    buf_init_fixed(&out, room, text.n + reading->count * 128 + 1);
    struct str rest = text;
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        number++;
        for (size_t i = 0; i < reading->count; i++) {
            const struct desk_rule *rule = &reading->document[i].rule;
            if (rule->line != number || rule->id.n > 0)
                continue;
            buf_str(&out, str_slice(line_indent(line), 0, 64));
            buf_text(&out, "id: ");
            uuid_put(ask->desk, &out);
            buf_char(&out, '\n');
        }
        buf_str(&out, line);
        if (rest.p)
            buf_char(&out, '\n');
    }
    return out.overflow ? STR_NONE : buf_view(&out);
}

/* --- a text is saved --- */

static void refuse_document(struct ask *ask, const struct desk_rule_document *document)
{
    struct buf text;
    char storage[ERR_TEXT_MAX];
    struct str said = document->text;
    if (document->loaded && !document->taken)
        said = STR("a filter is not written here");
    buf_init_fixed(&text, storage, sizeof storage);
    if (!str_starts(said, STR("line ")))
        buf_format(&text, "line %u: ", document->rule.line);
    buf_str(&text, desk_cut(said, sizeof storage - 32));
    const char *kept = arena_strz(ask->arena, buf_view(&text));
    if (document->taken)
        ask_refuse(ask, "rule_taken", kept ? kept : "a rule has this id already");
    else
        ask_invalid(ask, "text", kept ? kept : "the text does not load");
}

static void ids_check(struct ask *ask, const struct desk_rule_reading *reading, struct str name)
{
    bool same = name.n == 0;
    for (size_t i = 0; i < reading->count && !ask->error; i++) {
        struct str id = reading->document[i].rule.id;
        same = same || str_eq(id, name);
        if (!is_uuid(id))
            ask_invalid(ask, "text", "the id of a rule is a UUID: leave it out to be given one");
    }
    if (!same)
        ask_invalid(ask, "text", "the id of a rule stays when its text is changed");
}

/* Reads the text, gives it the ids it lacks, reads it again. Refuses what does not load. */
static bool text_make(struct ask *ask, struct str name, struct str *text, struct desk_rule_reading *reading)
{
    bool lacks = false;
    for (int pass = 0; pass < 2; pass++) {
        if (!text_read(ask, name, *text, reading))
            return false;
        for (size_t i = 0; i < reading->count && !ask->error; i++)
            if (!sound(&reading->document[i]))
                refuse_document(ask, &reading->document[i]);
        lacks = false;
        for (size_t i = 0; i < reading->count; i++)
            lacks = lacks || reading->document[i].rule.id.n == 0;
        if (ask->error || !lacks)
            break;
        *text = ids_give(ask, *text, reading);
    }
    if (!ask->error && (lacks || reading->count == 0))
        ask_invalid(ask, "text", "the text has no id, and none could be put into it");
    if (!ask->error)
        ids_check(ask, reading, name);
    return !ask->error;
}

/* What was decided about a rule that is not loaded now: it ended, or was refused. False: nothing was. */
static bool decided_read(struct ask *ask, struct rule_entry *entry)
{
    struct db_query q = db_query(ask->desk->db, "SELECT state, level FROM rule_state WHERE rule = ?1");
    db_put_i64(&q, entry->row);
    bool found = db_next(&q);
    if (found) {
        entry->state = (enum desk_rule_state)db_i64(&q);
        entry->level = db_i64(&q);
    }
    db_query_end(&q);
    return found;
}

/* A rule that nothing was decided about begins as a draft; one that runs, or would run as soon as it is loaded again,
 * becomes one, unless it is to stay. */
static void state_begin(struct ask *ask, const struct desk_rule *rule, struct str reason, bool keep)
{
    struct desk *desk = ask->desk;
    const struct rule_entry *entry = rule_entry_of(desk->rulebook, rule->id);
    struct rule_entry unloaded = {.rule = rule, .row = desk_rule_row(desk, rule->id)};
    if (!entry && decided_read(ask, &unloaded))
        entry = &unloaded;
    if (entry) {
        if (!keep)
            rule_decide(ask, entry, DESK_RULE_DRAFT, reason);
        return;
    }
    struct db_query q = db_query(desk->db, "INSERT INTO rule_state (rule, state, level, reason, who, changed_ns)"
                                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    db_put_i64(&q, unloaded.row);
    db_put_i64(&q, DESK_RULE_DRAFT);
    db_put_i64(&q, RULE_LEVEL_OWN);
    db_put_text(&q, reason);
    db_put_text(&q, ask->who);
    db_put_i64(&q, ask->now_ns);
    db_run(&q);
    desk->rulebook->stale = true;
    desk->rulebook->version++;
}

void ask_rule_write(struct ask *ask)
{
    struct desk_rule_reading reading;
    struct str id = ask_str(ask, "id");
    struct str name = id.n ? own_name(ask, id) : STR("");
    struct str text = ask_str(ask, "text");
    struct err err = {0};
    if (id.n && name.n == 0)
        ask_refuse(ask, "not_found", "no rule of that id was written here");
    struct str reason = rule_reason(ask);
    if (ask->error || !text_make(ask, name, &text, &reading))
        return;
    struct desk_rule_text row = {.kind = STR("rule"),
                                 .name = name.n ? name : reading.document[0].rule.id,
                                 .title = desk_cut(reading.document[0].rule.title, DESK_NAME_MAX),
                                 .text = text,
                                 .who = ask->who,
                                 .reason = reason};
    enum rc rc = rule_text_put(ask->desk, &row, ask->now_ns, &err);
    if (rc != RC_OK) {
        rule_text_refused(ask, rc, &err, "text");
        return;
    }
    for (size_t i = 0; i < reading.count; i++)
        state_begin(ask, &reading.document[i].rule, reason, json_bool(json_get(ask->question, "keep"), false));
    json_put_str(ask->out, "id", row.name);
}

void ask_rule_end(struct ask *ask)
{
    struct str reason = rule_reason(ask);
    struct str name = own_name(ask, ask_str(ask, "id"));
    const struct desk_rule_text which = {.kind = STR("rule"), .name = name, .who = ask->who, .reason = reason};
    struct err err = {0};
    if (name.n == 0)
        ask_refuse(ask, "not_found", "no rule of that id was written here");
    if (ask->error)
        return;
    enum rc rc = rule_text_end(ask->desk, &which, ask->now_ns, &err);
    if (rc != RC_OK)
        rule_text_refused(ask, rc, &err, "reason");
}
