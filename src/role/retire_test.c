/* What the keeper does with a proposal that two people agreed on, without the processes around it. */
#include "role/retire.h"

#include "archive/retire.h"
#include "archive/testbed.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/test.h"
#include "codec/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LATER    (TESTBED_TIME + 4 * 366 * DAY_S * SECOND_NS)
#define HOUR_NS  (HOUR_S * SECOND_NS)
#define SEGMENTS 3
#define RECORDS  40

static const char table[] = "rule\tact\tedition\tfrom\tuntil\tmonths\tparagraph\tparagraph_kk\tparagraph_ru\n"
                            "keep\t832\t10.02.2023\t2023-02-10\t\t36\tp.38(4)\tkk\tru\n";

/* What the keeper would have sent and appended. */
static struct stand {
    struct testbed bed;
    struct keep keep;
    struct retire *retire;
    char desk[1024]; /* the last thing it was told */
    unsigned told;
    unsigned asked; /* the reaper */
    uint64_t asked_first;
    unsigned questions; /* to the packer */
    uint64_t question;
    char rules[32];
    char record[4096]; /* the last retention record */
    unsigned records;  /* of type LEAF_RETENTION */
    bool refuses;      /* every record */
    bool gave_up;
    uint64_t first[SEGMENTS];
    size_t count;
} stand;

static uint64_t record(void *context, uint32_t type, struct str body)
{
    struct testbed *bed = &stand.bed;
    struct archive_appended appended = {0};
    struct archive_record put = {.type = type,
                                 .transport = TRANSPORT_INTERNAL,
                                 .source = {9},
                                 .epoch = 1,
                                 .sequence = archive_size(bed->archive) + 1,
                                 .received_ns = LATER,
                                 .raw = body};
    uint64_t durable;
    (void)context;
    if (stand.refuses)
        return 0;
    testbed_ok(bed, archive_append(bed->archive, &put, 1, &appended, &bed->err));
    testbed_ok(bed, archive_commit(bed->archive, &durable, &bed->err));
    stand.records += type == LEAF_RETENTION;
    if (type == LEAF_RETENTION)
        CHECK(str_copy_z(body, stand.record, sizeof stand.record));
    return appended.first;
}

static bool sent(void *context, enum role to, enum msg_type type, uint64_t id, struct str body)
{
    (void)context;
    if (to == ROLE_PACKER) {
        CHECK_INT(type, MSG_OBJECTS_ASK);
        stand.question = id;
        stand.questions++;
        memcpy(stand.rules, body.p, MIN(body.n, sizeof stand.rules));
    } else if (to == ROLE_DESK) {
        CHECK_INT(type, MSG_RETIRED);
        CHECK_INT(id, 7);
        CHECK(str_copy_z(body, stand.desk, sizeof stand.desk));
        stand.told++;
    } else if (CHECK_INT(to, ROLE_REAPER) && CHECK_INT(type, MSG_DELETE)) {
        struct reader in = reader_of(body);
        stand.asked_first = read_be64(&in);
        stand.asked++;
    }
    return true;
}

static void give_up(const char *what, const struct err *err)
{
    printf("# %s: %s\n", what, err->text);
    stand.gave_up = true;
}

static bool found(void *context, const struct archive_segment *segment)
{
    (void)context;
    if (stand.count < SEGMENTS)
        stand.first[stand.count++] = segment->first;
    return true;
}

#define RULES "0000000000000000000000000000000000000000000000000000000000000000"

/* Objects as the desk tells them, ' for ". */
static void terms_tell(const char *objects)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "{'rules':'" RULES "','objects':[%s]}", objects);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    struct msg msg = {.type = MSG_OBJECT_TERMS, .body = str_at(text, (size_t)n)};
    retire_message(stand.retire, &msg, LATER);
}

/* What the packer says of the segment that it was asked about: one object, or 0 when it cannot be known. */
static void object_found(uint64_t first, uint64_t object)
{
    char text[32 + 1 + 8] = {0};
    memcpy(text, stand.rules, sizeof stand.rules);
    text[32] = object != 0;
    put_be64(text + 33, object);
    struct msg msg = {.type = MSG_OBJECTS_FOUND, .id = first, .body = str_at(text, object ? sizeof text : 33)};
    retire_message(stand.retire, &msg, LATER);
}

