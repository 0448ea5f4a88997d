/* Texts: syslog lines, the messages in them, key=value pairs. */
#include "base/civil.h"
#include "codec/kv.h"
#include "codec/syslog.h"
#include "codec/timestamp.h"
#include "codec/winevent.h"
#include "event/normaliser.h"

#include <string.h>

/* A time without a year gets the year that brings it nearest to this long before it was received: logs speak of the
 * past, so it comes to lie between a year before and a day after. */
#define YEARLESS_NS (181 * DAY_S * SECOND_NS)

static void pattern_take(struct normaliser *normaliser, const struct pattern *pattern, const struct str value[])
{
    struct draft *draft = &normaliser->draft;
    for (uint32_t i = 0; i < pattern->template.count; i++) {
        if (pattern->template.capture[i].kind == CAPTURE_PAIRS) {
            pairs_add(normaliser, value[i]);
            continue;
        }
        if (!pattern->name[i] || !value[i].n)
            continue;
        draft_add(draft, pattern->name[i], EVENT_STRING, value[i]);
        if (pattern->statutory[i] != STATUTORY_COUNT)
            draft_statutory(draft, pattern->statutory[i], value[i]);
    }
    draft_apply(draft, &pattern->row);
}

static bool program_match(struct normaliser *normaliser, const struct program *program, struct str message)
{
    struct str value[TEMPLATE_CAPTURES] UNINITIALISED;
    if (!program || message.n > PATTERN_TEXT_MAX)
        return false;
    const struct pattern *pattern = program_pick(program, &normaliser->picker, message, value);
    if (!pattern)
        return false;
    normaliser->pattern = pattern;
    pattern_take(normaliser, pattern, value);
    return true;
}

static struct program_known program_resolve(const struct normaliser *normaliser, struct str program)
{
    char key[MAPPING_KEY_MAX];
    size_t head = sizeof "program=" - 1;
    program = program_base(program);
    struct program_known known = {.program = NULL};
    if (!program.n || program.n > sizeof key - head)
        return known;
    memcpy(key, "program=", head);
    for (size_t i = 0; i < program.n; i++)
        key[head + i] = char_lower(program.p[i]);
    known.program = mapping_program(normaliser->mapping, str_at(key + head, program.n));
    known.rows = mapping_rows(normaliser->mapping, str_at(key, head + program.n));
    return known;
}

static struct program_known program_find(struct normaliser *normaliser, struct str program)
{
    bool is_new = false;
    uint32_t *place = cache_at(&normaliser->programs, program, &is_new);
    if (place && !is_new)
        return normaliser->known[*place];
    struct program_known known = program_resolve(normaliser, program);
    if (!place || (!known.program && !known.rows.count))
        return known; /* its place stays 0: the unknown program */
    if (normaliser->known_count == normaliser->known_room) {
        uint32_t room = normaliser->known_room * 2;
        struct program_known *grown = memory_resize(normaliser->known, room * sizeof *grown);
        if (!grown)
            return known;
        normaliser->known = grown;
        normaliser->known_room = room;
    }
    normaliser->known[normaliser->known_count] = known;
    *place = normaliser->known_count++;
    return known;
}

/* Of a message that names no program: that which its pattern says wrote it. */
static struct program_known program_said(struct normaliser *normaliser)
{
    struct str service = normaliser->draft.event.statutory[STATUTORY_SERVICE];
    struct str owner = service.n ? service : normaliser->pattern->owner;
    if (owner.n && !said(normaliser, WORD_PROGRAM).p)
        say(normaliser, WORD_PROGRAM, owner);
    draft_statutory(&normaliser->draft, STATUTORY_SERVICE, owner);
    return program_resolve(normaliser, owner); /* such lines are rare */
}

bool text_nested(struct normaliser *normaliser, struct str text)
{
    if (!text.n)
        return false;
    switch (text.p[0]) {
    case '{':
        return json_line(normaliser, text);
    case '@':
        if (str_starts(text, STR("@cee:")))
            return json_line(normaliser, str_trim(str_skip(text, 5)));
        return false;
    case '<':
        return winevent_begins(text) && winevent_line(normaliser, text);
    case 'C':
        return str_starts(text, STR("CEF:")) && cef_line(normaliser, text);
    case 'L':
        return str_starts(text, STR("LEEF:")) && leef_line(normaliser, text);
    case 't':
        return str_starts(text, STR("type=")) && audit_line(normaliser, text);
    case 'n':
        return str_starts(text, STR("node=")) && audit_line(normaliser, text);
    case 'a':
        return str_starts(text, STR("audit")) && audit_line(normaliser, text);
    default:
        return false;
    }
}

/* "NAME=" at the beginning: worth reading as pairs. */
static bool begins_as_pair(struct str text)
{
    size_t n = 0;
    while (n < text.n && n < 64 && (char_is_alnum(text.p[n]) || strchr("_.-", text.p[n])))
        n++;
    return n > 0 && n < text.n && text.p[n] == '=';
}

