#include "role/setup.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "msg/msg.h"
#include "os/authority.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/random.h"
#include "os/tls.h"
#include "role/allowed_senders.h"
#include "role/cosign.h"
#include "role/indicator_folder.h"
#include "role/signer_slots.h"
#include "role/tokens.h"
#include "tlog/key.h"
#include "tlog/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTHORITY_NAME "qorgan agents" /* a certificate that is made again over the key must have the same */
#define KEY_FILE_MAX   ((size_t)16000) /* what a child takes as a secret: process.c */

static uint32_t uid_of(const struct config *config, enum role role)
{
    return config->uid_base ? (uint32_t)config->uid_base + role : 0;
}

/* Owner of a path when started by root; else it stays ours. */
static enum rc own(const struct config *config, const char *relative, enum role role, struct err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%.*s/%s", STR_ARG(config->data), relative);
    uint32_t id = uid_of(config, role);
    /* What the parent owns stays its own: root's. */
    return proc_is_root() && id && role != ROLE_PARENT ? proc_chown(path, id, id, err) : RC_OK;
}

/* Files that came by another way, a restored backup or an import while no service ran, get the owner that serves. */
static enum rc files_own(const struct config *config, int folder, enum role role, struct err *err)
{
    uint32_t id = uid_of(config, role);
    return proc_is_root() && id && role != ROLE_PARENT ? proc_chown_files(folder, id, id, err) : RC_OK;
}

/* Which folder, inside which, whose. */
struct folder_row {
    int parent;
    const char *name;
    const char *relative; /* to the data folder */
    enum role owner;
};

static enum rc folder_make(const struct config *config, const struct folder_row *row, int *ret_fd, struct err *err)
{
    enum rc rc = folder_open(&io_kernel, row->parent, row->name, true, ret_fd, err);
    if (rc == RC_OK)
        rc = own(config, row->relative, row->owner, err);
    return rc == RC_OK ? files_own(config, *ret_fd, row->owner, err) : rc;
}

/* The desk writes them, engines read them before they are nobody, and the hunter reads them as one of those who read
 * the archive: what is made in the folder is its group's. */
static enum rc lists_folder_make(const struct config *config, struct setup *setup, struct err *err)
{
    char path[4096];
    uint32_t user = uid_of(config, ROLE_DESK);
    uint32_t group = uid_of(config, ROLE_KEEPER);
    enum rc rc = folder_open(&io_kernel, setup->data, OWN_LISTS_FOLDER, true, &setup->lists, err);
    if (rc != RC_OK || !proc_is_root() || !user)
        return rc;
    snprintf(path, sizeof path, "%.*s/" OWN_LISTS_FOLDER, STR_ARG(config->data));
    rc = proc_chown(path, user, group, err);
    if (rc == RC_OK)
        rc = proc_chown_files(setup->lists, user, group, err);
    if (rc == RC_OK && fchmod(setup->lists, 02750) != 0)
        rc = err_errno(err, errno, "could not set the mode of \"%s\"", path);
    return rc;
}

static enum rc data_open(const struct config *config, struct setup *setup, struct err *err)
{
    const char *path = config->data.p;
    if (mkdir(path, 0711) != 0 && errno != EEXIST)
        return err_errno(err, errno, "could not create the data folder \"%s\"", path);
    setup->data = io_open_folder(path);
    if (setup->data < 0)
        return err_errno(err, -setup->data, "could not open the data folder \"%s\"", path);
    setup->lock = io_kernel.open(NULL, setup->data, "lock", IO_READ | IO_WRITE | IO_CREATE);
    if (setup->lock < 0)
        return err_errno(err, -setup->lock, "could not write to the data folder \"%s\"", path);
    int result = io_kernel.lock(NULL, setup->lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "another server runs on the data folder \"%s\"; stop it first", path);
    return result < 0 ? err_errno(err, -result, "could not lock the data folder \"%s\"", path) : RC_OK;
}

