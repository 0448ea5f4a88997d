#include "agent/deliver.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/test.h"
#include "tlog/checkpoint.h"
#include "wire/delivery_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN "archive.test/1"
#define SECOND UINT64_C(1000000000)

/* ---- an agent whose server is this test ---- */

struct stand {
    char path[64];
    int folder;
    struct spool *spool;
    struct agent_memory memory;
    struct deliver *deliver;
    struct deliver_now now;
    struct err err;
    unsigned remembered;
    unsigned troubles;
    unsigned policies;
    unsigned certificates;
};

static struct stand stand;
static struct signing_key *signer;
static struct tlog_hasher *hasher;

static void on_bytes(void *context, struct str bytes)
{
    (void)bytes;
    ((struct stand *)context)->policies++;
}

static void on_pem(void *context, struct str bytes)
{
    (void)bytes;
    ((struct stand *)context)->certificates++;
}

static void on_remember(void *context)
{
    ((struct stand *)context)->remembered++;
}

static void on_trouble(void *context, const char *text)
{
    (void)text;
    ((struct stand *)context)->troubles++;
}

static void on_status(void *context, struct buf *out)
{
    (void)context;
    buf_text(out, "\"x\":1");
}

static unsigned inventories;

static void on_inventory(void *context)
{
    (void)context;
    inventories++;
}

static void on_note(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static void stand_begin(void)
{
    stand = (struct stand){.now = {100 * SECOND, 1700000000 * (int64_t)SECOND}};
    snprintf(stand.path, sizeof stand.path, "/tmp/qorgan-deliver-XXXXXX");
    CHECK(mkdtemp(stand.path) != NULL);
    stand.folder = io_open_folder(stand.path);
    const struct spool_options spool = {.number = 8, .size_max = SPOOL_SIZE_MIN, .file_size = 1 << 20};
    CHECK_INT(spool_open(&io_kernel, stand.folder, &spool, &stand.spool, &stand.err), RC_OK);
    const struct deliver_options options = {
        .agent = {5},
        .host = STR("host"),
        .program = STR("program"),
        .spool = stand.spool,
        .memory = &stand.memory,
        .calls = {&stand, on_bytes, on_pem, on_remember, on_trouble, on_status, on_note, on_inventory}};
    stand.deliver = deliver_new(&options, &stand.err);
    CHECK(stand.deliver != NULL);
}

static bool remove_one(void *context, const char *name)
{
    (void)context;
    return unlinkat(stand.folder, name, 0) == 0;
}

static void stand_end(void)
{
    deliver_free(stand.deliver);
    spool_close(stand.spool);
    IGNORE(io_kernel.list(NULL, stand.folder, remove_one, NULL));
    close(stand.folder);
    rmdir(stand.path);
}

static void put_lines(uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        const struct spool_record record = {.stream = DELIVERY_FILE,
                                            .epoch = 1,
                                            .sequence = i,
                                            .name = STR("/a"),
                                            .bytes = STR("a line of some length")};
        CHECK(spool_put(stand.spool, &record, SPOOL_PULL, 1));
    }
    CHECK_INT(spool_step(stand.spool, stand.now.boot_ns, true, NULL), RC_OK);
}

/* What it would send now, frame by frame; the last body of the wanted type stays in the output until the next call. */
static unsigned sent(enum delivery_type wanted, struct str *ret_body)
{
    struct str rest = deliver_output(stand.deliver);
    enum delivery_type type;
    struct str body;
    unsigned count = 0;
    *ret_body = STR_NONE;
    while (delivery_next(&rest, true, &type, &body) == RC_OK)
        if (type == wanted) {
            *ret_body = body;
            count++;
        }
    CHECK_INT(rest.n, 0);
    return count;
}

static enum rc give(struct buf *frames)
{
    enum rc rc = deliver_take(stand.deliver, buf_view(frames), stand.now, &stand.err);
    buf_done(frames);
    return rc;
}

static enum rc welcome(uint32_t credit, const struct signing_key *key)
{
    struct buf out;
    char text[NOTE_KEY_TEXT_MAX];
    struct buf vkey;
    buf_init(&out, 65536);
    buf_init_fixed(&vkey, text, sizeof text);
    note_key_write(signing_key_public(key), &vkey);
    const struct delivery_welcome frame = {.credit = credit, .origin = STR(ORIGIN), .key = buf_view(&vkey)};
    delivery_put_welcome(&out, &frame);
    return give(&out);
}

