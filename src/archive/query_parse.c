/* Parsing: words cut into tokens, operators brought into postfix order by two stacks (Dijkstra), nothing recurses. */
#include "archive/query_state.h"
#include "archive/words.h"
#include "base/bytes.h"
#include "base/civil.h"

#include <string.h>

#define TERM_MAX 1024

enum token { TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_AND, TOKEN_OR, TOKEN_NOT, TOKEN_TERM, TOKEN_ERROR };

struct parser {
    struct str in;
    size_t at;
    size_t token_at; /* where the present token begins */
    struct query *query;
    struct arena *arena;
    struct query_node node; /* of TOKEN_TERM */
    enum token stack[QUERY_DEPTH_MAX * 2];
    size_t depth; /* of the stack */
    size_t parens;
    bool has_or; /* outside parentheses */
    bool has_range;
    size_t range_at;
    int64_t now_ns;
    int32_t zone_s;
    struct err *err;
};

enum rc query_fail(struct err *err, size_t at, const char *text)
{
    enum rc rc = err_set(err, RC_INVALID, "%s (at character %zu)", text, at + 1);
    if (err)
        err->offset = at;
    return rc;
}

static enum rc fail(struct parser *p, size_t at, const char *text)
{
    return query_fail(p->err, at, text);
}

/* ---- times ---- */

static bool digits(struct str *rest, size_t n, int32_t *ret_value)
{
    uint64_t value;
    if (rest->n < n || !str_to_u64(str_slice(*rest, 0, n), &value))
        return false;
    *ret_value = (int32_t)value;
    *rest = str_skip(*rest, n);
    return true;
}

static bool skip_char(struct str *rest, char c)
{
    if (!rest->n || rest->p[0] != c)
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

static bool zone_parse(struct str rest, int32_t *zone_s)
{
    int32_t hours = 0;
    int32_t minutes = 0;
    if (!rest.n)
        return true;
    if (str_is(rest, "Z") || str_is(rest, "z")) {
        *zone_s = 0;
        return true;
    }
    bool west = rest.p[0] == '-';
    if (!skip_char(&rest, '+') && !skip_char(&rest, '-'))
        return false;
    if (!digits(&rest, 2, &hours))
        return false;
    skip_char(&rest, ':');
    if ((rest.n && !digits(&rest, 2, &minutes)) || rest.n || hours > 14 || minutes > 59)
        return false;
    *zone_s = (int32_t)(hours * HOUR_S + minutes * MINUTE_S) * (west ? -1 : 1);
    return true;
}

static bool time_of_day(struct str *rest, struct civil *civil)
{
    if (!skip_char(rest, 'T') && !skip_char(rest, 't') && !skip_char(rest, ' '))
        return true;
    if (!digits(rest, 2, &civil->hour) || !skip_char(rest, ':') || !digits(rest, 2, &civil->minute))
        return false;
    if (!skip_char(rest, ':'))
        return true;
    if (!digits(rest, 2, &civil->second))
        return false;
    if (!skip_char(rest, '.'))
        return true;
    int32_t scale = 100000000;
    while (rest->n && char_is_digit(rest->p[0])) {
        civil->nanosecond += (rest->p[0] - '0') * scale;
        scale /= 10;
        *rest = str_skip(*rest, 1);
    }
    return true;
}

static bool time_parse(const struct parser *p, struct str text, int64_t *ret_ns)
{
    struct civil civil = {0};
    struct str rest = text;
    int32_t zone = p->zone_s;
    if (str_eq_nocase(text, STR("now"))) {
        *ret_ns = p->now_ns;
        return true;
    }
    if (!digits(&rest, 4, &civil.year) || !skip_char(&rest, '-') || !digits(&rest, 2, &civil.month) ||
        !skip_char(&rest, '-') || !digits(&rest, 2, &civil.day) || !time_of_day(&rest, &civil) ||
        !zone_parse(rest, &zone) || !civil_valid(&civil))
        return false;
    *ret_ns = civil_to_ns(&civil, zone);
    return true;
}

bool query_span_parse(struct str text, int64_t *ret_ns)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', MINUTE_S}, {'h', HOUR_S}, {'d', DAY_S}, {'w', 7 * DAY_S}};
    uint64_t n;
    if (text.n < 2 || !str_to_u64(str_slice(text, 0, text.n - 1), &n) || n == 0 || n > 1000000)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (char_lower(text.p[text.n - 1]) == units[i].unit && (int64_t)n <= INT64_MAX / SECOND_NS / units[i].seconds) {
            *ret_ns = (int64_t)n * units[i].seconds * SECOND_NS;
            return true;
        }
    return false;
}

