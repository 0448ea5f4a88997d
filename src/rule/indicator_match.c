#include "rule/indicator_match.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/map.h"
#include "codec/tsv.h"

#include <string.h>

#define FIELDS_LIMIT  1024u
#define NAME_MAX_N    128u
#define HIT_MEMORY    ((size_t)256 << 10)
#define SUFFIXES_MAX  128u
#define DESCRIBED_MAX ((size_t)16384) /* bytes of a description that are taken over */
#define WORD_LEAST    4u
#define WORD_MOST     253u
#define HASH_LEAST    32u
#define SEEN_MAX      8u

enum class {
    CLASS_WORD = 1,
    CLASS_DOT = 2,
    CLASS_COLON = 4,
    CLASS_BLANK = 8, /* ends a URL */
};

enum holds {
    HOLDS_ADDRESS = 1,
    HOLDS_DOMAIN = 2,
    HOLDS_HASH = 4,
    HOLDS_HASHES = 8,
    HOLDS_URL = 16,
    HOLDS_TEXT = 32,
    HOLDS_UNKNOWN = 128, /* of a name not yet looked up */
};

struct indicator_fields {
    struct map *by_name; /* lower case -> holds */
    uint8_t statutory[STATUTORY_COUNT];
};

struct indicator_matcher {
    const struct indicators *indicators;
    const struct indicator_fields *fields;
    struct names *names;
    uint8_t *holds; /* by name id */
    uint8_t classes[256];
    bool any_begin;
    uint32_t added[INDICATOR_FIELDS]; /* name ids */
    uint32_t category;
    struct arena *arena; /* of the hits */
    /* of the event at work */
    const struct event *event;
    struct indicator_hit *hits;
    size_t hit_count;
    struct str field;
    char seen[SEEN_MAX][16]; /* addresses looked up: the same one stands in several fields */
    size_t seen_count;
    struct event told;
    struct event_field told_fields[EVENT_FIELDS_MAX];
};

/* ---- the table of fields ---- */

static uint8_t holds_of(struct str words)
{
    static const struct {
        const char *name;
        uint8_t holds;
    } known[] = {
        {"address", HOLDS_ADDRESS}, {"domain", HOLDS_DOMAIN}, {"host", HOLDS_ADDRESS | HOLDS_DOMAIN},
        {"hash", HOLDS_HASH},       {"hashes", HOLDS_HASHES}, {"url", HOLDS_URL},
        {"text", HOLDS_TEXT},
    };
    uint8_t holds = 0;
    while (words.p) {
        struct str word = str_trim(str_cut(&words, ','));
        size_t i = 0;
        while (i < ARRAY_LEN(known) && !str_is(word, known[i].name))
            i++;
        if (i == ARRAY_LEN(known))
            return 0;
        holds |= known[i].holds;
    }
    return holds;
}

static struct str lowered(struct str name, char memory[NAME_MAX_N])
{
    size_t n = MIN(name.n, (size_t)NAME_MAX_N);
    for (size_t i = 0; i < n; i++)
        memory[i] = char_lower(name.p[i]);
    return str_at(memory, n);
}

static enum rc field_put(struct indicator_fields *fields, const struct tsv *tsv, const int column[2], struct err *err)
{
    struct str name = tsv->cell[column[0]];
    uint8_t holds = holds_of(tsv->cell[column[1]]);
    char memory[NAME_MAX_N];
    if (!holds || !name.n || name.n > NAME_MAX_N)
        return err_set(err, RC_INVALID, "line %u: a field and what it holds are wanted", tsv->line);
    if (name.p[0] == '@') {
        enum statutory at = statutory_find(str_skip(name, 1));
        if (at == STATUTORY_COUNT)
            return err_set(err, RC_INVALID, "line %u: \"%.*s\" is no statutory field", tsv->line, STR_ARG(name));
        fields->statutory[at] |= holds;
        return RC_OK;
    }
    uint64_t *place = map_put(fields->by_name, lowered(name, memory));
    if (!place)
        return err_set(err, RC_LIMIT, "line %u: more than %u fields", tsv->line, FIELDS_LIMIT);
    *place |= holds;
    return RC_OK;
}

