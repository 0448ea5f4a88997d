#include "agent/join.h"

#include "base/assert.h"

#include <string.h>

#define PLACES 64u

/* ---- patterns ---- */

struct bytes_set {
    uint64_t word[4];
};

struct pattern_reader {
    struct str rest;
    struct join_pattern *pattern;
    uint32_t places;
    bool failed;
};

static void set_put(struct bytes_set *set, unsigned byte)
{
    set->word[byte >> 6] |= UINT64_C(1) << (byte & 63);
}

static bool set_has(const struct bytes_set *set, unsigned byte)
{
    return set->word[byte >> 6] >> (byte & 63) & 1;
}

static void set_turn(struct bytes_set *set)
{
    for (size_t i = 0; i < ARRAY_LEN(set->word); i++)
        set->word[i] = ~set->word[i];
}

static bool is_word(char c)
{
    return char_is_alnum(c) || c == '_';
}

static void set_put_kind(struct bytes_set *set, char kind)
{
    struct bytes_set own = {0};
    for (unsigned byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        if (char_lower(kind) == 'd' ? char_is_digit(c) : char_lower(kind) == 'w' ? is_word(c) : char_is_space(c))
            set_put(&own, byte);
    }
    if (kind != char_lower(kind))
        set_turn(&own);
    for (size_t i = 0; i < ARRAY_LEN(own.word); i++)
        set->word[i] |= own.word[i];
}

static char next(struct pattern_reader *reader)
{
    char c = reader->rest.n ? reader->rest.p[0] : '\0';
    reader->failed |= reader->rest.n == 0;
    reader->rest = str_skip(reader->rest, 1);
    return c;
}

static bool next_is(struct pattern_reader *reader, char c)
{
    if (reader->rest.n == 0 || reader->rest.p[0] != c)
        return false;
    reader->rest = str_skip(reader->rest, 1);
    return true;
}

/* Behind '\'. True: one byte, in *ret_byte; false: a kind, which was put into the set. */
static bool escape_read(struct pattern_reader *reader, struct bytes_set *set, unsigned *ret_byte)
{
    uint64_t value = 0;
    char c = next(reader);
    if (c == 'd' || c == 'D' || c == 'w' || c == 'W' || c == 's' || c == 'S') {
        set_put_kind(set, c);
        return false;
    }
    if (c == 'x') {
        reader->failed |= reader->rest.n < 2 || !str_hex_to_u64(str_slice(reader->rest, 0, 2), &value);
        reader->rest = str_skip(reader->rest, 2);
    } else if (c == 't') {
        value = '\t';
    } else {
        reader->failed |= char_is_alnum(c); /* \b, \1...: it means something elsewhere */
        value = (unsigned char)c;
    }
    *ret_byte = (unsigned)value & 255;
    return true;
}

static void class_read(struct pattern_reader *reader, struct bytes_set *set)
{
    bool turned = next_is(reader, '^');
    bool empty = true;
    while (!reader->failed && !next_is(reader, ']')) {
        char c = next(reader);
        unsigned from = (unsigned char)c;
        empty = false;
        if (c == '[' || (c == '\\' && !escape_read(reader, set, &from))) {
            reader->failed |= c == '['; /* [[:digit:]] is not known */
            continue;
        }
        unsigned to = from;
        if (reader->rest.n >= 2 && reader->rest.p[0] == '-' && reader->rest.p[1] != ']') {
            IGNORE(next(reader) == '-');
            c = next(reader);
            to = (unsigned char)c;
            if (c == '\\' && !escape_read(reader, set, &to))
                reader->failed = true;
        }
        reader->failed |= to < from;
        for (unsigned byte = from; byte <= to; byte++)
            set_put(set, byte);
    }
    reader->failed |= empty;
    if (turned)
        set_turn(set);
}

static void one_read(struct pattern_reader *reader, struct bytes_set *set)
{
    char c = next(reader);
    unsigned byte = (unsigned char)c;
    if (c == '[') {
        class_read(reader, set);
    } else if (c == '.') {
        set_turn(set);
    } else if (c == '\\') {
        if (escape_read(reader, set, &byte))
            set_put(set, byte);
    } else {
        reader->failed |= str_find(STR("()?*+{}^$]"), c) < 10;
        set_put(set, byte);
    }
}

