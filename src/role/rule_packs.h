/* rule_packs.h - packs of rules below a server's data folder, as commands write them and the parent reads them.
 *
 *   rules/NAME/current              the version that holds, one line; replaced as a whole
 *   rules/NAME/.next                the version that waits to be switched to, if one does: its rules are not loaded
 *   rules/NAME/VERSION/pack.tsv     its manifest (rule_manifest.h): facts, and the SHA-256 of every file
 *   rules/NAME/VERSION/pack.note    what its author signed, if there is a signature
 *   rules/NAME/VERSION/...          the rule files, never changed once they are there
 *
 * Root's own; no other process reads them. Links are never followed. */
#ifndef ROLE_RULE_PACKS_H
#define ROLE_RULE_PACKS_H

#include "base/arena.h"
#include "base/err.h"
#include "os/io.h"
#include "role/rule_manifest.h"

#include <stdbool.h>

#define RULE_PACKS_MAX         64u  /* of one server */
#define RULE_PACK_VERSIONS_MAX 200u /* of one pack */
#define RULE_PACK_FACTS        "pack.tsv"
#define RULE_PACK_NOTE         "pack.note"

/* ---- for the parent ---- */

/* As the kinds of entries in a bundle (rule_bundle.h). */
enum rule_packs_kind {
    RULE_PACKS_FILE,    /* its text */
    RULE_PACKS_REFUSED, /* a file, a version, a pack ("pack:NAME") or all ("pack:") cannot be used: why */
    RULE_PACKS_FACTS,   /* of "pack:NAME/VERSION", before its files: what rule_facts_read reads */
    RULE_PACKS_NEXT,    /* as FILE and FACTS, of a version that waits: behind all that hold */
    RULE_PACKS_NEXT_FACTS,
};

/* Takes an entry of a bundle; `path` is "pack:NAME/VERSION/PATH". Anything but RC_OK ends the walk. Borrowed for the
 * call. */
struct rule_packs_sink {
    enum rc (*take)(void *context, enum rule_packs_kind kind, struct str path, struct str text, struct err *err);
    void *context;
};

/* Every file of the current version of every pack, verified against its manifest, packs and files in the order of their
 * names. No packs at all are fine. Fails only as the sink does, without memory, or when more packs are there than
 * RULE_PACKS_MAX. `data` is the open data folder. */
enum rc rule_packs_read(const struct io *io, int data, const struct rule_packs_sink *sink, struct err *err) MUST_USE;

/* ---- for commands ---- */

/* The folder of all packs, open. */
struct rule_packs {
    const struct io *io;
    int folder; /* -1: closed */
};
/* RC_NOT_FOUND when there is none and it is not to be made. Close it in any case. */
enum rc rule_packs_open(const struct io *io, int data, bool create, struct rule_packs *ret_packs,
                        struct err *err) MUST_USE;
void rule_packs_close(struct rule_packs *packs);
/* Names in order: of the packs; of the versions of one. Into the arena. */
enum rc rule_packs_names(const struct rule_packs *packs, struct arena *arena, struct str **ret_names, size_t *ret_count,
                         struct err *err) MUST_USE;
enum rc rule_pack_versions(const struct rule_packs *packs, struct str name, struct arena *arena,
                           struct str **ret_versions, size_t *ret_count, struct err *err) MUST_USE;
/* RC_NOT_FOUND: there is no such pack, or none of its versions holds. */
enum rc rule_pack_current(const struct rule_packs *packs, struct str name, struct arena *arena, struct str *ret_version,
                          struct err *err) MUST_USE;
/* The version that waits; RC_NOT_FOUND: none does. */
enum rc rule_pack_next(const struct rule_packs *packs, struct str name, struct arena *arena, struct str *ret_version,
                       struct err *err) MUST_USE;
/* The version, which must be there, waits. */
enum rc rule_pack_set_next(const struct rule_packs *packs, struct str name, struct str version,
                           struct err *err) MUST_USE;
/* Atomic: after a power cut the one or the other holds. The version must be there; it waits no more. */
enum rc rule_pack_set_current(const struct rule_packs *packs, struct str name, struct str version,
                              struct err *err) MUST_USE;

/* One version, open. */
struct rule_pack_opened {
    const struct io *io;
    int folder;                     /* -1: closed */
    struct rule_pack pack;          /* whole, its digest checked */
    struct str note;                /* bytes of its signature; empty: unsigned */
    char signer[NOTE_NAME_MAX + 1]; /* whose key verifies it; empty: nobody's was asked, or it has none */
};
/* Into the arena. RC_NOT_FOUND: no such version; RC_INVALID: its manifest does not read, is another's, or its signature
 * does not verify any more. Close it in any case. */
enum rc rule_pack_open(const struct rule_packs *packs, struct str name, struct str version, struct arena *arena,
                       struct rule_pack_opened *ret_opened, struct err *err) MUST_USE;
void rule_pack_close(struct rule_pack_opened *opened);
/* A file's text, verified. RC_CORRUPT: it is not what was imported; RC_NOT_FOUND: it is gone. */
enum rc rule_pack_file_read(const struct rule_pack_opened *opened, const struct rule_pack_file *file,
                            struct tlog_hasher *hasher, struct arena *arena, struct str *ret_text,
                            struct err *err) MUST_USE;

/* Writes a version: texts[i] is that of pack->files[i]. It is there as a whole or not at all; it does not hold yet.
 * RC_EXISTS when it is there already; RC_LIMIT past RULE_PACKS_MAX and RULE_PACK_VERSIONS_MAX. */
enum rc rule_pack_store(const struct rule_packs *packs, const struct rule_pack *pack, const struct str *texts,
                        struct str note, struct err *err) MUST_USE;
/* Removes a version that does not hold; with `version` empty the whole pack. RC_NOT_FOUND, RC_DENIED when it holds. */
enum rc rule_pack_remove(const struct rule_packs *packs, struct str name, struct str version, struct err *err) MUST_USE;

#endif