enum rc indicator_fields_load(struct str tsv_text, struct indicator_fields **ret_fields, struct err *err)
{
    struct tsv tsv;
    int column[2];
    struct indicator_fields *fields = memory_new(sizeof *fields);
    if (fields)
        fields->by_name = map_new(FIELDS_LIMIT, 1);
    if (!fields || !fields->by_name) {
        indicator_fields_free(fields);
        return err_set(err, RC_LIMIT, "no memory for the fields of indicators");
    }
    enum rc rc = tsv_open(&tsv, tsv_text, err);
    rc = rc == RC_OK ? tsv_need(&tsv, "field", &column[0], err) : rc;
    rc = rc == RC_OK ? tsv_need(&tsv, "holds", &column[1], err) : rc;
    while (rc == RC_OK && (rc = tsv_next(&tsv, err)) == RC_OK)
        rc = field_put(fields, &tsv, column, err);
    if (rc != RC_END) {
        indicator_fields_free(fields);
        return rc;
    }
    *ret_fields = fields;
    return RC_OK;
}

void indicator_fields_free(struct indicator_fields *fields)
{
    if (!fields)
        return;
    map_free(fields->by_name);
    memory_free(fields);
}

/* ---- the matcher ---- */

const char *const indicator_field_names[INDICATOR_FIELDS] = {
    "indicator.type", "indicator.value", "indicator.field", "indicator.list", "indicator.note", "indicator.confidence"};

/* What a word may consist of: parts of addresses, names and hashes. Bytes beyond ASCII are letters of IDN labels. */
static void classes_make(uint8_t classes[256])
{
    for (unsigned c = 0; c < 256; c++) {
        bool letter = char_is_alnum((char)c) || c == '-' || c == '_' || c >= 0x80;
        classes[c] = (uint8_t)(letter ? CLASS_WORD : 0);
        if (c <= ' ' || strchr("\"'<>|`", (int)c))
            classes[c] = CLASS_BLANK;
    }
    classes['.'] = CLASS_WORD | CLASS_DOT;
    classes[':'] = CLASS_WORD | CLASS_COLON;
}

struct indicator_matcher *indicator_matcher_new(const struct indicators *indicators,
                                                const struct indicator_fields *fields, struct names *names)
{
    struct indicator_matcher *matcher = memory_new(sizeof *matcher);
    if (!matcher)
        return NULL;
    *matcher = (struct indicator_matcher){.indicators = indicators, .fields = fields, .names = names};
    classes_make(matcher->classes);
    matcher->holds = memory_new(NAMES_MAX + 1);
    matcher->arena = arena_new(HIT_MEMORY);
    bool good = matcher->holds && matcher->arena;
    if (good)
        memset(matcher->holds, HOLDS_UNKNOWN, NAMES_MAX + 1);
    for (size_t i = 0; i < INDICATOR_FIELDS; i++) {
        matcher->added[i] = names_put(names, str_of(indicator_field_names[i]));
        good = good && matcher->added[i];
    }
    matcher->category = names_put(names, STR(EVENT_INDICATOR));
    if (good && matcher->category)
        return matcher;
    indicator_matcher_free(matcher);
    return NULL;
}

void indicator_matcher_free(struct indicator_matcher *matcher)
{
    if (!matcher)
        return;
    arena_free(matcher->arena);
    memory_free(matcher->holds);
    memory_free(matcher);
}

void indicator_matcher_look_back(struct indicator_matcher *matcher)
{
    matcher->any_begin = true;
}

static uint8_t holds_find(struct indicator_matcher *matcher, uint32_t name)
{
    ASSERT(name <= NAMES_MAX);
    if (matcher->holds[name] == HOLDS_UNKNOWN) {
        char memory[NAME_MAX_N];
        struct str text = names_text(matcher->names, name);
        const uint64_t *holds = text.n <= NAME_MAX_N ? map_get(matcher->fields->by_name, lowered(text, memory)) : NULL;
        matcher->holds[name] = holds ? (uint8_t)*holds : 0;
    }
    return matcher->holds[name];
}

/* ---- one value ---- */

static void hit(struct indicator_matcher *matcher, uint32_t entry)
{
    if (!indicators_holds(matcher->indicators, entry, matcher->event->time_ns, matcher->any_begin))
        return;
    for (size_t i = 0; i < matcher->hit_count; i++)
        if (matcher->hits[i].entry == entry)
            return;
    if (matcher->hit_count < INDICATOR_HITS_MAX)
        matcher->hits[matcher->hit_count++] = (struct indicator_hit){.entry = entry, .field = matcher->field};
}

static void look_key(struct indicator_matcher *matcher, const struct indicator_key *key, bool only_below)
{
    uint32_t entry = indicators_find(matcher->indicators, key, INDICATOR_NONE);
    for (; entry != INDICATOR_NONE; entry = indicators_find(matcher->indicators, key, entry))
        if (!only_below || indicators_below(matcher->indicators, entry))
            hit(matcher, entry);
}

