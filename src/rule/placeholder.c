#include "rule/placeholder.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/yaml.h"
#include "rule/rule.h"

#include <string.h>

enum rc placeholders_init(struct placeholders *placeholders, struct err *err)
{
    *placeholders = (struct placeholders){.by_name = map_new(PLACEHOLDERS_MAX, 1)};
    placeholders->all = memory_new(PLACEHOLDERS_MAX * sizeof(*placeholders->all));
    return placeholders->by_name && placeholders->all ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
}

void placeholders_done(struct placeholders *placeholders)
{
    map_free(placeholders->by_name);
    memory_free(placeholders->all);
}

bool placeholders_are_in(struct str path)
{
    size_t name = path.n;
    while (name > 0 && path.p[name - 1] != '/')
        name--;
    path = str_skip(path, name);
    return str_is(path, "placeholders.yml") || str_is(path, "placeholders.yaml");
}

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for placeholders");
}

static bool is_name_char(char c)
{
    return char_is_alnum(c) || c == '_' || c == '-' || c == '.';
}

/* Length of a %NAME% that begins at `at`, 0 when there is none. */
static size_t placeholder_length(struct str text, size_t at)
{
    size_t end = at + 1;
    if (text.p[at] != '%')
        return 0;
    while (end < text.n && is_name_char(text.p[end]))
        end++;
    return end > at + 1 && end < text.n && text.p[end] == '%' ? end + 1 - at : 0;
}

static bool is_escape(struct str text, size_t at)
{
    return text.p[at] == '\\' && at + 1 < text.n && memchr("\\*?%", text.p[at + 1], 4);
}

bool placeholders_stand_in(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_escape(text, i))
            i++;
        else if (placeholder_length(text, i))
            return true;
    }
    return false;
}

/* ---- the file ---- */

static uint64_t mix(uint64_t digest, struct str text)
{
    const uint64_t key[2] = {UINT64_C(0x706c616365686f6c), digest};
    return siphash(key, text.p, text.n);
}

static enum rc read_values(struct arena *arena, const struct yaml_node *node, struct placeholder *ret, struct err *err)
{
    size_t count = node->kind == YAML_SEQUENCE ? node->count : 1;
    struct str *values = arena_alloc_array(arena, count + 1, sizeof(*values));
    const struct yaml_node *one = node->kind == YAML_SEQUENCE ? node->first : node;
    if (!values)
        return no_memory(err);
    *ret = (struct placeholder){.values = values, .digest = mix(0, node->key->text)};
    for (; ret->count < count; one = one->next) {
        if (one->kind != YAML_SCALAR || yaml_is_null(one))
            return err_set(err, RC_INVALID, "line %u: a value of \"%.*s\" must be text or a number", one->line,
                           STR_ARG(str_slice(node->key->text, 0, 64)));
        if (one->text.n > PLACEHOLDER_TEXT)
            return err_set(err, RC_INVALID, "line %u: a value is longer than %u bytes", one->line, PLACEHOLDER_TEXT);
        ret->digest = mix(ret->digest, one->text);
        values[ret->count++] = one->text;
    }
    return RC_OK;
}

