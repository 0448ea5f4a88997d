#include "archive/retire.h"

#include "archive/reader_state.h"
#include "archive/repack.h"
#include "archive/state.h"
#include "archive/tombstone.h"
#include "archive/verify.h"
#include "base/assert.h"
#include "base/civil.h"
#include "tlog/checkpoint.h"

#include <stdio.h>
#include <string.h>

#define RECORD_ARENA ((size_t)1 << 20)
#define JUDGE_ARENA  ((size_t)64 << 20)

/* ---- the writer ---- */

/* Numbers of the retention records that tombstones name, rising. */
static enum rc records_of(const struct catalog *catalog, struct numbers *ret_records, struct err *err)
{
    struct numbers *n = ret_records;
    *n = (struct numbers){.list = memory_new((catalog->count + 1) * sizeof *n->list)};
    if (!n->list)
        return err_set(err, RC_LIMIT, "no memory for the list of segments");
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->segments[i]->record)
            n->list[n->count++] = catalog->segments[i]->record;
    numbers_sort(n);
    return RC_OK;
}

/* Whether one of the rising numbers is in the segment. */
static bool holds(const struct numbers *numbers, const struct segment *segment)
{
    size_t low = 0;
    size_t high = numbers->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (numbers->list[middle] < segment->first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < numbers->count && numbers->list[low] < segment->end;
}

enum rc archive_segments(const struct archive *archive,
                         bool (*each)(void *context, const struct archive_segment *segment), void *context,
                         struct err *err)
{
    const struct catalog *catalog = &archive->catalog;
    struct numbers records = {0};
    int64_t newest = INT64_MIN;
    enum rc rc = records_of(catalog, &records, err);
    for (size_t i = 0; i < catalog->count && rc == RC_OK; i++) {
        const struct segment *s = catalog->segments[i];
        newest = MAX(newest, s->received_max_ns);
        struct archive_segment told = {.first = s->first,
                                       .end = s->end,
                                       .bytes = s->bytes_stored,
                                       .received_min_ns = s->received_min_ns,
                                       .received_max_ns = s->received_max_ns,
                                       .newest_ns = newest,
                                       .record = s->record,
                                       .gone = s->gone,
                                       .held = holds(&records, s),
                                       .last = i + 1 == catalog->count};
        if (!each(context, &told))
            break;
    }
    numbers_done(&records);
    return rc;
}

static struct segment *segment_at(const struct catalog *catalog, uint64_t first)
{
    struct segment *segment = catalog_find(catalog, first);
    return segment && segment->first == first && !segment->gone ? segment : NULL;
}

static enum rc no_segment(uint64_t first, struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "no segment begins at record %llu", (unsigned long long)first);
}

/* Names stand in the table: an encrypted archive leaves none in the open. */
static bool keeps_sources(const struct archive *archive)
{
    return archive->options.vault == NULL;
}

enum rc archive_retention_describe(struct archive *archive, uint64_t first, struct retention_record *ret_record,
                                   struct err *err)
{
    struct segment *segment = segment_at(&archive->catalog, first);
    if (!segment)
        return no_segment(first, err);
    ret_record->first = segment->first;
    ret_record->end = segment->end;
    ret_record->received_min_ns = segment->received_min_ns;
    ret_record->received_max_ns = segment->received_max_ns;
    ret_record->sources = keeps_sources(archive);
    return segment_footer_digest(archive->io, archive->folders.seg, segment, &ret_record->footer, err);
}

enum rc archive_segment_hold(struct archive *archive, uint64_t first, const struct tlog_hash *footer, int *ret_hold,
                             struct err *err)
{
    struct segment *segment = segment_at(&archive->catalog, first);
    struct tlog_hash now;
    int hold = -1;
    if (!segment)
        return no_segment(first, err);
    enum rc rc = repack_lock(archive->io, archive->folder, &hold, err);
    if (rc != RC_OK)
        return rc;
    rc = segment_footer_digest(archive->io, archive->folders.seg, segment, &now, err);
    if (rc == RC_OK && !tlog_hash_eq(&now, footer))
        rc = err_set(err, RC_DENIED, "it was packed anew since its retention record was written");
    if (rc == RC_OK) {
        *ret_hold = hold;
        return RC_OK;
    }
    archive_segment_release(archive, hold);
    IGNORE(err_wrap(err, "the segment of record %llu", (unsigned long long)first)); /* the code stays rc */
    return rc;
}