static enum rc folders_make(const struct config *config, struct setup *setup, struct err *err)
{
    int checkpoints = -1;
    int pack = -1;
    int run = -1;
    enum rc rc =
        folder_make(config, &(struct folder_row){setup->data, "archive", "archive", ROLE_KEEPER}, &setup->archive, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->archive, "wal", "archive/wal", ROLE_KEEPER},
                         &setup->log_folder, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->archive, "seg", "archive/seg", ROLE_KEEPER},
                         &setup->segment_folder, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->archive, "pack", "archive/pack", ROLE_KEEPER}, &pack, err);
    if (rc == RC_OK)
        rc =
            folder_make(config, &(struct folder_row){setup->archive, "checkpoints", "archive/checkpoints", ROLE_KEEPER},
                        &checkpoints, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->data, "desk", "desk", ROLE_DESK}, &setup->desk, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->desk, "documents", "desk/documents", ROLE_DESK},
                         &setup->documents, err);
    if (rc == RC_OK)
        rc = lists_folder_make(config, setup, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->data, "collect", "collect", ROLE_COLLECTOR},
                         &setup->collect, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->data, SENDERS_FOLDER, SENDERS_FOLDER, ROLE_PARENT},
                         &setup->senders, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->data, MIRROR_FOLDER, MIRROR_FOLDER, ROLE_QUERY},
                         &setup->mirror, err);
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){setup->data, "run", "run", ROLE_PARENT}, &run, err);
    const int opened[] = {checkpoints, pack, run};
    for (size_t i = 0; i < ARRAY_LEN(opened); i++)
        if (opened[i] >= 0)
            close(opened[i]);
    return rc;
}

static enum rc key_write(int keys, const char *name, struct str text, struct err *err)
{
    enum rc rc = file_replace(&io_kernel, keys, name, text, err);
    int fd = rc == RC_OK ? io_kernel.open(NULL, keys, name, IO_READ) : -1;
    if (fd >= 0) {
        IGNORE(fchmod(fd, 0400) != 0); /* the folder itself is closed to others */
        close(fd);
    }
    return rc;
}

static enum rc signing_key_make(const struct config *config, int keys, struct err *err)
{
    uint8_t uuid[16];
    char name[512];
    char hex[33] = "";
    random_bytes(uuid, sizeof uuid);
    hex_encode(uuid, sizeof uuid, hex);
    snprintf(name, sizeof name, "%.*s/%s", STR_ARG(config->site), hex);
    struct signing_key *key = NULL;
    enum rc rc = signing_key_generate(str_of(name), NOTE_ED25519, &key, err);
    if (rc != RC_OK)
        return rc;
    struct buf text;
    buf_init(&text, 4096);
    signing_key_write(key, &text);
    rc = key_write(keys, "signer.key", buf_view(&text), err);
    key_cleanse(text.p, text.n);
    buf_clear(&text);
    if (rc == RC_OK) {
        note_key_write(signing_key_public(key), &text);
        buf_char(&text, '\n');
        rc = file_replace(&io_kernel, keys, "signer.pub", buf_view(&text), err);
    }
    buf_done(&text);
    signing_key_free(key);
    return rc;
}

static enum rc uuid_of_name(struct str name, const char *file, struct str *ret_uuid, struct err *err)
{
    if (name.n < 33 || name.p[name.n - 33] != '/')
        return err_set(err, RC_CORRUPT, "%s is not the key of an archive: its name has no uuid", file);
    *ret_uuid = str_skip(name, name.n - 32);
    return RC_OK;
}

/* The uuid stands in the key's name: PRIVATE+KEY+site/uuid+hash+... */
static enum rc uuid_read(struct str key_text, struct str *ret_uuid, struct err *err)
{
    struct signing_key *key = NULL;
    enum rc rc = signing_key_parse(key_text, &key, err);
    if (rc != RC_OK)
        return rc;
    signing_key_free(key);
    struct str rest = str_skip(key_text, strlen("PRIVATE+KEY+"));
    return uuid_of_name(str_cut(&rest, '+'), "keys/signer.key", ret_uuid, err);
}

