/* key.h - a key that signs notes: Ed25519, kept as the text "PRIVATE+KEY+name+hash+base64(type || seed)", the form
 * that golang.org/x/mod/sumdb/note uses. The seed is cleansed when the key is freed. The caller keeps the text safe
 * and cleanses its own copy with key_cleanse. */
#ifndef TLOG_KEY_H
#define TLOG_KEY_H

#include "tlog/note.h"

struct signing_key;

/* A new random key. type NOTE_ED25519 for a log, NOTE_COSIGNATURE for a witness. */
enum rc signing_key_generate(struct str name, enum note_type type, struct signing_key **ret_key,
                             struct err *err) MUST_USE;
enum rc signing_key_from_seed(struct str name, enum note_type type, const uint8_t seed[32],
                              struct signing_key **ret_key, struct err *err) MUST_USE;
/* Trailing newline allowed. */
enum rc signing_key_parse(struct str text, struct signing_key **ret_key, struct err *err) MUST_USE;
void signing_key_write(const struct signing_key *key, struct buf *ret_text);
void signing_key_free(struct signing_key *key); /* NULL is fine */
const struct note_key *signing_key_public(const struct signing_key *key);

/* The signature line for `text` (which ends in a newline), with its newline. A cosignature carries time_s; a plain
 * signature does not use it. RC_INVALID when the text cannot stand in a note. */
enum rc signing_key_sign(const struct signing_key *key, struct str text, uint64_t time_s, struct buf *ret_line,
                         struct err *err) MUST_USE;

void key_cleanse(void *bytes, size_t n);

#endif