void archive_segment_release(const struct archive *archive, int hold)
{
    IGNORE(archive->io->close(archive->io->self, hold)); /* a folder */
}

enum rc archive_tombstone(struct archive *archive, uint64_t first, uint64_t record, struct err *err)
{
    struct segment *segment = segment_at(&archive->catalog, first);
    if (!segment)
        return no_segment(first, err);
    ASSERT(record >= segment->end && record < archive->durable.size);
    enum rc rc = tombstone_write(archive->io, archive->folders.seg, segment, record, keeps_sources(archive), err);
    if (rc == RC_OK)
        segment->record = record;
    return rc;
}

enum rc archive_segments_refresh(struct archive *archive, struct err *err)
{
    return catalog_load(archive->io, archive->folders.seg, archive->instance.uuid, &archive->catalog, err);
}

uint64_t archive_cosigned_size(const struct archive *archive)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(RECORD_ARENA);
    struct checkpoint checkpoint;
    struct str note;
    if (!arena || checkpoint_cosigned(archive->io, archive->folders.checkpoints, arena, &note, &checkpoint, NULL) ||
        !str_is(checkpoint.origin, archive->instance.origin))
        return 0;
    return checkpoint.head.size;
}

/* ---- the judge ---- */

struct judge {
    struct archive_reader *reader;
    const struct retire_question *question;
    struct segment *segment;
    int64_t signed_max_ns;
    struct retention_record record; /* that the tombstone names, and when it was received */
    int64_t record_ns;
    struct err *err;
};

static enum rc refused(struct err *err, const char *why)
{
    return err_set(err, RC_DENIED, "%s", why);
}

static enum rc judge_place(const struct judge *j)
{
    const struct catalog *catalog = &j->reader->catalog;
    struct numbers records = {0};
    if (j->segment == catalog->segments[catalog->count - 1])
        return refused(j->err, "it is the last segment");
    enum rc rc = records_of(catalog, &records, j->err);
    bool held = rc == RC_OK && holds(&records, j->segment);
    numbers_done(&records);
    if (rc == RC_OK && held)
        return refused(j->err, "it holds the retention record of another segment");
    if (rc == RC_OK && !j->segment->record)
        return refused(j->err, "its tombstone is not there");
    if (rc != RC_OK)
        return rc;
    struct err err = {0};
    rc = tombstone_same(j->reader->io, j->reader->folders.seg, j->segment, &err);
    if (rc == RC_IO || rc == RC_LIMIT) /* it says nothing of the tombstone */
        return err_set(j->err, rc, "%s", err.text);
    return rc == RC_OK ? rc : refused(j->err, err.text);
}

/* RC_DENIED when it is not signed by the log's key or, if the whole policy is asked for, by the quorum. */
static enum rc judge_signers(const struct judge *j, const struct note *note, const struct checkpoint *checkpoint,
                             bool whole, const char *what)
{
    struct policy_result result;
    struct err err = {0};
    enum rc rc = whole ? policy_check(j->question->signers, note, checkpoint, &result, &err)
                       : policy_signed(j->question->signers, note, checkpoint, &result, &err);
    return rc == RC_OK ? rc : err_set(j->err, RC_DENIED, "%s is not to be believed: %s", what, err.text);
}

/* Whether a note is signed, of this tree and covers the record; the receive time of its last record. */
static enum rc judge_note(const struct judge *j, struct str bytes, bool whole, int64_t *ret_ns)
{
    const char *what = whole ? "the newest checkpoint that witnesses signed" : "the newest checkpoint";
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(JUDGE_ARENA);
    struct note *note = arena ? arena_alloc(arena, sizeof *note) : NULL;
    struct archive_hit *hit = arena ? arena_alloc(arena, sizeof *hit) : NULL;
    struct checkpoint checkpoint;
    struct tlog_hash root;
    if (!note || !hit)
        return err_set(j->err, RC_LIMIT, "no memory to judge a segment");
    if (!bytes.n)
        return err_set(j->err, RC_DENIED, "%s is not there", what);
    enum rc rc = note_parse(bytes, note, j->err);
    rc = rc == RC_OK ? checkpoint_parse(note->text, &checkpoint, j->err) : rc;
    rc = rc == RC_OK ? judge_signers(j, note, &checkpoint, whole, what) : rc;
    if (rc != RC_OK)
        return rc;
    if (!str_is(checkpoint.origin, archive_reader_origin(j->reader)) || checkpoint.head.size <= j->segment->record)
        return err_set(j->err, RC_DENIED, "%s does not cover its retention record", what);
    rc = archive_reader_root(j->reader, checkpoint.head.size, &root, j->err);
    if (rc == RC_OK && !tlog_hash_eq(&root, &checkpoint.head.root))
        return err_set(j->err, RC_DENIED, "%s is not of this archive's records", what);
    rc = rc == RC_OK ? archive_reader_record(j->reader, checkpoint.head.size - 1, arena, hit, j->err) : rc;
    if (rc == RC_OK)
        *ret_ns = hit->leaf.received_ns;
    return rc;
}

