/* note.h - C2SP signed-note v1.0.0: text, an empty line, signature lines "— name base64(key id || signature)".
 *
 * Verified: type 0x01 (Ed25519 over the text) and 0x04 (cosignature/v1, tlog-cosignature v1.0.1). Lines of other types
 * (0x06, ML-DSA-44) and of unknown keys are read and ignored, as the specification demands.
 * Limits: a note 64 KiB, 32 signature lines, a key name 255 bytes, a signature line's base64 8 KiB. */
#ifndef TLOG_NOTE_H
#define TLOG_NOTE_H

#include "base/buf.h"
#include "base/err.h"
#include "tlog/hash.h"

#define NOTE_SIZE_MAX       65536
#define NOTE_SIGNATURES_MAX 32
#define NOTE_NAME_MAX       255
#define NOTE_KEY_TEXT_MAX   (NOTE_NAME_MAX + 64)

enum note_type {
    NOTE_ED25519 = 0x01,
    NOTE_COSIGNATURE = 0x04,
};

/* A key that verifies: a value. */
struct note_key {
    char name[NOTE_NAME_MAX + 1];
    uint32_t id; /* first four bytes of SHA-256(name || 0x0a || type || public key) */
    enum note_type type;
    uint8_t public_key[32];
};

/* RC_INVALID when the name is empty, too long, not UTF-8, or has a space, a control character or '+'. */
enum rc note_name_check(struct str name, struct err *err) MUST_USE;
/* Fills all members, the id too. */
enum rc note_key_init(struct note_key *ret_key, struct str name, enum note_type type, const uint8_t public_key[32],
                      struct err *err) MUST_USE;
/* "name+hash+base64(type || public key)". Types other than the two above are RC_INVALID. */
enum rc note_key_parse(struct str vkey, struct note_key *ret_key, struct err *err) MUST_USE;
void note_key_write(const struct note_key *key, struct buf *ret_text);

struct note_signature {
    struct str name;
    uint32_t key_id;
    struct str base64; /* of key id and signature */
    struct str line;   /* whole, with its newline */
};

/* Borrowed from the bytes that were parsed. */
struct note {
    struct str text; /* with its final newline: what is signed */
    size_t count;
    struct note_signature signature[NOTE_SIGNATURES_MAX];
};

enum rc note_parse(struct str bytes, struct note *ret_note, struct err *err) MUST_USE;

/* RC_OK: the key signed. RC_NOT_FOUND: no line of that key. RC_DENIED: a line of that key does not verify.
 * ret_time_s (NULL is fine) is the POSIX time of a cosignature, 0 for a plain signature. */
enum rc note_verify(const struct note *note, const struct note_key *key, uint64_t *ret_time_s,
                    struct err *err) MUST_USE;

#endif