static enum rc read_vars(struct arena *arena, const struct yaml_node *document, struct placeholder *ret_read,
                         struct err *err)
{
    const struct yaml_node *vars = yaml_get(document, "vars");
    if (!vars || vars->kind != YAML_MAPPING)
        return err_set(err, RC_INVALID, "line %u: placeholders stand in a mapping \"vars\" of names to values",
                       vars ? vars->line : document->line);
    for (const struct yaml_node *value = vars->first; value; value = value->next) {
        struct str name = value->key->text;
        bool good = name.n > 0;
        for (size_t i = 0; i < name.n; i++)
            good = good && is_name_char(name.p[i]);
        if (!good)
            return err_set(err, RC_INVALID, "line %u: \"%.*s\" is no name: letters, digits, \"_\", \"-\" and \".\"",
                           value->line, STR_ARG(str_slice(name, 0, 64)));
        enum rc rc = read_values(arena, value, ret_read++, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc keep(struct placeholders *placeholders, struct str name, const struct placeholder *read, struct err *err)
{
    uint64_t *place = map_put(placeholders->by_name, name);
    if (!place)
        return no_memory(err);
    if (*place == 0)
        *place = ++placeholders->count;
    ASSERT(placeholders->count <= PLACEHOLDERS_MAX);
    placeholders->all[*place - 1] = *read;
    return RC_OK;
}

enum rc placeholders_read(struct placeholders *placeholders, struct arena *arena, struct str text, struct err *err)
{
    struct yaml_node *documents = NULL;
    size_t count = 0;
    size_t names = 0;
    enum rc rc = yaml_parse(arena, text, &documents, &count, err);
    if (rc == RC_OK && count == 0)
        rc = err_set(err, RC_INVALID, "file has no document");
    for (const struct yaml_node *document = documents; rc == RC_OK && document; document = document->next) {
        const struct yaml_node *vars = yaml_get(document, "vars");
        names += vars ? vars->count : 0;
    }
    struct placeholder *read = rc == RC_OK ? arena_alloc_array(arena, names + 1, sizeof(*read)) : NULL;
    if (rc == RC_OK && !read)
        rc = no_memory(err);
    size_t at = 0;
    for (const struct yaml_node *document = documents; rc == RC_OK && document; document = document->next) {
        rc = read_vars(arena, document, read + at, err);
        if (rc == RC_OK)
            at += yaml_get(document, "vars")->count;
    }
    if (rc == RC_OK && placeholders->count + at > PLACEHOLDERS_MAX)
        rc = err_set(err, RC_LIMIT, "more than %u placeholders", PLACEHOLDERS_MAX);
    at = 0;
    for (const struct yaml_node *document = documents; rc == RC_OK && document; document = document->next) {
        for (const struct yaml_node *value = yaml_get(document, "vars")->first; rc == RC_OK && value;
             value = value->next)
            rc = keep(placeholders, value->key->text, &read[at++], err);
    }
    return rc;
}

/* ---- a value of a rule ---- */

/* A text between placeholders, or the values of one. */
struct token {
    struct str text;
    const struct placeholder *placeholder;
};

struct tokens {
    struct token token[PLACEHOLDER_TOKENS];
    size_t count;
};

static enum rc token_add(struct tokens *tokens, struct token token, struct err *err)
{
    if (!token.placeholder && token.text.n == 0)
        return RC_OK;
    if (tokens->count == PLACEHOLDER_TOKENS)
        return err_set(err, RC_INVALID, "a value has more than %u parts", PLACEHOLDER_TOKENS);
    tokens->token[tokens->count++] = token;
    return RC_OK;
}

static enum rc placeholder_find(const struct placeholders *placeholders, struct str name,
                                const struct placeholder **ret_placeholder, struct err *err)
{
    const uint64_t *place = map_get(placeholders->by_name, name);
    if (!place)
        return err_set(err, RC_INVALID, "placeholder \"%%%.*s%%\" is not defined", STR_ARG(str_slice(name, 0, 64)));
    *ret_placeholder = &placeholders->all[*place - 1];
    if ((*ret_placeholder)->count == 0)
        return err_set(err, RC_INVALID, "placeholder \"%%%.*s%%\" has no values", STR_ARG(str_slice(name, 0, 64)));
    return RC_OK;
}

static enum rc tokens_read(const struct placeholders *placeholders, struct str text, struct tokens *ret_tokens,
                           struct err *err)
{
    size_t begun = 0;
    size_t i = 0;
    enum rc rc = RC_OK;
    ret_tokens->count = 0;
    while (rc == RC_OK && i < text.n) {
        size_t length = placeholder_length(text, i);
        struct token token = {str_slice(text, begun, i), NULL};
        if (is_escape(text, i)) {
            if (text.p[i + 1] == '%') {
                rc = token_add(ret_tokens, token, err);
                begun = i + 1;
            }
            i += 2;
        } else if (length) {
            rc = token_add(ret_tokens, token, err);
            token.text = STR_NONE;
            if (rc == RC_OK)
                rc = placeholder_find(placeholders, str_slice(text, i + 1, i + length - 1), &token.placeholder, err);
            rc = rc == RC_OK ? token_add(ret_tokens, token, err) : rc;
            i += length;
            begun = i;
        } else {
            i++;
        }
    }
    return rc == RC_OK ? token_add(ret_tokens, (struct token){str_skip(text, begun), NULL}, err) : rc;
}

/* A backslash at its end that belongs to no pair. */
static bool ends_open(struct str value)
{
    size_t n = 0;
    while (n < value.n && value.p[value.n - 1 - n] == '\\')
        n++;
    return n % 2 == 1;
}

/* The text of one choice of values. */
static struct str join(struct arena *arena, const struct tokens *tokens, const size_t *choice, bool sigma)
{
    size_t n = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->token[i];
        n += token->placeholder ? token->placeholder->values[choice[i]].n + 1 : token->text.n;
    }
    char *text = n <= PLACEHOLDER_TEXT + PLACEHOLDER_TOKENS ? arena_alloc_raw(arena, n + 1) : NULL;
    if (!text)
        return STR_NONE;
    n = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->token[i];
        struct str part = token->placeholder ? token->placeholder->values[choice[i]] : token->text;
        if (part.n)
            memcpy(text + n, part.p, part.n);
        n += part.n;
        if (sigma && token->placeholder && ends_open(part))
            text[n++] = '\\';
    }
    return str_at(text, n);
}

enum rc placeholders_expand(const struct placeholders *placeholders, struct arena *arena, struct str text, bool sigma,
                            struct expansion *ret_expansion, struct err *err)
{
    struct tokens tokens;
    size_t choice[PLACEHOLDER_TOKENS] = {0};
    size_t total = 1;
    enum rc rc = tokens_read(placeholders, text, &tokens, err);
    for (size_t i = 0; rc == RC_OK && i < tokens.count; i++) {
        const struct placeholder *placeholder = tokens.token[i].placeholder;
        if (!placeholder)
            continue;
        ret_expansion->digest ^= placeholder->digest;
        ret_expansion->digest *= UINT64_C(0x9e3779b97f4a7c15);
        total *= placeholder->count; /* RULE_NODES_MAX times YAML_NODES_MAX at most */
        if (total > RULE_NODES_MAX)
            rc = err_set(err, RC_INVALID, "its placeholders stand for more than %u values", RULE_NODES_MAX);
    }
    if (rc != RC_OK)
        return rc;
    ret_expansion->count = 0;
    ret_expansion->texts = arena_alloc_array(arena, total, sizeof(*ret_expansion->texts));
    if (!ret_expansion->texts)
        return no_memory(err);
    while (ret_expansion->count < total) {
        struct str joined = join(arena, &tokens, choice, sigma);
        if (!joined.p)
            return err_set(err, RC_LIMIT, "a value with its placeholders is too long, or there is no memory");
        ret_expansion->texts[ret_expansion->count++] = joined;
        for (size_t i = tokens.count; i-- > 0;) { /* counts on, the last placeholder fastest */
            if (tokens.token[i].placeholder && ++choice[i] < tokens.token[i].placeholder->count)
                break;
            choice[i] = 0;
        }
    }
    return RC_OK;
}