static enum rc judge_record(struct judge *j)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)512 << 20);
    struct archive_hit *hit = arena ? arena_alloc(arena, sizeof *hit) : NULL;
    struct tlog_hash footer;
    struct segment *tombstone = NULL;
    const struct archive_reader *r = j->reader;
    if (!hit)
        return err_set(j->err, RC_LIMIT, "no memory to judge a segment");
    enum rc rc = archive_reader_record(j->reader, j->segment->record, arena, hit, j->err);
    if (rc == RC_NOT_FOUND)
        return refused(j->err, "its retention record is not there");
    rc = rc == RC_OK ? segment_footer_digest(j->reader->io, j->reader->folders.seg, j->segment, &footer, j->err) : rc;
    if (rc != RC_OK)
        return rc;
    if (hit->leaf.type != LEAF_RETENTION || retention_record_parse(hit->raw, &j->record, NULL) != RC_OK)
        return refused(j->err, "the record that its tombstone names is no retention record");
    j->record_ns = hit->leaf.received_ns;
    rc = tombstone_open(r->io, r->folders.seg, j->segment->first, r->instance.uuid, &tombstone, j->err);
    if (rc != RC_OK)
        return rc;
    const char *why = retention_record_differs(&j->record, tombstone, &footer);
    segment_free(tombstone);
    return why ? err_set(j->err, RC_DENIED, "its retention record does not fit: %s", why) : RC_OK;
}

static enum rc segment_before(const struct judge *j, struct tlog_frontier *ret_before)
{
    const struct segment_wanted wanted = {j->segment, SECTION_FRONTIERS};
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(RECORD_ARENA);
    struct str bytes;
    if (!arena)
        return err_set(j->err, RC_LIMIT, "no memory to judge a segment");
    enum rc rc = segment_section_load(j->reader->io, j->reader->folders.seg, &wanted, arena, &bytes, j->err);
    return rc == RC_OK ? segment_frontiers(bytes, ret_before, NULL, j->err) : rc;
}

/* Its footer says when its records were received, and it names its own groups: nothing of that is believed that does
 * not follow from the records, and these are those of the signed tree. */
static enum rc judge_records(const struct judge *j)
{
    struct archive_reader *r = j->reader;
    char name[SEGMENT_NAME_MAX];
    struct verify_segment_found found = {0};
    struct verify_segment which = {.io = r->io,
                                   .folder = r->folders.seg,
                                   .name = name,
                                   .uuid = r->instance.uuid,
                                   .first = j->segment->first,
                                   .ret_found = &found};
    struct tlog_frontier before;
    struct tlog_frontier after;
    struct tlog_hash want;
    struct tlog_hash got;
    struct err err = {0};
    segment_name(j->segment->first, name);
    enum rc rc = segment_before(j, &before);
    if (rc != RC_OK)
        return rc;
    rc = archive_verify_segment(&which, &before, &after, &err);
    if (rc == RC_CORRUPT)
        return refused(j->err, err.text);
    if (rc != RC_OK)
        return err_set(j->err, rc, "%s", err.text);
    /* The group in which it ends has leaves of others too: all of them together must give the tree's hash. While it is
     * not complete the signed root is computed from these very leaves. */
    bool sound = true;
    rc = archive_reader_group_sound(r, j->segment->end, &sound, j->err);
    if (rc == RC_OK && !sound)
        return refused(j->err, "its last records are not those of the tree");
    rc = rc == RC_OK ? archive_reader_root(r, j->segment->end, &want, j->err) : rc;
    if (rc != RC_OK)
        return rc;
    tlog_frontier_root(&after, r->hasher, &got);
    if (after.size != j->segment->end || found.received_max_ns != j->segment->received_max_ns ||
        !tlog_hash_eq(&want, &got))
        return refused(j->err, "its records are not those of the signed tree");
    if (found.incident)
        return refused(j->err, "it holds the record of an incident, which explains older checkpoints");
    return RC_OK;
}

