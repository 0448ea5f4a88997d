#include "rule/literal.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

#define CLASS_MOST 4u /* characters of a class that is multiplied out */

enum repeat {
    REPEAT_ONCE,
    REPEAT_PERHAPS, /* once or not at all */
    REPEAT_MANY,    /* once at least */
    REPEAT_ANY,     /* or not at all */
};

/* A group that is being read; the first is the expression itself. */
struct level {
    struct literals run;  /* of the branch at work: one of these stands directly before here */
    bool whole;           /* and is all that the branch matched so far */
    struct literals best; /* of the branch: each of its matches holds one; none: not sure */
    double best_cost;
    size_t best_size;     /* of its shortest */
    struct literals runs; /* all that the branches before match */
    bool runs_sure;
    struct literals bests; /* of the branches before */
    bool bests_sure;
};

struct walk {
    struct str p;
    size_t at;
    size_t least;
    size_t depth;
    bool failed; /* something that is not looked into */
    struct level levels[LITERAL_GROUPS + 1];
};

double literal_cost(size_t n)
{
    return n < 4 ? 60 : n == 4 ? 20 : n < 7 ? 8 : 3;
}

struct str literals_at(const struct literals *literals, size_t index)
{
    ASSERT(index < literals->count);
    return str_at(literals->text[index], literals->size[index]);
}

/* --- sets of texts --- */

static bool put(struct literals *set, struct str text)
{
    for (size_t i = 0; i < set->count; i++)
        if (str_eq(literals_at(set, i), text))
            return true;
    if (set->count == LITERALS_MAX || text.n > LITERAL_MOST)
        return false;
    if (text.n)
        memcpy(set->text[set->count], text.p, text.n);
    set->size[set->count++] = (uint8_t)text.n;
    return true;
}

static bool unite(struct literals *set, const struct literals *other)
{
    bool fits = true;
    for (size_t i = 0; i < other->count && fits; i++)
        fits = put(set, literals_at(other, i));
    return fits;
}

/* Each of the left followed by each of the right; false when it is too much. */
static bool multiply(struct literals *left, const struct literals *right)
{
    struct literals product = {0};
    for (size_t l = 0; l < left->count; l++) {
        for (size_t r = 0; r < right->count; r++) {
            char text[LITERAL_MOST];
            size_t n = (size_t)left->size[l] + right->size[r];
            if (n > sizeof text)
                return false;
            memcpy(text, left->text[l], left->size[l]);
            memcpy(text + left->size[l], right->text[r], right->size[r]);
            if (!put(&product, str_at(text, n)))
                return false;
        }
    }
    *left = product;
    return true;
}

/* What holds another of them is found with that one. */
static void reduce(struct literals *set)
{
    struct literals all = *set;
    set->count = 0;
    for (size_t i = 0; i < all.count; i++) {
        bool needed = true;
        for (size_t k = 0; k < all.count && needed; k++) {
            size_t found = k == i ? all.size[i] : str_search(literals_at(&all, i), literals_at(&all, k));
            needed = found == all.size[i];
        }
        if (needed) {
            bool fits = put(set, literals_at(&all, i));
            ASSERT(fits);
        }
    }
}

/* --- choices --- */

/* Each match of the branch holds one of these: is that better than what is known? */
static void consider(const struct walk *walk, struct level *level, const struct literals *set)
{
    struct literals reduced = *set;
    double cost = 0;
    size_t shortest = LITERAL_MOST;
    for (size_t i = 0; i < set->count; i++)
        shortest = MIN(shortest, (size_t)set->size[i]);
    if (set->count == 0 || shortest < MAX(walk->least, (size_t)1))
        return;
    reduce(&reduced);
    for (size_t i = 0; i < reduced.count; i++)
        cost += literal_cost(reduced.size[i]);
    if (level->best.count && (cost > level->best_cost || (cost >= level->best_cost && shortest <= level->best_size)))
        return;
    level->best = reduced;
    level->best_cost = cost;
    level->best_size = shortest;
}

