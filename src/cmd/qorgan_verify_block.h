/* qorgan_verify_block.h - blocks and dictionaries of a sealed segment, read anew from doc/format/segment.md. Pure;
 * every byte is hostile. Forms are parsed whole; what they derive from the raw bytes proves nothing and is not
 * evaluated. */
#ifndef CMD_QORGAN_VERIFY_BLOCK_H
#define CMD_QORGAN_VERIFY_BLOCK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tlog/leaf.h"

#include <stdint.h>

#define VERIFY_BLOCK_HEADER   128
#define VERIFY_BLOCK_SIZE_MAX ((uint32_t)24 << 20)
#define VERIFY_BLOCK_RECORDS  16384

struct verify_form;

/* What blocks of one chain share. */
struct verify_dictionary {
    uint64_t chain;
    uint32_t form_count;
    uint32_t value_count;
    struct verify_form *forms;
    struct str *values;
};

struct verify_block {
    uint32_t size; /* from here on: the header */
    uint32_t count;
    uint64_t raw_bytes;
    uint64_t first;
    uint64_t last;
    int64_t received_min_ns;
    int64_t received_max_ns;
    int64_t time_min_ns;
    int64_t time_max_ns;
    uint64_t key[2];
    uint32_t filter_offset;
    uint32_t filter_size;
    uint64_t chain;
    uint32_t chain_forms;
    uint32_t chain_values;
    struct leaf *leaves; /* from here on: the records, in the order of their numbers */
    struct str *raw;
};

/* Reads the packed forms and values of a chain; all is kept in the arena. RC_CORRUPT; RC_LIMIT without memory. */
enum rc verify_dictionary_read(struct arena *arena, struct str packed, struct verify_dictionary *dictionary) MUST_USE;
/* Reads and checks the header, and the crc of what is behind it. RC_CORRUPT; RC_INVALID: another version. */
enum rc verify_block_header(struct str bytes, struct verify_block *ret_block) MUST_USE;
/* Decodes the records of a block whose header was read, to the exact end of each column. The records are in the arena
 * and in the dictionary. RC_CORRUPT with what is wrong; RC_LIMIT without memory. */
enum rc verify_block_records(struct arena *arena, struct str bytes, const struct verify_dictionary *dictionary,
                             struct verify_block *block, const char **ret_what) MUST_USE;

#endif