/* Whether the record gives the act and the term that were right when it was made. Since then the settings may have been
 * changed: a shorter term is what people agreed to no longer. */
static enum rc judge_reason(const struct judge *j, const struct retention_question *now)
{
    const struct retention_record *record = &j->record;
    struct retention_question then = *now;
    uint32_t days = retention_policy_days(j->question->policy, STR_NONE);
    if (record->days < days)
        return err_set(j->err, RC_DENIED, "its retention record is of %u days by the settings, which now ask for %u",
                       record->days, days);
    then.days = MAX(record->days, record->object_days);
    then.wall_ns = j->record_ns;
    struct retention_verdict verdict = retention_may_delete(j->question->law, &then);
    if (verdict.answer != RETENTION_MAY)
        return refused(j->err, "its retention record was made before its term was over");
    if (strcmp(record->act, verdict.rule->act) != 0 || strcmp(record->edition, verdict.rule->edition) != 0 ||
        strcmp(record->paragraph, verdict.rule->paragraph) != 0 || record->keep_until_ns != verdict.keep_until_ns)
        return refused(j->err, "its retention record names another act or term than follows from the acts' table");
    return RC_OK;
}

static enum rc judge_age(const struct judge *j)
{
    const struct catalog *catalog = &j->reader->catalog;
    uint32_t policy_days = retention_policy_days(j->question->policy, STR_NONE);
    struct retention_question question = {.received_max_ns = INT64_MIN,
                                          .days = MAX(policy_days, j->record.object_days),
                                          .signed_max_ns = j->signed_max_ns,
                                          .wall_ns = j->question->wall_ns};
    for (size_t i = 0; i < catalog->count && catalog->segments[i]->first <= j->segment->first; i++)
        question.received_max_ns = MAX(question.received_max_ns, catalog->segments[i]->received_max_ns);
    struct retention_verdict verdict = retention_may_delete(j->question->law, &question);
    if (verdict.answer == RETENTION_NO_LAW)
        return refused(j->err, "no act in force says how long it is kept");
    if (verdict.answer == RETENTION_MAY)
        return judge_reason(j, &question);
    struct civil until = civil_from_ns(verdict.keep_until_ns, 0);
    return err_set(j->err, RC_DENIED, "it is kept until %04d-%02d-%02d (%s %s, edition %s; %u days by %s)", until.year,
                   until.month, until.day, verdict.rule->act, verdict.rule->paragraph, verdict.rule->edition,
                   question.days, question.days > policy_days ? "its retention record's object" : "the settings");
}

static enum rc judge_notes(struct judge *j)
{
    int64_t ignored = 0;
    enum rc rc = judge_note(j, archive_reader_checkpoint(j->reader), false, &j->signed_max_ns);
    return rc == RC_OK && !j->question->signers->no_quorum
               ? judge_note(j, archive_reader_cosigned(j->reader), true, &ignored)
               : rc;
}

enum rc archive_retire_judge(struct archive_reader *reader, uint64_t first, const struct retire_question *question,
                             struct err *err)
{
    struct judge j = {.reader = reader, .question = question, .err = err};
    enum rc rc = archive_reader_refresh(reader, err);
    if (rc != RC_OK)
        return rc;
    j.segment = segment_at(&reader->catalog, first);
    if (!j.segment)
        return no_segment(first, err);
    rc = judge_place(&j);
    rc = rc == RC_OK ? judge_notes(&j) : rc;
    rc = rc == RC_OK ? judge_record(&j) : rc;
    rc = rc == RC_OK ? judge_age(&j) : rc;
    return rc == RC_OK ? judge_records(&j) : rc; /* last: it reads all of it */
}

enum rc archive_retire_judge_keys(struct archive_reader *reader, uint64_t first, const struct retire_question *question,
                                  struct err *err)
{
    struct judge j = {.reader = reader, .question = question, .err = err};
    enum rc rc = archive_reader_refresh(reader, err);
    if (rc != RC_OK)
        return rc;
    j.segment = catalog_find(&reader->catalog, first);
    if (!j.segment || j.segment->first != first)
        return no_segment(first, err);
    if (!j.segment->gone)
        return refused(err, "the segment is there");
    rc = judge_notes(&j);
    rc = rc == RC_OK ? judge_record(&j) : rc;
    return rc == RC_OK ? judge_age(&j) : rc;
}
