/* kv.h - key=value pairs in a line: logfmt, firewalls, iptables, sudo's and sshd's habits.
 *
 * Pairs are separated by blanks, commas, semicolons or tabs. Values are bare or quoted with " or ' (a backslash before
 * a quote or backslash escapes it). A comma or semicolon inside a bare value ends it only when a blank, the end or
 * another key= follows, so `groups=1,2,3` is one pair; a value whose key stands behind ( [ { or < ends at its closer,
 * so "root(uid=0)" gives uid=0. Words without '=' are skipped and counted. Borrowed, no memory.
 */
#ifndef CODEC_KV_H
#define CODEC_KV_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kv {
    struct str rest;
    uint32_t pairs; /* given so far */
    uint32_t words; /* skipped so far: no pair */
};

struct kv_pair {
    struct str key;
    struct str value; /* without its quotes, escapes still in */
    char quote;       /* '"', '\'' or 0 */
    bool escaped;     /* a backslash that escapes something is in the value */
};

struct kv kv_of(struct str line);
bool kv_next(struct kv *kv, struct kv_pair *ret_pair) MUST_USE;
/* The value with \" \' undone, and \\ too when every backslash in it can be an escape (else it is a path, and stays).
 * \n, \t and the like stay as written. {NULL, 0} when the arena is exhausted. */
struct str kv_text(struct arena *arena, const struct kv_pair *pair) MUST_USE;

#endif