/* The later of two beginnings; 0 = open, so the beginning of 1970 itself is a nanosecond before it. */
static int64_t later(int64_t from_ns, int64_t ns)
{
    ns = ns ? ns : -1;
    return from_ns ? MAX(from_ns, ns) : ns;
}

static int64_t sooner(int64_t to_ns, int64_t ns)
{
    ns = ns ? ns : -1;
    return to_ns ? MIN(to_ns, ns) : ns;
}

/* from:, to:, last: narrow the whole search. Returns false when the name is none of them. */
static bool range_term(struct parser *p, struct str name, struct str value, enum rc *ret_rc)
{
    struct query *q = p->query;
    int64_t ns;
    *ret_rc = RC_OK;
    if (str_is(name, "last")) {
        if (!query_span_parse(value, &ns))
            *ret_rc = fail(p, p->token_at, "\"last:\" wants a number and s, m, h, d or w, as in last:24h");
        else
            q->from_ns = later(q->from_ns, p->now_ns - ns);
    } else if (str_is(name, "from") || str_is(name, "to")) {
        if (!time_parse(p, value, &ns))
            *ret_rc = fail(p, p->token_at, "this is not a time; write 2026-11-20 or 2026-11-20T08:30");
        else if (str_is(name, "from"))
            q->from_ns = later(q->from_ns, ns);
        else
            q->to_ns = sooner(q->to_ns, ns);
    } else {
        return false;
    }
    p->has_range = true;
    p->range_at = p->token_at;
    p->node = (struct query_node){.kind = QUERY_TRUE};
    return true;
}

/* ---- terms ---- */

static bool name_char(char c)
{
    return char_is_alnum(c) || c == '_' || c == '.' || c == '@' || c == '-' || (unsigned char)c > 127;
}

static bool value_end(char c)
{
    return char_is_space(c) || c == '(' || c == ')' || c == '|';
}

/* A quoted text with \" and \\, or a run of bytes up to a blank or parenthesis. Folded into the arena. */
static enum rc read_value(struct parser *p, bool *ret_quoted, struct str *ret_value)
{
    char text[TERM_MAX];
    size_t n = 0;
    size_t start = p->at;
    *ret_quoted = p->at < p->in.n && p->in.p[p->at] == '"';
    p->at += *ret_quoted;
    for (;; p->at++) {
        if (p->at == p->in.n) {
            if (*ret_quoted)
                return fail(p, start, "the quotation mark is never closed");
            break;
        }
        char c = p->in.p[p->at];
        if (*ret_quoted ? c == '"' : value_end(c))
            break;
        if (*ret_quoted && c == '\\' && p->at + 1 < p->in.n)
            c = p->in.p[++p->at];
        if (n == sizeof text)
            return fail(p, start, "a term is too long");
        text[n++] = c;
    }
    p->at += *ret_quoted;
    char *folded = arena_alloc_raw(p->arena, n + 1);
    if (!folded)
        return err_set(p->err, RC_LIMIT, "no memory for the query");
    word_fold_text(str_at(text, n), folded);
    *ret_value = str_at(folded, n);
    return RC_OK;
}

static bool has_wildcard(struct str value)
{
    return str_find(value, '*') < value.n || str_find(value, '?') < value.n;
}

static enum query_compare read_compare(struct parser *p)
{
    char c = p->in.p[p->at++];
    bool equal = (c == '<' || c == '>') && p->at < p->in.n && p->in.p[p->at] == '=';
    p->at += equal;
    if (c == '<')
        return equal ? COMPARE_LESS_EQUAL : COMPARE_LESS;
    if (c == '>')
        return equal ? COMPARE_MORE_EQUAL : COMPARE_MORE;
    return COMPARE_EQUAL;
}