static void run_begin(struct level *level)
{
    level->run.count = 1;
    level->run.size[0] = 0;
}

static void branch_begin(struct level *level)
{
    run_begin(level);
    level->whole = true;
    level->best.count = 0;
}

static void branch_end(struct level *level)
{
    level->runs_sure = level->runs_sure && level->whole && unite(&level->runs, &level->run);
    level->bests_sure = level->bests_sure && level->best.count && unite(&level->bests, &level->best);
}

static void level_begin(struct level *level)
{
    level->runs.count = 0;
    level->bests.count = 0;
    level->runs_sure = true;
    level->bests_sure = true;
    branch_begin(level);
}

/* One of the texts follows (NULL: something unknown), as often as is said. */
static void piece_take(struct walk *walk, const struct literals *piece, enum repeat repeat)
{
    struct level *level = &walk->levels[walk->depth];
    struct literals texts = {0};
    bool sure = piece && repeat != REPEAT_ANY;
    if (sure && repeat == REPEAT_PERHAPS)
        sure = put(&texts, STR(""));
    sure = sure && unite(&texts, piece);
    if (!sure) {
        run_begin(level);
        level->whole = false;
        return;
    }
    if (!multiply(&level->run, &texts)) {
        level->run = texts;
        level->whole = false;
    }
    consider(walk, level, &level->run);
    if (repeat == REPEAT_MANY) {
        run_begin(level);
        level->whole = false;
    }
}

/* --- the expression's text --- */

static char char_at(struct str p, size_t at)
{
    return at < p.n ? p.p[at] : '\0';
}

/* Behind the class that begins at `at`: "[]a]" and "[^]a]" hold a bracket. */
static size_t class_end(struct str p, size_t at)
{
    at++;
    at += at < p.n && p.p[at] == '^';
    at += at < p.n && p.p[at] == ']';
    while (at < p.n && p.p[at] != ']') {
        if (p.p[at] == '[' && at + 1 < p.n && p.p[at + 1] == ':') { /* [:alpha:] */
            size_t end = at + 2 + str_search(str_skip(p, at + 2), STR(":]"));
            at = end < p.n ? end + 2 : at + 1;
            continue;
        }
        at += p.p[at] == '\\' ? 2 : 1;
    }
    return at + 1;
}

/* Behind the group that begins at `at`. */
static size_t group_end(struct str p, size_t at)
{
    size_t depth = 0;
    while (at < p.n) {
        char c = p.p[at];
        if (c == '[') {
            at = class_end(p, at);
            continue;
        }
        if (c == '\\') {
            at += 2;
            continue;
        }
        depth += c == '(';
        depth -= c == ')';
        at++;
        if (depth == 0)
            break;
    }
    return at;
}

/* Quotes, references, properties and characters by number change how what stands behind them is read. */
static bool escape_is_plain(struct str p, size_t at)
{
    char c = char_at(p, at + 1);
    if (c == 'N')
        return char_at(p, at + 2) != '{';
    return c < 0 || (c > 0 && (!char_is_alnum(c) || strchr("dDsSwWhHvVRXCbBAZzGKtnrfeax", c)));
}

/* Is all of it what the walk knows to read, groups aside? */
static bool is_plain(struct str p)
{
    bool in_class = false;
    size_t end = 0; /* of the class */
    for (size_t at = 0; at < p.n; at++) {
        in_class = in_class && at < end;
        if (p.p[at] == '\\') {
            if (!escape_is_plain(p, at))
                return false;
            at++;
        } else if (!in_class && p.p[at] == '[') {
            in_class = true;
            end = class_end(p, at);
        } else if (!in_class && p.p[at] == '(' && char_at(p, at + 1) == '*') {
            return false;
        }
    }
    return true;
}

