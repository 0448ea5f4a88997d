#include "role/engine_patterns.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "event/mapping.h"
#include "tlog/hash.h"

static enum rc taken_write(const struct mapping *mapping, struct str table, struct buf *out, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    const struct family *own = &mapping->family[mapping->family_count - 1];
    struct tlog_hash hash;
    char text[2 * sizeof hash];
    ASSERT(str_is(own->name, MAPPING_OWN) && out->n == 0);
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory for a digest");
    tlog_hash_begin(hasher);
    tlog_hash_add(hasher, table);
    tlog_hash_end(hasher, &hash);
    json_write_object(out);
    json_put_text(out, "event", "patterns");
    json_put_u64(out, "loaded", own->pattern_count);
    json_put_str(out, "sha256", str_at(text, hex_encode(&hash, sizeof hash, text)));
    json_write_object_end(out);
    return RC_OK;
}

void engine_patterns_init(struct engine_patterns *patterns)
{
    buf_init(&patterns->record, 4096);
}

static enum rc replace(struct engine_patterns *patterns, struct mapping *next, struct str table, struct err *err)
{
    struct buf record;
    buf_init(&record, patterns->record.limit);
    enum rc rc = taken_write(next, table, &record, err);
    if (rc == RC_OK && (record.overflow || !normaliser_remap(patterns->normaliser, next)))
        rc = err_set(err, RC_LIMIT, "no memory for patterns");
    if (rc != RC_OK) {
        buf_done(&record);
        mapping_free(next);
        return rc;
    }
    buf_done(&patterns->record);
    patterns->record = record;
    engine_counts_remap(patterns->counts, next);
    parsers_set(patterns->parsers, next);
    return RC_OK;
}

enum rc engine_patterns_take(struct engine_patterns *patterns, struct str table, bool *ret_changed, struct err *err)
{
    struct mapping *next = NULL;
    *ret_changed = false;
    patterns->known = true;
    enum rc rc = parsers_make(patterns->parsers, table, &next, err);
    if (!next)
        return rc;
    enum rc put = replace(patterns, next, table, err);
    *ret_changed = put == RC_OK;
    return put == RC_OK ? rc : put;
}

void engine_patterns_tell(const struct engine_patterns *patterns, struct channel *keeper)
{
    if (keeper && patterns->record.n)
        IGNORE(channel_send(keeper, MSG_LIFECYCLE, 0, buf_view(&patterns->record))); /* the desk has its own record */
}
