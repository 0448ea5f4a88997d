/* Counting, and what the proofs must show. certificate_text.c reads and writes. */
#include "paper/certificate.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum rc certificate_day(struct str text, int32_t zone_s, int64_t *ret_from_ns, int64_t *ret_to_ns, struct err *err)
{
    uint64_t year = 0;
    uint64_t month = 0;
    uint64_t day = 0;
    bool good = text.n == 10 && text.p[4] == '-' && text.p[7] == '-' && str_to_u64(str_slice(text, 0, 4), &year) &&
                str_to_u64(str_slice(text, 5, 7), &month) && str_to_u64(str_slice(text, 8, 10), &day);
    struct civil civil = {.year = (int32_t)year, .month = (int32_t)month, .day = (int32_t)day};
    if (!good || year < 1971 || year > 2261 || !civil_valid(&civil))
        return err_set(err, RC_INVALID, "\"%.*s\" is not a day: write it as 2026-11-27",
                       STR_ARG(str_slice(text, 0, 40)));
    *ret_from_ns = civil_to_ns(&civil, zone_s);
    *ret_to_ns = *ret_from_ns + DAY_S * SECOND_NS;
    return RC_OK;
}

/* ---- counting ---- */

enum rc certificate_counter_init(struct certificate_counter *counter, const struct certificate *certificate,
                                 struct certificate_count *count, struct err *err)
{
    *counter = (struct certificate_counter){.certificate = certificate, .count = count};
    count->run_count = count->loss_count = count->silence_count = 0;
    counter->open = map_new(CERTIFICATE_RUNS_MAX, 0x5eed);
    return counter->open ? RC_OK : err_set(err, RC_LIMIT, "out of memory");
}

void certificate_counter_done(struct certificate_counter *counter)
{
    map_free(counter->open);
    counter->open = NULL;
}

static enum rc count_run(struct certificate_counter *counter, const struct leaf *leaf, struct err *err)
{
    struct certificate_count *count = counter->count;
    char key[8];
    put_be64(key, leaf->epoch);
    uint64_t *open = map_put(counter->open, str_at(key, sizeof key));
    struct certificate_run *run = open && *open ? &count->run[*open - 1] : NULL;
    if (run && run->last_sequence != UINT64_MAX && leaf->sequence == run->last_sequence + 1) {
        run->last_sequence = leaf->sequence;
        run->last_record = leaf->index;
        return RC_OK;
    }
    if (!open || count->run_count == CERTIFICATE_RUNS_MAX)
        return err_set(err, RC_LIMIT, "the source has more than %d runs on this day: too many sequences are missing",
                       CERTIFICATE_RUNS_MAX);
    count->run[count->run_count] = (struct certificate_run){.epoch = leaf->epoch,
                                                            .first_sequence = leaf->sequence,
                                                            .last_sequence = leaf->sequence,
                                                            .first_record = leaf->index,
                                                            .last_record = leaf->index};
    *open = ++count->run_count;
    return RC_OK;
}

enum rc certificate_counter_add(struct certificate_counter *counter, const struct leaf *leaf, struct err *err)
{
    const struct certificate *c = counter->certificate;
    struct certificate_count *count = counter->count;
    if (leaf->index + 1 < c->first || leaf->index > c->end)
        return RC_OK;
    /* Unsigned: times come from a file. */
    uint64_t step = (uint64_t)leaf->received_ns - (uint64_t)counter->previous_ns;
    bool silent = counter->has_previous && leaf->received_ns > counter->previous_ns && step > CERTIFICATE_SILENCE_NS;
    counter->previous_ns = leaf->received_ns;
    counter->has_previous = true;
    if (silent && count->silence_count == CERTIFICATE_NAMED_MAX)
        return err_set(err, RC_LIMIT, "the archive was silent more than %d times on this day", CERTIFICATE_NAMED_MAX);
    if (silent)
        count->silence[count->silence_count++] = leaf->index - 1;
    if (leaf->index < c->first || leaf->index == c->end || memcmp(leaf->source, c->source, sizeof c->source) != 0)
        return RC_OK;
    if (leaf->type == LEAF_GAP && count->loss_count == CERTIFICATE_NAMED_MAX)
        return err_set(err, RC_LIMIT, "the source has more than %d gap records on this day", CERTIFICATE_NAMED_MAX);
    if (leaf->type == LEAF_GAP)
        count->loss[count->loss_count++] = leaf->index;
    return count_run(counter, leaf, err);
}

enum rc certificate_count_compare(const struct certificate_count *said, const struct certificate_count *found,
                                  struct err *err)
{
    for (size_t i = 0; i < MIN(said->run_count, found->run_count); i++) {
        if (memcmp(&said->run[i], &found->run[i], sizeof said->run[i]) != 0)
            return err_set(err, RC_DENIED,
                           "run %zu of the certificate is not that of the archive, which has sequences %" PRIu64
                           " to %" PRIu64 " in records %" PRIu64 " to %" PRIu64,
                           i + 1, found->run[i].first_sequence, found->run[i].last_sequence, found->run[i].first_record,
                           found->run[i].last_record);
    }
    if (said->run_count != found->run_count)
        return err_set(err, RC_DENIED, "the certificate has %zu runs, the archive %zu", said->run_count,
                       found->run_count);
    if (said->loss_count != found->loss_count || memcmp(said->loss, found->loss, said->loss_count * sizeof *said->loss))
        return err_set(err, RC_DENIED, "the certificate's gap records are not those of the archive");
    if (said->silence_count != found->silence_count ||
        memcmp(said->silence, found->silence, said->silence_count * sizeof *said->silence))
        return err_set(err, RC_DENIED, "the certificate's silences are not those of the archive");
    return RC_OK;
}

static int rising(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

size_t certificate_needs(const struct certificate *certificate, uint64_t size, uint64_t *ret_records)
{
    const struct certificate_count *count = certificate->count;
    size_t n = 0;
    size_t kept = 0;
    if (certificate->first > 0)
        ret_records[n++] = certificate->first - 1;
    if (certificate->end < size)
        ret_records[n++] = certificate->end;
    for (size_t i = 0; i < count->run_count; i++) {
        ret_records[n++] = count->run[i].first_record;
        ret_records[n++] = count->run[i].last_record;
    }
    for (size_t i = 0; i < count->loss_count; i++)
        ret_records[n++] = count->loss[i];
    for (size_t i = 0; i < count->silence_count; i++) {
        ret_records[n++] = count->silence[i];
        ret_records[n++] = count->silence[i] + 1;
    }
    ASSERT(n <= CERTIFICATE_PROOFS_MAX);
    if (n > 0)
        qsort(ret_records, n, sizeof *ret_records, rising);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || ret_records[kept - 1] != ret_records[i])
            ret_records[kept++] = ret_records[i];
    }
    return kept;
}
