#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"
#include "rule/indicator_read.h"

#include <string.h>

#define REASON_TEXT 96u

/* The containers on the way to the token at work: under which key each began. */
enum place { PLACE_OTHER, PLACE_STIX, PLACE_MISP, PLACE_EVENT };

struct file {
    const struct indicator_reading *reading;
    struct json_reader reader;
    struct str text;
    struct arena *arena; /* of the object at work */
    struct arena *kept;  /* what the present MISP event says of itself */
    struct err *err;
    struct str info;
    size_t counted; /* bytes of which line feeds were counted */
    uint32_t line;  /* at `counted` */
    bool found;     /* a list of objects that we know */
    uint8_t places[JSON_DEPTH_MAX + 2];
    struct indicator_comparison comparisons[INDICATOR_PATTERN_MAX];
};

static uint32_t line_now(struct file *file)
{
    while (file->counted < MIN(file->reader.at, file->text.n)) {
        const char *from = file->text.p + file->counted;
        const char *feed = memchr(from, '\n', file->reader.at - file->counted);
        if (!feed) {
            file->counted = file->reader.at;
            break;
        }
        file->counted += (size_t)(feed - from) + 1;
        file->line++;
    }
    return file->line;
}

static void refuse(struct file *file, const char *reason, struct str value)
{
    indicators_refuse(file->reading->indicators, line_now(file), reason, value);
}

static void refuse_named(struct file *file, const char *what, struct str name, struct str value)
{
    char reason[REASON_TEXT];
    struct buf out;
    buf_init_fixed(&out, reason, sizeof reason);
    buf_format(&out, "%s \"%.*s\" is not looked for", what, STR_ARG(str_slice(name, 0, 40)));
    refuse(file, buf_z(&out), value);
}

/* ---- one object's members ---- */

struct member {
    const char *name;
    bool given;
    struct json_token token; /* a text, number or word; the first of that name */
};

/* Reads up to the end of the object that has begun. False: the file breaks off. */
static bool members_read(struct file *file, struct member *members, size_t count)
{
    uint32_t depth = 1;
    struct member *next = NULL;
    while (depth) {
        struct json_token token;
        enum json_kind kind = json_next(&file->reader, &token);
        if (kind == JSON_ERROR || kind == JSON_END)
            return false;
        if (kind == JSON_KEY) {
            next = NULL;
            for (size_t i = 0; depth == 1 && i < count && !next; i++)
                next = !token.escaped && str_is(token.text, members[i].name) && !members[i].given ? &members[i] : NULL;
            continue;
        }
        bool opens = kind == JSON_OBJECT || kind == JSON_ARRAY;
        depth += opens;
        depth -= kind == JSON_OBJECT_END || kind == JSON_ARRAY_END;
        if (next && depth == 1 && !opens) {
            next->token = token;
            next->given = true;
        }
        next = NULL;
    }
    return true;
}

static struct str text_of(struct file *file, const struct member *member)
{
    struct str text = STR_NONE;
    if (!member->given || member->token.kind == JSON_NULL)
        return STR_NONE;
    if (member->token.kind != JSON_STRING)
        return member->token.text;
    return json_text(file->arena, &member->token, &text) ? text : STR_NONE;
}

static bool is_true(const struct member *member)
{
    return member->given && (member->token.kind == JSON_TRUE || str_is(member->token.text, "1"));
}

/* ---- STIX ---- */

enum { STIX_TYPE, STIX_PATTERN, STIX_PATTERN_TYPE, STIX_FROM, STIX_UNTIL, STIX_REVOKED, STIX_NAME, STIX_CONFIDENCE };

static bool stix_about(struct file *file, const struct member *members, struct indicator_about *about)
{
    struct str from = text_of(file, &members[STIX_FROM]);
    struct str until = text_of(file, &members[STIX_UNTIL]);
    uint64_t confidence = 0;
    about->note = text_of(file, &members[STIX_NAME]);
    about->confidence = -1;
    if (str_to_u64(text_of(file, &members[STIX_CONFIDENCE]), &confidence))
        about->confidence = (int32_t)MIN(confidence, UINT64_C(100));
    if ((from.n && !indicator_time(from, false, &about->from_ns)) ||
        (until.n && !indicator_time(until, true, &about->until_ns)))
        return false;
    about->dated_ns = about->from_ns;
    about->until_ns = until.n ? MAX(about->until_ns, INT64_C(1)) : 0;
    return true;
}