/* Bits of the prefix alone stay. */
static void prefix_clear(struct indicator_key *key, int bits)
{
    size_t whole = (size_t)bits / 8;
    unsigned rest = (unsigned)bits % 8;
    if (rest)
        key->bytes[whole] = (char)((unsigned char)key->bytes[whole] & (0xff00u >> rest));
    for (size_t i = whole + (rest ? 1 : 0); i < key->n; i++)
        key->bytes[i] = 0;
    key->bits = (uint8_t)bits;
}

static bool is_seen(struct indicator_matcher *matcher, const char address[16])
{
    for (size_t i = 0; i < MIN(matcher->seen_count, (size_t)SEEN_MAX); i++)
        if (memcmp(matcher->seen[i], address, 16) == 0)
            return true;
    memcpy(matcher->seen[matcher->seen_count++ % SEEN_MAX], address, 16);
    return false;
}

/* True when the value is an address. */
static bool look_address(struct indicator_matcher *matcher, struct str value)
{
    struct indicator_key key UNINITIALISED;
    if (value.n > 64 || indicator_address_key(value, false, &key))
        return false;
    if (!indicators_have(matcher->indicators, INDICATOR_ADDRESS) || is_seen(matcher, key.bytes))
        return true;
    for (int bits = indicators_bits(matcher->indicators, 129); bits >= 0;
         bits = indicators_bits(matcher->indicators, bits)) {
        prefix_clear(&key, bits);
        look_key(matcher, &key, false);
    }
    return true;
}

/* Most words with a dot are names of files or versions: their last label is that of no domain in a list. */
static bool could_be_domain(const struct indicators *indicators, struct str name)
{
    name = str_trim_end(str_trim(name), '.');
    for (size_t i = name.n; i > 0 && name.p[i - 1] != '.'; i--)
        if ((unsigned char)name.p[i - 1] >= 0x80)
            return true; /* as an A-label it is another text */
    return indicators_tail(indicators, name);
}

static void look_domain(struct indicator_matcher *matcher, struct str value)
{
    struct indicator_key key UNINITIALISED;
    if (!indicators_have(matcher->indicators, INDICATOR_DOMAIN) || value.n > WORD_MOST + 1 ||
        !could_be_domain(matcher->indicators, value) || indicator_domain_key(value, &key))
        return;
    look_key(matcher, &key, false);
    for (size_t i = 0; i < SUFFIXES_MAX && indicators_any_below(matcher->indicators); i++) {
        struct str name = str_at(key.bytes, key.n);
        size_t dot = str_find(name, '.');
        if (dot >= name.n || str_find(str_skip(name, dot + 1), '.') + dot + 1 == name.n)
            return; /* a name of one label is in no list */
        key.n = (uint16_t)(name.n - dot - 1);
        memmove(key.bytes, name.p + dot + 1, key.n);
        look_key(matcher, &key, true);
    }
}

static void look_host(struct indicator_matcher *matcher, struct str value)
{
    if (!look_address(matcher, value))
        look_domain(matcher, value);
}

static void look_hash(struct indicator_matcher *matcher, struct str value)
{
    struct indicator_key key UNINITIALISED;
    if (indicators_have(matcher->indicators, INDICATOR_HASH) && !indicator_hash_key(value, &key))
        look_key(matcher, &key, false);
}

/* A URL, and its host, which padding behind it does not hide. */
static void look_url(struct indicator_matcher *matcher, struct str value)
{
    struct indicator_key key UNINITIALISED;
    struct str host = indicator_url_host(str_slice(value, 0, INDICATOR_SCAN_MAX));
    if (host.n)
        look_host(matcher, host);
    if (value.n <= INDICATOR_TEXT_MAX && indicators_have(matcher->indicators, INDICATOR_URL) &&
        !indicator_url_key(value, &key))
        look_key(matcher, &key, false);
}

/* "MD5=...,SHA256=..." as Sysmon writes it. */
static void look_hashes(struct indicator_matcher *matcher, struct str value)
{
    value = str_slice(value, 0, INDICATOR_SCAN_MAX);
    while (value.p) {
        struct str part = str_cut(&value, ',');
        size_t sign = str_find(part, '=');
        look_hash(matcher, sign < part.n ? str_skip(part, sign + 1) : part);
    }
}