/* A repeat, or what may be one in another edition of PCRE, of `*ret_length` bytes. */
static bool repeat_at(struct str p, size_t at, enum repeat *ret_repeat, size_t *ret_length)
{
    char c = char_at(p, at);
    *ret_length = 1;
    *ret_repeat = c == '?' ? REPEAT_PERHAPS : c == '*' ? REPEAT_ANY : REPEAT_MANY;
    if (c == '?' || c == '*' || c == '+')
        return true;
    if (c != '{')
        return false;
    size_t end = at + 1;
    while (end < p.n && (char_is_digit(p.p[end]) || p.p[end] == ',' || p.p[end] == ' '))
        end++;
    if (char_at(p, end) != '}' || end == at + 1)
        return false;
    struct str rest = str_slice(p, at + 1, end);
    bool once = str_is(rest, "1");
    uint64_t least = 0;
    *ret_length = end + 1 - at;
    if (!str_to_u64(str_trim(str_cut(&rest, ',')), &least))
        least = 0;
    *ret_repeat = least == 0 ? REPEAT_ANY : once ? REPEAT_ONCE : REPEAT_MANY;
    return true;
}

/* All repeats of what was just read: "a{2}?{3}". */
static enum repeat repeat_take(struct walk *walk)
{
    enum repeat all = REPEAT_ONCE;
    enum repeat one;
    size_t length;
    bool first = true;
    while (repeat_at(walk->p, walk->at, &one, &length)) {
        bool perhaps = one == REPEAT_PERHAPS || one == REPEAT_ANY || all == REPEAT_PERHAPS || all == REPEAT_ANY;
        all = first ? one : perhaps ? REPEAT_ANY : REPEAT_MANY;
        first = false;
        walk->at += length;
        char after = char_at(walk->p, walk->at);
        walk->at += after == '?' || after == '+'; /* lazy, possessive */
    }
    return all;
}

/* The characters of a class with few of them; false when it has more, or may have. */
static bool class_texts(struct str class, struct literals *ret_texts)
{
    size_t end = class.n ? class.n - 1 : 0;
    for (size_t at = 1; at < end; at++) {
        bool escaped = class.p[at] == '\\';
        at += escaped;
        char c = char_at(class, at);
        bool range = c == '-' && !escaped && at > 1 && at + 1 < end;
        bool special = !escaped && ((c == '^' && at == 1) || c == '[');
        if (c <= 0 || range || special || (escaped && char_is_alnum(c)) || ret_texts->count == CLASS_MOST)
            return false;
        char lower = char_lower(c);
        if (!put(ret_texts, str_at(&lower, 1)))
            return false;
    }
    return ret_texts->count > 0;
}

struct unit {
    size_t length;
    bool nothing; /* it matches no character: "^" */
    bool sure;
    struct literals texts; /* when it is sure: one of these */
};

static void unit_char(struct unit *unit, char c)
{
    char lower = char_lower(c);
    unit->sure = put(&unit->texts, str_at(&lower, 1));
}

static void unit_escape(struct str p, size_t at, struct unit *unit)
{
    static const char controls[][2] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'}, {'f', '\f'}, {'e', 27}, {'a', 7}};
    char c = char_at(p, at + 1);
    unit->length = 2;
    unit->nothing = c > 0 && strchr("bBAZzGK", c);
    if (c > 0 && !char_is_alnum(c))
        unit_char(unit, c);
    for (size_t i = 0; i < ARRAY_LEN(controls); i++)
        if (c == controls[i][0])
            unit_char(unit, controls[i][1]);
    if (c != 'x')
        return;
    size_t end = at + 2;
    if (char_at(p, end) == '{') {
        end += str_find(str_skip(p, end), '}') + 1;
    } else {
        for (size_t i = 0; i < 2 && strchr("0123456789abcdefABCDEF", char_at(p, end)) && char_at(p, end); i++)
            end++;
    }
    unit->length = end - at;
}

