/* tokens.h - who may do something with this service from outside: a file, one line a holder: name, SHA-256 of its token
 * as hex, time it was made (nanoseconds UTC). The tokens themselves are kept nowhere but at the holder.
 *
 *   DATA/mirror/tokens   who may pull the archive: `qorgan mirror-token` writes it, role query reads it
 *   DATA/senders/tokens  who may send over HTTP: `qorgan sender-token` writes it, the parent gives it to the intakes
 *
 * A change holds from the next request on (mirrors), a second later (senders). A token is 256 random bits, so that a
 * plain digest of it is as good as a slow one. */
#ifndef ROLE_TOKENS_H
#define ROLE_TOKENS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "tlog/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIRROR_FOLDER  "mirror" /* in the data folder */
#define SENDERS_FOLDER "senders"
#define TOKENS_FILE    "tokens"
#define TOKENS_MAX     1024
#define TOKENS_SIZE    ((size_t)192 << 10) /* of the file */
#define TOKEN_NAME_MAX 63
#define TOKEN_TEXT_MAX 80 /* of a token's text, with its end */

/* What tokens are for. */
struct token_kind {
    const char *holder; /* for texts */
    const char *prefix; /* of a token, so that one that leaked is recognised */
};
extern const struct token_kind token_mirrors;
extern const struct token_kind token_senders;

struct token {
    char name[TOKEN_NAME_MAX + 1];
    struct tlog_hash digest;
    int64_t made_ns;
};

/* 112 KiB: not for a stack. */
struct tokens {
    size_t count;
    struct token list[TOKENS_MAX];
};

/* Letters, digits, dot, hyphen, underline; 1 to TOKEN_NAME_MAX bytes. */
bool token_name_valid(struct str name);
/* RC_INVALID names the line; RC_LIMIT past TOKENS_MAX. An empty text is no holder. */
enum rc tokens_parse(const struct token_kind *kind, struct str text, struct tokens *ret_tokens,
                     struct err *err) MUST_USE;
void tokens_write(const struct tokens *tokens, struct buf *out);
/* The entry whose token this is, or NULL. Every entry is compared, each in the same time. */
const struct token *tokens_find(const struct tokens *tokens, struct tlog_hasher *hasher, struct str token);
/* A new random token for a name; RC_EXISTS when the name has one, RC_INVALID, RC_LIMIT. The text is for its holder;
 * wipe it. */
enum rc tokens_add(const struct token_kind *kind, struct tokens *tokens, struct str name, int64_t now_ns,
                   char ret_token[TOKEN_TEXT_MAX], struct err *err) MUST_USE;
bool tokens_remove(struct tokens *tokens, struct str name);

#endif
