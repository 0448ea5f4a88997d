/* What stands behind the signature: every note of the input is signed anew, so that the parsers that only a signed
 * paper reaches are reached by any. Input: a paper, a sheet or the proof of an export; of the last a NUL and the lines
 * of the file may follow. */
#include "base/assert.h"
#include "paper/certificate.h"
#include "paper/export_proof.h"
#include "paper/seal.h"
#include "paper/sheet.h"
#include "tlog/key.h"

#include <string.h>

#define SIGNATURE "\xe2\x80\x94 log.example "

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Where the note begins whose empty line stands at `end`: behind an empty line, or behind "note 123". */
static size_t note_begin(struct str text, size_t end)
{
    size_t at = end;
    while (at > 0) {
        size_t line = at - 1;
        while (line > 0 && text.p[line - 1] != '\n')
            line--;
        struct str content = str_slice(text, line, at - 1);
        if (content.n == 0 || str_starts(content, STR("note ")))
            return at;
        at = line;
    }
    return 0;
}

/* Signatures of one key have one length: each is written over. */
static void sign_again(char *bytes, size_t size, const struct signing_key *key)
{
    struct str text = str_at(bytes, size);
    for (size_t at = 0; at < size;) {
        size_t found = at + str_search(str_skip(text, at), STR("\n\n" SIGNATURE));
        if (found == size)
            return;
        struct buf line CLEANUP(buf_done) = {0};
        size_t begin = note_begin(text, found + 1);
        buf_init(&line, 4096);
        at = found + 2;
        if (signing_key_sign(key, str_slice(text, begin, found + 1), 0, &line, NULL) == RC_OK && line.n <= size - at)
            memcpy(bytes + at, line.p, line.n);
    }
}

static void run_export(struct str proof, struct str lines, const struct policy *policy, struct arena *arena)
{
    static struct export_check check;
    enum rc rc = export_check_begin(&check, proof, policy, arena, NULL);
    while (rc == RC_OK && lines.n > 0) {
        size_t n = MIN(str_find(lines, '\n') + 1, lines.n);
        rc = export_check_line(&check, str_slice(lines, 0, n), NULL);
        lines = str_skip(lines, n);
    }
    if (rc == RC_OK)
        IGNORE(export_check_end(&check, NULL) == RC_OK); /* only memory is at stake */
    export_check_done(&check);
}

static void run_seal(struct str text, const struct policy *policy, struct arena *arena)
{
    static struct proven proven;
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct policy_result result;
    struct tlog_hash hash;
    struct str body;
    struct str proof;
    if (!hasher || seal_split(text, &body, &proof, NULL) != RC_OK || proof.n == 0)
        return;
    tlog_hash_bytes(hasher, body, &hash);
    if (proven_read(proof, hasher, arena, &proven, NULL) == RC_OK)
        IGNORE(proven_verify(&proven, policy, &result, NULL) == RC_OK && seal_check(&proven, &hash, NULL) == RC_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t seed[32] = {1};
    static struct signing_key *key;
    static struct policy policy;
    static struct sheet sheet;
    static struct certificate certificate;
    struct policy_result result;
    if (!key && signing_key_from_seed(STR("log.example"), NOTE_ED25519, seed, &key, NULL) == RC_OK)
        policy_of_key(signing_key_public(key), &policy);
    struct arena *arena = arena_new((size_t)256 << 20);
    char *copy = memory_new(size + 1);
    if (arena && copy && key) {
        memcpy(copy, bytes, size);
        sign_again(copy, size, key);
        struct str lines = str_at(copy, size);
        struct str text = str_cut(&lines, '\0');
        memset(&sheet, 0, sizeof sheet);
        IGNORE(sheet_check(text, &policy, arena, &sheet, &result, NULL) == RC_OK);
        arena_reset(arena);
        IGNORE(certificate_check(text, &policy, arena, &certificate, &result, NULL) == RC_OK);
        arena_reset(arena);
        run_export(text, lines, &policy, arena);
        run_seal(text, &policy, arena);
    }
    memory_free(copy);
    arena_free(arena);
    return 0;
}