void pairs_add(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    struct kv kv = kv_of(text);
    struct kv_pair pair;
    while (kv_next(&kv, &pair)) {
        struct str value = pair.escaped ? kv_text(draft->arena, &pair) : pair.value;
        if (pair.key.n && value.n)
            draft_add(draft, names_put(normaliser->names, pair.key), EVENT_STRING, value);
    }
}

bool text_pairs(struct normaliser *normaliser, struct str text)
{
    if (!begins_as_pair(text))
        return false;
    struct kv kv = kv_of(text);
    struct kv_pair pair;
    while (kv.pairs < 3 && kv.words < 2 && kv_next(&kv, &pair)) {
    }
    if (kv.pairs < 3)
        return false;
    pairs_add(normaliser, text);
    draft_apply_list(&normaliser->draft, normaliser->kv_rows);
    return true;
}

/* "1795158000.123 " */
static bool looks_like_squid(struct str message)
{
    return message.n > 15 && message.p[10] == '.' && message.p[14] == ' ' && char_is_digit(message.p[0]);
}

static bool looks_like_weblog(struct str message)
{
    size_t bracket = str_find(str_slice(message, 0, 300), '[');
    return bracket > 0 && bracket + 2 < message.n && char_is_digit(message.p[bracket + 1]) &&
           message.p[bracket - 1] == ' ';
}

/* A format inside the message: it says all there is to say. */
static bool message_nested(struct normaliser *normaliser, struct str program, struct str message, struct str trimmed)
{
    if (text_nested(normaliser, trimmed)) {
        draft_statutory(&normaliser->draft, STATUTORY_SERVICE, program_base(program));
        return true;
    }
    bool weblog = looks_like_weblog(trimmed);
    if (!weblog && !looks_like_squid(trimmed))
        return false;
    draft_statutory(&normaliser->draft, STATUTORY_SERVICE, program_base(program));
    if (!web_line(normaliser, trimmed))
        return false;
    if (!weblog)
        say(normaliser, WORD_MESSAGE, message);
    return true;
}

/* Patterns of the program, then those of every program; when it has none, then those that name their program. */
void text_message(struct normaliser *normaliser, struct str program, struct str message)
{
    struct draft *draft = &normaliser->draft;
    struct program_known known = program_find(normaliser, program);
    struct str trimmed = str_trim(message);
    normaliser->asked_program = program;
    normaliser->asked_message = trimmed;
    bool taken = program_match(normaliser, known.program, trimmed) ||
                 program_match(normaliser, normaliser->any_program, trimmed);
    if (!taken && message_nested(normaliser, program, message, trimmed))
        return;
    bool guessed = !taken && !known.program && program_match(normaliser, normaliser->other_program, trimmed);
    if ((taken || guessed) && !program.n)
        known = program_said(normaliser);
    else if (guessed && !known.rows.count) /* the name is the sender's own; the words are those of this program */
        known = program_resolve(normaliser, normaliser->pattern->owner);
    normaliser->grasp = taken || guessed ? GRASP_PATTERN : GRASP_HEADER;
    if (!said(normaliser, WORD_MESSAGE).p || normaliser->inner) /* beside that with the header around it */
        say(normaliser, WORD_MESSAGE, message);
    if (!taken && !guessed && text_pairs(normaliser, trimmed)) /* a bonus: the message is understood as text */
        normaliser->grasp = GRASP_FIELDS;
    draft_apply_list(draft, known.rows);
    draft_statutory(draft, STATUTORY_SERVICE, program_base(program));
    draft_statutory(draft, STATUTORY_DESCRIPTION, trimmed);
}

/* Words of a program that its carrier names, or of one that a pattern for lines without a header names. */
static bool inner_words(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    draft_apply_list(draft, normaliser->carried_rows);
    struct str program = said(normaliser, WORD_PROGRAM);
    struct program_known known = {.program = NULL};
    if (program.n)
        known = program_find(normaliser, program);
    normaliser->asked_program = program;
    normaliser->asked_message = text;
    bool taken = program_match(normaliser, known.program, text) ||
                 (program.n && program_match(normaliser, normaliser->any_program, text));
    if (!taken && (known.program || (!program_match(normaliser, normaliser->plain_program, text) &&
                                     !program_match(normaliser, normaliser->other_program, text))))
        return false;
    if (!program.n)
        known = program_said(normaliser);
    else if (!taken && !known.rows.count)
        known = program_resolve(normaliser, normaliser->pattern->owner);
    normaliser->grasp = GRASP_PATTERN;
    draft->event.parser = "pattern";
    draft_apply_list(draft, known.rows);
    draft_statutory(draft, STATUTORY_SERVICE, program_base(program));
    draft_statutory(draft, STATUTORY_DESCRIPTION, text);
    return true;
}

