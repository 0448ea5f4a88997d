/* rule_bundle.h - all rule files that hold, as one piece of bytes: what processes are given of them.
 *
 *   parent: folders, packs ──► bundle ──► desk: with the texts of its database ──► bundle ──► engines, query,
 *   hunter
 *
 * Who makes it does not look into the files; who reads it, in its sandbox, does. It goes as sealed memory
 * (proc_seal): all have the same bytes, and nobody can alter them.
 *
 *   "qorgan rules 1\n", then for each file:  u8 kind | u32 length of path | u32 length of text | path | text
 *
 * big-endian. Paths rise within what one maker puts in; those from the database begin with "desk:", those of packs with
 * "pack:". */
#ifndef ROLE_RULE_BUNDLE_H
#define ROLE_RULE_BUNDLE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "rule/rule.h"

#include <stdbool.h>
#include <stddef.h>

#define RULE_BUNDLE_BYTES ((size_t)128 << 20) /* 13 times what all rules of SigmaHQ take */
#define RULE_BUNDLE_PATH  4096u               /* bytes of one path */

enum rule_bundle_kind {
    RULE_BUNDLE_FILE,    /* its text, at most RULE_FILE_MAX */
    RULE_BUNDLE_REFUSED, /* it could not be read: why */
    RULE_BUNDLE_FACTS,   /* about the files below that path, for people: not a rule */
    RULE_BUNDLE_NEXT,    /* as FILE and FACTS, of a version of a pack that waits: no rule that holds */
    RULE_BUNDLE_NEXT_FACTS,
    RULE_BUNDLE_KINDS,
};

struct rule_bundle_entry {
    enum rule_bundle_kind kind;
    struct str path;
    struct str text;
};

/* `out` has the limit RULE_BUNDLE_BYTES and is looked at for overflow in the end. */
void rule_bundle_begin(struct buf *out);
void rule_bundle_add(struct buf *out, const struct rule_bundle_entry *entry);

/* The entries of a bundle, one a call: `*rest` is the whole at first. RC_END behind the last; RC_CORRUPT. */
enum rc rule_bundle_next(struct str *rest, struct rule_bundle_entry *ret_entry, struct err *err) MUST_USE;
/* Adds all to `rules`, which outlives nothing of the bundle once it is finished; the caller calls rules_finish. */
enum rc rule_bundle_read(struct str bundle, struct rules *rules, struct err *err) MUST_USE;
/* The beginning of the SHA-256 of sealed memory: the same for the same files. */
enum rc rule_bundle_digest(int fd, uint64_t *ret_digest, struct err *err) MUST_USE;
/* Reads and finishes the rules of sealed memory. 1 GiB of memory at most. */
enum rc rule_bundle_load(int fd, struct rules **ret_rules, struct err *err) MUST_USE;

#endif