/* ---- words of a text ---- */

/* False: it could not be an indicator, and nothing was looked up. */
static bool look_word(struct indicator_matcher *matcher, struct str word)
{
    size_t colons = 0;
    while (word.n && memchr(".:-_", word.p[word.n - 1], 4))
        word.n--;
    if (word.n < WORD_LEAST || word.n > WORD_MOST)
        return false;
    for (size_t i = 0; i < word.n; i++)
        colons += word.p[i] == ':';
    if (colons > 1)
        return look_address(matcher, word);
    struct str left = str_slice(word, 0, str_find(word, ':')); /* a port or size follows */
    struct str right = str_skip(word, left.n + 1);             /* or the name of a hash stands before it */
    if (str_find(left, '.') == left.n) {
        look_hash(matcher, left);
        look_hash(matcher, right);
        return left.n >= 32 || right.n >= 32;
    }
    look_host(matcher, left);
    return true;
}

/* Up to the next blank or quote, less what a sentence puts behind it; returns where it ends. A word with the scheme
 * and its colon ends at `at`. */
static size_t look_url_at(struct indicator_matcher *matcher, struct str text, size_t at)
{
    size_t from = at - 1;
    size_t end = at;
    while (from > 0 && char_is_alnum(text.p[from - 1]))
        from--;
    while (end < text.n && !(matcher->classes[(unsigned char)text.p[end]] & CLASS_BLANK))
        end++;
    struct str url = str_slice(text, from, end);
    while (url.n && memchr(".,;:)]}", url.p[url.n - 1], 7))
        url.n--;
    look_url(matcher, url);
    return end;
}

/* Most words are letters alone and cost one look at each byte. */
static void look_text(struct indicator_matcher *matcher, struct str text)
{
    size_t looked = 0;
    text = str_slice(text, 0, INDICATOR_SCAN_MAX);
    for (size_t at = 0; at < text.n && looked < INDICATOR_WORDS_MAX; at++) {
        size_t from = at;
        unsigned seen = 0;
        for (; at < text.n; at++) {
            unsigned class = matcher->classes[(unsigned char)text.p[at]];
            if (!(class & CLASS_WORD))
                break;
            seen |= class;
        }
        if (seen & CLASS_COLON && text.p[at - 1] == ':' && str_starts(str_skip(text, at), STR("//"))) {
            at = look_url_at(matcher, text, at);
            looked++;
        } else if (at - from >= HASH_LEAST || (at - from >= WORD_LEAST && seen & (CLASS_DOT | CLASS_COLON))) {
            looked += look_word(matcher, str_slice(text, from, at));
        }
    }
}

/* ---- one event ---- */

static void look(struct indicator_matcher *matcher, uint8_t holds, struct str value)
{
    bool address = (holds & HOLDS_ADDRESS) != 0 && look_address(matcher, value);
    if ((holds & HOLDS_DOMAIN) && !address)
        look_domain(matcher, value);
    if (holds & HOLDS_HASH)
        look_hash(matcher, value);
    if (holds & HOLDS_HASHES)
        look_hashes(matcher, value);
    if (holds & HOLDS_URL)
        look_url(matcher, value);
    if (holds & HOLDS_TEXT)
        look_text(matcher, value);
}

static bool is_structured(struct str raw)
{
    raw = str_trim(str_slice(raw, 0, 64));
    return raw.n && (raw.p[0] == '{' || raw.p[0] == '<' || raw.p[0] == '[');
}

/* Put together from records that were looked at before, each for itself: what stands in their lines was told. */
static bool is_joined(const struct event *event)
{
    return event->record_count > 1 && !(event->flags & EVENT_ARCHIVE);
}

