/* A message becomes pieces, constant or open; pieces of several messages are laid beside each other so that most bytes
 * of constants fall together (longest common subsequence, weighed), and what lies between is one open piece. */
#include "event/propose.h"

#include "base/assert.h"
#include "codec/utf8.h"
#include "event/normalise.h"
#include "event/template.h"

#include <string.h>

#define PIECES_MAX   256u /* of a message; what comes behind is one open piece */
#define CAPTURES_MAX 28u  /* that are proposed; what comes behind them is `{}` */
#define BYTES_MAX    900u /* of a proposed pattern; the same */
#define MIXED_MAX    6u   /* "ssh2", "ipv4": so short a word with digits is rather a constant */

struct piece {
    bool open;
    enum capture_kind kind; /* of an open one */
    struct str text;
    struct str hint; /* what it could be called; empty: nothing says */
};

struct pieces {
    struct piece piece[PIECES_MAX];
    size_t count;
};

/* --- bytes --- */

static bool is_digit(char c)
{
    return capture_takes(CAPTURE_NUMBER, c);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return !capture_takes(CAPTURE_WORD, c);
}

/* What ends a run of bytes that is looked at as one. */
static bool is_border(char c)
{
    return is_blank(c) || strchr("\"'()[]{}<>,;=|", c) != NULL;
}

/* Whether all bytes may stand in a capture of the kind; an empty text may not. */
static bool all_are(struct str text, enum capture_kind kind)
{
    for (size_t i = 0; i < text.n; i++)
        if (!capture_takes(kind, text.p[i]))
            return false;
    return text.n > 0;
}

static size_t count_of(struct str text, const char *set)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] != '\0' && strchr(set, text.p[i]) != NULL;
    return count;
}

static size_t digits_of(struct str text)
{
    return count_of(text, "0123456789");
}

static size_t letters_of(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n; i++)
        count += is_letter(text.p[i]);
    return count;
}

/* --- what a run of bytes is --- */

static bool fits_kind(struct str text, enum capture_kind kind)
{
    struct capture capture = {.kind = kind};
    struct template template = {.count = 1, .capture = &capture};
    struct str value[TEMPLATE_CAPTURES];
    return template_match(&template, text, value);
}

static bool is_address(struct str text)
{
    bool shape = count_of(text, ".") == 3 || count_of(text, ":") >= 2;
    return shape && text.n >= 3 && fits_kind(text, CAPTURE_IP);
}

/* Digits with at least two of the signs that dates and clocks have between them; a T, a Z. */
static bool is_time(struct str text)
{
    size_t signs = count_of(text, ":-/.");
    size_t rest = text.n - digits_of(text) - count_of(text, ":-/.+,TZ");
    bool month = count_of(text, "/") == 2 && rest == 3; /* 28/Nov/2026:21:00:00 */
    return signs >= 2 && (rest == 0 || month) && digits_of(text) >= 4 && is_digit(text.p[0]) &&
           count_of(text, ":/-") > 0;
}

static bool is_hardware(struct str text)
{
    return text.n == 17 && count_of(text, ":-") == 5 && count_of(text, "0123456789abcdefABCDEF") == 12 &&
           count_of(str_slice(text, 2, 3), ":-") == 1;
}

static bool is_path(struct str text)
{
    bool windows = text.n > 3 && is_letter(text.p[0]) && text.p[1] == ':' && text.p[2] == '\\';
    return windows || (text.n > 1 && text.p[0] == '/' && is_letter(text.p[1])) ||
           (text.n > 2 && text.p[0] == '\\' && text.p[1] == '\\');
}

static bool is_hex(struct str text)
{
    if (str_starts(text, STR("0x")))
        return all_are(str_skip(text, 2), CAPTURE_HEX);
    return text.n >= 8 && all_are(text, CAPTURE_HEX) && digits_of(text) > 0;
}

