/* key.c - `qorgan key`: master keys of an encrypted archive. Prints ids, never keys. */
#include "archive/folder.h"
#include "archive/sealed_io.h"
#include "base/assert.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/file.h"
#include "os/vault.h"
#include "role/config.h"
#include "role/parent.h"
#include "wal/lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NEEDED_MAX  64
#define SETTING_MAX 4200

/* A master key that files of the archive are wrapped by. */
struct needed {
    char id[VAULT_ID_TEXT];
    uint64_t segments;
    uint64_t logs;
    bool here; /* in the ring */
};

struct counting {
    struct needed needed[NEEDED_MAX];
    size_t count;
    bool logs;
};

static void print_line(const struct buf *line)
{
    fwrite(line->p, 1, line->n, stdout);
    fputc('\n', stdout);
}

/* ---- new, add ---- */

/* A file, or the URI of a token's key. */
static void setting_write(const char *operand, char ret_setting[SETTING_MAX])
{
    bool token = str_starts(str_of(operand), STR("pkcs11:"));
    snprintf(ret_setting, SETTING_MAX, "%s%s", token ? "" : "file:", operand);
}

static enum rc ring_extend(const char *operand, bool add, char ret_id[VAULT_ID_TEXT], struct err *err)
{
    char setting[SETTING_MAX];
    char *storage = secret_new(2 * (size_t)VAULT_RING_MAX);
    struct buf old;
    struct buf next;
    struct vault *vault = NULL;
    if (!storage)
        return err_set(err, RC_LIMIT, "no memory");
    buf_init_fixed(&old, storage, VAULT_RING_MAX);
    buf_init_fixed(&next, storage + VAULT_RING_MAX, VAULT_RING_MAX);
    setting_write(operand, setting);
    enum rc rc = add ? vault_ring_load(str_of(setting), &old, err) : RC_OK;
    rc = rc == RC_OK ? vault_ring_add(buf_view(&old), &next, err) : rc;
    rc = rc == RC_OK ? vault_new(buf_view(&next), &vault, err) : rc;
    if (rc == RC_OK)
        vault_id(vault, 0, ret_id);
    rc = rc == RC_OK ? vault_ring_store(str_of(setting), buf_view(&next), add, err) : rc;
    vault_free(vault);
    secret_free(storage, 2 * (size_t)VAULT_RING_MAX);
    return rc;
}

static int key_extend(const struct options *options, bool add)
{
    struct err err = {0};
    char id[VAULT_ID_TEXT] = "";
    if (options->operand_count != 2)
        return cmd_usage("key", "%s needs a file or a pkcs11: URI", options->operands[0]);
    if (ring_extend(options->operands[1], add, id, &err) != RC_OK)
        return cmd_fail("key", &err);
    struct buf line;
    buf_init(&line, 8192);
    if (options_flag(options, "json")) {
        json_write_object(&line);
        json_put_text(&line, "id", id);
        json_put_text(&line, "file", options->operands[1]);
        json_write_object_end(&line);
    } else {
        buf_format(&line, "master key %s is in \"%s\"; keep a copy of the file apart: without it the archive is lost",
                   id, options->operands[1]);
    }
    print_line(&line);
    buf_done(&line);
    return CMD_OK;
}

/* ---- show ---- */

static void count_one(void *context, const char *id)
{
    struct counting *c = context;
    size_t i = 0;
    while (i < c->count && strcmp(c->needed[i].id, id) != 0)
        i++;
    if (i == NEEDED_MAX)
        return; /* more master keys than rings take: the first are told */
    if (i == c->count)
        snprintf(c->needed[c->count++].id, VAULT_ID_TEXT, "%s", id);
    c->needed[i].logs += c->logs;
    c->needed[i].segments += !c->logs;
}

/* Of what the packer made and has not yet its place. RC_NOT_FOUND: no such folder. */
static enum rc staging_open(int archive, int *ret_folder, struct err *err)
{
    return folder_open(&io_kernel, archive, NAME_PACK, false, ret_folder, err);
}

