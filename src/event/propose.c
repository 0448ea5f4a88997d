/* Pieces of messages (propose_pieces.h) are given names and written as a pattern, which is then held against them. */
#include "event/propose.h"

#include "codec/utf8.h"
#include "event/normalise.h"
#include "event/propose_pieces.h"
#include "event/template.h"

#include <string.h>

#define CAPTURES_MAX 28u  /* that are proposed; what comes behind them is `{}` */
#define BYTES_MAX    900u /* of a proposed pattern; the same */
#define LETTERS_MIN  2u   /* of all constants together: less says nothing of a line */

/* --- names --- */

struct naming {
    struct arena *arena;
    struct str given[TEMPLATE_CAPTURES];
    size_t count;
};

static const struct {
    const char *word; /* before the value, in lower case */
    const char *name;
} words[] = {
    {"from", "src"},        {"src", "src"},          {"source", "src"},       {"srcip", "src"},
    {"client", "src"},      {"rhost", "src"},        {"peer", "src"},         {"to", "dst"},
    {"dst", "dst"},         {"dest", "dst"},         {"dstip", "dst"},        {"destination", "dst"},
    {"server", "dst"},      {"user", "account"},     {"login", "account"},    {"username", "account"},
    {"account", "account"}, {"for", "account"},      {"usr", "account"},      {"suser", "account"},
    {"file", "object"},     {"path", "object"},      {"srcport", "src_port"}, {"sport", "src_port"},
    {"spt", "src_port"},    {"dstport", "dst_port"}, {"dport", "dst_port"},   {"dpt", "dst_port"},
};

static bool is_place(const char *name)
{
    return strcmp(name, "src") == 0 || strcmp(name, "dst") == 0;
}

/* A name that logs use, for a value of the kind; NULL: the word stays itself. */
static const char *name_known(struct str word, enum capture_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_is(word, words[i].word))
            continue;
        bool place = is_place(words[i].name);
        if (place && kind != CAPTURE_IP)
            return str_is(word, "from") || str_is(word, "to") ? "" : NULL;
        return !place && str_is(word, "for") && kind == CAPTURE_NUMBER ? "" : words[i].name;
    }
    return NULL;
}

static struct str name_clean(struct arena *arena, struct str word)
{
    char *name = arena_alloc(arena, PROPOSE_NAME_MAX);
    size_t n = 0;
    for (size_t i = 0; i < word.n && name && n < PROPOSE_NAME_MAX - 4; i++) {
        char c = char_lower(word.p[i]);
        if (char_is_alnum(c))
            name[n++] = c;
        else if (n > 0 && name[n - 1] != '_')
            name[n++] = '_';
    }
    while (n > 0 && name[n - 1] == '_')
        n--;
    return str_at(name, n);
}

/* The last word of the constant before, which often says what a value is. */
static struct str word_before(const struct pieces *pieces, size_t at)
{
    for (size_t i = at; i-- > 0 && !pieces->piece[i].open;) {
        struct str text = pieces->piece[i].text;
        if (text_letters(text) == text.n)
            return text;
        if (text_all_are(text, CAPTURE_WORD) && !strchr(":=[(<\"'#", text.p[0]))
            return STR_NONE;
    }
    return STR_NONE;
}

static struct str name_by_kind(enum capture_kind kind)
{
    switch (kind) {
    case CAPTURE_IP:
        return STR("address");
    case CAPTURE_NUMBER:
        return STR("number");
    case CAPTURE_HEX:
        return STR("hex");
    case CAPTURE_WORD:
        return STR("word");
    case CAPTURE_ANY:
    case CAPTURE_PAIRS:
    case CAPTURE_KINDS:
        break;
    }
    return STR("text");
}

static bool is_given(const struct naming *naming, struct str name)
{
    for (size_t i = 0; i < naming->count; i++)
        if (str_eq(naming->given[i], name))
            return true;
    return false;
}

/* Of the event itself, or of the grammar: no capture may have it. */
static bool is_reserved(struct str name)
{
    return str_is(name, "kind") || str_is(name, "outcome") || str_is(name, "start") || str_is(name, "end") ||
           str_is(name, "kv") || str_is(name, "tab");
}