static void opened(void)
{
    struct testbed *bed = &stand.bed;
    struct config config;
    stand = (struct stand){0};
    testbed_make(bed);
    testbed_ok(bed, testbed_open(bed, 1 << 20, false));
    for (int i = 0; i < SEGMENTS; i++) {
        testbed_ok(bed, testbed_put(bed, RECORDS, true));
        testbed_ok(bed, archive_rotate(bed->archive, &bed->err));
        CHECK_INT(testbed_seal(bed, 1), 1);
    }
    config_defaults(&config);
    testbed_ok(bed, keep_parse(&config, str_of(table), LATER, &stand.keep, &bed->err));
    struct retire_options options = {.archive = bed->archive,
                                     .keep = &stand.keep,
                                     .pending_max = 2,
                                     .send = sent,
                                     .record = record,
                                     .give_up = give_up};
    stand.retire = retire_new(&options);
    terms_tell("");
    testbed_ok(bed, archive_segments(bed->archive, found, NULL, &bed->err));
    CHECK_INT(stand.count, SEGMENTS);
}

static void checkpoint(void)
{
    testbed_ok(&stand.bed, testbed_checkpoint(&stand.bed, false));
    retire_signed(stand.retire, archive_size(stand.bed.archive), LATER);
}

static void propose(uint64_t first, int64_t age_ns)
{
    char text[1024];
    char law[2 * TLOG_HASH_SIZE + 1] = "";
    hex_encode(stand.keep.law_digest.bytes, TLOG_HASH_SIZE, law);
    int n = snprintf(text, sizeof text,
                     "{\"proposal\":\"p-1\",\"days\":1096,\"law\":\"%s\",\"proposer\":\"ann\",\"approver\":\"bob\","
                     "\"proposed_ns\":%lld,\"approved_ns\":%lld,\"firsts\":[%llu]}",
                     law, (long long)(LATER - age_ns - 1), (long long)(LATER - age_ns), (unsigned long long)first);
    struct msg msg = {.type = MSG_RETIRE, .id = 7, .body = str_at(text, (size_t)n)};
    stand.desk[0] = '\0';
    retire_message(stand.retire, &msg, LATER);
}

static void deleted(uint64_t first, const char *reason)
{
    char text[128];
    put_be64(text, first);
    int n = snprintf(text + 8, sizeof text - 8, "%s", reason);
    struct msg msg = {.type = MSG_DELETED, .body = str_at(text, 8 + (size_t)n)};
    stand.desk[0] = '\0';
    retire_message(stand.retire, &msg, LATER);
}

static bool told(const char *part)
{
    return CHECK(strstr(stand.desk, part) != NULL) || CHECK_TEXT(str_of(stand.desk), part);
}

static void name_of(uint64_t first, const char *suffix, char ret_path[64])
{
    snprintf(ret_path, 64, "seg/%016llx%s", (unsigned long long)first, suffix);
}

static bool is_there(uint64_t first, const char *suffix)
{
    char path[64];
    name_of(first, suffix, path);
    return faccessat(stand.bed.folder, path, F_OK, 0) == 0;
}

static void closed(void)
{
    CHECK(!stand.gave_up);
    retire_free(stand.retire);
    testbed_remove(&stand.bed);
}

static void it_goes_its_way(void)
{
    opened();
    uint64_t first = stand.first[0];
    checkpoint();
    propose(first, 0);
    retire_tick(stand.retire, LATER);
    told("\"state\":\"recorded\"");
    CHECK(!is_there(first, ".gone"));
    checkpoint();
    retire_tick(stand.retire, LATER);
    CHECK(is_there(first, ".gone"));
    CHECK_INT(stand.asked, 1);
    CHECK_INT(stand.asked_first, first);
    deleted(first, ""); /* a lie */
    CHECK_TEXT(str_of(stand.desk), "");
    char path[64];
    name_of(first, ".seg", path);
    CHECK_INT(unlinkat(stand.bed.folder, path, 0), 0);
    deleted(first, "");
    told("\"state\":\"deleted\"");
    CHECK_INT(stand.records, 1);
    closed();
}