/* "{n}", "{n,m}" behind '{'. */
static void count_read(struct pattern_reader *reader, uint32_t *least, uint32_t *most)
{
    struct str inside = str_slice(reader->rest, 0, str_find(reader->rest, '}'));
    reader->failed |= inside.n == reader->rest.n;
    reader->rest = str_skip(reader->rest, inside.n + 1);
    uint64_t from = 0, to = 0;
    struct str first = str_cut(&inside, ',');
    reader->failed |= !str_to_u64(first, &from) || (inside.p && !str_to_u64(inside, &to));
    to = inside.p ? to : from;
    reader->failed |= to < from || to == 0 || to > PLACES;
    *least = reader->failed ? 1 : (uint32_t)from;
    *most = reader->failed ? 1 : (uint32_t)to;
}

static void place_put(struct pattern_reader *reader, const struct bytes_set *set, bool skipped, bool again)
{
    if (reader->places == PLACES) {
        reader->failed = true;
        return;
    }
    uint64_t bit = UINT64_C(1) << reader->places++;
    reader->pattern->skipped |= skipped ? bit : 0;
    reader->pattern->again |= again ? bit : 0;
    for (unsigned byte = 0; set && byte < 256; byte++)
        reader->pattern->accepts[byte] |= set_has(set, byte) ? bit : 0;
}

static void element_read(struct pattern_reader *reader)
{
    struct bytes_set set = {0};
    uint32_t least = 1, most = 1;
    bool again = false;
    one_read(reader, &set);
    if (next_is(reader, '?')) {
        least = 0;
    } else if (next_is(reader, '*')) {
        least = most = 0;
        again = true;
    } else if (next_is(reader, '+')) {
        again = true;
    } else if (next_is(reader, '{')) {
        count_read(reader, &least, &most);
    }
    for (uint32_t i = 0; i < most; i++)
        place_put(reader, &set, i >= least, false);
    if (again)
        place_put(reader, &set, true, true);
}

/* The places that are reached without a byte. */
static uint64_t reached(const struct join_pattern *pattern, uint64_t places)
{
    uint64_t more;
    while ((more = ((places & pattern->skipped) << 1) & ~places) != 0)
        places |= more;
    return places;
}

enum rc join_pattern_parse(struct str text, struct join_pattern *ret_pattern, struct err *err)
{
    struct pattern_reader reader = {.rest = text, .pattern = ret_pattern};
    *ret_pattern = (struct join_pattern){0};
    if (text.n == 0 || text.n > JOIN_PATTERN_MAX)
        return err_set(err, RC_INVALID, "a pattern is empty or longer than %u bytes", JOIN_PATTERN_MAX);
    do {
        uint64_t first = reader.places < PLACES ? UINT64_C(1) << reader.places : 0;
        ret_pattern->first |= first;
        IGNORE(next_is(&reader, '^')); /* it is at the beginning anyway */
        while (!reader.failed && reader.rest.n && reader.rest.p[0] != '|')
            element_read(&reader);
        uint64_t end = reader.places < PLACES ? UINT64_C(1) << reader.places : 0;
        ret_pattern->ends |= end;
        place_put(&reader, NULL, false, false);
        /* What holds an empty line would hold every one. */
        reader.failed |= (reached(ret_pattern, first) & end) != 0;
    } while (!reader.failed && next_is(&reader, '|'));
    if (!reader.failed)
        return RC_OK;
    *ret_pattern = (struct join_pattern){0};
    return err_set(err, RC_INVALID, "pattern \"%.*s\" is not one of join.h, or is longer than %u places",
                   STR_ARG(str_slice(text, 0, 100)), PLACES);
}

bool join_pattern_holds(const struct join_pattern *pattern, struct str line)
{
    uint64_t places = reached(pattern, pattern->first);
    for (size_t i = 0; i < line.n && i < JOIN_LOOK && places && !(places & pattern->ends); i++) {
        uint64_t taken = places & pattern->accepts[(unsigned char)line.p[i]];
        places = reached(pattern, taken << 1 | (taken & pattern->again));
    }
    return (places & pattern->ends) != 0;
}

/* ---- rules ---- */