static enum rc stix_take(struct file *file, const struct member *members)
{
    struct indicator_about about = {.confidence = -1};
    size_t count = 0;
    if (!str_is(text_of(file, &members[STIX_TYPE]), "indicator")) {
        indicators_pass(file->reading->indicators, false);
        return RC_OK;
    }
    if (is_true(&members[STIX_REVOKED])) {
        indicators_pass(file->reading->indicators, true);
        return RC_OK;
    }
    struct str language = text_of(file, &members[STIX_PATTERN_TYPE]);
    struct str pattern = text_of(file, &members[STIX_PATTERN]);
    if (language.n && !str_is(language, "stix")) {
        refuse_named(file, "pattern type", language, pattern);
        return RC_OK;
    }
    const char *reason = pattern.n ? indicator_pattern(pattern, file->arena, file->comparisons, &count)
                                   : "an indicator without a pattern";
    if (!reason && !stix_about(file, members, &about))
        reason = "a time that does not read";
    if (reason)
        refuse(file, reason, pattern);
    enum rc rc = RC_OK;
    for (size_t i = 0; i < count && !reason && rc == RC_OK; i++)
        rc = indicator_take(file->reading->indicators, line_now(file), file->comparisons[i].want,
                            file->comparisons[i].value, &about, file->err);
    return rc;
}

static enum rc stix_object(struct file *file, bool *ret_whole)
{
    struct member members[] = {
        [STIX_TYPE] = {.name = "type"},
        [STIX_PATTERN] = {.name = "pattern"},
        [STIX_PATTERN_TYPE] = {.name = "pattern_type"},
        [STIX_FROM] = {.name = "valid_from"},
        [STIX_UNTIL] = {.name = "valid_until"},
        [STIX_REVOKED] = {.name = "revoked"},
        [STIX_NAME] = {.name = "name"},
        [STIX_CONFIDENCE] = {.name = "confidence"},
    };
    *ret_whole = members_read(file, members, ARRAY_LEN(members));
    return *ret_whole ? stix_take(file, members) : RC_OK;
}

/* ---- MISP ---- */

enum { MISP_TYPE, MISP_VALUE, MISP_TO_IDS, MISP_COMMENT, MISP_DELETED, MISP_TIMESTAMP, MISP_LAST_SEEN };

static void misp_dated(struct file *file, const struct member *members, struct indicator_about *about)
{
    struct str seen = text_of(file, &members[MISP_LAST_SEEN]);
    uint64_t seconds = 0;
    if (seen.n && indicator_time(seen, false, &about->dated_ns))
        return;
    if (str_to_u64(text_of(file, &members[MISP_TIMESTAMP]), &seconds) && seconds < (uint64_t)(INT64_MAX / SECOND_NS))
        about->dated_ns = (int64_t)seconds * SECOND_NS;
}

static enum rc misp_take(struct file *file, const struct member *members)
{
    struct indicator_about about = {.confidence = -1, .note = text_of(file, &members[MISP_COMMENT])};
    struct str name = text_of(file, &members[MISP_TYPE]);
    struct str value = text_of(file, &members[MISP_VALUE]);
    enum rc rc = RC_OK;
    if (is_true(&members[MISP_DELETED])) {
        indicators_pass(file->reading->indicators, true);
        return RC_OK;
    }
    if (!file->reading->all && !is_true(&members[MISP_TO_IDS])) {
        indicators_pass(file->reading->indicators, false);
        return RC_OK;
    }
    const struct indicator_type *type = name.n ? indicator_type_find(name) : NULL;
    if (!type) {
        refuse_named(file, "type", name, value);
        return RC_OK;
    }
    about.note = about.note.n ? about.note : file->info;
    misp_dated(file, members, &about);
    for (size_t i = 0; i < INDICATOR_TYPE_PARTS && rc == RC_OK; i++) {
        struct str part = i == 0 ? str_cut(&value, '|') : value;
        if (type->part[i] == INDICATOR_WANT_NOTHING || (i > 0 && type->part[i] == INDICATOR_WANT_ANY))
            continue;
        rc = indicator_take(file->reading->indicators, line_now(file), type->part[i], part, &about, file->err);
    }
    return rc;
}