/* Bytes of an old segment rot while the keeper is at work, or its file is cut: it stays, and so does the keeper. */
static void what_cannot_be_read_is_refused(void)
{
    for (int row = 0; row < 3; row++) {
        char path[64];
        test_row("%d", row);
        opened();
        checkpoint();
        propose(stand.first[0], 0);
        propose(stand.first[1], 0);
        checkpoint();
        name_of(stand.first[0], ".seg", path);
        int fd = openat(stand.bed.folder, path, O_RDWR);
        off_t size = lseek(fd, 0, SEEK_END);
        if (row == 0) /* every byte, the footer's too */
            for (off_t at = 0; at < size; at++)
                CHECK_INT(pwrite(fd, "x", 1, at), 1);
        else if (row == 1) /* the header alone */
            CHECK_INT(pwrite(fd, "x", 1, 8), 1);
        else
            CHECK_INT(ftruncate(fd, size / 2), 0);
        close(fd);
        stand.told = 0;
        retire_tick(stand.retire, LATER);
        CHECK(!is_there(stand.first[0], ".gone"));
        CHECK(is_there(stand.first[1], ".gone"));
        CHECK_INT(stand.asked, 1);
        CHECK_INT(stand.asked_first, stand.first[1]);
        told("\"state\":\"refused\"");
        told("the segment of record 0: ");
        CHECK_INT(stand.told, 3); /* the other was recorded, this was recorded and is refused */
        retire_tick(stand.retire, LATER);
        CHECK_INT(stand.told, 3); /* once */
        closed();
    }
}

static void an_approval_lapses(void)
{
    opened();
    checkpoint();
    propose(stand.first[0], 72 * HOUR_NS);
    told("\"state\":\"refused\"");
    told("72 hours");
    CHECK_INT(stand.records, 0);
    propose(stand.first[0], 72 * HOUR_NS - 1);
    CHECK_INT(stand.records, 1);
    propose(stand.first[0], 100 * HOUR_NS); /* begun: it goes on */
    retire_tick(stand.retire, LATER);
    told("\"state\":\"recorded\"");
    CHECK_INT(stand.records, 1);
    closed();
}

static void the_reaper_is_asked_again(void)
{
    opened();
    uint64_t first = stand.first[0];
    checkpoint();
    propose(first, 0);
    checkpoint();
    retire_tick(stand.retire, LATER);
    CHECK_INT(stand.asked, 1);
    deleted(first, "no memory to judge a segment");
    told("no memory to judge a segment");
    for (int i = 0; i < 3599; i++)
        retire_tick(stand.retire, LATER);
    CHECK_INT(stand.asked, 1);
    retire_tick(stand.retire, LATER);
    CHECK_INT(stand.asked, 2);
    deleted(first, "no memory to judge a segment");
    CHECK_TEXT(str_of(stand.desk), ""); /* that was told */
    closed();
}

/* The archive takes no record: nothing may stand under the number of another one. */
static void a_record_that_is_refused(void)
{
    opened();
    checkpoint();
    stand.refuses = true;
    propose(stand.first[0], 0);
    told("\"state\":\"refused\"");
    stand.refuses = false;
    checkpoint();
    retire_tick(stand.retire, LATER);
    CHECK(!is_there(stand.first[0], ".gone"));
    closed();
}

static void too_many_at_once(void)
{
    opened();
    checkpoint();
    testbed_ok(&stand.bed, testbed_put(&stand.bed, RECORDS, true));
    testbed_ok(&stand.bed, archive_rotate(stand.bed.archive, &stand.bed.err));
    CHECK_INT(testbed_seal(&stand.bed, 1), 1); /* the third is not the last any more */
    for (int i = 0; i < SEGMENTS; i++)
        propose(stand.first[i], 0);
    told("too many deletions are under way");
    CHECK_INT(stand.records, 2); /* none without a place */
    closed();
}

/* ---- terms of objects ---- */

/* What the totals say of segments. */
static bool summary_says(const char *part)
{
    char text[8192];
    struct buf json;
    buf_init_fixed(&json, text, sizeof text - 1);
    retire_tick(stand.retire, LATER);
    json_write_object(&json);
    retire_write(stand.retire, &json);
    json_write_object_end(&json);
    text[json.n] = '\0';
    return CHECK(strstr(text, part) != NULL) || CHECK_TEXT(buf_view(&json), part);
}

/* Of the packer's questions all that it has. */
static void packer_answers(uint64_t object_of_first, uint64_t object_of_others)
{
    unsigned answered = 0;
    retire_tick(stand.retire, LATER);
    while (answered++ < stand.questions)
        object_found(stand.question, stand.question == stand.first[0] ? object_of_first : object_of_others);
}