static enum rc field_term(struct parser *p, struct str name)
{
    bool quoted = false;
    struct query_node *node = &p->node;
    enum rc rc = RC_OK;
    char *folded = arena_alloc_raw(p->arena, name.n + 1);
    if (!folded)
        return err_set(p->err, RC_LIMIT, "no memory for the query");
    word_fold_text(name, folded);
    *node = (struct query_node){.kind = QUERY_FIELD, .name = str_at(folded, name.n)};
    node->compare = read_compare(p);
    size_t value_at = p->at;
    rc = read_value(p, &quoted, &node->value);
    if (rc != RC_OK)
        return rc;
    if (!quoted && !node->value.n)
        return fail(p, value_at, "a value is missing");
    if (range_term(p, node->name, node->value, &rc))
        return rc;
    if (node->compare != COMPARE_EQUAL) {
        if (!str_to_double(node->value, &node->number))
            return fail(p, value_at, "< and > compare with a number");
        return RC_OK;
    }
    if (!quoted && str_is(node->value, "*")) {
        node->compare = COMPARE_EXISTS;
        return RC_OK;
    }
    node->wildcard = !quoted && has_wildcard(node->value);
    node->network =
        !node->wildcard && str_find(node->value, '/') < node->value.n && query_network_parse(node->value, &node->net);
    return RC_OK;
}

static enum rc text_term(struct parser *p)
{
    bool quoted = false;
    p->node = (struct query_node){.kind = QUERY_TEXT};
    enum rc rc = read_value(p, &quoted, &p->node.value);
    if (rc != RC_OK)
        return rc;
    struct str value = p->node.value;
    p->node.wildcard = !quoted && has_wildcard(value);
    if (p->node.wildcard) {
        size_t stars = 0;
        while (stars < value.n && value.p[stars] == '*')
            stars++;
        if (stars == value.n)
            p->node.kind = QUERY_TRUE; /* "*" alone: everything */
    }
    return value.n ? RC_OK : fail(p, p->token_at, "an empty text finds nothing");
}

static enum rc next_token(struct parser *p, enum token *ret_token)
{
    while (p->at < p->in.n && char_is_space(p->in.p[p->at]))
        p->at++;
    p->token_at = p->at;
    *ret_token = TOKEN_END;
    if (p->at == p->in.n)
        return RC_OK;
    char c = p->in.p[p->at];
    if (c == '(' || c == ')') {
        p->at++;
        *ret_token = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
        return RC_OK;
    }
    if (c == '|')
        return RC_OK; /* the end of what is searched for */
    if (c == '-' && p->at + 1 < p->in.n && !char_is_space(p->in.p[p->at + 1])) {
        p->at++;
        *ret_token = TOKEN_NOT;
        return RC_OK;
    }
    size_t end = p->at;
    while (end < p->in.n && name_char(p->in.p[end]))
        end++;
    struct str word = str_slice(p->in, p->at, end);
    bool bare = end == p->in.n || value_end(p->in.p[end]);
    if (bare && str_eq_nocase(word, STR("and")))
        *ret_token = TOKEN_AND;
    else if (bare && str_eq_nocase(word, STR("or")))
        *ret_token = TOKEN_OR;
    else if (bare && str_eq_nocase(word, STR("not")))
        *ret_token = TOKEN_NOT;
    if (*ret_token != TOKEN_END) {
        p->at = end;
        return RC_OK;
    }
    *ret_token = TOKEN_TERM;
    bool field = word.n && end < p->in.n && strchr(":=<>", p->in.p[end]);
    if (field && p->in.p[end] == ':' && end + 2 < p->in.n && p->in.p[end + 1] == '/' && p->in.p[end + 2] == '/')
        field = false; /* an address of the web: a word */
    if (!field)
        return text_term(p);
    p->at = end;
    return field_term(p, word);
}

/* ---- order ---- */

static enum rc emit(struct parser *p, const struct query_node *node)
{
    if (p->query->count == QUERY_NODES_MAX)
        return fail(p, p->token_at, "the query has too many parts");
    p->query->nodes[p->query->count++] = *node;
    return RC_OK;
}

static enum rc push(struct parser *p, enum token token)
{
    if (p->depth == ARRAY_LEN(p->stack))
        return fail(p, p->token_at, "the query is nested too deeply");
    p->stack[p->depth++] = token;
    return RC_OK;
}

