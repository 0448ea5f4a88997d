#include "cmd/paper.h"

#include "archive/search.h"
#include "base/arena.h"
#include "base/civil.h"
#include "cmd/archive_client.h"
#include "msg/batch.h"
#include "os/clock.h"
#include "paper/seal.h"
#include "role/parent.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SMALL_ARENA ((size_t)16 << 20)
#define RECORD_MAX  4096
#define WAITS       150 /* of a fifth of a second */
#define SEND_EVERY  5   /* waits without the record being there */

static enum paper_language language_of_environment(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    enum paper_language language;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return paper_language_find(str_slice(str_of(value), 0, 2), &language) ? language : PAPER_EN;
    }
    return PAPER_EN;
}

/* "+05:00" */
static bool zone_read(struct str text, int32_t *ret_zone_s)
{
    uint64_t hours = 0;
    uint64_t minutes = 0;
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':' ||
        !str_to_u64(str_slice(text, 1, 3), &hours) || !str_to_u64(str_slice(text, 4, 6), &minutes) || hours > 14 ||
        minutes > 59)
        return false;
    int32_t seconds = (int32_t)(hours * 3600 + minutes * 60);
    *ret_zone_s = text.p[0] == '-' ? -seconds : seconds;
    return true;
}

enum rc paper_form(const struct options *options, struct papers_form *ret_form, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(SMALL_ARENA);
    struct config config;
    const char *zone = options_text(options, "zone");
    const char *language = options_text(options, "lang");
    ret_form->language = language_of_environment();
    if (language && !paper_language_find(str_of(language), &ret_form->language))
        return err_set(err, RC_INVALID, "\"%s\" is not a language: kk, ru or en", language);
    if (zone)
        return zone_read(str_of(zone), &ret_form->zone_s)
                   ? RC_OK
                   : err_set(err, RC_INVALID, "\"%s\" is not a zone: write it as +05:00", zone);
    enum rc rc =
        arena ? config_load(options_text(options, "data"), arena, &config, err) : err_set(err, RC_LIMIT, "no memory");
    ret_form->zone_s = rc == RC_OK ? (int32_t)config.zone_offset_s : 0;
    return rc == RC_INVALID ? RC_CORRUPT : rc; /* the command line is right */
}

/* ---- the seal ---- */

static enum rc record_send(const char *data, struct str body, struct err *err)
{
    struct archive_client *client = NULL;
    uint64_t highest = 0;
    enum rc rc = archive_client_open_service(data, &client, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "the service does not run: nobody would sign what is recorded of the paper");
    if (rc != RC_OK)
        return rc;
    rc = archive_client_begin(client, "qorgan papers", 1, &highest, err);
    rc = rc == RC_OK ? archive_client_paper(client, body, err) : rc;
    rc = rc == RC_OK ? archive_client_end(client, err) : rc;
    archive_client_close(client);
    return rc;
}

static bool take_number(void *context, const struct archive_hit *hit)
{
    uint64_t *number = context;
    if (hit->leaf.type == LEAF_LIFECYCLE && batch_paper_begins(hit->raw))
        *number = hit->leaf.index;
    return *number == UINT64_MAX;
}

/* RC_NOT_FOUND: the record is not there, or no checkpoint covers it yet. */
static enum rc proof_find(struct archive_reader *reader, const struct query *query, bool *ret_there,
                          struct buf *ret_proof, struct err *err)
{
    struct search_result result;
    uint64_t number = UINT64_MAX;
    struct search_options search = {.now_ns = clock_real_ns(), .hit = take_number, .context = &number};
    enum rc rc = search_run(reader, query, &search, &result, err);
    *ret_there = number != UINT64_MAX;
    buf_clear(ret_proof);
    if (rc == RC_OK)
        rc = *ret_there ? archive_reader_proof(reader, number, ret_proof, err) : RC_NOT_FOUND;
    return rc;
}

/* Two commands that ask for the next sequence at once are told the same, and the archive keeps the first record: whose
 * record is not there sends it again. */
static enum rc record_again(const char *data, struct str record, struct err *err)
{
    enum rc rc = record_send(data, record, err);
    return rc == RC_NOT_FOUND ? err_set(err, RC_IO, "the service went away while the paper was recorded") : rc;
}

static enum rc proof_wait(const char *data, struct str record, const struct query *query, struct buf *ret_proof,
                          struct err *err)
{
    struct reading reading;
    const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
    bool proven = false;
    enum rc rc = reading_open(&reading, data, false, err);
    for (int i = 1; i <= WAITS && rc == RC_OK && !proven; i++) {
        bool there = false;
        rc = proof_find(reading.reader, query, &there, ret_proof, err);
        proven = rc == RC_OK;
        if (rc != RC_NOT_FOUND)
            continue;
        rc = !there && i % SEND_EVERY == 0 ? record_again(data, record, err) : RC_OK;
        nanosleep(&pause, NULL);
        rc = rc == RC_OK ? archive_reader_refresh(reading.reader, err) : rc;
    }
    reading_close(&reading);
    if (rc == RC_OK && !proven)
        rc = err_set(err, RC_AGAIN, "no signed checkpoint covered the paper's record in %d seconds: it has no seal",
                     WAITS / 5);
    return rc;
}

enum rc paper_seal(const char *data, const char *kind, const struct tlog_hash *body, struct str about,
                   struct buf *ret_seal, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(SMALL_ARENA);
    struct buf record CLEANUP(buf_done) = {0};
    struct buf proof CLEANUP(buf_done) = {0};
    struct buf text CLEANUP(buf_done) = {0};
    struct query *query;
    buf_init(&record, RECORD_MAX);
    buf_init(&proof, PROOF_SIZE_MAX);
    buf_init(&text, 256);
    seal_record(&record, kind, body, str_slice(about, 0, RECORD_MAX / 2));
    buf_hex(&text, body->bytes, TLOG_HASH_SIZE);
    if (!arena || record.overflow || text.overflow)
        return err_set(err, RC_LIMIT, "no memory for the seal");
    enum rc rc = query_parse(buf_view(&text), clock_real_ns(), 0, arena, &query, err);
    rc = rc == RC_OK ? record_send(data, buf_view(&record), err) : rc;
    rc = rc == RC_OK ? proof_wait(data, buf_view(&record), query, &proof, err) : rc;
    if (rc == RC_OK)
        seal_write(ret_seal, buf_view(&proof));
    return rc;
}