/* What follows from the signing key. */
static enum rc signing_key_read(struct arena *arena, struct setup *setup, struct err *err)
{
    struct signing_key *key = NULL;
    struct buf text CLEANUP(buf_done) = {0};
    buf_init(&text, 4096);
    enum rc rc = signing_key_parse(setup->signing_key, &key, err);
    if (rc != RC_OK)
        return rc;
    note_key_write(signing_key_public(key), &text);
    signing_key_free(key);
    setup->signer_public = arena_str(arena, buf_view(&text));
    return setup->signer_public.n ? uuid_read(setup->signing_key, &setup->origin_uuid, err)
                                  : err_set(err, RC_LIMIT, "no memory for the verifier key");
}

static enum rc signing_key_load(const struct config *config, int keys, struct arena *arena, struct setup *setup,
                                struct err *err)
{
    enum rc rc = file_load(&io_kernel, keys, "signer.key", KEY_FILE_MAX, arena, &setup->signing_key, err);
    if (rc == RC_NOT_FOUND) {
        struct str public_key = STR_NONE;
        rc = file_load(&io_kernel, keys, "signer.pub", KEY_FILE_MAX, arena, &public_key, err);
        if (rc == RC_OK) /* an archive that was signed is never signed on by another key as if nothing had happened */
            return err_set(err, RC_CORRUPT,
                           "keys/signer.key is gone, but keys/signer.pub is there: put the key back from its copy, or "
                           "begin a new instance (qorgan serve --new-instance)");
        if (rc != RC_NOT_FOUND)
            return rc;
        setup->first_start = true;
        rc = signing_key_make(config, keys, err);
        if (rc == RC_OK)
            rc = file_load(&io_kernel, keys, "signer.key", KEY_FILE_MAX, arena, &setup->signing_key, err);
    }
    return rc == RC_OK ? signing_key_read(arena, setup, err) : rc;
}

static enum rc signer_state_open(int keys, struct setup *setup, struct err *err)
{
    setup->signer_state = io_kernel.open(NULL, keys, "signer.state", IO_READ | IO_WRITE | IO_CREATE);
    if (setup->signer_state < 0)
        return err_errno(err, -setup->signer_state, "could not open keys/signer.state");
    int64_t size = 0;
    int result = io_kernel.size(NULL, setup->signer_state, &size);
    if (result == 0 && size < SIGNER_SLOTS_SIZE)
        result = io_kernel.allocate(NULL, setup->signer_state, 0, SIGNER_SLOTS_SIZE); /* a full disk: still signed */
    return result < 0 ? err_errno(err, -result, "could not set up keys/signer.state") : RC_OK;
}

struct str setup_signed_last(const struct setup *setup, struct buf *storage)
{
    struct signer_state state;
    uint64_t turn = 0;
    if (setup->signed_last.n)
        return setup->signed_last;
    buf_clear(storage);
    if (signer_slots_read(setup->signer_state, &turn, &state))
        signer_state_write(&state, storage);
    return buf_view(storage);
}

/* The old key and what it signed stay under the name of the origin that they belong to. */
static enum rc key_set_aside(int keys, struct arena *arena, struct setup *setup, struct err *err)
{
    static const char *const names[] = {"signer.key", "signer.pub", "signer.state"};
    struct buf text;
    struct str old = STR_NONE;
    enum rc rc = file_load(&io_kernel, keys, "signer.key", KEY_FILE_MAX, arena, &old, err);
    bool lost = rc == RC_NOT_FOUND;
    if (lost)
        rc = file_load(&io_kernel, keys, "signer.pub", KEY_FILE_MAX, arena, &old, err);
    if (lost && rc == RC_NOT_FOUND)
        return RC_OK; /* a first start: there is nothing to put aside */
    if (rc == RC_OK)
        rc = lost ? uuid_of_name(str_cut(&old, '+'), "keys/signer.pub", &setup->origin_uuid, err)
                  : uuid_read(old, &setup->origin_uuid, err);
    if (rc == RC_OK)
        rc = signer_state_open(keys, setup, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&text, SIGNER_SLOTS_SIZE);
    setup->signed_last = arena_str(arena, setup_signed_last(setup, &text));
    buf_done(&text);
    close(setup->signer_state);
    for (size_t i = ARRAY_LEN(names); i-- > 0;) { /* the key last: without it the next start would make one */
        char aside[96];
        snprintf(aside, sizeof aside, "%s.%.*s", names[i], STR_ARG(setup->origin_uuid));
        int result = io_kernel.rename(NULL, keys, names[i], aside);
        if (result < 0 && result != -ENOENT)
            return err_errno(err, -result, "could not put keys/%s aside", names[i]);
    }
    int result = io_kernel.sync(NULL, keys);
    return result < 0 ? err_errno(err, -result, "could not sync the folder keys") : RC_OK;
}

