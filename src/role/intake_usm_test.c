#include "role/intake_usm.h"

#include "base/test.h"
#include "os/usm.h"

#include <string.h>

#define SECOND   INT64_C(1000000000)
#define NOW_NS   (INT64_C(1800000000) * SECOND)
#define OUT_SIZE 4096
#define ENGINES  1024u /* that are remembered */
#define USERS    STR("# who may\nalice sha256 alice-Password\nbob\tsha1  bob-Password aes bob-Secret-1\n")

/* A scoped PDU with a coldStart: a7 a trap, a6 an inform. */
#define SCOPED(pdu)                                                                                                    \
    "\x30\x3a\x04\x00\x04\x00" pdu "\x34\x02\x01\x09\x02\x01\x00\x02\x01\x00\x30\x29\x30\x0e\x06\x08\x2b\x06\x01\x02"  \
    "\x01\x01\x03\x00\x43\x02\x01\x02\x30\x17\x06\x0a\x2b\x06\x01\x06\x03\x01\x01\x04\x01\x00\x06\x09\x2b\x06\x01"     \
    "\x06\x03\x01\x01\x05\x01"

/* ---- users ---- */

static void users(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"alice sha256 alice-Password", true},
        {"\n# remark\n\nalice sha512 alice-Password aes second-Password\r\n", true},
        {"alice sha1 12345678\nbob sha1 12345678", true},
        {"alice", false},
        {"alice sha256", false},
        {"alice md5 alice-Password", false},
        {"alice sha256 1234567", false},
        {"alice sha256 alice-Password aes", false},
        {"alice sha256 alice-Password aes 1234567", false},
        {"alice sha256 alice-Password des second-Password", false},
        {"alice sha256 alice-Password aes second-Password more", false},
        {"alice sha256 alice-Password\nalice sha1 alice-Password", false},
        {"a-name-of-more-than-thirty-two-bytes sha256 alice-Password", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct usm *usm = NULL;
        struct err err = {0};
        test_row("%s", rows[i].text);
        CHECK_INT(usm_new(str_of(rows[i].text), STR("identity"), &usm, &err), rows[i].good ? RC_OK : RC_INVALID);
        CHECK(rows[i].good == (usm != NULL));
        CHECK(str_search(str_of(err.text), STR("PASSWORD]")) < strlen(err.text) || rows[i].good);
        CHECK(str_search(str_of(err.text), STR("alice-Password")) == strlen(err.text)); /* no secret in a message */
        usm_free(usm);
    }
}

/* ---- messages ---- */

struct wanted {
    const char *user;
    enum usm_hash hash;
    const char *password;
    const char *secret; /* NULL: not encrypted */
    struct str engine;
    uint32_t boots;
    uint32_t time;
    bool reportable;
};

/* A million bytes are hashed for a key: that of the password asked for last is kept. */
static const struct usm_key *key_of(enum usm_hash hash, const char *password)
{
    static struct usm_key key;
    static enum usm_hash key_hash;
    static const char *key_password;
    if (key_password != password || key_hash != hash)
        CHECK(usm_key_make(hash, str_of(password), &key));
    key_hash = hash;
    key_password = password;
    return &key;
}

static struct str message_of(const struct wanted *wanted, struct str scoped, struct buf *out)
{
    struct usm_key local;
    struct usm_key secret;
    uint8_t mac[USM_MAC_MAX];
    uint8_t sealed[256];
    struct usm_vector vector = {wanted->boots, wanted->time, {1, 2, 3, 4, 5, 6, 7, 8}};
    struct snmp_v3 head = {.id = 5,
                           .authenticated = true,
                           .encrypted = wanted->secret != NULL,
                           .reportable = wanted->reportable,
                           .engine = wanted->engine,
                           .boots = wanted->boots,
                           .time = wanted->time,
                           .user = str_of(wanted->user),
                           .mac_n = usm_mac_size(wanted->hash),
                           .data = scoped};
    CHECK(usm_key_localize(wanted->hash, key_of(wanted->hash, wanted->password), wanted->engine, &local));
    if (wanted->secret) {
        CHECK(usm_key_localize(wanted->hash, key_of(wanted->hash, wanted->secret), wanted->engine, &secret));
        CHECK(scoped.n <= sizeof sealed && usm_encrypt(&secret, &vector, scoped, sealed));
        head.data = str_at(sealed, scoped.n);
        head.salt = str_at(vector.salt, sizeof vector.salt);
    }
    buf_clear(out);
    size_t mac_at = snmp_v3_write(&head, out);
    CHECK(usm_mac(wanted->hash, &local, buf_view(out), mac_at, mac));
    memcpy(out->p + mac_at, mac, head.mac_n);
    return buf_view(out);
}