bool text_inner(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    const char *parser = draft->event.parser;
    uint32_t before = draft->event.field_count;
    if (text_nested(normaliser, text))
        return true;
    draft_forget_since(draft, before);
    if ((looks_like_weblog(text) || looks_like_squid(text)) && web_line(normaliser, text))
        return true;
    draft_forget_since(draft, before);
    if (syslog_line(normaliser, text)) {
        normaliser->grasp = MAX(normaliser->grasp, GRASP_FIELDS); /* the carrier's fields are understood in any case */
        return true;
    }
    if (inner_words(normaliser, text))
        return true;
    draft_forget_since(draft, before);
    draft->event.parser = parser;
    if (!text_pairs(normaliser, text))
        return false;
    draft->event.parser = "kv";
    return true;
}

static struct str number_text(struct arena *arena, int32_t number)
{
    char text[16];
    struct buf buf;
    buf_init_fixed(&buf, text, sizeof text);
    buf_i64(&buf, number);
    return arena_str(arena, buf_view(&buf));
}

static void header_add(struct normaliser *normaliser, const struct syslog *syslog)
{
    struct draft *draft = &normaliser->draft;
    say(normaliser, WORD_HOST, syslog->host);
    say(normaliser, WORD_PROGRAM, syslog->app);
    say(normaliser, WORD_PID, syslog->procid);
    say(normaliser, WORD_MSGID, syslog->msgid);
    if (syslog->has & SYSLOG_HAS_PRI) {
        const char *facility = syslog_facility_name(syslog->facility);
        say(normaliser, WORD_FACILITY, facility[0] ? str_of(facility) : number_text(draft->arena, syslog->facility));
        say(normaliser, WORD_SEVERITY, str_of(syslog_severity_name(syslog->severity)));
    }
    if (!syslog->sd.n)
        return;
    struct syslog_sd sd = syslog_sd_of(syslog->sd);
    struct syslog_param param;
    while (syslog_sd_next(&sd, &param)) {
        struct str value = param.escaped ? syslog_param_text(draft->arena, &param) : param.value;
        struct str parts[2] = {str_slice(param.id, 0, str_find(param.id, '@')), param.name};
        struct str name = transform_join(draft->arena, parts, 2, STR("."));
        draft_say(draft, name, value);
    }
}

/* A tag of "CEF:" or "LEEF:" is the format itself, which some senders put where the tag should be. */
static struct str message_behind_tag(const struct syslog *syslog, struct str text)
{
    bool is_format = str_is(syslog->app, "CEF") || str_is(syslog->app, "LEEF");
    if (!is_format || syslog->app.p < text.p || syslog->app.p >= text.p + text.n)
        return syslog->message;
    return str_skip(text, (size_t)(syslog->app.p - text.p));
}

/* In a field of another format a time in front of words is mostly a library's: "TIME INFO main: started" names no host.
 */
static bool header_tells(struct normaliser *normaliser, const struct syslog *syslog)
{
    if (syslog->format == SYSLOG_RFC5424 || syslog->has & SYSLOG_HAS_PRI || syslog->procid.n || syslog->msgid.n)
        return true;
    struct program_known known = program_find(normaliser, syslog->app);
    return syslog->has & SYSLOG_HAS_HOST && (known.program || known.rows.count);
}

bool syslog_line(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    struct syslog syslog;
    int64_t near_ns = draft->event.received_ns > INT64_MIN / 2 ? draft->event.received_ns - YEARLESS_NS : 0;
    enum syslog_format format = syslog_parse(text, near_ns, normaliser->offset_s, &syslog);
    if (format == SYSLOG_PLAIN && !(syslog.has & SYSLOG_HAS_PRI))
        return false;
    if (normaliser->inner && !header_tells(normaliser, &syslog))
        return false;
    if (syslog.has & SYSLOG_HAS_TIME)
        draft_own_time(draft, syslog.time_ns);
    draft->event.parser = format == SYSLOG_RFC5424 ? "syslog5424" : "syslog3164";
    header_add(normaliser, &syslog);
    struct str message = message_behind_tag(&syslog, text);
    struct str program = syslog.app;
    if (format == SYSLOG_RFC3164 && syslog.msgid.n) { /* Cisco: each message has a name, patterns are kept by it */
        draft_statutory(draft, STATUTORY_SERVICE, syslog.app);
        program = syslog.msgid;
    }
    text_message(normaliser, message.p == syslog.message.p ? program : STR_NONE, message);
    draft_apply_list(draft, normaliser->syslog_rows);
    draft_statutory(draft, STATUTORY_HOST, syslog.host);
    return true;
}

bool text_plain(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    int64_t time_ns = 0;
    if (!program_match(normaliser, normaliser->plain_program, text) &&
        !program_match(normaliser, normaliser->other_program, text)) {
        normaliser->asked_program = STR_NONE;
        normaliser->asked_message = text;
        return false;
    }
    normaliser->grasp = GRASP_PATTERN;
    draft->event.parser = "pattern";
    if (!said(normaliser, WORD_MESSAGE).p)
        say(normaliser, WORD_MESSAGE, text);
    draft_apply_list(draft, program_said(normaliser).rows);
    struct str time = said(normaliser, WORD_TIME);
    if (time.n && timestamp_any(time, draft->event.received_ns, normaliser->offset_s, &time_ns))
        draft_own_time(draft, time_ns);
    return true;
}
