#include "role/keep.h"

#include "base/bytes.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define TABLE_MAX ((size_t)48 * 1024) /* goes in one message */

static enum rc source_parse(struct keep *keep, struct str word, struct err *err)
{
    struct str days = word;
    struct str id = str_cut(&days, '=');
    uint64_t number = 0;
    if (keep->policy.source_count == KEEP_SOURCES_MAX)
        return err_set(err, RC_LIMIT, "\"keep-days-sources\" names more than %u sources", KEEP_SOURCES_MAX);
    struct retention_source *source = &keep->sources[keep->policy.source_count];
    if (!hex_decode(id, source->id, sizeof source->id) || !str_to_u64(days, &number) || number > RETENTION_DAYS_MAX)
        return err_set(err, RC_INVALID, "\"keep-days-sources\" must be rows of 32 hex digits=days, not \"%.*s\"",
                       STR_ARG(str_slice(word, 0, 60)));
    source->days = (uint32_t)number;
    keep->policy.source_count++;
    return RC_OK;
}

enum rc keep_parse(const struct config *config, struct str table, int64_t now_ns, struct keep *ret_keep,
                   struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct keep *keep = ret_keep;
    memset(keep, 0, sizeof *keep);
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory for the table of retention");
    tlog_hash_bytes(hasher, table, &keep->law_digest);
    keep->policy.days = (uint32_t)config->keep_days;
    keep->policy.sources = keep->sources;
    enum rc rc = retention_law_parse(&keep->law, table, err);
    if (rc != RC_OK) {
        IGNORE(err_wrap(err, "data/retention.tsv")); /* the code stays rc */
        return rc;
    }
    rc = retention_days_check(&keep->law, RETENTION_KEEP, now_ns, keep->policy.days, "keep-days", err);
    struct str rest = config->keep_days_sources;
    while (rest.p && rest.n && rc == RC_OK) {
        struct str word = str_cut(&rest, ' ');
        rc = word.n ? source_parse(keep, word, err) : RC_OK;
        if (word.n && rc == RC_OK)
            rc = retention_days_check(&keep->law, RETENTION_KEEP, now_ns,
                                      keep->sources[keep->policy.source_count - 1].days, "keep-days-sources", err);
    }
    return rc;
}

enum rc keep_term_check(const struct keep *keep, uint32_t days, int64_t now_ns, struct err *err)
{
    enum rc rc = retention_days_check(&keep->law, RETENTION_KEEP, now_ns, days, "keep_days", err);
    if (rc == RC_OK && days < keep->policy.days)
        return err_set(err, RC_INVALID, "\"keep_days\" is %u; the setting \"keep-days\" asks for %u days", days,
                       keep->policy.days);
    return rc;
}

enum rc keep_load(struct str share, struct arena *arena, struct str *ret_table, struct err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%.*s/data/retention.tsv", STR_ARG(share));
    return file_load_path(path, TABLE_MAX, arena, ret_table, err);
}

enum rc keep_check(const struct config *config, int64_t now_ns, struct arena *arena, struct str *ret_table,
                   struct err *err)
{
    struct keep *keep = arena_alloc(arena, sizeof *keep);
    if (!keep)
        return err_set(err, RC_LIMIT, "no memory for the table of retention");
    enum rc rc = keep_load(config->share, arena, ret_table, err);
    if (rc != RC_OK)
        return rc;
    rc = keep_parse(config, *ret_table, now_ns, keep, err);
    return rc == RC_NOT_FOUND && ret_table->n ? RC_OK : rc;
}
