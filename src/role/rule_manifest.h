/* rule_manifest.h - what a pack of rules says of itself: its manifest, and the statement that its author signs. Pure.
 *
 * A pack is a set of rule files under a name and a version. Its digest is the SHA-256 of one line a file, in the order
 * of their paths: "HEX  PATH", as sha256sum prints them (doc/format/rule-pack.md). */
#ifndef ROLE_RULE_MANIFEST_H
#define ROLE_RULE_MANIFEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tlog/hash.h"
#include "tlog/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_PACK_FILES_MAX    32768u             /* of one version */
#define RULE_PACK_BYTES_MAX    ((size_t)64 << 20) /* of all its files */
#define RULE_PACK_MANIFEST_MAX ((size_t)16 << 20) /* bytes of a manifest */
#define RULE_PACK_NAME_MAX     64u                /* bytes of a name, of a version */
#define RULE_PACK_TEXT_MAX     300u               /* bytes of source and licence each */
#define RULE_PACK_PATH_MAX     512u
#define RULE_PACK_DEPTH_MAX    16u /* folders of a path */

struct rule_pack_file {
    struct str path; /* relative, its parts joined by '/' */
    struct tlog_hash hash;
};

/* Texts are borrowed; empty when not said. */
struct rule_pack {
    struct str name;
    struct str version;
    struct str source;  /* where it came from */
    struct str licence; /* under which it may be used */
    struct str key;     /* verifier key that its signature was verified with when it was imported; empty: it was not */
    int64_t imported_ns;
    struct tlog_hash digest;
    uint64_t file_total;
    const struct rule_pack_file *files; /* rising by path */
    size_t file_count;
};

/* a-z, 0-9, '-', '_', '.', not '.' first. RC_INVALID. */
enum rc rule_pack_name_check(struct str name, struct err *err) MUST_USE;
/* As a name, with A-Z and '+'; not "current". */
enum rc rule_pack_version_check(struct str version, struct err *err) MUST_USE;
/* One line of UTF-8 without control characters, at most RULE_PACK_TEXT_MAX bytes. `what` is for the error. */
enum rc rule_pack_text_check(struct str text, const char *what, struct err *err) MUST_USE;
/* A path that stays inside: relative, no empty, '.' or '..' part, no backslash, no control character, UTF-8, within the
 * limits. RC_INVALID. */
enum rc rule_pack_path_check(struct str path, struct err *err) MUST_USE;

/* By rising path; the same order as that of bytes. */
int rule_pack_file_compare(const void *a, const void *b);
void rule_pack_digest(struct tlog_hasher *hasher, const struct rule_pack_file *files, size_t count,
                      struct tlog_hash *ret_digest);

/* What is told of a pack to who does not see its files. */
struct rule_facts {
    struct str name;
    struct str version;
    struct str source;
    struct str licence;
    struct str signer; /* whose key verifies its signature; empty: unsigned, or nobody's key was asked */
    bool has_note;     /* there is a signature, verified or not */
    int64_t imported_ns;
    uint64_t files;
    struct tlog_hash digest;
};
void rule_facts_write(const struct rule_pack *pack, struct str signer, bool has_note, struct buf *out);
/* Borrows. RC_INVALID. */
enum rc rule_facts_read(struct str text, struct rule_facts *ret_facts, struct err *err) MUST_USE;

void rule_manifest_write(const struct rule_pack *pack, struct buf *out);
/* RC_INVALID with the line when it breaks its format; borrows from text. Its files are as many as it says, in order,
 * each once, and their digest is that of the manifest. RC_LIMIT past the bounds. */
enum rc rule_manifest_read(struct str text, struct arena *arena, struct rule_pack *ret_pack, struct err *err) MUST_USE;

/* What is signed: name, version, source, licence, digest and count of files. Ends in a newline. */
void rule_statement_write(const struct rule_pack *pack, struct buf *out);
/* The same from a signed note's text; borrows. */
enum rc rule_statement_read(struct str text, struct rule_pack *ret_pack, struct err *err) MUST_USE;
/* Whether `note` (the bytes of a signed note) is a statement of this pack that the key signed. RC_DENIED when not. */
enum rc rule_statement_verify(struct str note, const struct note_key *key, const struct rule_pack *pack,
                              struct err *err) MUST_USE;

#endif
