/* Retention records that name the term of an object: what the judge makes of each. Other lies: retire_test.c. */
#include "archive/retire.h"
#include "archive/testbed.h"
#include "base/civil.h"
#include "base/test.h"

#include <stdio.h>

#define LATER (TESTBED_TIME + 4 * 366 * DAY_S * SECOND_NS)
#define DAYS  1096u /* of the settings */

static struct retention_law law;

/* A segment, and behind it another one, so that it is not the last. */
static void made(struct testbed *bed)
{
    static const char table[] = "rule\tact\tedition\tfrom\tuntil\tmonths\tparagraph\tparagraph_kk\tparagraph_ru\n"
                                "keep\t832\t10.02.2023\t2023-02-10\t\t36\tp.38(4)\tkk\tru\n";
    testbed_make(bed);
    testbed_ok(bed, retention_law_parse(&law, str_of(table), &bed->err));
    testbed_ok(bed, testbed_open(bed, 1 << 20, false));
    for (int i = 0; i < 2; i++) {
        testbed_ok(bed, testbed_put(bed, 40, true));
        testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
        CHECK_INT(testbed_seal(bed, 1), 1);
    }
}

static uint64_t record_put(struct testbed *bed, const struct retention_record *record)
{
    struct buf body CLEANUP(buf_done) = {0};
    struct archive_appended appended = {0};
    uint64_t durable;
    buf_init(&body, 60000);
    retention_record_write(record, &body);
    struct archive_record put = {.type = LEAF_RETENTION,
                                 .transport = TRANSPORT_INTERNAL,
                                 .source = {9},
                                 .epoch = 1,
                                 .sequence = 1,
                                 .received_ns = LATER,
                                 .raw = buf_view(&body)};
    testbed_ok(bed, archive_append(bed->archive, &put, 1, &appended, &bed->err));
    testbed_ok(bed, archive_commit(bed->archive, &durable, &bed->err));
    testbed_ok(bed, testbed_checkpoint(bed, false));
    return appended.first;
}

struct row {
    uint32_t object_days;
    uint32_t end_days; /* from which the end is reckoned that the record gives */
    uint32_t settings;
    bool late;       /* approved when that end was over, though it is still to come */
    const char *why; /* the judge's answer; NULL: it may go */
};

static enum rc judged(struct testbed *bed, const struct row *row, struct err *err)
{
    static struct policy signers;
    struct archive_reader *reader = NULL;
    struct archive_reader_options options = {0};
    struct retention_policy policy = {.days = row->settings};
    struct retention_record record = {.days = DAYS,
                                      .object_days = row->object_days,
                                      .object = "Portal",
                                      .act = "832",
                                      .edition = "10.02.2023",
                                      .paragraph = "p.38(4)",
                                      .proposal = "17",
                                      .proposer = "aigul",
                                      .approver = "bolat",
                                      .proposed_ns = LATER - 2,
                                      .approved_ns = LATER - 1};
    testbed_ok(bed, archive_retention_describe(bed->archive, 0, &record, &bed->err));
    struct retention_question question = {
        .received_max_ns = record.received_max_ns, .days = row->end_days, .signed_max_ns = LATER, .wall_ns = LATER};
    record.keep_until_ns = retention_may_delete(&law, &question).keep_until_ns;
    record.approved_ns = row->late ? record.keep_until_ns : record.approved_ns;
    uint64_t number = record_put(bed, &record);
    testbed_ok(bed, archive_tombstone(bed->archive, 0, number, &bed->err));
    policy_of_key(signing_key_public(bed->key), &signers);
    signers.no_quorum = true;
    struct retire_question ask = {.law = &law, .policy = &policy, .signers = &signers, .wall_ns = LATER};
    testbed_ok(bed, archive_reader_open(bed->io, bed->folder, &options, &reader, &bed->err));
    enum rc rc = archive_retire_judge(reader, 0, &ask, err);
    archive_reader_close(reader);
    return rc;
}

static void the_term_that_the_record_names_counts(void)
{
    static const struct row rows[] = {
        {1200, 1200, DAYS, false, NULL},
        {0, DAYS, DAYS, false, NULL},
        {1200, 1201, DAYS, false, "its retention record names another act or term than follows from the acts' table"},
        {3000, DAYS, DAYS, false,
         "its retention record does not fit: its term ends before that of the object it names"},
        {3000, 3000, DAYS, true,
         "it is kept until 2035-02-04 (832 p.38(4), edition 10.02.2023; 3000 days by its retention record's object)"},
        {DAYS, DAYS, DAYS, false,
         "its retention record does not fit: it names a term of an object that asks for no more than the settings"},
        {36526, 36526, DAYS, true,
         "its retention record does not fit: it names a term of an object that asks for no more than the settings"},
        {1200, 1200, 1150, false, /* an object's term is no answer to a setting that grew */
         "its retention record is of 1096 days by the settings, which now ask for 1150"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct testbed bed;
        struct err err = {0};
        test_row("%zu", i);
        made(&bed);
        CHECK_INT(judged(&bed, &rows[i], &err), rows[i].why ? RC_DENIED : RC_OK);
        CHECK_TEXT(str_of(err.text), rows[i].why ? rows[i].why : "");
        testbed_remove(&bed);
    }
}

static const struct test tests[] = {
    {"the term that the record names counts", the_term_that_the_record_names_counts},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
