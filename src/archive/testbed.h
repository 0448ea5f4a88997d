/* testbed.h - an archive in a folder of its own, with an engine and a signer, for this room's tests. */
#ifndef ARCHIVE_TESTBED_H
#define ARCHIVE_TESTBED_H

#include "archive/block.h"
#include "archive/reader.h"
#include "archive/retention_record.h"
#include "archive/writer.h"
#include "event/names.h"
#include "tlog/key.h"

struct testbed {
    char path[64];
    int folder;
    const struct io *io;
    struct archive *archive;
    struct archive_recovered recovered;
    struct names *names;
    struct signing_key *key;
    uint64_t appended; /* records put by testbed_put */
    int64_t time_ns;   /* receipt of record 0; 0: TESTBED_TIME */
    const char *host;  /* of all records that testbed_seal derives; NULL: web1 and db2 by turns */
    struct err err;
};

#define TESTBED_TIME INT64_C(1795000000000000000)

void testbed_make(struct testbed *bed);
enum rc testbed_open(struct testbed *bed, int64_t wal_file_size, bool new_instance);
/* Fails the running test with the error's text. */
bool testbed_ok(const struct testbed *bed, enum rc rc);
void testbed_close(struct testbed *bed);
void testbed_remove(struct testbed *bed); /* closes too */
/* Puts `count` records "<n> word<n%97> user=u<n%7> status=<n%600> ..." of two sources; commits when told. */
enum rc testbed_put(struct testbed *bed, size_t count, bool commit);
/* The text of such a record. */
struct str testbed_text(uint64_t n, char room[256]);
/* Encodes every closed log file by `shares` engines and seals all that can be. Segments sealed. */
size_t testbed_seal(struct testbed *bed, uint32_t shares);
/* The same, for tests in which it fails: how far it came. */
enum rc testbed_try_seal(struct testbed *bed, uint32_t shares, size_t *ret_sealed);
/* Signs the durable tree and stores the note. */
enum rc testbed_checkpoint(struct testbed *bed, bool retain);
/* Deletes a sealed segment as keeper and reaper do: retention record, signed checkpoint, tombstone, then the file. The
 * record's number. `change`, if any, may spoil the record before it is written. */
uint64_t testbed_retire(struct testbed *bed, uint64_t first, void (*change)(struct retention_record *record));
/* The event that the testbed's engine derives. */
void testbed_event(struct names *names, const struct leaf *leaf, struct str raw, struct event_field *fields,
                   struct event *ret_event);
/* The same for a reader's tail: archive_derive, its context the testbed's names. One thread. */
bool testbed_derive(void *names, const struct event_source *source, const struct leaf *leaf, struct str raw,
                    struct arena *arena, struct event *ret_event);
/* Makes a testbed with so many records in segments of two engines and in the log's tail, and a reader of it. */
void testbed_read(struct testbed *bed, size_t sealed, size_t tail, struct archive_reader **ret_reader);

#endif