static enum rc certificate_make(int keys, struct err *err)
{
    char host[256] = "localhost";
    struct buf certificate;
    struct buf key;
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        snprintf(host, sizeof host, "localhost");
    host[63] = '\0'; /* the common name's limit, X.520 */
    buf_init(&certificate, 16384);
    buf_init(&key, 16384);
    enum rc rc = tls_certificate_make(host, &certificate, &key, err);
    if (rc == RC_OK)
        rc = key_write(keys, "tls.key", buf_view(&key), err);
    if (rc == RC_OK)
        rc = file_replace(&io_kernel, keys, "tls.crt", buf_view(&certificate), err);
    explicit_bzero(key.p, key.n);
    buf_done(&key);
    buf_done(&certificate);
    return rc;
}

static enum rc certificate_load(const struct config *config, int keys, struct arena *arena, struct setup *setup,
                                struct err *err)
{
    enum rc rc;
    if (config->tls_certificate.n) {
        rc = file_load_path(config->tls_certificate.p, KEY_FILE_MAX, arena, &setup->tls_certificate, err);
        if (rc == RC_OK)
            rc = file_load_path(config->tls_key.p, KEY_FILE_MAX, arena, &setup->tls_key, err);
    } else {
        rc = file_load(&io_kernel, keys, "tls.crt", KEY_FILE_MAX, arena, &setup->tls_certificate, err);
        if (rc == RC_NOT_FOUND)
            rc = certificate_make(keys, err);
        if (rc == RC_OK)
            rc = file_load(&io_kernel, keys, "tls.crt", KEY_FILE_MAX, arena, &setup->tls_certificate, err);
        if (rc == RC_OK)
            rc = file_load(&io_kernel, keys, "tls.key", KEY_FILE_MAX, arena, &setup->tls_key, err);
    }
    if (rc == RC_OK && config->tls_client_ca.n)
        rc = file_load_path(config->tls_client_ca.p, KEY_FILE_MAX, arena, &setup->tls_client_ca, err);
    return rc;
}

/* Who may send over SNMP. */
static enum rc snmp_read_files(const struct config *config, struct arena *arena, struct setup *setup, struct err *err)
{
    const struct {
        struct str path;
        struct str *text;
    } rows[] = {
        {config->snmp_communities, &setup->snmp_communities},
        {config->snmp_users, &setup->snmp_users},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].path.n)
            continue;
        enum rc rc = file_load_path(rows[i].path.p, KEY_FILE_MAX, arena, rows[i].text, err);
        if (rc != RC_OK)
            return rc;
        if (str_trim(*rows[i].text).n == 0)
            return err_set(err, RC_INVALID, "\"%s\" is empty, which is not the same as no setting", rows[i].path.p);
    }
    return RC_OK;
}

/* What forwarding Windows computers are asked for, and who vouches for them. */
static enum rc wef_read_files(const struct config *config, struct arena *arena, struct setup *setup, struct err *err)
{
    char path[4096];
    if (!config->wef_port)
        return RC_OK;
    if (!config->wef_client_ca.n)
        return err_set(err, RC_INVALID,
                       "\"wef-port\" needs \"wef-client-ca\": the certificate of who issued those of the computers");
    enum rc rc = file_load_path(config->wef_client_ca.p, KEY_FILE_MAX, arena, &setup->wef_client_ca, err);
    snprintf(path, sizeof path, "%.*s/data/wef_subscriptions.yaml", STR_ARG(config->share));
    if (rc == RC_OK)
        rc = file_load_path(config->wef_subscriptions.n ? config->wef_subscriptions.p : path, KEY_FILE_MAX, arena,
                            &setup->wef_subscriptions, err);
    return rc;
}