static const struct named {
    const char *name;
    const char *begins;
    const char *except; /* NULL: nothing */
} names[] = {
    {"timestamp",
     "[\\[<]?\\d{4}[-/.]\\d{2}[-/.]\\d{2}|[\\[<]?\\d{2}[-/.]\\d{2}[-/.]\\d{4}|\\[?\\d{2}:\\d{2}:\\d{2}|"
     "[A-Z][a-z]{2} [ \\d]\\d \\d{2}:|\\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]",
     NULL},
    {"indent", "\\S", NULL},
    {"java", "\\S", "Caused by:|Suppressed:|\\.\\.\\. \\d|[a-z]\\w*\\.[\\w.$]*Exception|[a-z]\\w*\\.[\\w.$]*Error"},
    {"postgresql", "\\d{4}-\\d{2}-\\d{2} ", ".* DETAIL:  |.* HINT:  |.* CONTEXT:  |.* STATEMENT:  |.* QUERY:  "},
};

static enum rc beginning_read(struct str word, struct join_rule *rule, struct err *err)
{
    static const struct str own = STR_INIT("pattern=");
    if (str_starts(word, own))
        return join_pattern_parse(str_skip(word, own.n), &rule->begins, err);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_is(word, names[i].name))
            continue;
        enum rc rc = join_pattern_parse(str_of(names[i].begins), &rule->begins, err);
        if (rc == RC_OK && names[i].except)
            rc = join_pattern_parse(str_of(names[i].except), &rule->except, err);
        ASSERT(rc == RC_OK); /* ours */
        return rc;
    }
    return err_set(err, RC_INVALID, "\"%.*s\" is no name of a beginning, nor pattern=PATTERN",
                   STR_ARG(str_slice(word, 0, 100)));
}

static bool limit_read(struct str word, struct join_rule *rule)
{
    uint64_t value = 0;
    struct str name = str_cut(&word, '=');
    if (!str_to_u64(word, &value))
        return false;
    if (str_is(name, "wait") && value >= 1 && value <= 10)
        rule->wait_ns = value * UINT64_C(1000000000);
    else if (str_is(name, "lines") && value >= 2 && value <= 10000)
        rule->lines = (uint32_t)value;
    else if (str_is(name, "bytes") && value >= 1024 && value <= UINT64_C(1) << 20)
        rule->bytes = (uint32_t)value;
    else
        return false;
    return true;
}

static struct str word_next(struct str *rest)
{
    *rest = str_trim(*rest);
    return str_cut(rest, ' ');
}

static enum rc rule_read(struct str text, struct join_rule *rule, struct err *err)
{
    struct str rest = text;
    struct str path = word_next(&rest);
    *rule = (struct join_rule){.wait_ns = JOIN_WAIT_S * UINT64_C(1000000000), .lines = JOIN_LINES, .bytes = JOIN_BYTES};
    if (path.n == 0 || path.p[0] != '/' || !str_copy_z(path, rule->path, sizeof rule->path))
        return err_set(err, RC_INVALID, "joining of lines: \"%.*s\" does not begin with a path",
                       STR_ARG(str_slice(text, 0, 100)));
    enum rc rc = beginning_read(word_next(&rest), rule, err);
    while (rc == RC_OK && rest.n) {
        struct str word = word_next(&rest);
        if (word.n && !limit_read(word, rule))
            rc = err_set(err, RC_INVALID, "joining of lines: \"%.*s\" is no limit, or not within its bounds",
                         STR_ARG(str_slice(word, 0, 100)));
    }
    return rc;
}

enum rc join_rules_parse(struct str text, struct join_rules *ret_rules, struct err *err)
{
    struct str rest = text;
    ret_rules->count = 0;
    if (text.n > JOIN_TEXT_MAX)
        return err_set(err, RC_LIMIT, "joining of lines: the rules are longer than %u bytes", JOIN_TEXT_MAX);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return err_set(err, RC_INVALID, "joining of lines: a sign that cannot be seen");
    while (rest.p) {
        struct str one = str_trim(str_cut(&rest, ';'));
        if (one.n == 0)
            continue;
        if (ret_rules->count == JOIN_RULES_MAX)
            return err_set(err, RC_LIMIT, "joining of lines: more than %u rules", JOIN_RULES_MAX);
        enum rc rc = rule_read(one, &ret_rules->rule[ret_rules->count], err);
        if (rc != RC_OK)
            return rc;
        ret_rules->count++;
    }
    return RC_OK;
}

bool join_begins(const struct join_rule *rule, struct str line)
{
    return join_pattern_holds(&rule->begins, line) && !(rule->except.ends && join_pattern_holds(&rule->except, line));
}