static const struct wanted alice = {.user = "alice",
                                    .hash = USM_SHA256,
                                    .password = "alice-Password",
                                    .engine = STR_INIT("\x80\0\0\0\x05sender"),
                                    .boots = 3,
                                    .time = 1000};
static const struct wanted bob = {.user = "bob",
                                  .hash = USM_SHA1,
                                  .password = "bob-Password",
                                  .secret = "bob-Secret-1",
                                  .engine = STR_INIT("\x80\0\0\0\x05sender"),
                                  .boots = 3,
                                  .time = 1000};

static struct usm *usm_of(void)
{
    struct usm *usm = NULL;
    struct err err;
    CHECK_INT(usm_new(USERS, STR("identity"), &usm, &err), RC_OK);
    return usm;
}

static enum rc take(struct usm *usm, struct str datagram, struct snmp_message *message)
{
    struct str scoped;
    const char *reason = NULL;
    return usm_take(usm, datagram, NOW_NS, message, &scoped, &reason);
}

/* No bit of a good message can be another. */
static void every_bit(void)
{
    const struct wanted *const rows[] = {&alice, &bob};
    char storage[OUT_SIZE];
    struct snmp_message message;
    struct buf out;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct usm *usm = usm_of();
        buf_init_fixed(&out, storage, sizeof storage);
        struct str good = message_of(rows[i], STR(SCOPED("\xa7")), &out);
        test_row("%s", rows[i]->user);
        CHECK_INT(take(usm, good, &message), RC_OK);
        CHECK_TEXT(message.trap, "1.3.6.1.6.3.1.1.5.1");
        CHECK_TEXT(message.user, rows[i]->user);
        CHECK_INT(message.encrypted, rows[i]->secret != NULL);
        for (size_t bit = 0; bit < 8 * good.n; bit++) {
            storage[bit / 8] = (char)(storage[bit / 8] ^ (1 << bit % 8));
            test_row("%s, bit %zu", rows[i]->user, bit);
            CHECK(take(usm, good, &message) != RC_OK);
            storage[bit / 8] = (char)(storage[bit / 8] ^ (1 << bit % 8));
        }
        for (size_t n = 0; n < good.n; n++)
            CHECK(take(usm, str_slice(good, 0, n), &message) != RC_OK);
        usm_free(usm);
    }
}

static void windows(void)
{
    static const struct {
        uint32_t boots;
        uint32_t time;
        enum rc want;
    } rows[] = {
        {3, 1000, RC_OK},     {3, 1000, RC_OK},      {3, 2000, RC_OK},     {3, 1850, RC_OK},
        {3, 1849, RC_DENIED}, {2, 9000, RC_DENIED},  {4, 1, RC_OK},        {3, 2000, RC_DENIED},
        {4, 0, RC_OK},        {4, INT32_MAX, RC_OK}, {4, 9000, RC_DENIED},
    };
    char storage[OUT_SIZE];
    struct snmp_message message;
    struct buf out;
    struct usm *usm = usm_of();
    buf_init_fixed(&out, storage, sizeof storage);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wanted wanted = alice;
        wanted.boots = rows[i].boots;
        wanted.time = rows[i].time;
        test_row("%zu", i);
        CHECK_INT(take(usm, message_of(&wanted, STR(SCOPED("\xa7")), &out), &message), rows[i].want);
    }
    usm_free(usm);
}

