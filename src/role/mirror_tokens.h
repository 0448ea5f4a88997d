/* mirror_tokens.h - who may pull the archive: the file DATA/mirror/tokens, one line a mirror: name, SHA-256 of its
 * token as hex, time it was made (nanoseconds UTC). The tokens themselves are kept nowhere but at the mirror.
 *
 * `qorgan mirror-token` writes the file, role query reads it; a change holds from the next request on. A token is 256
 * random bits, so that a plain digest of it is as good as a slow one. */
#ifndef ROLE_MIRROR_TOKENS_H
#define ROLE_MIRROR_TOKENS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "tlog/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIRROR_FOLDER      "mirror" /* in the data folder */
#define MIRROR_TOKENS_FILE "tokens"
#define MIRROR_TOKENS_MAX  64
#define MIRROR_TOKENS_SIZE ((size_t)16384) /* of the file */
#define MIRROR_NAME_MAX    63
#define MIRROR_TOKEN_MAX   80 /* of a token's text, with its end */

struct mirror_token {
    char name[MIRROR_NAME_MAX + 1];
    struct tlog_hash digest;
    int64_t made_ns;
};

struct mirror_tokens {
    size_t count;
    struct mirror_token list[MIRROR_TOKENS_MAX];
};

/* Letters, digits, dot, hyphen, underline; 1 to MIRROR_NAME_MAX bytes. */
bool mirror_name_valid(struct str name);
/* RC_INVALID names the line; RC_LIMIT past MIRROR_TOKENS_MAX. An empty text is no mirror. */
enum rc mirror_tokens_parse(struct str text, struct mirror_tokens *ret_tokens, struct err *err) MUST_USE;
void mirror_tokens_write(const struct mirror_tokens *tokens, struct buf *out);
/* The entry whose token this is, or NULL. Every entry is compared, each in the same time. */
const struct mirror_token *mirror_tokens_find(const struct mirror_tokens *tokens, struct tlog_hasher *hasher,
                                              struct str token);
/* A new random token for a name; RC_EXISTS when the name has one, RC_INVALID, RC_LIMIT. The text is for the mirror;
 * wipe it. */
enum rc mirror_tokens_add(struct mirror_tokens *tokens, struct str name, int64_t now_ns,
                          char ret_token[MIRROR_TOKEN_MAX], struct err *err) MUST_USE;
bool mirror_tokens_remove(struct mirror_tokens *tokens, struct str name);

#endif