static void nothing_goes_before_the_desk_told(void)
{
    opened();
    retire_free(stand.retire);
    struct retire_options options = {.archive = stand.bed.archive,
                                     .keep = &stand.keep,
                                     .pending_max = 2,
                                     .send = sent,
                                     .record = record,
                                     .give_up = give_up};
    stand.retire = retire_new(&options);
    checkpoint();
    summary_says("\"error\":\"the desk has not told yet how long event logs of single objects are kept\"");
    propose(stand.first[0], 0);
    told("\"state\":\"refused\"");
    told("the desk has not told yet");
    CHECK_INT(stand.records, 0);
    terms_tell("");
    summary_says("\"may_count\":2,");
    CHECK_INT(stand.questions, 0); /* no object has a term: nobody need look */
    propose(stand.first[0], 0);
    CHECK_INT(stand.records, 1);
    CHECK(strstr(stand.record, "object") == NULL);
    closed();
}

static void an_object_keeps_what_it_has_records_in(void)
{
    opened();
    checkpoint();
    terms_tell("{'id':4,'name':'Portal','days':3650},{'id':5,'name':'Base','days':1200}");
    summary_says("\"undecided\":2,\"may_count\":0,");
    summary_says("\"state\":\"kept\",\"why\":\"object\",\"object\":4,\"undecided\":true}");
    propose(stand.first[0], 0);
    told("it is not known yet which objects have records in it");
    packer_answers(4, 5);
    CHECK_INT(stand.questions, 2); /* the last segment is nobody's business */
    summary_says("\"undecided\":0,\"may_count\":1,");
    summary_says("\"state\":\"kept\",\"why\":\"object\",\"object\":4,\"undecided\":false}");
    summary_says("\"state\":\"may\",\"why\":\"object\",\"object\":5,\"undecided\":false}");
    propose(stand.first[0], 0);
    told("the term of an object with records in it is not over");
    CHECK_INT(stand.records, 0);
    propose(stand.first[1], 0);
    CHECK_INT(stand.records, 1);
    CHECK(strstr(stand.record, ",\"object\":\"Base\",\"object_days\":1200,") != NULL);
    CHECK(strstr(stand.record, ",\"days\":1096,") != NULL);
    terms_tell("");
    propose(stand.first[0], 0);
    CHECK_INT(stand.records, 2);
    CHECK(strstr(stand.record, "object") == NULL);
    closed();
}

static void what_cannot_be_read_belongs_to_all(void)
{
    opened();
    checkpoint();
    terms_tell("{'id':4,'name':'Portal','days':3650},{'id':5,'name':'Base','days':1200}");
    packer_answers(0, 9);
    summary_says("\"undecided\":0,\"may_count\":1,");
    propose(stand.first[0], 0);
    told("the term of an object with records in it is not over");
    propose(stand.first[1], 0); /* of an object without a term */
    CHECK_INT(stand.records, 1);
    CHECK(strstr(stand.record, "object") == NULL);
    closed();
}

/* Between the record and its tombstone somebody gives the object a longer term: the segment stays. */
static void a_term_that_grows_meanwhile(void)
{
    for (int row = 0; row < 2; row++) {
        test_row("%d", row);
        opened();
        checkpoint();
        terms_tell("{'id':4,'name':'Portal','days':1200}");
        packer_answers(4, 4);
        propose(stand.first[0], 0);
        CHECK_INT(stand.records, 1);
        if (row)
            terms_tell("{'id':4,'name':'Portal','days':3650}");
        checkpoint();
        retire_tick(stand.retire, LATER);
        CHECK_INT(is_there(stand.first[0], ".gone"), row == 0);
        if (row)
            told("the term of an object with records in it was changed meanwhile");
        closed();
    }
}

static void the_packer_is_asked_again(void)
{
    opened();
    checkpoint();
    terms_tell("{'id':4,'name':'Portal','days':3650}");
    retire_tick(stand.retire, LATER);
    CHECK_INT(stand.questions, 1);
    retire_tick(stand.retire, LATER);
    CHECK_INT(stand.questions, 1);
    retire_packer_up(stand.retire);
    CHECK_INT(stand.questions, 2);
    closed();
}

static const struct test tests[] = {
    {"it goes its way", it_goes_its_way},
    {"what cannot be read is refused", what_cannot_be_read_is_refused},
    {"an approval lapses", an_approval_lapses},
    {"the reaper is asked again", the_reaper_is_asked_again},
    {"too many at once", too_many_at_once},
    {"a record that is refused", a_record_that_is_refused},
    {"nothing goes before the desk told", nothing_goes_before_the_desk_told},
    {"an object keeps what it has records in", an_object_keeps_what_it_has_records_in},
    {"what cannot be read belongs to all", what_cannot_be_read_belongs_to_all},
    {"a term that grows meanwhile", a_term_that_grows_meanwhile},
    {"the packer is asked again", the_packer_is_asked_again},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
