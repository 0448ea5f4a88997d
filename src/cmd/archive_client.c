#include "cmd/archive_client.h"

#include "archive/writer.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/net.h"
#include "os/random.h"
#include "role/config.h"
#include "role/import.h"
#include "role/parent.h"
#include "role/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUT_SIZE     ((size_t)256 << 10)
#define COMMIT_BYTES ((size_t)4 << 20)
#define SEND_LIMIT   (OUT_SIZE + 2 * ((size_t)1 << 20))

struct archive_client {
    int fd; /* to the service; -1: we write ourselves */
    struct buf out;
    struct buf in;
    uint64_t sequence;
    uint64_t first; /* sequence of the first record of this source */
    uint8_t source[16];
    uint64_t epoch;
    /* without a service */
    struct arena *arena;
    struct config config;
    struct setup setup;
    struct archive *archive;
    struct vault *vault;
    size_t dirty;
};

/* ---- through the service ---- */

static enum rc out_flush(struct archive_client *client, struct err *err)
{
    while (client->out.n) {
        ssize_t sent = net_send_fds(client->fd, buf_view(&client->out), NULL, 0);
        if (sent < 0)
            return err_errno(err, (int)-sent, "the service closed the connection");
        buf_consume(&client->out, (size_t)sent);
    }
    return RC_OK;
}

static enum rc number_wait(struct archive_client *client, enum import_type wanted, uint64_t *ret_value, struct err *err)
{
    for (;;) {
        struct str input = buf_view(&client->in);
        enum import_type type;
        struct str body;
        enum rc rc = import_next(&input, &type, &body);
        if (rc == RC_OK) {
            uint64_t value = get_be64(body.p);
            buf_consume(&client->in, client->in.n - input.n);
            if (type != wanted)
                return err_set(err, RC_INVALID, "the service answered something else than asked");
            *ret_value = value;
            return RC_OK;
        }
        char bytes[4096];
        ssize_t got = rc == RC_AGAIN ? read(client->fd, bytes, sizeof bytes) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, RC_IO,
                           "the service closed the connection; run the command again, nothing is taken twice");
        buf_put(&client->in, bytes, (size_t)got);
    }
}

/* ---- as the writer ---- */

static enum rc writer_open(struct archive_client *client, const char *data, struct err *err)
{
    client->arena = arena_new((size_t)16 << 20);
    ASSERT(client->arena != NULL);
    enum rc rc = config_load(data, client->arena, &client->config, err);
    if (rc == RC_OK)
        rc = setup_make(&client->config, false, client->arena, &client->setup, err);
    if (rc == RC_OK)
        rc = vault_open(client->config.encryption, &client->vault, err);
    if (rc != RC_OK)
        return rc;
    struct archive_options options = {
        .site = client->config.site.p,
        .wal_file_size = client->config.log_file_mib << 20,
        .seed = random_u64(),
        .now_ns = clock_real_ns(),
        .now_boot_ns = clock_boot_ns(),
        .vault = client->vault,
    };
    if (!hex_decode(client->setup.origin_uuid, options.new_uuid, sizeof options.new_uuid))
        return err_set(err, RC_CORRUPT, "keys/signer.key is not the key of an archive");
    struct archive_recovered recovered;
    return archive_open(&io_kernel, client->setup.archive, &options, &client->archive, &recovered, err);
}

static enum rc writer_commit(struct archive_client *client, struct err *err)
{
    uint64_t durable = 0;
    client->dirty = 0;
    return archive_commit(client->archive, &durable, err);
}

static enum rc writer_record(struct archive_client *client, struct str bytes, struct err *err)
{
    struct archive_record record = {
        .type = LEAF_RAW,
        .transport = TRANSPORT_IMPORT,
        .epoch = client->epoch,
        .sequence = client->sequence,
        .received_ns = clock_real_ns(),
        .received_boot_ns = clock_boot_ns(),
        .raw = bytes,
    };
    memcpy(record.source, client->source, sizeof record.source);
    struct archive_appended appended;
    enum rc rc = archive_append(client->archive, &record, 1, &appended, err);
    client->dirty += bytes.n + LEAF_HEADER_SIZE;
    return rc == RC_OK && client->dirty >= COMMIT_BYTES ? writer_commit(client, err) : rc;
}