static enum rc staging_count(int archive, struct counting *counting, struct err *err)
{
    int folder = -1;
    enum rc rc = staging_open(archive, &folder, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    rc = rc == RC_OK ? sealed_keys(&io_kernel, folder, count_one, counting, err) : rc;
    if (folder >= 0)
        close(folder);
    return rc;
}

static enum rc staging_rotate(int archive, const struct vault *vault, const uint8_t uuid[16],
                              struct sealed_rotation *rotation, struct err *err)
{
    struct sealed_rotation more = {0};
    int folder = -1;
    enum rc rc = staging_open(archive, &folder, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    rc = rc == RC_OK ? sealed_rotate(&io_kernel, folder, vault, uuid, &more, err) : rc;
    rotation->keys += more.keys;
    rotation->rewrapped += more.rewrapped;
    if (folder >= 0)
        close(folder);
    return rc;
}

static enum rc archive_count(const char *data, struct counting *counting, struct err *err)
{
    struct folders folders = {-1, -1, -1};
    int archive = -1;
    enum rc rc = archive_folder(data, &archive, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK; /* not begun yet */
    rc = rc == RC_OK ? folders_open(&io_kernel, archive, false, &folders, err) : rc;
    rc = rc == RC_OK ? sealed_keys(&io_kernel, folders.seg, count_one, counting, err) : rc;
    rc = rc == RC_OK ? staging_count(archive, counting, err) : rc;
    counting->logs = true;
    rc = rc == RC_OK ? wal_lock_keys(&io_kernel, folders.wal, count_one, counting, err) : rc;
    folders_close(&io_kernel, &folders);
    if (archive >= 0)
        close(archive);
    return rc;
}

static void show_one(const struct needed *needed, const char *state, bool json)
{
    struct buf line;
    buf_init(&line, 4096);
    if (json) {
        json_write_object(&line);
        json_put_text(&line, "id", needed->id);
        json_put_text(&line, "state", state);
        json_put_u64(&line, "segments", needed->segments);
        json_put_u64(&line, "log_files", needed->logs);
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s  %-7s  %llu segments, %llu log files", needed->id, state,
                   (unsigned long long)needed->segments, (unsigned long long)needed->logs);
    }
    print_line(&line);
    buf_done(&line);
}

static int key_show(const struct options *options)
{
    struct err err = {0};
    struct vault *vault CLEANUP(vault_cleanup) = NULL;
    static struct counting counting;
    char setting[SETTING_MAX];
    const char *data = options_text(options, "data");
    bool json = options_flag(options, "json");
    bool missing = false;
    setting_write(options->operand_count == 2 ? options->operands[1] : "", setting);
    enum rc rc =
        options->operand_count == 2 ? vault_open(str_of(setting), &vault, &err) : archive_vault(data, &vault, &err);
    if (rc == RC_OK)
        rc = archive_count(data, &counting, &err);
    if (rc != RC_OK)
        return cmd_fail("key", &err);
    for (size_t i = 0; i < vault_count(vault); i++) {
        struct needed none = {.segments = 0};
        vault_id(vault, i, none.id);
        const struct needed *found = &none;
        for (size_t k = 0; k < counting.count; k++)
            if (strcmp(counting.needed[k].id, none.id) == 0) {
                counting.needed[k].here = true;
                found = &counting.needed[k];
            }
        show_one(found, i == 0 ? "wraps" : found == &none ? "unused" : "needed", json);
    }
    for (size_t k = 0; k < counting.count; k++)
        if (!counting.needed[k].here) {
            show_one(&counting.needed[k], "MISSING", json);
            missing = true;
        }
    if (!vault_count(vault) && !counting.count && !json)
        puts("encryption is off, and nothing in the archive is encrypted");
    return missing ? CMD_FAILED : CMD_OK;
}

/* ---- rotate ---- */

/* Held while the keys change: a service that runs has its master keys from its start. */
static enum rc lock_take(const char *data, int *ret_lock, struct err *err)
{
    int folder = io_open_folder(data);
    if (folder < 0)
        return err_errno(err, -folder, "could not open the data folder \"%s\"", data);
    *ret_lock = io_kernel.open(NULL, folder, "lock", IO_READ | IO_WRITE | IO_CREATE);
    close(folder);
    int result = *ret_lock < 0 ? *ret_lock : io_kernel.lock(NULL, *ret_lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "the service runs on \"%s\"; stop it first", data);
    return result < 0 ? err_errno(err, -result, "could not lock the data folder \"%s\"", data) : RC_OK;
}

static enum rc rotate_all(const char *data, const struct vault *vault, struct sealed_rotation *ret_segments,
                          struct wal_lock_rotation *ret_logs, struct err *err)
{
    struct folders folders = {-1, -1, -1};
    struct instance instance;
    int archive = -1;
    if (!vault)
        return err_set(err, RC_INVALID, "encryption is off in \"%s/qorgan.conf\"", data);
    enum rc rc = archive_folder(data, &archive, err);
    rc = rc == RC_OK ? instance_load(&io_kernel, archive, &instance, err) : rc;
    rc = rc == RC_OK ? folders_open(&io_kernel, archive, false, &folders, err) : rc;
    rc = rc == RC_OK ? sealed_rotate(&io_kernel, folders.seg, vault, instance.uuid, ret_segments, err) : rc;
    rc = rc == RC_OK ? staging_rotate(archive, vault, instance.uuid, ret_segments, err) : rc;
    rc = rc == RC_OK ? wal_lock_rotate(&io_kernel, folders.wal, vault, ret_logs, err) : rc;
    folders_close(&io_kernel, &folders);
    if (archive >= 0)
        close(archive);
    return rc;
}

static int key_rotate(const struct options *options)
{
    struct err err = {0};
    struct vault *vault CLEANUP(vault_cleanup) = NULL;
    struct sealed_rotation segments = {0};
    struct wal_lock_rotation logs = {0};
    const char *data = options_text(options, "data");
    int lock = -1;
    enum rc rc = archive_vault(data, &vault, &err);
    rc = rc == RC_OK ? lock_take(data, &lock, &err) : rc;
    rc = rc == RC_OK ? rotate_all(data, vault, &segments, &logs, &err) : rc;
    if (lock >= 0)
        close(lock);
    if (rc != RC_OK)
        return cmd_fail("key", &err);
    struct buf line;
    char id[VAULT_ID_TEXT];
    vault_id(vault, 0, id);
    buf_init(&line, 4096);
    if (options_flag(options, "json")) {
        json_write_object(&line);
        json_put_text(&line, "id", id);
        json_put_u64(&line, "segments", segments.keys);
        json_put_u64(&line, "log_files", logs.files);
        json_put_u64(&line, "rewrapped", segments.rewrapped + logs.rewrapped);
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%llu keys of segments and %llu of log files are under master key %s; %llu were wrapped anew",
                   (unsigned long long)segments.keys, (unsigned long long)logs.files, id,
                   (unsigned long long)(segments.rewrapped + logs.rewrapped));
    }
    print_line(&line);
    buf_done(&line);
    return CMD_OK;
}

int cmd_key(int argc, char **argv)
{
    struct options options;
    int status = options_parse("key", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    const char *what = options.operands[0];
    if (strcmp(what, "new") == 0 || strcmp(what, "add") == 0)
        return key_extend(&options, what[0] == 'a');
    if (strcmp(what, "show") == 0)
        return key_show(&options);
    if (strcmp(what, "rotate") == 0 && options.operand_count == 1)
        return key_rotate(&options);
    return cmd_usage("key", "say new FILE, add FILE, show [FILE] or rotate, not \"%s\"", what);
}