/* False: it is constant. */
static bool run_is_open(struct str run, struct piece *piece)
{
    *piece = (struct piece){.open = true, .kind = CAPTURE_WORD, .text = run};
    if (is_address(run) && !is_hardware(run)) {
        piece->kind = CAPTURE_IP;
        return true;
    }
    if (all_are(run, CAPTURE_NUMBER)) {
        piece->kind = CAPTURE_NUMBER;
        return true;
    }
    if (is_hex(run)) {
        piece->kind = run.p[0] == '0' && run.p[1] == 'x' ? CAPTURE_WORD : CAPTURE_HEX;
        piece->hint = STR("hex");
        return true;
    }
    if (is_hardware(run)) {
        piece->hint = STR("mac");
        return true;
    }
    if (is_time(run)) {
        piece->hint = count_of(run, ":") ? STR("time") : STR("date");
        return true;
    }
    if (is_path(run)) {
        piece->hint = STR("object");
        return true;
    }
    if (count_of(run, "@") == 1 && run.p[0] != '@' && letters_of(run) > 1) {
        piece->hint = STR("mail");
        return true;
    }
    bool mixed = digits_of(run) > 0 && run.p[0] != '%' && run.p[0] != '#';
    bool constant = run.n <= MIXED_MAX && is_letter(run.p[0]) && count_of(run, "-_.:/@") == 0;
    return mixed && !constant;
}

/* --- a message as pieces --- */

static void piece_add(struct pieces *pieces, struct piece piece)
{
    if (piece.text.n == 0)
        return;
    if (pieces->count < PIECES_MAX) {
        pieces->piece[pieces->count++] = piece;
        return;
    }
    struct piece *last = &pieces->piece[PIECES_MAX - 1]; /* the rest of the message, whatever it is */
    *last = (struct piece){.open = true, .text = str_at(last->text.p, (size_t)(piece.text.p - last->text.p))};
    last->text.n += piece.text.n;
}

/* Whether it may stand in a table of patterns. */
static bool is_text(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' && text.p[i] != '\t')
            return false;
    return utf8_valid(text);
}

static void constant_add(struct pieces *pieces, struct str text)
{
    piece_add(pieces, (struct piece){.open = !is_text(text), .text = text});
}

/* Ends of sentences and the like, which belong to no value. */
static size_t tail_of(struct str run)
{
    size_t n = run.n;
    while (n > 1 && strchr(".:!?", run.p[n - 1]))
        n--;
    return n;
}

static struct str run_at(struct str text)
{
    size_t n = 0;
    while (n < text.n && (text.p[n] == '\0' || !is_border(text.p[n])))
        n++;
    return str_slice(text, 0, n);
}

/* address:port and the like: both, with the colon between. */
static bool pair_add(struct pieces *pieces, struct str run, struct str hint)
{
    size_t at = run.n;
    while (at > 0 && strchr(":/#", run.p[at - 1]) == NULL)
        at--;
    struct str left = str_slice(run, 0, at ? at - 1 : 0);
    struct str right = str_skip(run, at);
    if (at < 2 || count_of(left, ":") == 1 || !is_address(left) || !all_are(right, CAPTURE_NUMBER) ||
        (is_address(run) && count_of(left, ".") != 3))
        return false;
    piece_add(pieces, (struct piece){.open = true, .kind = CAPTURE_IP, .text = left, .hint = hint});
    constant_add(pieces, str_slice(run, at - 1, at));
    piece_add(pieces, (struct piece){.open = true,
                                     .kind = CAPTURE_NUMBER,
                                     .text = right,
                                     .hint = run.p[at - 1] == '/' ? STR("prefix") : STR("port")});
    return true;
}

static size_t run_add(struct pieces *pieces, struct str text)
{
    struct str run = run_at(text);
    struct piece piece;
    run.n = tail_of(run);
    if (pair_add(pieces, run, STR_NONE))
        return run.n;
    if (run_is_open(run, &piece)) {
        piece_add(pieces, piece);
        return run.n;
    }
    size_t colon = str_find(run, ':');
    if (colon < run.n && colon > 0 && !is_path(run)) /* "error:42" */
        run.n = colon;
    constant_add(pieces, run);
    return run.n;
}

/* The value behind "key=": up to a blank or what separates pairs, or what stands in quotes. */
static size_t value_add(struct pieces *pieces, struct str text, struct str key)
{
    size_t n = 0;
    struct piece piece;
    while (n < text.n && (text.p[n] == '\0' || !(is_blank(text.p[n]) || strchr(",;\"'()[]{}<>|", text.p[n]))))
        n++;
    struct str value = str_slice(text, 0, n);
    if (pair_add(pieces, value, key))
        return n;
    if (!run_is_open(value, &piece) || piece.kind == CAPTURE_HEX)
        piece = (struct piece){.open = true, .kind = CAPTURE_WORD, .text = value};
    piece.hint = key;
    piece_add(pieces, piece);
    return n;
}

