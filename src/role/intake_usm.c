#include "role/intake_usm.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "os/cipher.h"
#include "os/random.h"
#include "os/usm.h"
#include "tlog/hash.h"

#include <string.h>

#define USERS_MAX   64
#define ENGINES_MAX 1024
#define ENGINE_SIZE 17u /* five bytes of form, twelve of the installation */
#define WINDOW_S    150
#define BEGIN_S     INT64_C(1577836800) /* 2020-01-01: when our engine began, once and for all */
#define BOOTS       1u
#define MESSAGE_MAX ((size_t)1 << 17)

struct usm_user {
    char name[SNMP_V3_USER_MAX + 1];
    enum usm_hash hash;
    struct usm_key proof;  /* of all engines */
    struct usm_key secret; /* n == 0: it does not encrypt */
};

struct usm_keys {
    struct usm_user users[USERS_MAX];
    struct usm_key proof; /* of the message taken last, its engine's */
    struct usm_key secret;
};

/* What a sender's engine said last. */
struct usm_engine {
    uint8_t id[SNMP_V3_ENGINE_MAX];
    size_t n;
    uint32_t boots;
    uint32_t time;
    int64_t at_s;
};

struct usm {
    struct usm_keys *keys; /* locked memory */
    size_t user_count;
    uint8_t id[ENGINE_SIZE];
    struct usm_engine engines[ENGINES_MAX];
    size_t engine_count;
    struct snmp_v3 head; /* of the message taken last */
    const struct usm_user *user;
    uint64_t salt; /* of the next message that we encrypt */
    uint32_t reports;
    struct buf plain;
    struct buf out;
    struct buf sealed;
};

/* ---- users ---- */

static struct str word_next(struct str *rest)
{
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t'))
        *rest = str_skip(*rest, 1);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct str word = str_slice(*rest, 0, n);
    *rest = str_skip(*rest, n);
    return word;
}

static bool user_read(struct usm *usm, struct str line)
{
    struct usm_user *user = &usm->keys->users[usm->user_count];
    struct str name = word_next(&line);
    struct str hash = word_next(&line);
    struct str password = word_next(&line);
    struct str cipher = word_next(&line);
    struct str second = word_next(&line);
    for (size_t i = 0; i < usm->user_count; i++)
        if (str_is(name, usm->keys->users[i].name))
            return false;
    if (!str_copy_z(name, user->name, sizeof user->name) || !usm_hash_find(hash, &user->hash) || line.n ||
        !usm_key_make(user->hash, password, &user->proof))
        return false;
    user->secret.n = 0;
    usm->user_count++;
    return cipher.n == 0 || (str_is(cipher, "aes") && usm_key_make(user->hash, second, &user->secret));
}

static enum rc users_read(struct usm *usm, struct str text, struct err *err)
{
    for (unsigned number = 1; text.p; number++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (usm->user_count == USERS_MAX)
            return err_set(err, RC_LIMIT, "\"snmp-users\" holds more than %d users", USERS_MAX);
        if (!user_read(usm, line)) /* the line holds passwords: it is not shown */
            return err_set(err, RC_INVALID,
                           "\"snmp-users\" line %u is not NAME HASH PASSWORD [aes PASSWORD], names a user twice or has "
                           "a password of fewer than %u bytes",
                           number, USM_PASSWORD_MIN);
    }
    return RC_OK;
}

/* RFC 3411 5, snmpEngineID: no enterprise, octets that the administrator chose. */
static bool identity_make(struct usm *usm, struct str identity)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash digest;
    if (!hasher)
        return false;
    tlog_hash_leaf(hasher, STR("qorgan snmp engine"), identity, &digest);
    memcpy(usm->id, "\x80\0\0\0\x05", 5);
    memcpy(usm->id + 5, digest.bytes, ENGINE_SIZE - 5);
    return true;
}

enum rc usm_new(struct str users, struct str identity, struct usm **ret_usm, struct err *err)
{
    struct usm *usm = memory_new(sizeof *usm);
    if (!usm)
        return err_set(err, RC_LIMIT, "no memory for the users of SNMP");
    usm->keys = secret_new(sizeof *usm->keys);
    usm->salt = random_u64();
    buf_init(&usm->plain, MESSAGE_MAX);
    buf_init(&usm->out, MESSAGE_MAX);
    buf_init(&usm->sealed, MESSAGE_MAX);
    enum rc rc = usm->keys && identity_make(usm, identity) ? users_read(usm, users, err)
                                                           : err_set(err, RC_LIMIT, "no memory for the users of SNMP");
    if (rc == RC_OK)
        *ret_usm = usm;
    else
        usm_free(usm);
    return rc;
}