/* ---- agents ---- */

/* The key is written first: one that has no certificate yet, or lost it, gets another and stays the same authority. */
static enum rc authority_write(int keys, struct str key, struct err *err)
{
    struct buf certificate CLEANUP(buf_done) = {0};
    struct buf made CLEANUP(buf_done) = {0};
    int64_t now_s = clock_real_ns() / 1000000000;
    buf_init(&certificate, KEY_FILE_MAX);
    buf_init(&made, KEY_FILE_MAX);
    enum rc rc = key.n ? authority_make_again(STR(AUTHORITY_NAME), key, now_s, &certificate, err)
                       : authority_make(STR(AUTHORITY_NAME), now_s, &certificate, &made, err);
    if (rc == RC_OK && !key.n)
        rc = key_write(keys, "authority.key", buf_view(&made), err);
    if (rc == RC_OK)
        rc = file_replace(&io_kernel, keys, "authority.pem", buf_view(&certificate), err);
    explicit_bzero(made.p, made.n);
    return rc;
}

static enum rc authority_load(int keys, struct arena *arena, struct setup *setup, struct err *err)
{
    enum rc rc = file_load(&io_kernel, keys, "authority.key", KEY_FILE_MAX, arena, &setup->authority_key, err);
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        return rc;
    bool known = rc == RC_OK;
    rc = file_load(&io_kernel, keys, "authority.pem", KEY_FILE_MAX, arena, &setup->authority_certificate, err);
    if (rc == RC_OK && !known)
        return err_set(err, RC_CORRUPT,
                       "keys/authority.key is gone, but keys/authority.pem is there: put the key back from its copy, "
                       "or remove both files and enrol every agent anew");
    if (rc == RC_NOT_FOUND) {
        rc = authority_write(keys, setup->authority_key, err);
        if (rc == RC_OK)
            rc = file_load(&io_kernel, keys, "authority.key", KEY_FILE_MAX, arena, &setup->authority_key, err);
        if (rc == RC_OK)
            rc = file_load(&io_kernel, keys, "authority.pem", KEY_FILE_MAX, arena, &setup->authority_certificate, err);
    }
    if (rc == RC_OK)
        rc = authority_pair_check(setup->authority_certificate, setup->authority_key, err);
    if (rc == RC_INVALID)
        IGNORE(err_wrap(err, "keys/authority.pem and keys/authority.key")); /* the code stays rc */
    return rc;
}

/* Agents trust the authority and not this certificate: whatever is wrong with it, another is made. */
static bool delivery_fits(const struct setup *setup)
{
    struct tls_server *server = NULL;
    struct err err = {0};
    if (authority_server_check(setup->authority_certificate, setup->delivery_certificate, clock_real_ns() / 1000000000,
                               &err) != RC_OK)
        return false;
    enum rc rc = tls_server_new(setup->delivery_certificate, setup->delivery_key, STR_NONE, &server, &err);
    tls_server_free(server);
    return rc == RC_OK;
}

static enum rc delivery_read(int keys, struct arena *arena, struct setup *setup, struct err *err)
{
    enum rc rc = file_load(&io_kernel, keys, "delivery.pem", KEY_FILE_MAX, arena, &setup->delivery_certificate, err);
    return rc == RC_OK ? file_load(&io_kernel, keys, "delivery.key", KEY_FILE_MAX, arena, &setup->delivery_key, err)
                       : rc;
}

static enum rc delivery_load(int keys, struct arena *arena, struct setup *setup, struct err *err)
{
    enum rc rc = delivery_read(keys, arena, setup, err);
    if ((rc != RC_OK && rc != RC_NOT_FOUND) || (rc == RC_OK && delivery_fits(setup)))
        return rc;
    struct buf certificate CLEANUP(buf_done) = {0};
    struct buf key CLEANUP(buf_done) = {0};
    buf_init(&certificate, KEY_FILE_MAX);
    buf_init(&key, KEY_FILE_MAX);
    rc = authority_server_make(setup->authority_certificate, setup->authority_key, clock_real_ns() / 1000000000,
                               &certificate, &key, err);
    if (rc == RC_OK)
        rc = key_write(keys, "delivery.key", buf_view(&key), err);
    if (rc == RC_OK)
        rc = file_replace(&io_kernel, keys, "delivery.pem", buf_view(&certificate), err);
    explicit_bzero(key.p, key.n);
    return rc == RC_OK ? delivery_read(keys, arena, setup, err) : rc;
}