/* What stands in quotes, with them; 0: no quote closes. */
static size_t quoted_add(struct pieces *pieces, struct str text, struct str key)
{
    char quote = text.p[0];
    size_t end = 1 + str_find(str_skip(text, 1), quote);
    bool word_behind = end + 1 < text.n && is_letter(text.p[end + 1]); /* don't ... isn't */
    if (end >= text.n || end == 1 || word_behind)
        return 0;
    constant_add(pieces, str_slice(text, 0, 1));
    piece_add(pieces, (struct piece){.open = true, .text = str_slice(text, 1, end), .hint = key});
    constant_add(pieces, str_slice(text, end, end + 1));
    return end + 1;
}

static bool is_key(struct str text)
{
    return text.n > 0 && text.n <= PROPOSE_NAME_MAX && letters_of(text) > 0;
}

static void message_cut(struct str text, struct pieces *pieces)
{
    struct str run = STR_NONE; /* the run before */
    struct str key = STR_NONE; /* of the value that comes now */
    size_t at = 0;
    while (at < text.n) {
        struct str rest = str_skip(text, at);
        char c = rest.p[0];
        size_t n = 0;
        if ((c == '"' || c == '\'') && (at == 0 || !is_letter(text.p[at - 1])))
            n = quoted_add(pieces, rest, key);
        else if (key.n && !is_blank(c) && !is_border(c))
            n = value_add(pieces, rest, key);
        else if (c == '\0' || !is_border(c))
            n = run_add(pieces, rest);
        if (n == 0) {
            n = 1;
            constant_add(pieces, str_slice(rest, 0, 1));
        }
        key = c == '=' && is_key(run) ? run : STR_NONE;
        run = str_slice(rest, 0, n);
        at += n;
    }
}

/* --- two beside each other --- */

static size_t weight(const struct piece *a, const struct piece *b)
{
    if (a->open != b->open)
        return 0;
    if (a->open)
        return a->kind == b->kind ? 2 : 0;
    return str_eq(a->text, b->text) ? 1 + letters_of(a->text) * 2 : 0;
}

static enum capture_kind kind_join(enum capture_kind a, enum capture_kind b)
{
    if (a == b)
        return a;
    if (a == CAPTURE_ANY || b == CAPTURE_ANY)
        return CAPTURE_ANY;
    bool hex = (a == CAPTURE_NUMBER || a == CAPTURE_HEX) && (b == CAPTURE_NUMBER || b == CAPTURE_HEX);
    return hex ? CAPTURE_HEX : CAPTURE_WORD;
}

static enum capture_kind piece_kind(const struct piece *piece)
{
    if (piece->open)
        return piece->kind;
    return all_are(piece->text, CAPTURE_WORD) ? CAPTURE_WORD : CAPTURE_ANY;
}

/* Pieces as one open one, from the first's begin to the last's end. */
static void gap_join(struct piece *gap, const struct piece *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum capture_kind kind = piece_kind(&piece[i]);
        /* of a row of pieces only a word says less than each alone */
        gap->kind = gap->text.p ? kind_join(gap->kind, i > 0 && kind != CAPTURE_ANY ? CAPTURE_WORD : kind) : kind;
        gap->text = gap->text.p ? gap->text : piece[i].text;
        gap->hint = gap->hint.n ? gap->hint : piece[i].hint;
    }
}

static bool gap_add(struct pieces *out, const struct piece *a, size_t an, const struct piece *b, size_t bn)
{
    struct piece gap = {.open = true};
    if (an + bn == 0)
        return true;
    gap_join(&gap, a, an);
    gap_join(&gap, b, bn);
    if (an == 0 || bn == 0)
        gap.kind = CAPTURE_ANY; /* it may be empty */
    gap.text.n = 0;
    if (out->count == PIECES_MAX)
        return false;
    out->piece[out->count++] = gap;
    return true;
}

/* table[i][j]: the most that a's pieces from i and b's from j have in common. */
static uint32_t *common_table(struct arena *arena, const struct pieces *a, const struct pieces *b)
{
    size_t width = b->count + 1;
    uint32_t *table = arena_alloc_array(arena, (a->count + 1) * width, sizeof *table);
    if (!table)
        return NULL;
    for (size_t i = a->count; i-- > 0;)
        for (size_t j = b->count; j-- > 0;) {
            size_t both = weight(&a->piece[i], &b->piece[j]);
            uint32_t most = MAX(table[(i + 1) * width + j], table[i * width + j + 1]);
            uint32_t with = both ? table[(i + 1) * width + j + 1] + (uint32_t)both : 0;
            table[i * width + j] = MAX(most, with);
        }
    return table;
}

