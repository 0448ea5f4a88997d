#include "role/tokens.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "os/random.h"

#include <string.h>

const struct token_kind token_mirrors = {"mirror", "qorgan-mirror-"};
const struct token_kind token_senders = {"sender", "qorgan-sender-"};

bool token_name_valid(struct str name)
{
    if (name.n == 0 || name.n > TOKEN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_alnum(name.p[i]) && name.p[i] != '.' && name.p[i] != '-' && name.p[i] != '_')
            return false;
    return true;
}

static struct token *find_name(struct tokens *tokens, struct str name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (str_is(name, tokens->list[i].name))
            return &tokens->list[i];
    return NULL;
}

static bool line_parse(struct str line, struct token *ret_token)
{
    struct str rest = line;
    struct str name = str_cut(&rest, ' ');
    struct str digest = str_cut(&rest, ' ');
    return token_name_valid(name) && str_copy_z(name, ret_token->name, sizeof ret_token->name) &&
           hex_decode(digest, ret_token->digest.bytes, sizeof ret_token->digest.bytes) &&
           str_to_i64(rest, &ret_token->made_ns);
}

enum rc tokens_parse(const struct token_kind *kind, struct str text, struct tokens *ret_tokens, struct err *err)
{
    ret_tokens->count = 0;
    for (unsigned number = 1; text.p && text.n; number++) {
        struct str line = str_cut(&text, '\n');
        struct token token;
        if (!line_parse(line, &token) || find_name(ret_tokens, str_of(token.name)))
            return err_set(err, RC_INVALID, "the %ss' file of tokens is damaged in line %u", kind->holder, number);
        if (ret_tokens->count == TOKENS_MAX)
            return err_set(err, RC_LIMIT, "the %ss' file of tokens has more than %d lines", kind->holder, TOKENS_MAX);
        ret_tokens->list[ret_tokens->count++] = token;
    }
    return RC_OK;
}

void tokens_write(const struct tokens *tokens, struct buf *out)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->list[i];
        buf_text(out, token->name);
        buf_char(out, ' ');
        buf_hex(out, token->digest.bytes, sizeof token->digest.bytes);
        buf_format(out, " %lld\n", (long long)token->made_ns);
    }
}

const struct token *tokens_find(const struct tokens *tokens, struct tlog_hasher *hasher, struct str token)
{
    struct tlog_hash digest;
    const struct token *found = NULL;
    tlog_hash_bytes(hasher, token, &digest);
    for (size_t i = 0; i < tokens->count; i++) {
        unsigned difference = 0;
        for (size_t k = 0; k < sizeof digest.bytes; k++)
            difference |= (unsigned)(digest.bytes[k] ^ tokens->list[i].digest.bytes[k]);
        found = difference == 0 ? &tokens->list[i] : found;
    }
    return found;
}

enum rc tokens_add(const struct token_kind *kind, struct tokens *tokens, struct str name, int64_t now_ns,
                   char ret_token[TOKEN_TEXT_MAX], struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct token token = {.made_ns = now_ns};
    uint8_t secret[32];
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory for a token");
    if (!token_name_valid(name) || !str_copy_z(name, token.name, sizeof token.name))
        return err_set(err, RC_INVALID, "a %s's name is 1 to %d letters, digits, dots, hyphens and underlines",
                       kind->holder, TOKEN_NAME_MAX);
    if (find_name(tokens, name))
        return err_set(err, RC_EXISTS, "%s \"%s\" has a token already; revoke it first", kind->holder, token.name);
    if (tokens->count == TOKENS_MAX)
        return err_set(err, RC_LIMIT, "there are %d %ss already; revoke one first", TOKENS_MAX, kind->holder);
    size_t n = strlen(kind->prefix);
    ASSERT(n + 2 * sizeof secret < TOKEN_TEXT_MAX);
    random_bytes(secret, sizeof secret);
    memcpy(ret_token, kind->prefix, n);
    n += hex_encode(secret, sizeof secret, ret_token + n);
    ret_token[n] = '\0';
    explicit_bzero(secret, sizeof secret);
    tlog_hash_bytes(hasher, str_at(ret_token, n), &token.digest);
    tokens->list[tokens->count++] = token;
    return RC_OK;
}

bool tokens_remove(struct tokens *tokens, struct str name)
{
    struct token *token = find_name(tokens, name);
    if (!token)
        return false;
    size_t at = (size_t)(token - tokens->list);
    ASSERT(at < tokens->count);
    memmove(token, token + 1, (--tokens->count - at) * sizeof *token);
    return true;
}