static void open_with(uint32_t credit)
{
    struct str body;
    CHECK_INT(deliver_begin(stand.deliver, stand.now, &stand.err), RC_OK);
    CHECK_INT(sent(DELIVERY_HELLO, &body), 1);
    deliver_sent(stand.deliver, deliver_output(stand.deliver).n);
    CHECK_INT(welcome(credit, signer), RC_OK);
    CHECK(deliver_is_open(stand.deliver));
}

static void step(void)
{
    CHECK_INT(deliver_step(stand.deliver, stand.now, &stand.err), RC_OK);
}

static enum rc show(uint64_t size, const struct tlog_hash *root)
{
    struct buf note;
    struct buf out;
    const struct tlog_head head = {.size = size, .root = *root};
    buf_init(&note, 65536);
    buf_init(&out, 65536);
    CHECK_INT(checkpoint_sign(signer, STR(ORIGIN), &head, &note, NULL), RC_OK);
    delivery_put(&out, DELIVERY_CHECKPOINT, buf_view(&note));
    buf_done(&note);
    return give(&out);
}

static enum rc acknowledge(uint64_t number, uint64_t size)
{
    struct buf out;
    buf_init(&out, 64);
    delivery_put_durable(&out, number, size);
    return give(&out);
}

/* ---- tests ---- */

static void keys_are_made(void)
{
    CHECK_INT(signing_key_generate(STR(ORIGIN), NOTE_ED25519, &signer, NULL), RC_OK);
    hasher = tlog_hasher_new();
    CHECK(hasher != NULL);
}

static void credit_is_kept(void)
{
    struct str body;
    struct delivery_data data;
    stand_begin();
    put_lines(1, 100);
    open_with(10);
    step();
    CHECK_INT(sent(DELIVERY_DATA, &body), 0); /* a batch is larger than what may be sent */
    struct buf out;
    buf_init(&out, 64);
    delivery_put_credit(&out, 4000);
    CHECK_INT(give(&out), RC_OK);
    step();
    CHECK_INT(sent(DELIVERY_DATA, &body), 1);
    CHECK_INT(delivery_read_data(body, &data), RC_OK);
    CHECK_INT(data.number, 0);
    CHECK_INT(data.count, 100);
    CHECK_INT(data.codec, DELIVERY_ZSTD);
    CHECK_INT(data.offset_error_us, UINT32_MAX); /* not measured yet */
    CHECK(body.n <= 4010);
    CHECK_INT(acknowledge(100, 500), RC_OK);
    CHECK_INT(acknowledge(101, 500), RC_INVALID); /* more than was sent */
    CHECK_INT(spool_facts(stand.spool).durable, 100);
    /* a new connection goes on behind what is durable */
    deliver_end(stand.deliver);
    put_lines(101, 5);
    CHECK_INT(deliver_begin(stand.deliver, stand.now, &stand.err), RC_OK);
    struct delivery_hello hello;
    CHECK_INT(sent(DELIVERY_HELLO, &body), 1);
    CHECK_INT(delivery_read_hello(body, &hello), RC_OK);
    CHECK_INT(hello.next, 100);
    CHECK_INT(hello.spool, 8);
    stand_end();
}

static void clocks_are_compared(void)
{
    /* the server's clock is 5 s ahead; ways of 3 ms and 1 ms, then of 1 ms and 1 ms */
    static const struct {
        uint64_t out_us;
        uint64_t back_us;
        int64_t offset_us;
        uint32_t error_us;
    } rows[] = {{3000, 1000, 5001000, 2001}, {1000, 1000, 5000000, 1001}, {9000, 1000, 5000000, 1001}};
    int64_t offset_us = 0;
    uint32_t error_us = 0;
    stand_begin();
    open_with(1000);
    CHECK(!deliver_offset(stand.deliver, stand.now.boot_ns, &offset_us, &error_us));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str body;
        struct delivery_time time;
        struct buf out;
        test_row("row %zu", i);
        step();
        CHECK_INT(sent(DELIVERY_TIME, &body), 1);
        CHECK_INT(delivery_read_time(DELIVERY_TIME, body, &time), RC_OK);
        deliver_sent(stand.deliver, deliver_output(stand.deliver).n);
        time.heard_real_ns = time.agent_real_ns + 5 * (int64_t)SECOND + (int64_t)rows[i].out_us * 1000;
        time.sent_real_ns = time.heard_real_ns + 50000000; /* it took its time */
        uint64_t away_ns = (rows[i].out_us + rows[i].back_us) * 1000 + 50000000;
        stand.now.boot_ns += away_ns;
        stand.now.real_ns += (int64_t)away_ns;
        buf_init(&out, 64);
        delivery_put_time_back(&out, &time);
        CHECK_INT(give(&out), RC_OK);
        CHECK(deliver_offset(stand.deliver, stand.now.boot_ns, &offset_us, &error_us));
        CHECK_INT(offset_us, rows[i].offset_us);
        CHECK_INT(error_us, rows[i].error_us);
        stand.now.boot_ns += DELIVER_TIME_NS;
    }
    test_row("-");
    CHECK(!deliver_offset(stand.deliver, stand.now.boot_ns + 2 * DELIVER_SAMPLE_NS, &offset_us, &error_us));
    step(); /* asks again, and is not answered */
    stand.now.boot_ns += DELIVER_SILENCE_NS + 1;
    CHECK_INT(deliver_step(stand.deliver, stand.now, &stand.err), RC_END);
    stand_end();
}

