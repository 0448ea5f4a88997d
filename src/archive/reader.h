/* reader.h - a read-only view of an archive's folder: segments, and behind them the log's tail.
 *
 * Works beside a running server without a lock; sees what was there when it was opened or refreshed. One thread. */
#ifndef ARCHIVE_READER_H
#define ARCHIVE_READER_H

#include "archive/leaf.h"
#include "archive/writer.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/event.h"
#include "event/names.h"
#include "event/normalise.h"
#include "os/io.h"
#include "tlog/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_reader;

/* Derives the event of a record from the log's tail, which has no columns yet; usually normaliser_record's
 * EVENT_ARCHIVE event. What it returns lives in the arena. False: nothing derived. */
typedef bool (*archive_derive)(void *context, const struct event_source *source, const struct leaf *leaf,
                               struct str raw, struct arena *arena, struct event *ret_event);

struct archive_reader_options {
    struct names *names;   /* for field names of segments; the same that `derive` uses */
    archive_derive derive; /* may be NULL: records of the tail then only have raw bytes */
    void *derive_context;
    const struct vault *vault; /* master keys of an encrypted archive; borrowed until the close. May be NULL */
};

/* `folder` is borrowed. A damaged segment is an error here (RC_CORRUPT, named); use archive_verify for the whole tale.
 */
enum rc archive_reader_open(const struct io *io, int folder, const struct archive_reader_options *options,
                            struct archive_reader **ret_reader, struct err *err) MUST_USE;
/* Looks again for new records and segments. */
enum rc archive_reader_refresh(struct archive_reader *reader, struct err *err) MUST_USE;
/* Learns which segments were packed anew since, for totals: an open file each that was not. */
enum rc archive_reader_follow(struct archive_reader *reader, struct err *err) MUST_USE;
void archive_reader_close(struct archive_reader *reader);
void archive_reader_cleanup(struct archive_reader **reader);

uint64_t archive_reader_first(const struct archive_reader *reader); /* lowest number held */
uint64_t archive_reader_size(const struct archive_reader *reader);
const char *archive_reader_origin(const struct archive_reader *reader);
struct str archive_reader_checkpoint(const struct archive_reader *reader); /* newest note, or empty */
/* The newest note that reached the witnesses' quorum, or empty; at most as new as the other. */
struct str archive_reader_cosigned(const struct archive_reader *reader);
/* Its file is there and cannot be read: it counts as absent, and whoever opened the reader should say so. */
bool archive_reader_cosigned_damaged(const struct archive_reader *reader);
struct archive_totals archive_reader_totals(const struct archive_reader *reader);
/* Kind and name of a source, empty when never introduced. */
struct event_source archive_reader_source(const struct archive_reader *reader, const uint8_t id[16]);

/* One record as everything knows it. Borrowed from the arena it was read into. */
struct archive_hit {
    struct leaf leaf;
    struct str raw;
    struct event_source source;
    struct event event; /* fields and statutory may be empty; time_ns is always set */
    struct str rules[16];
    size_t rule_count;
    bool in_log; /* no segment has it yet: the event is what the record alone says, and no hits are known */
};

/* RC_NOT_FOUND when the archive has no such record. */
enum rc archive_reader_record(struct archive_reader *reader, uint64_t number, struct arena *arena,
                              struct archive_hit *ret_hit, struct err *err) MUST_USE;
enum rc archive_reader_leaf(struct archive_reader *reader, uint64_t number, struct buf *ret_leaf,
                            struct tlog_hash *ret_hash, struct err *err) MUST_USE;
enum rc archive_reader_root(struct archive_reader *reader, uint64_t size, struct tlog_hash *ret_root,
                            struct err *err) MUST_USE;
/* RFC 6962 inclusion proof of a record in the tree of `size` records. */
enum rc archive_reader_inclusion(struct archive_reader *reader, uint64_t number, uint64_t size,
                                 struct tlog_path *ret_path, struct err *err) MUST_USE;
/* C2SP tlog-proof text for a record against the newest checkpoint that witnesses cosigned, when it covers the record,
 * else against the newest stored one. RC_NOT_FOUND: no checkpoint covers it yet. */
enum rc archive_reader_proof(struct archive_reader *reader, uint64_t number, struct buf *ret_proof,
                             struct err *err) MUST_USE;

/* A deleted range of records, told to people. */
struct archive_gone {
    uint64_t first;
    uint64_t end;
    uint64_t record; /* that says who let it go */
    int64_t received_min_ns;
    int64_t received_max_ns;
};
/* The first deleted segment that ends behind `number`; false when there is none. */
bool archive_reader_gone(const struct archive_reader *reader, uint64_t number, struct archive_gone *ret_gone);
/* "records 0 to 99 were deleted on 2026-11-27 under record 812"; the day, in UTC, is that of the record, and left out
 * when it cannot be read. */
#define ARCHIVE_GONE_TEXT 160
void archive_reader_gone_say(struct archive_reader *reader, const struct archive_gone *gone,
                             char ret_text[ARCHIVE_GONE_TEXT]);

#endif