/* What an inform goes through: whose engine, what time, then the notification and its response. */
static void informs(void)
{
    char storage[OUT_SIZE];
    char kept[OUT_SIZE];
    struct snmp_message message;
    struct snmp_v3 head;
    struct str out;
    const char *reason = NULL;
    struct buf datagram;
    struct usm *usm = usm_of();
    struct wanted wanted = bob;
    buf_init_fixed(&datagram, storage, sizeof storage);
    wanted.reportable = true;
    CHECK_INT(usm_take(usm, message_of(&wanted, STR(SCOPED("\xa6")), &datagram), NOW_NS, &message, &out, &reason),
              RC_AGAIN);
    CHECK_INT(snmp_v3_read(out, &head, &reason), RC_OK);
    CHECK(!head.authenticated && !head.encrypted && head.engine.n == 17);
    memcpy(kept, head.engine.p, head.engine.n);
    wanted.engine = str_at(kept, head.engine.n);
    wanted.boots = head.boots;
    wanted.time = 0;
    CHECK_INT(usm_take(usm, message_of(&wanted, STR(SCOPED("\xa6")), &datagram), NOW_NS, &message, &out, &reason),
              RC_AGAIN);
    CHECK_INT(snmp_v3_read(out, &head, &reason), RC_OK);
    CHECK(head.authenticated && !head.encrypted); /* authNoPriv, whatever it is about: RFC 3414 3.2 7a */
    CHECK_INT(head.boots, 1);
    CHECK_INT(head.time, NOW_NS / SECOND - 1577836800);
    static const int64_t off[] = {-151, -150, 0, 150, 151};
    for (size_t i = 0; i < ARRAY_LEN(off); i++) {
        test_row("%ld seconds off", (long)off[i]);
        wanted.time = (uint32_t)(NOW_NS / SECOND - 1577836800 + off[i]);
        CHECK_INT(usm_take(usm, message_of(&wanted, STR(SCOPED("\xa6")), &datagram), NOW_NS, &message, &out, &reason),
                  off[i] * off[i] <= 150 * 150 ? RC_OK : RC_AGAIN);
    }
    wanted.time = (uint32_t)(NOW_NS / SECOND - 1577836800);
    CHECK_INT(usm_take(usm, message_of(&wanted, STR(SCOPED("\xa6")), &datagram), NOW_NS, &message, &out, &reason),
              RC_OK);
    CHECK(message.inform);
    CHECK_STR(out, STR(SCOPED("\xa6")));
    struct str answer = usm_answer(usm, &message, out, NOW_NS);
    CHECK_INT(snmp_v3_read(answer, &head, &reason), RC_OK);
    CHECK(head.authenticated && head.encrypted && head.id == 5);
    CHECK_INT(take(usm, answer, &message), RC_DENIED); /* it is authentic, decrypts, and is no notification */
    wanted.reportable = false;
    wanted.time = 0;
    CHECK_INT(take(usm, message_of(&wanted, STR(SCOPED("\xa6")), &datagram), &message), RC_DENIED);
    wanted = bob;
    CHECK_INT(take(usm, message_of(&wanted, STR(SCOPED("\xa6")), &datagram), &message), RC_DENIED); /* another's */
    usm_free(usm);
}

/* One message of engine number i, so many seconds after NOW_NS. */
static enum rc engine_take(struct usm *usm, unsigned i, uint32_t time, int64_t after_s)
{
    char storage[OUT_SIZE];
    char engine[8] = {(char)0x80, 0, 0, 0, 5, 0, (char)(i >> 8), (char)i};
    struct snmp_message message;
    struct str scoped;
    const char *reason = NULL;
    struct buf out;
    struct wanted wanted = alice;
    buf_init_fixed(&out, storage, sizeof storage);
    wanted.engine = str_at(engine, sizeof engine);
    wanted.time = time;
    return usm_take(usm, message_of(&wanted, STR(SCOPED("\xa7")), &out), NOW_NS + after_s * SECOND, &message, &scoped,
                    &reason);
}

/* Past the places for engines the one that was silent for longest is forgotten, and only that. */
static void many_engines(void)
{
    struct usm *usm = usm_of();
    for (unsigned i = 0; i < ENGINES; i++)
        CHECK_INT(engine_take(usm, i, 1000, i), RC_OK);
    CHECK_INT(engine_take(usm, 0, 2000, ENGINES), RC_OK);
    CHECK_INT(engine_take(usm, 0, 1000, ENGINES), RC_DENIED);
    CHECK_INT(engine_take(usm, 1, 1000 - 151, ENGINES), RC_DENIED);
    CHECK_INT(engine_take(usm, ENGINES, 1000, ENGINES + 1), RC_OK); /* in place of number 1 */
    CHECK_INT(engine_take(usm, 0, 1000, ENGINES + 2), RC_DENIED);
    CHECK_INT(engine_take(usm, 2, 1000 - 151, ENGINES + 2), RC_DENIED);
    CHECK_INT(engine_take(usm, 1, 1000 - 151, ENGINES + 2), RC_OK);
    usm_free(usm);
}

static const struct test tests[] = {
    {"users", users},     {"every bit", every_bit},       {"windows", windows},
    {"informs", informs}, {"many engines", many_engines},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