static bool piece_both(struct pieces *out, const struct piece *a, const struct piece *b)
{
    struct piece both = *a;
    if (out->count == PIECES_MAX)
        return false;
    both.hint = a->hint.n ? a->hint : b->hint;
    if (!str_eq(a->text, b->text))
        both.text.n = 0; /* it is known to vary */
    out->piece[out->count++] = both;
    return true;
}

/* What `a` and `b` share, into `a`. False: there is no room. */
static bool pieces_merge(struct arena *arena, struct pieces *a, const struct pieces *b)
{
    struct pieces *out = arena_alloc(arena, sizeof *out);
    const uint32_t *table = common_table(arena, a, b);
    size_t width = b->count + 1;
    size_t i = 0, j = 0, gap_i = 0, gap_j = 0;
    if (!out || !table)
        return false;
    out->count = 0;
    while (i < a->count && j < b->count) {
        size_t both = weight(&a->piece[i], &b->piece[j]);
        if (both && table[i * width + j] == table[(i + 1) * width + j + 1] + both) {
            if (!gap_add(out, &a->piece[gap_i], i - gap_i, &b->piece[gap_j], j - gap_j) ||
                !piece_both(out, &a->piece[i], &b->piece[j]))
                return false;
            gap_i = ++i;
            gap_j = ++j;
        } else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    if (!gap_add(out, &a->piece[gap_i], a->count - gap_i, &b->piece[gap_j], b->count - gap_j))
        return false;
    *a = *out;
    return true;
}

/* Words with digits that were the same in all messages. */
static void pieces_close(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++) {
        struct piece *piece = &pieces->piece[i];
        if (piece->open && piece->text.n > 0 && piece->kind == CAPTURE_WORD && !piece->hint.n && is_text(piece->text))
            piece->open = false;
    }
}

/* Open pieces that stand at once behind each other are one. */
static void pieces_fold(struct pieces *pieces)
{
    size_t count = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        struct piece *piece = &pieces->piece[i];
        if (count > 0 && piece->open && pieces->piece[count - 1].open) {
            struct piece *before = &pieces->piece[count - 1];
            before->kind = CAPTURE_ANY;
            before->hint = before->hint.n ? before->hint : piece->hint;
            continue;
        }
        pieces->piece[count++] = *piece;
    }
    pieces->count = count;
}

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
    {"from", "src"},       {"src", "src"},         {"source", "src"},       {"srcip", "src"},    {"client", "src"},
    {"rhost", "src"},      {"peer", "src"},        {"to", "dst"},           {"dst", "dst"},      {"dest", "dst"},
    {"dstip", "dst"},      {"destination", "dst"}, {"server", "dst"},       {"user", "account"}, {"login", "account"},
    {"username", "account"}, {"account", "account"}, {"for", "account"},    {"usr", "account"},  {"suser", "account"},
    {"file", "object"},    {"path", "object"},     {"srcport", "src_port"}, {"sport", "src_port"}, {"spt", "src_port"},
    {"dstport", "dst_port"}, {"dport", "dst_port"}, {"dpt", "dst_port"},
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
        if (letters_of(text) == text.n)
            return text;
        if (all_are(text, CAPTURE_WORD) && !strchr(":=[(<\"'#", text.p[0]))
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
        while (stem.n > 1 && number > 2 && is_digit(stem.p[stem.n - 1]))
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
    if (name.n == 0 || !is_letter(name.p[0]))
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
    static const char *const suffix[CAPTURE_KINDS] = {[CAPTURE_WORD] = ":word",
                                                      [CAPTURE_NUMBER] = ":num",
                                                      [CAPTURE_HEX] = ":hex",
                                                      [CAPTURE_IP] = ":ip"};
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
    size_t letters = letters_of(template.anchor);
    for (uint32_t i = 0; i < template.count; i++)
        letters += letters_of(template.capture[i].literal);
    for (size_t i = 0; i < count && letters > 0; i++)
        if (!template_match(&template, messages[i], value))
            return false;
    return letters > 0;
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
    message_cut(message[0], all);
    for (size_t i = 1; i < taken; i++) {
        one->count = 0;
        message_cut(message[i], one);
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