static int rank(enum token token)
{
    return token == TOKEN_NOT ? 3 : token == TOKEN_AND ? 2 : token == TOKEN_OR ? 1 : 0;
}

/* Gives out operators that bind at least as strongly; `not` waits for its operand. */
static enum rc pop_operators(struct parser *p, int least)
{
    while (p->depth && rank(p->stack[p->depth - 1]) >= least && p->stack[p->depth - 1] != TOKEN_OPEN) {
        enum token top = p->stack[--p->depth];
        struct query_node node = {.kind = top == TOKEN_NOT ? QUERY_NOT : top == TOKEN_AND ? QUERY_AND : QUERY_OR};
        enum rc rc = emit(p, &node);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc operator_token(struct parser *p, enum token token)
{
    p->has_or = p->has_or || (token == TOKEN_OR && !p->parens);
    enum rc rc = pop_operators(p, rank(token));
    return rc == RC_OK ? push(p, token) : rc;
}

static enum rc close_token(struct parser *p)
{
    enum rc rc = pop_operators(p, 1);
    if (rc != RC_OK)
        return rc;
    if (!p->depth)
        return fail(p, p->token_at, "a parenthesis is closed that was never opened");
    p->depth--;
    p->parens--;
    return RC_OK;
}

static enum rc term_token(struct parser *p)
{
    bool negated = p->depth && p->stack[p->depth - 1] == TOKEN_NOT;
    if (p->node.kind == QUERY_TRUE && p->has_range && p->range_at == p->token_at && (p->parens || negated))
        return fail(p, p->token_at, "a time limits the whole search: it cannot stand in parentheses or behind \"not\"");
    return emit(p, &p->node);
}

/* `operand`: whether an operand has just ended, so that what follows is joined by "and". */
static enum rc one_token(struct parser *p, enum token token, bool *operand)
{
    enum rc rc = RC_OK;
    if (*operand && (token == TOKEN_TERM || token == TOKEN_OPEN || token == TOKEN_NOT)) {
        struct query_node node = p->node; /* a pending term's node must survive */
        rc = operator_token(p, TOKEN_AND);
        p->node = node;
    }
    if (rc != RC_OK)
        return rc;
    if (!*operand && (token == TOKEN_AND || token == TOKEN_OR || token == TOKEN_CLOSE))
        return fail(p, p->token_at, "a word or field is missing before this");
    switch (token) {
    case TOKEN_TERM:
        *operand = true;
        return term_token(p);
    case TOKEN_OPEN:
        *operand = false;
        p->parens++;
        return push(p, token);
    case TOKEN_CLOSE:
        return close_token(p);
    case TOKEN_NOT:
        *operand = false;
        return push(p, token);
    case TOKEN_AND:
    case TOKEN_OR:
        *operand = false;
        return operator_token(p, token);
    case TOKEN_END:
    case TOKEN_ERROR:
        break;
    }
    return RC_OK;
}

static enum rc finish(struct parser *p, bool operand)
{
    if (!operand && (p->depth || p->query->count))
        return fail(p, p->at,
                    p->at < p->in.n ? "a word or field is missing before this"
                                    : "a word or field is missing at the end");
    if (p->parens)
        return fail(p, p->at, "a parenthesis is not closed");
    if (p->has_range && p->has_or)
        return fail(p, p->range_at, "a time limits the whole search: put the words around \"or\" into parentheses");
    if (!operand) {
        struct query_node all = {.kind = QUERY_TRUE};
        return emit(p, &all);
    }
    return pop_operators(p, 1);
}

enum rc query_parse(struct str text, int64_t now_ns, int32_t zone_s, struct arena *arena, struct query **ret_query,
                    struct err *err)
{
    struct parser p = {.in = text, .arena = arena, .now_ns = now_ns, .zone_s = zone_s, .err = err};
    if (text.n > QUERY_TEXT_MAX)
        return fail(&p, QUERY_TEXT_MAX, "the query is too long");
    p.query = arena_alloc(arena, sizeof *p.query);
    struct query_node *nodes = arena_alloc_array(arena, QUERY_NODES_MAX, sizeof *nodes);
    if (!p.query || !nodes)
        return err_set(err, RC_LIMIT, "no memory for the query");
    p.query->nodes = nodes;
    p.query->zone_s = zone_s;
    bool operand = false;
    for (;;) {
        enum token token;
        enum rc rc = next_token(&p, &token);
        if (rc == RC_OK && token == TOKEN_END)
            rc = finish(&p, operand);
        else if (rc == RC_OK)
            rc = one_token(&p, token, &operand);
        if (rc != RC_OK)
            return rc;
        if (token == TOKEN_END)
            break;
    }
    *ret_query = p.query;
    return p.at < text.n ? query_pipe_parse(text, p.at, arena, p.query, err) : RC_OK;
}

enum rc query_exclude(struct query *query, struct str name, struct str value, struct err *err)
{
    if (query->count + 3 > QUERY_NODES_MAX)
        return query_fail(err, 0, "the query has too many parts");
    query->nodes[query->count++] = (struct query_node){.kind = QUERY_FIELD, .name = name, .value = value};
    query->nodes[query->count++] = (struct query_node){.kind = QUERY_NOT};
    query->nodes[query->count++] = (struct query_node){.kind = QUERY_AND};
    return RC_OK;
}

void query_range(const struct query *query, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
    *ret_from_ns = query->from_ns;
    *ret_to_ns = query->to_ns;
}

/* ---- networks ---- */

static bool ipv4_parse(struct str text, uint8_t ret_bytes[16])
{
    memset(ret_bytes, 0, 16);
    ret_bytes[10] = ret_bytes[11] = 0xff;
    for (size_t i = 0; i < 4; i++) {
        uint64_t value;
        struct str part = str_cut(&text, '.');
        if (!part.n || part.n > 3 || !str_to_u64(part, &value) || value > 255 || (i == 3) != (text.p == NULL))
            return false;
        ret_bytes[12 + i] = (uint8_t)value;
    }
    return true;
}

static bool ipv6_parse(struct str text, uint8_t ret_bytes[16])
{
    uint8_t tail[16];
    size_t n = 0;
    size_t gap = SIZE_MAX;
    memset(ret_bytes, 0, 16);
    memset(tail, 0, sizeof tail);
    if (str_starts(text, STR("::"))) {
        gap = 0;
        text = str_skip(text, 2);
    }
    while (text.n) {
        uint64_t value;
        size_t at = str_find(text, ':');
        struct str part = str_slice(text, 0, at);
        if (n == 16 || !part.n || part.n > 4 || !str_hex_to_u64(part, &value))
            return false;
        put_be16(tail + n, (uint16_t)value);
        n += 2;
        bool more = at < text.n;
        text = str_skip(text, at + more);
        if (more && !text.n)
            return false;
        if (text.n && text.p[0] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = n;
            text = str_skip(text, 1);
        }
    }
    if (gap == SIZE_MAX ? n != 16 : n > 14)
        return false;
    gap = gap == SIZE_MAX ? n : gap;
    memcpy(ret_bytes, tail, gap);
    memcpy(ret_bytes + 16 - (n - gap), tail + gap, n - gap);
    return true;
}

static bool address_parse(struct str text, uint8_t ret_bytes[16], unsigned *ret_base)
{
    *ret_base = 96;
    if (ipv4_parse(text, ret_bytes))
        return true;
    *ret_base = 0;
    return str_find(text, ':') < text.n && ipv6_parse(text, ret_bytes);
}

bool query_network_parse(struct str text, struct query_network *ret_network)
{
    size_t slash = str_find(text, '/');
    unsigned base;
    uint64_t bits;
    if (!address_parse(str_slice(text, 0, slash), ret_network->bytes, &base))
        return false;
    bits = 128 - base;
    if (slash < text.n && (!str_to_u64(str_skip(text, slash + 1), &bits) || bits > 128 - base))
        return false;
    ret_network->bits = base + (unsigned)bits;
    return true;
}

bool query_network_holds(const struct query_network *network, struct str address)
{
    uint8_t bytes[16];
    unsigned base;
    if (!address_parse(address, bytes, &base))
        return false;
    for (unsigned i = 0; i < network->bits; i += 8) {
        unsigned left = MIN(network->bits - i, 8u);
        uint8_t mask = (uint8_t)(0xff00u >> left);
        if ((bytes[i / 8] & mask) != (network->bytes[i / 8] & mask))
            return false;
    }
    return true;
}