static void unit_read(struct str p, size_t at, struct unit *unit)
{
    char c = p.p[at];
    *unit = (struct unit){.length = 1};
    if (c == '\\') {
        unit_escape(p, at, unit);
    } else if (c == '[') {
        unit->length = class_end(p, at) - at;
        unit->sure = class_texts(str_slice(p, at, at + unit->length), &unit->texts);
    } else if (c == '^' || c == '$') {
        unit->nothing = true;
    } else if (c > 0 && c != '.') {
        unit_char(unit, c);
    }
}

/* --- groups --- */

static void group_enter(struct walk *walk, size_t head)
{
    walk->at += head;
    if (walk->depth == LITERAL_GROUPS) {
        walk->failed = true;
        return;
    }
    level_begin(&walk->levels[++walk->depth]);
}

/* "(", and what says of which kind the group is. */
static void group_open(struct walk *walk)
{
    struct str rest = str_skip(walk->p, walk->at);
    if (!str_starts(rest, STR("(?"))) {
        group_enter(walk, 1);
        return;
    }
    size_t at = 2;
    char kind = char_at(rest, at);
    if (kind == ':' || kind == '>') {
        group_enter(walk, 3);
        return;
    }
    bool behind = kind == '<' && (char_at(rest, 3) == '=' || char_at(rest, 3) == '!');
    if (kind == '=' || kind == '!' || behind) { /* it looks, and matches nothing */
        walk->at = group_end(walk->p, walk->at);
        IGNORE(repeat_take(walk) == REPEAT_ONCE);
        return;
    }
    if (kind == '<' || str_starts(str_skip(rest, at), STR("P<"))) {
        group_enter(walk, MIN(str_find(rest, '>') + 1, rest.n));
        return;
    }
    while (at < rest.n && strchr("ims-", rest.p[at]) && rest.p[at])
        at++;
    if (at > 2 && char_at(rest, at) == ')')
        walk->at += at + 1;
    else if (at > 2 && char_at(rest, at) == ':')
        group_enter(walk, at + 1);
    else
        walk->failed = true; /* a condition, a comment, a reference, another option */
}

static void group_close(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth];
    walk->at++;
    if (walk->depth == 0) {
        walk->failed = true;
        return;
    }
    branch_end(level);
    walk->depth--;
    enum repeat repeat = repeat_take(walk);
    if (level->bests_sure && (repeat == REPEAT_ONCE || repeat == REPEAT_MANY))
        consider(walk, &walk->levels[walk->depth], &level->bests);
    piece_take(walk, level->runs_sure ? &level->runs : NULL, repeat);
}

static void step(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth];
    struct unit unit;
    char c = walk->p.p[walk->at];
    if (c == '(') {
        group_open(walk);
    } else if (c == ')') {
        group_close(walk);
    } else if (c == '|') {
        branch_end(level);
        branch_begin(level);
        walk->at++;
    } else {
        unit_read(walk->p, walk->at, &unit);
        walk->at += unit.length;
        enum repeat repeat = repeat_take(walk);
        if (!unit.nothing)
            piece_take(walk, unit.sure ? &unit.texts : NULL, repeat);
    }
}

void regex_literals(struct str pattern, size_t least, struct literals *ret_literals)
{
    struct walk *walk = is_plain(pattern) ? memory_new(sizeof *walk) : NULL;
    ret_literals->count = 0;
    if (!walk)
        return; /* without memory none is sure, too */
    walk->p = pattern;
    walk->least = least;
    level_begin(&walk->levels[0]);
    while (walk->at < pattern.n && !walk->failed)
        step(walk);
    branch_end(&walk->levels[0]);
    if (!walk->failed && walk->depth == 0 && walk->levels[0].bests_sure) {
        *ret_literals = walk->levels[0].bests;
        reduce(ret_literals);
    }
    memory_free(walk);
}