static enum rc outside_load(const struct config *config, struct arena *arena, struct setup *setup, struct err *err)
{
    const struct {
        struct str path;
        struct str *ret;
        const char *key;
        bool certificates;
    } files[] = {
        {config->witness_policy, &setup->witness_policy, "witness-policy", false},
        {config->witness_ca, &setup->witness_ca, "witness-ca", true},
        {config->timestamp_ca, &setup->timestamp_ca, "timestamp-ca", true},
    };
    if (config->timestamp_url.n && !config->timestamp_ca.n)
        return err_set(err, RC_INVALID,
                       "timestamp-url needs timestamp-ca: a stamp that nobody can check proves nothing");
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        enum rc rc = files[i].path.n ? file_load_path(files[i].path.p, KEY_FILE_MAX, arena, files[i].ret, err) : RC_OK;
        if (rc == RC_OK && files[i].path.n && files[i].certificates)
            rc = tls_certificates_check(*files[i].ret, err);
        if (rc != RC_OK) {
            IGNORE(err_wrap(err, "%s", files[i].key)); /* the code stays rc */
            return rc;
        }
    }
    return RC_OK;
}

/* The parent knows first that a policy does not read; the keeper and out would only die of it. */
static enum rc policy_look(const struct setup *setup, struct arena *arena, struct err *err)
{
    struct policy *policy = setup->witness_policy.n ? arena_alloc(arena, sizeof *policy) : NULL;
    enum rc rc = policy ? policy_parse(setup->witness_policy, policy, err) : RC_OK;
    rc = policy && rc == RC_OK ? cosign_policy_check(policy, err) : rc;
    if (rc != RC_OK)
        IGNORE(err_wrap(err, "witness-policy")); /* the code stays rc */
    return rc;
}

/* The intakes would only die of a list that does not read. */
static enum rc senders_look(const struct config *config, struct err *err)
{
    struct allowed_senders allowed;
    enum rc rc = RC_OK;
    for (unsigned receiver = 0; receiver < RECEIVER_OPEN && rc == RC_OK; receiver++)
        rc = allowed_senders_read(config, (enum receiver)receiver, &allowed, err);
    return rc;
}

enum rc setup_make(const struct config *config, bool new_instance, struct arena *arena, struct setup *ret_setup,
                   struct err *err)
{
    *ret_setup = (struct setup){.data = -1, .lock = -1, .archive = -1, .signer_state = -1};
    umask(0022); /* modes are given where files are made; checkpoints and segments may be read by their group */
    enum rc rc = senders_look(config, err);
    if (rc == RC_OK)
        rc = data_open(config, ret_setup, err);
    if (rc == RC_OK)
        rc = folders_make(config, ret_setup, err);
    int keys = -1;
    if (rc == RC_OK)
        rc = folder_make(config, &(struct folder_row){ret_setup->data, "keys", "keys", ROLE_PARENT}, &keys, err);
    if (rc == RC_OK && fchmod(keys, 0700) != 0)
        rc = err_errno(err, errno, "could not close the folder keys to others");
    if (rc == RC_OK && new_instance)
        rc = key_set_aside(keys, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = signing_key_load(config, keys, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = signer_state_open(keys, ret_setup, err);
    if (rc == RC_OK)
        rc = certificate_load(config, keys, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = snmp_read_files(config, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = wef_read_files(config, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = authority_load(keys, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = delivery_load(keys, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = outside_load(config, arena, ret_setup, err);
    if (rc == RC_OK)
        rc = policy_look(ret_setup, arena, err);
    if (keys >= 0)
        close(keys);
    return rc;
}
