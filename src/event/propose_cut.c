/* A message as pieces: what of it is rather constant, and what varies from message to message. */
#include "codec/utf8.h"
#include "event/propose.h"
#include "event/propose_pieces.h"

#include <string.h>

#define MIXED_MAX 6u /* "ssh2", "ipv4": so short a word with digits is rather a constant */

/* --- bytes --- */

static bool is_digit(char c)
{
    return capture_takes(CAPTURE_NUMBER, c);
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

bool text_all_are(struct str text, enum capture_kind kind)
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

size_t text_letters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.n; i++)
        count += byte_is_letter(text.p[i]);
    return count;
}

/* --- what a run of bytes is --- */

static bool fits_kind(struct str text, enum capture_kind kind)
{
    struct capture capture = {.kind = kind, .literal = STR("")};
    struct template template = {.anchor = STR(""), .count = 1, .capture = &capture};
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
    bool windows = text.n > 3 && byte_is_letter(text.p[0]) && text.p[1] == ':' && text.p[2] == '\\';
    return windows || (text.n > 1 && text.p[0] == '/' && byte_is_letter(text.p[1])) ||
           (text.n > 2 && text.p[0] == '\\' && text.p[1] == '\\');
}

static bool is_hex(struct str text)
{
    if (str_starts(text, STR("0x")))
        return text_all_are(str_skip(text, 2), CAPTURE_HEX);
    return text.n >= 8 && text_all_are(text, CAPTURE_HEX) && digits_of(text) > 0;
}

/* False: it is constant. */
static bool run_is_open(struct str run, struct piece *piece)
{
    *piece = (struct piece){.open = true, .kind = CAPTURE_WORD, .text = run};
    if (is_address(run) && !is_hardware(run)) {
        piece->kind = CAPTURE_IP;
        return true;
    }
    if (text_all_are(run, CAPTURE_NUMBER)) {
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
    if (count_of(run, "@") == 1 && run.p[0] != '@' && text_letters(run) > 1) {
        piece->hint = STR("mail");
        return true;
    }
    bool mixed = digits_of(run) > 0 && run.p[0] != '%' && run.p[0] != '#';
    bool constant = run.n <= MIXED_MAX && byte_is_letter(run.p[0]) && count_of(run, "-_.:/@") == 0;
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

bool text_is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' && text.p[i] != '\t')
            return false;
    return utf8_valid(text);
}

static void constant_add(struct pieces *pieces, struct str text)
{
    piece_add(pieces, (struct piece){.open = !text_is_plain(text), .text = text});
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
    if (at < 2 || count_of(left, ":") == 1 || !is_address(left) || !text_all_are(right, CAPTURE_NUMBER) ||
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
    bool word_behind = end + 1 < text.n && byte_is_letter(text.p[end + 1]); /* don't ... isn't */
    if (end >= text.n || end == 1 || word_behind)
        return 0;
    constant_add(pieces, str_slice(text, 0, 1));
    piece_add(pieces, (struct piece){.open = true, .text = str_slice(text, 1, end), .hint = key});
    constant_add(pieces, str_slice(text, end, end + 1));
    return end + 1;
}

static bool is_key(struct str text)
{
    return text.n > 0 && text.n <= PROPOSE_NAME_MAX && text_letters(text) > 0;
}

void pieces_cut(struct str text, struct pieces *pieces)
{
    struct str run = STR_NONE; /* the run before */
    struct str key = STR_NONE; /* of the value that comes now */
    size_t at = 0;
    while (at < text.n) {
        struct str rest = str_skip(text, at);
        char c = rest.p[0];
        size_t n = 0;
        if ((c == '"' || c == '\'') && (at == 0 || !byte_is_letter(text.p[at - 1])))
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