static enum rc misp_attribute(struct file *file, bool *ret_whole)
{
    struct member members[] = {
        [MISP_TYPE] = {.name = "type"},           [MISP_VALUE] = {.name = "value"},
        [MISP_TO_IDS] = {.name = "to_ids"},       [MISP_COMMENT] = {.name = "comment"},
        [MISP_DELETED] = {.name = "deleted"},     [MISP_TIMESTAMP] = {.name = "timestamp"},
        [MISP_LAST_SEEN] = {.name = "last_seen"},
    };
    *ret_whole = members_read(file, members, ARRAY_LEN(members));
    return *ret_whole ? misp_take(file, members) : RC_OK;
}

/* ---- the way to the objects ---- */

static enum place place_of(struct str key)
{
    return str_is(key, "objects")     ? PLACE_STIX
           : str_is(key, "Attribute") ? PLACE_MISP
           : str_is(key, "Event")     ? PLACE_EVENT
                                      : PLACE_OTHER;
}

/* An event within an event is one that it is related to (RelatedEvent). */
static bool within_event(const struct file *file)
{
    bool within = false;
    for (uint32_t i = 0; i < file->reader.depth; i++)
        within = within || file->places[i] == PLACE_EVENT;
    return within;
}

/* A container begins under `key`; when it is an object that we read, it is read to its end. */
static enum rc container(struct file *file, enum json_kind kind, enum place under, bool *ret_whole)
{
    enum place around = (enum place)file->places[file->reader.depth - 1];
    bool object = kind == JSON_OBJECT;
    bool event = object && under == PLACE_EVENT && !within_event(file);
    if (object && under == PLACE_OTHER && around == PLACE_STIX)
        return stix_object(file, ret_whole);
    if (object && under == PLACE_OTHER && around == PLACE_MISP)
        return misp_attribute(file, ret_whole);
    if (event) {
        arena_reset(file->kept);
        file->info = STR_NONE;
    }
    bool list = kind == JSON_ARRAY && (under == PLACE_STIX || under == PLACE_MISP);
    file->found = file->found || list;
    file->places[file->reader.depth] = (uint8_t)(list || event ? under : PLACE_OTHER);
    return RC_OK;
}

static void info_take(struct file *file, const struct json_token *token)
{
    struct str text;
    if (json_text(file->arena, token, &text))
        file->info = arena_str(file->kept, text);
}

static enum rc walk(struct file *file)
{
    enum place under = PLACE_OTHER;
    bool info = false;
    enum rc rc = RC_OK;
    for (bool whole = true; rc == RC_OK;) {
        struct json_token token;
        arena_reset(file->arena);
        enum json_kind kind = whole ? json_next(&file->reader, &token) : JSON_ERROR;
        if (kind == JSON_END)
            break;
        if (kind == JSON_ERROR) {
            refuse(file, file->reader.reason ? file->reader.reason : "the file breaks off", STR_NONE);
            file->found = true;
            break;
        }
        if (kind == JSON_KEY) {
            under = place_of(token.text);
            info = str_is(token.text, "info") && file->places[file->reader.depth] == PLACE_EVENT;
            continue;
        }
        if (kind == JSON_OBJECT || kind == JSON_ARRAY)
            rc = container(file, kind, under, &whole);
        if (kind == JSON_STRING && info)
            info_take(file, &token);
        under = PLACE_OTHER;
        info = false;
    }
    return rc;
}

enum rc indicator_json_read(const struct indicator_reading *reading, struct str text, struct err *err)
{
    struct file *file = memory_new(sizeof *file);
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(INDICATOR_OBJECT_MAX);
    struct arena *kept CLEANUP(arena_cleanup) = arena_new(INDICATOR_OBJECT_MAX);
    if (!file || !arena || !kept) {
        memory_free(file);
        return err_set(err, RC_LIMIT, "no memory to read indicators");
    }
    *file = (struct file){.reading = reading, .text = text, .arena = arena, .kept = kept, .err = err, .line = 1};
    json_reader_init(&file->reader, text, JSON_DEPTH);
    enum rc rc = walk(file);
    ASSERT(file->reader.depth <= JSON_DEPTH_MAX);
    if (rc == RC_OK && !file->found)
        indicators_refuse(reading->indicators, 1, "no STIX bundle and no MISP event", STR_NONE);
    memory_free(file);
    return rc;
}
