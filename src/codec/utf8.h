/* utf8.h - UTF-8 (RFC 3629): check, repair, decode, encode, and simple case folding.
 * Overlong forms, surrogates and values past U+10FFFF are invalid. */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffdu

bool utf8_valid(struct str s);
/* Bytes at the beginning that are valid. */
size_t utf8_valid_prefix(struct str s);
/* The same slice when valid; else a copy where every maximal invalid part (Unicode 15, 3.9, table 3-8) is one U+FFFD.
 * {NULL, 0} when the arena is exhausted. */
struct str utf8_make_valid(struct arena *arena, struct str s) MUST_USE;
/* The most bytes that utf8_repair writes for n bytes of input. */
size_t utf8_repair_bound(size_t n);
/* As utf8_make_valid into the caller's memory of utf8_repair_bound(s.n) bytes; returns the length. */
size_t utf8_repair(struct str s, char *ret_text);

/* Decodes the code point at the beginning; returns its length 1..4. At an invalid place *ret_code is UTF8_REPLACEMENT
 * and the length is that of the maximal invalid part. 0 only for the empty slice. */
size_t utf8_decode(struct str s, uint32_t *ret_code);
/* Writes 1..4 bytes; a code that is no scalar value is written as U+FFFD. */
size_t utf8_encode(uint32_t code, char ret_text[4]);

/* Simple case folding, whole (Unicode 14 CaseFolding.txt, status C and S): Latin, Greek, Cyrillic with the Kazakh
 * letters, Armenian, fullwidth Latin, the Kelvin and Angstrom signs and all others. Every other code folds to itself.
 */
uint32_t utf8_fold_code(uint32_t code);
/* The same slice when it is folded already; else a folded copy. Invalid bytes stay as they are. {NULL, 0} when the
 * arena is exhausted. */
struct str utf8_fold(struct arena *arena, struct str s) MUST_USE;
/* Equal after folding, without memory. */
bool utf8_eq_folded(struct str a, struct str b);

#endif