size_t indicator_matcher_find(struct indicator_matcher *matcher, const struct event *event,
                              struct indicator_hit ret_hits[INDICATOR_HITS_MAX])
{
    bool text = false;
    size_t known = 0; /* hits that others tell */
    matcher->event = event;
    matcher->hits = ret_hits;
    matcher->hit_count = 0;
    matcher->seen_count = 0;
    if (indicators_count(matcher->indicators) == 0)
        return 0;
    matcher->field = STR("raw");
    if (is_joined(event)) {
        look_text(matcher, event->raw);
        known = matcher->hit_count;
        text = true;
    }
    for (uint32_t i = 0; i < MIN(event->field_count, EVENT_FIELDS_MAX); i++) {
        const struct event_field *field = &event->fields[i];
        uint8_t holds = holds_find(matcher, field->name);
        if (!holds || field->type != EVENT_STRING)
            continue;
        matcher->field = names_text(matcher->names, field->name);
        text = text || (holds & HOLDS_TEXT);
        look(matcher, holds, field->value);
    }
    for (enum statutory i = 0; i < STATUTORY_COUNT; i++) {
        if (!matcher->fields->statutory[i] || !event->statutory[i].n)
            continue;
        matcher->field = str_of(statutory_key(i));
        look(matcher, matcher->fields->statutory[i], event->statutory[i]);
    }
    matcher->field = STR("raw");
    if (!text && !is_structured(event->raw))
        look_text(matcher, event->raw);
    matcher->hit_count -= known;
    memmove(ret_hits, ret_hits + known, matcher->hit_count * sizeof *ret_hits);
    if (matcher->hit_count)
        arena_reset(matcher->arena);
    for (size_t i = 0; i < matcher->hit_count; i++) {
        struct indicator found UNINITIALISED;
        struct buf value;
        buf_init(&value, INDICATOR_TEXT_MAX + 16);
        indicators_at(matcher->indicators, ret_hits[i].entry, &found);
        indicator_key_write(&value, &found.key);
        ret_hits[i].value = arena_str(matcher->arena, buf_view(&value));
        buf_done(&value);
    }
    return matcher->hit_count;
}

static void tell(struct indicator_matcher *matcher, uint32_t which, struct str value)
{
    struct event *told = &matcher->told;
    if (value.n)
        told->fields[told->field_count++] = (struct event_field){matcher->added[which], EVENT_STRING, value};
}

/* As text for people, whatever their language: names and values. */
static void describe(struct indicator_matcher *matcher, const struct indicator_hit *first,
                     const struct indicator *indicator)
{
    struct buf out;
    struct event *told = &matcher->told;
    struct str was = str_slice(told->statutory[STATUTORY_DESCRIPTION], 0, DESCRIBED_MAX);
    buf_init(&out, DESCRIBED_MAX + INDICATOR_TEXT_MAX + 1024);
    buf_str(&out, was);
    buf_format(&out, "%sindicator.value=%.*s indicator.list=%.*s", was.n ? " | " : "", STR_ARG(first->value),
               STR_ARG(str_slice(indicator->list, 0, 200)));
    if (indicator->note.n)
        buf_format(&out, " indicator.note=%.*s", STR_ARG(indicator->note));
    struct str text = out.overflow ? STR_NONE : arena_str(matcher->arena, buf_view(&out));
    if (text.n)
        told->statutory[STATUTORY_DESCRIPTION] = text;
    buf_done(&out);
}

/* The category stands beside those that the event has: rules for these still see it. A place is kept for it. */
static void category_add(struct event_logsource *logsource, uint32_t category)
{
    size_t at = 0;
    while (at < EVENT_CATEGORIES_OWN && logsource->category[at])
        at++;
    logsource->category[at] = category;
}

const struct event *indicator_matcher_event(struct indicator_matcher *matcher, const struct event *event)
{
    struct indicator_hit hits[INDICATOR_HITS_MAX] UNINITIALISED;
    size_t count = indicator_matcher_find(matcher, event, hits);
    struct event *told = &matcher->told;
    if (!count)
        return event;
    event_copy(event, told);
    told->fields = matcher->told_fields;
    /* An event full of fields loses its last ones. */
    uint32_t kept = MIN(event->field_count, (uint32_t)(EVENT_FIELDS_MAX - count * INDICATOR_FIELDS));
    told->fields_lost += event->field_count - kept;
    told->field_count = kept;
    memcpy(told->fields, event->fields, kept * sizeof *told->fields);
    category_add(&told->logsource, matcher->category);
    for (size_t i = 0; i < count; i++) {
        struct indicator found UNINITIALISED;
        char text[8];
        struct buf number;
        indicators_at(matcher->indicators, hits[i].entry, &found);
        buf_init_fixed(&number, text, sizeof text);
        buf_i64(&number, found.confidence);
        tell(matcher, 0, str_of(indicator_kind_name(found.key.kind)));
        tell(matcher, 1, hits[i].value);
        tell(matcher, 2, hits[i].field);
        tell(matcher, 3, found.list);
        tell(matcher, 4, found.note);
        tell(matcher, 5, found.confidence >= 0 ? arena_str(matcher->arena, buf_view(&number)) : STR_NONE);
        if (i == 0)
            describe(matcher, &hits[i], &found);
    }
    return told;
}