/* ---- both ---- */

static enum rc client_open(const char *data, bool may_write, struct archive_client **ret_client, struct err *err)
{
    struct archive_client *client = memory_new(sizeof *client);
    char path[4096];
    if (!client)
        return err_set(err, RC_LIMIT, "no memory");
    buf_init(&client->out, SEND_LIMIT);
    buf_init(&client->in, 65536);
    snprintf(path, sizeof path, "%s/run/ingest", data);
    client->fd = -1;
    enum rc rc = net_connect_unix(path, &client->fd, err);
    if (rc == RC_NOT_FOUND && may_write)
        rc = writer_open(client, data, err);
    else if (rc == RC_NOT_FOUND)
        rc = err_set(err, RC_NOT_FOUND, "the service does not run");
    if (rc == RC_OK)
        *ret_client = client;
    else
        archive_client_close(client);
    return rc;
}

enum rc archive_client_open(const char *data, struct archive_client **ret_client, struct err *err)
{
    return client_open(data, true, ret_client, err);
}

enum rc archive_client_open_service(const char *data, struct archive_client **ret_client, struct err *err)
{
    return client_open(data, false, ret_client, err);
}

enum rc archive_client_begin(struct archive_client *client, const char *name, uint64_t epoch, uint64_t *ret_highest,
                             struct err *err)
{
    enum rc rc = RC_OK;
    source_id_make(STR("import"), str_of(name), client->source);
    client->epoch = epoch;
    *ret_highest = 0;
    if (client->fd >= 0) {
        struct buf hello;
        buf_init(&hello, IMPORT_NAME_MAX + 8);
        buf_be64(&hello, epoch);
        buf_text(&hello, name);
        import_put(&client->out, IMPORT_HELLO, buf_view(&hello));
        rc = hello.overflow ? err_set(err, RC_LIMIT, "the name is too long") : out_flush(client, err);
        buf_done(&hello);
        if (rc == RC_OK)
            rc = number_wait(client, IMPORT_HIGH, ret_highest, err);
        import_put_u64(&client->out, IMPORT_BEGIN, *ret_highest + 1);
    } else {
        struct event_source source = {.kind = STR("import"), .name = str_of(name)};
        memcpy(source.id, client->source, sizeof source.id);
        rc = archive_source(client->archive, &source, clock_real_ns(), clock_boot_ns(), err);
        if (!archive_highest(client->archive, client->source, epoch, ret_highest))
            *ret_highest = 0;
    }
    client->sequence = client->first = *ret_highest + 1;
    return rc;
}

enum rc archive_client_record(struct archive_client *client, struct str bytes, struct err *err)
{
    enum rc rc = RC_OK;
    if (client->fd >= 0) {
        import_put(&client->out, IMPORT_RECORD, bytes);
        if (client->out.n >= OUT_SIZE)
            rc = out_flush(client, err);
    } else {
        rc = writer_record(client, bytes, err);
    }
    client->sequence++;
    return rc;
}

enum rc archive_client_paper(struct archive_client *client, struct str body, struct err *err)
{
    ASSERT(client->fd >= 0);
    import_put(&client->out, IMPORT_PAPER, body);
    client->sequence++;
    return out_flush(client, err);
}

enum rc archive_client_end(struct archive_client *client, struct err *err)
{
    if (client->fd < 0)
        return writer_commit(client, err);
    uint64_t sent = client->sequence - client->first;
    uint64_t durable = 0;
    import_put(&client->out, IMPORT_END, STR_NONE);
    enum rc rc = out_flush(client, err);
    bool told = false;
    while (rc == RC_OK && (durable < sent || !told)) {
        rc = number_wait(client, IMPORT_DURABLE, &durable, err);
        told = true;
    }
    return rc;
}

void archive_client_close(struct archive_client *client)
{
    if (client->archive)
        archive_close(client->archive);
    vault_free(client->vault);
    if (client->fd >= 0)
        close(client->fd);
    if (client->setup.lock > 0)
        close(client->setup.lock);
    buf_done(&client->out);
    buf_done(&client->in);
    arena_free(client->arena);
    memory_free(client);
}