void usm_free(struct usm *usm)
{
    if (!usm)
        return;
    secret_free(usm->keys, sizeof *usm->keys);
    buf_done(&usm->plain);
    buf_done(&usm->out);
    buf_done(&usm->sealed);
    memory_free(usm);
}

/* ---- writing ---- */

static struct str own_id(const struct usm *usm)
{
    return str_at(usm->id, ENGINE_SIZE);
}

static uint32_t own_time(int64_t now_real_ns)
{
    return (uint32_t)((now_real_ns / SECOND_NS - BEGIN_S) & INT32_MAX);
}

/* A message of ours with this scoped PDU, protected as what it answers. */
static struct str message_write(struct usm *usm, struct str scoped, bool protect, int64_t now_real_ns)
{
    uint8_t mac[USM_MAC_MAX];
    struct snmp_v3 head = {.id = usm->head.id, .engine = own_id(usm), .boots = BOOTS, .time = own_time(now_real_ns)};
    struct usm_vector vector = {.boots = head.boots, .time = head.time};
    head.authenticated = protect;
    head.encrypted = protect && usm->head.encrypted;
    head.user = usm->head.user;
    head.mac_n = protect ? usm_mac_size(usm->user->hash) : 0;
    head.data = scoped;
    buf_clear(&usm->out);
    buf_clear(&usm->sealed);
    if (head.encrypted) {
        put_be64(vector.salt, usm->salt++);
        head.salt = str_at(vector.salt, sizeof vector.salt);
        char *place = buf_reserve(&usm->sealed, scoped.n);
        if (!place || !usm_encrypt(&usm->keys->secret, &vector, scoped, (uint8_t *)place))
            return STR_NONE;
        buf_grew(&usm->sealed, scoped.n);
        head.data = buf_view(&usm->sealed);
    }
    size_t mac_at = snmp_v3_write(&head, &usm->out);
    if (usm->out.overflow)
        return STR_NONE;
    if (protect && !usm_mac(usm->user->hash, &usm->keys->proof, buf_view(&usm->out), mac_at, mac))
        return STR_NONE;
    if (protect)
        memcpy(usm->out.p + mac_at, mac, head.mac_n);
    return buf_view(&usm->out);
}

struct str usm_answer(struct usm *usm, const struct snmp_message *message, struct str scoped, int64_t now_real_ns)
{
    struct buf answer CLEANUP(buf_done) = {0};
    buf_init(&answer, MESSAGE_MAX);
    snmp_answer_write(message, scoped, &answer);
    return answer.overflow ? STR_NONE : message_write(usm, buf_view(&answer), true, now_real_ns);
}

static enum rc report_make(struct usm *usm, enum snmp_v3_report report, int64_t now_real_ns, struct str *ret_out)
{
    char storage[512];
    struct buf scoped;
    buf_init_fixed(&scoped, storage, sizeof storage);
    snmp_v3_report_write(report, own_id(usm), usm->head.encrypted ? STR_NONE : usm->head.data, ++usm->reports, &scoped);
    ASSERT(!scoped.overflow);
    bool protect = report == SNMP_V3_NOT_IN_TIME;
    usm->head.encrypted = false; /* neither is: RFC 3414 3.2 7a and 4 */
    if (!protect)
        usm->head.user = STR_NONE;
    *ret_out = message_write(usm, buf_view(&scoped), protect, now_real_ns);
    return ret_out->n ? RC_AGAIN : RC_LIMIT;
}

/* ---- taking ---- */

/* Whether a sender's engine is as far as it was, and remembers it. The oldest is forgotten past the places. */
static bool engine_in_time(struct usm *usm, int64_t now_s)
{
    const struct snmp_v3 *head = &usm->head;
    struct usm_engine *engine = NULL;
    struct usm_engine *oldest = &usm->engines[0];
    for (size_t i = 0; i < usm->engine_count && !engine; i++) {
        struct usm_engine *row = &usm->engines[i];
        if (row->n == head->engine.n && memcmp(row->id, head->engine.p, row->n) == 0)
            engine = row;
        oldest = row->at_s < oldest->at_s ? row : oldest;
    }
    if (engine && (head->boots < engine->boots ||
                   (head->boots == engine->boots && (int64_t)head->time + WINDOW_S < (int64_t)engine->time)))
        return false;
    if (!engine) {
        engine = usm->engine_count < ENGINES_MAX ? &usm->engines[usm->engine_count++] : oldest;
        *engine = (struct usm_engine){.n = head->engine.n};
        memcpy(engine->id, head->engine.p, head->engine.n);
    }
    if (head->boots > engine->boots || head->time > engine->time)
        engine->time = head->time;
    engine->boots = head->boots;
    engine->at_s = now_s;
    return true;
}