static struct str name_numbered(struct naming *naming, struct str name)
{
    struct buf text;
    for (unsigned number = 2; is_given(naming, name) && number < 2 * TEMPLATE_CAPTURES; number++) {
        char *place = arena_alloc(naming->arena, PROPOSE_NAME_MAX + 8);
        if (!place)
            return STR_NONE;
        struct str stem = name;
        while (stem.n > 1 && number > 2 && char_is_digit(stem.p[stem.n - 1]))
            stem.n--;
        buf_init_fixed(&text, place, PROPOSE_NAME_MAX + 8);
        buf_str(&text, stem);
        buf_format(&text, "%u", number);
        name = buf_view(&text);
    }
    return name;
}

/* Ports go with the address before them. */
static struct str port_name(const struct naming *naming)
{
    struct str last = naming->count ? naming->given[naming->count - 1] : STR_NONE;
    if (str_is(last, "src") || str_is(last, "dst"))
        return str_is(last, "src") ? STR("src_port") : STR("dst_port");
    return STR("port");
}

static struct str name_of(struct naming *naming, const struct pieces *pieces, size_t at)
{
    const struct piece *piece = &pieces->piece[at];
    struct str word = piece->hint.n ? piece->hint : word_before(pieces, at);
    struct str name = name_clean(naming->arena, word);
    const char *known = name_known(name, piece->kind);
    if (known)
        name = str_of(known);
    if (str_is(name, "port"))
        name = port_name(naming);
    if (name.n == 0 || !byte_is_letter(name.p[0]))
        name = name_by_kind(piece->kind);
    if (is_reserved(name))
        name = STR("value");
    name = name_numbered(naming, name);
    naming->given[naming->count++] = name;
    return name;
}

/* --- writing --- */

static void constant_write(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\t')
            buf_text(out, "{tab}");
        else if (text.p[i] == '{')
            buf_text(out, "{{");
        else
            buf_char(out, text.p[i]);
    }
}

static const char *kind_word(struct str name, enum capture_kind kind)
{
    static const char *const suffix[CAPTURE_KINDS] = {
        [CAPTURE_WORD] = ":word", [CAPTURE_NUMBER] = ":num", [CAPTURE_HEX] = ":hex", [CAPTURE_IP] = ":ip"};
    bool place = str_is(name, "src") || str_is(name, "dst") || str_is(name, "user_address");
    if (place && (kind == CAPTURE_IP || kind == CAPTURE_WORD))
        return ""; /* words by themselves */
    return suffix[kind] ? suffix[kind] : "";
}

/* `wide`: captures of any bytes only. */
static void pieces_write(struct arena *arena, const struct pieces *pieces, bool wide, struct buf *out)
{
    struct naming naming = {.arena = arena};
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = &pieces->piece[i];
        bool room = naming.count < CAPTURES_MAX && out->n + piece->text.n < BYTES_MAX;
        if (!room && (i == 0 || !pieces->piece[i - 1].open)) {
            buf_text(out, "{}");
            return;
        }
        if (!piece->open) {
            if (!room)
                return; /* it ends with an open piece, which is made to fit by who checks */
            constant_write(out, piece->text);
            continue;
        }
        enum capture_kind kind = wide ? CAPTURE_ANY : piece->kind;
        struct str name = name_of(&naming, pieces, i);
        bool place = str_is(name, "src") || str_is(name, "dst") || str_is(name, "user_address");
        if (wide && place)
            name = STR("address"); /* those are words */
        buf_char(out, '{');
        buf_str(out, name);
        buf_text(out, str_is(name, "account") ? "+" : "");
        buf_text(out, kind_word(name, kind));
        buf_char(out, '}');
    }
}

/* The longest beginning that all share, and anything behind it. */
static void beginning_write(const struct str *messages, size_t count, struct buf *out)
{
    size_t n = messages[0].n;
    for (size_t i = 1; i < count; i++) {
        n = MIN(n, messages[i].n);
        while (n > 0 && memcmp(messages[0].p, messages[i].p, n) != 0)
            n--;
    }
    struct str same = str_slice(messages[0], 0, MIN(n, (size_t)BYTES_MAX / 6));
    same.n = utf8_valid_prefix(same);
    for (size_t i = 0; i < same.n; i++)
        if ((unsigned char)same.p[i] < ' ' && same.p[i] != '\t')
            same.n = i;
    constant_write(out, same);
    buf_text(out, "{}");
}

/* --- the whole --- */