static void what_may_not_come_ends_it(void)
{
    static const struct {
        const char *what;
        enum delivery_type type;
        struct str body;
    } rows[] = {
        {"a second welcome", DELIVERY_WELCOME, STR_INIT("\0\0\0\1\0\0\0\0\0\0\0\0")},
        {"enrolled", DELIVERY_ENROLLED, STR_INIT("0123456789abcdef\0\0\0\1ca")},
        {"a time that was not asked for", DELIVERY_TIME_BACK, STR_INIT("0123456789abcdef0123456789abcdef01234567")},
        {"a proof that was not asked for", DELIVERY_PROOF, STR_INIT("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2")},
        {"a checkpoint that nobody signed", DELIVERY_CHECKPOINT, STR_INIT("words\n")},
        {"records that were never sent", DELIVERY_DURABLE, STR_INIT("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        test_row("%s", rows[i].what);
        stand_begin();
        open_with(1000);
        buf_init(&out, 4096);
        delivery_put(&out, rows[i].type, rows[i].body);
        CHECK_INT(give(&out), RC_INVALID);
        CHECK(stand.err.text[0] != '\0');
        stand_end();
    }
    test_row("before the welcome");
    stand_begin();
    CHECK_INT(deliver_begin(stand.deliver, stand.now, &stand.err), RC_OK);
    CHECK_INT(acknowledge(0, 1), RC_INVALID);
    stand_end();
    test_row("refused");
    stand_begin();
    CHECK_INT(deliver_begin(stand.deliver, stand.now, &stand.err), RC_OK);
    struct buf out;
    struct str text;
    buf_init(&out, 4096);
    delivery_put_refused(&out, DELIVERY_COPIED, STR("why"));
    CHECK_INT(give(&out), RC_DENIED);
    CHECK_INT(deliver_refusal(stand.deliver, &text), DELIVERY_COPIED);
    CHECK_TEXT(text, "why");
    stand_end();
    test_row("-");
}

/* Leaves of a small tree; the fork differs from the first on. */
static void tree_make(unsigned size, char salt, struct tlog_frontier *ret_frontier, struct tlog_hash *ret_root)
{
    tlog_frontier_init(ret_frontier);
    for (unsigned i = 0; i < size; i++) {
        struct tlog_hash leaf;
        char bytes[2] = {salt, (char)i};
        tlog_hash_leaf(hasher, STR_NONE, str_at(bytes, 2), &leaf);
        tlog_frontier_append(ret_frontier, hasher, &leaf);
    }
    tlog_frontier_root(ret_frontier, hasher, ret_root);
}

/* From 1 leaf to 2 the proof is the second leaf's hash. */
static void proof_of_two(char salt, struct tlog_hash *ret_hash)
{
    char bytes[2] = {salt, 1};
    tlog_hash_leaf(hasher, STR_NONE, str_at(bytes, 2), ret_hash);
}

static void trees_must_go_on(void)
{
    struct tlog_frontier frontier;
    struct tlog_hash root;
    struct tlog_hash hash;
    struct str body;
    for (int forged = 0; forged < 2; forged++) {
        struct buf out;
        test_row("forged %d", forged);
        stand_begin();
        put_lines(1, 3);
        open_with(100000);
        step();
        tree_make(1, 'a', &frontier, &root);
        CHECK_INT(acknowledge(3, 2), RC_OK);
        CHECK_INT(show(1, &root), RC_OK);
        CHECK_INT(stand.memory.seen.size, 1);
        CHECK_INT(spool_facts(stand.spool).covered, 0); /* one record of two */
        tree_make(2, forged ? 'b' : 'a', &frontier, &root);
        CHECK_INT(show(2, &root), RC_OK);
        CHECK_INT(spool_facts(stand.spool).covered, 3);
        step();
        CHECK_INT(sent(DELIVERY_PROVE, &body), 1);
        CHECK_INT(stand.memory.seen.size, 1); /* not before it is proven */
        proof_of_two(forged ? 'b' : 'a', &hash);
        buf_init(&out, 4096);
        delivery_put_proof(&out, 1, 2, str_at(hash.bytes, sizeof hash.bytes));
        CHECK_INT(give(&out), RC_OK);
        CHECK_INT(stand.memory.seen.size, forged ? 1 : 2);
        CHECK_INT(stand.troubles, forged);
        CHECK_INT(stand.memory.trouble[0] != '\0', forged);
        put_lines(4, 2);
        step();
        CHECK(sent(DELIVERY_DATA, &body) > 0); /* still sent */
        CHECK_INT(acknowledge(5, 2), RC_OK);
        CHECK_INT(spool_facts(stand.spool).covered, forged ? 3 : 5);
        stand_end();
    }
    test_row("-");
}

static void one_size_has_one_tree(void)
{
    struct tlog_frontier frontier;
    struct tlog_hash root;
    stand_begin();
    open_with(1000);
    tree_make(5, 'a', &frontier, &root);
    CHECK_INT(show(5, &root), RC_OK);
    CHECK_INT(show(5, &root), RC_OK);
    CHECK_INT(stand.troubles, 0);
    tree_make(4, 'a', &frontier, &root);
    CHECK_INT(show(4, &root), RC_OK); /* an older one: covers nothing, is no proof of anything */
    CHECK_INT(stand.memory.seen.size, 5);
    CHECK_INT(stand.troubles, 0);
    tree_make(5, 'b', &frontier, &root);
    CHECK_INT(show(5, &root), RC_OK);
    CHECK_INT(stand.troubles, 1);
    stand_end();
}

/* The first key that is told is the archive's; another one later is believed nothing. */
static void keys_are_pinned(void)
{
    struct signing_key *other = NULL;
    struct buf out;
    CHECK_INT(signing_key_generate(STR(ORIGIN), NOTE_ED25519, &other, NULL), RC_OK);
    stand_begin();
    open_with(1000);
    CHECK(stand.memory.has_key);
    buf_init(&out, 64);
    delivery_put(&out, DELIVERY_POLICY, STR("p"));
    delivery_put(&out, DELIVERY_INVENTORY, STR_NONE);
    CHECK_INT(give(&out), RC_OK);
    CHECK_INT(stand.policies, 1);
    CHECK_INT(inventories, 1);
    deliver_end(stand.deliver);
    CHECK_INT(deliver_begin(stand.deliver, stand.now, &stand.err), RC_OK);
    CHECK_INT(welcome(1000, other), RC_OK);
    CHECK_INT(stand.troubles, 1);
    buf_init(&out, 64);
    delivery_put(&out, DELIVERY_POLICY, STR("p"));
    delivery_put(&out, DELIVERY_CERTIFICATE, STR("c"));
    CHECK_INT(give(&out), RC_OK);
    CHECK_INT(stand.policies, 1);
    CHECK_INT(stand.certificates, 1); /* the authority vouches for that */
    stand_end();
    signing_key_free(other);
}

static void renewal_is_asked_once_an_hour(void)
{
    struct str body;
    stand_begin();
    open_with(1000);
    deliver_renew_at(stand.deliver, stand.now.real_ns / (int64_t)SECOND + 10);
    step();
    CHECK_INT(sent(DELIVERY_RENEW, &body), 0);
    stand.now.real_ns += 11 * (int64_t)SECOND;
    for (int i = 0; i < 3; i++)
        step();
    CHECK_INT(sent(DELIVERY_RENEW, &body), 1);
    CHECK_INT(sent(DELIVERY_STATUS, &body), 1);
    CHECK_TEXT(body, "{\"x\":1}");
    stand_end();
    signing_key_free(signer);
    tlog_hasher_free(hasher);
}

static const struct test tests[] = {
    {"keys are made", keys_are_made},
    {"credit is kept", credit_is_kept},
    {"clocks are compared", clocks_are_compared},
    {"what may not come ends it", what_may_not_come_ends_it},
    {"trees must go on", trees_must_go_on},
    {"one size has one tree", one_size_has_one_tree},
    {"keys are pinned", keys_are_pinned},
    {"renewal is asked once an hour", renewal_is_asked_once_an_hour},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