static bool own_in_time(const struct usm *usm, int64_t now_real_ns)
{
    int64_t apart = (int64_t)usm->head.time - (int64_t)own_time(now_real_ns);
    return usm->head.boots == BOOTS && apart <= WINDOW_S && apart >= -WINDOW_S;
}

static enum rc refuse(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return RC_DENIED;
}

/* The user, its keys for this engine, and whether the message is protected as it has to be and is what it was. */
static enum rc proof_check(struct usm *usm, struct str datagram, const char **ret_reason)
{
    const struct snmp_v3 *head = &usm->head;
    usm->user = NULL;
    for (size_t i = 0; i < usm->user_count; i++)
        if (str_is(head->user, usm->keys->users[i].name))
            usm->user = &usm->keys->users[i];
    if (!usm->user)
        return refuse("a message of SNMP version 3 named a user that is none of ours", ret_reason);
    const struct usm_user *user = usm->user;
    if (!head->authenticated || (user->secret.n && !head->encrypted) || (!user->secret.n && head->encrypted))
        return refuse("a message of SNMP version 3 was not protected as its user's have to be", ret_reason);
    if (!usm_key_localize(user->hash, &user->proof, head->engine, &usm->keys->proof) ||
        (user->secret.n && !usm_key_localize(user->hash, &user->secret, head->engine, &usm->keys->secret)))
        return refuse("a key of SNMP version 3 could not be made", ret_reason);
    if (head->mac_n != usm_mac_size(user->hash) ||
        !usm_mac_holds(user->hash, &usm->keys->proof, datagram, head->mac_at))
        return refuse("a message of SNMP version 3 was not authentic", ret_reason);
    return RC_OK;
}

static enum rc scoped_open(struct usm *usm, struct str *ret_scoped, const char **ret_reason)
{
    const struct snmp_v3 *head = &usm->head;
    struct usm_vector vector = {.boots = head->boots, .time = head->time};
    *ret_scoped = head->data;
    if (!head->encrypted)
        return RC_OK;
    memcpy(vector.salt, head->salt.p, sizeof vector.salt);
    buf_clear(&usm->plain);
    char *place = buf_reserve(&usm->plain, head->data.n);
    if (!place || !usm_decrypt(&usm->keys->secret, &vector, head->data, (uint8_t *)place))
        return refuse("a message of SNMP version 3 could not be decrypted", ret_reason);
    buf_grew(&usm->plain, head->data.n);
    *ret_scoped = buf_view(&usm->plain);
    return RC_OK;
}

enum rc usm_take(struct usm *usm, struct str datagram, int64_t now_real_ns, struct snmp_message *ret_message,
                 struct str *ret_out, const char **ret_reason)
{
    struct snmp_v3 *head = &usm->head;
    enum rc rc = snmp_v3_read(datagram, head, ret_reason);
    if (rc != RC_OK)
        return rc;
    bool ours = str_eq(head->engine, own_id(usm));
    if (!ours && head->reportable)
        return report_make(usm, SNMP_V3_UNKNOWN_ENGINE, now_real_ns, ret_out);
    rc = proof_check(usm, datagram, ret_reason);
    if (rc != RC_OK)
        return rc;
    if (ours && !own_in_time(usm, now_real_ns))
        return head->reportable ? report_make(usm, SNMP_V3_NOT_IN_TIME, now_real_ns, ret_out)
                                : refuse("a message of SNMP version 3 came too late", ret_reason);
    if (!ours && !engine_in_time(usm, now_real_ns / SECOND_NS))
        return refuse("a message of SNMP version 3 came too late, or again", ret_reason);
    rc = scoped_open(usm, ret_out, ret_reason);
    if (rc == RC_OK)
        rc = snmp_v3_scoped_read(*ret_out, ret_message, ret_reason);
    if (rc == RC_OK && ret_message->inform && !ours)
        rc = refuse("an inform of SNMP version 3 was for another engine", ret_reason);
    ret_message->version = SNMP_V3;
    ret_message->user = head->user;
    ret_message->engine = head->engine;
    ret_message->encrypted = head->encrypted;
    return rc;
}