static bool fits_all(struct arena *arena, struct str pattern, const struct str *messages, size_t count)
{
    struct template template;
    struct err err;
    struct str value[TEMPLATE_CAPTURES];
    if (pattern.n == 0 || template_compile(arena, pattern, &template, &err) != RC_OK)
        return false;
    size_t letters = text_letters(template.anchor);
    for (uint32_t i = 0; i < template.count; i++)
        letters += text_letters(template.capture[i].literal);
    for (size_t i = 0; i < count && letters >= LETTERS_MIN; i++)
        if (!template_match(&template, messages[i], value))
            return false;
    return letters >= LETTERS_MIN;
}

static enum rc messages_take(const struct str *messages, size_t count, struct str *ret_message, size_t *ret_count,
                             struct err *err)
{
    *ret_count = 0;
    if (count > PROPOSE_MESSAGES_MAX)
        return err_set(err, RC_LIMIT, "more than %u messages", PROPOSE_MESSAGES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct str message = str_trim(messages[i]);
        if (message.n > PATTERN_TEXT_MAX)
            return err_set(err, RC_LIMIT, "a message is longer than the %d bytes that patterns are tried on",
                           PATTERN_TEXT_MAX);
        if (message.n > 0)
            ret_message[(*ret_count)++] = message;
    }
    return *ret_count ? RC_OK : err_set(err, RC_INVALID, "no message has any text");
}

enum rc pattern_propose(struct arena *arena, const struct str *messages, size_t count, struct buf *out, struct err *err)
{
    struct str message[PROPOSE_MESSAGES_MAX];
    struct buf text CLEANUP(buf_done) = {0};
    size_t taken = 0;
    enum rc rc = messages_take(messages, count, message, &taken, err);
    if (rc != RC_OK)
        return rc;
    struct pieces *all = arena_alloc(arena, sizeof *all);
    struct pieces *one = arena_alloc(arena, sizeof *one);
    if (!all || !one)
        return err_set(err, RC_LIMIT, "no memory to propose a pattern");
    all->count = 0;
    pieces_cut(message[0], all);
    for (size_t i = 1; i < taken; i++) {
        one->count = 0;
        pieces_cut(message[i], one);
        if (!pieces_merge(arena, all, one))
            return err_set(err, RC_LIMIT, "no memory to propose a pattern");
    }
    if (taken > 1)
        pieces_close(all);
    pieces_fold(all);
    buf_init(&text, 4 * TEMPLATE_BYTES);
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        buf_clear(&text);
        if (attempt < 2)
            pieces_write(arena, all, attempt > 0, &text);
        else
            beginning_write(message, taken, &text);
        if (!text.overflow && fits_all(arena, buf_view(&text), message, taken)) {
            buf_str(out, buf_view(&text));
            return RC_OK;
        }
    }
    return err_set(err, RC_INVALID, "the messages have nothing in common that a pattern could begin with");
}

/* --- other names --- */

static bool name_is_good(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && (name.p[i] == '\0' || !strchr("_.-", name.p[i])))
            return false;
    return name.n <= 2 * (size_t)PROPOSE_NAME_MAX && !is_reserved(name);
}

/* Where the next capture opens; there is one. */
static size_t capture_at(struct str text, size_t at)
{
    for (;;) {
        struct str rest = str_skip(text, at);
        if (str_starts(rest, STR("{{")))
            at += 2;
        else if (str_starts(rest, STR("{tab}")))
            at += 5;
        else if (rest.p[0] == '{')
            return at;
        else
            at++;
    }
}

enum rc pattern_rename(struct arena *arena, struct str text, const struct str *names, size_t count, struct buf *out,
                       struct err *err)
{
    struct template template;
    enum rc rc = template_compile(arena, text, &template, err);
    if (rc != RC_OK)
        return rc;
    size_t at = 0;
    for (uint32_t i = 0; i < template.count; i++) {
        const struct capture *capture = &template.capture[i];
        bool other = i < count && names[i].p && capture->kind != CAPTURE_PAIRS;
        struct str name = other ? names[i] : capture->name;
        if (other && !name_is_good(name))
            return err_set(err, RC_INVALID, "\"%.*s\" is no name for a field", STR_ARG(str_slice(name, 0, 64)));
        size_t open = capture_at(text, at);
        buf_str(out, str_slice(text, at, open + 1));
        buf_str(out, name);
        buf_text(out, capture->last ? "+" : "");
        buf_text(out, kind_word(name, capture->kind));
        buf_char(out, '}');
        at = open + str_find(str_skip(text, open), '}') + 1;
    }
    buf_str(out, str_skip(text, at));
    return out->overflow ? err_set(err, RC_LIMIT, "the pattern is too long") : RC_OK;
}
