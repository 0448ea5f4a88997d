/* packer.c - packs segments anew, smaller, once their records are rarely asked for (archive/repack.h); and tells the
 * keeper whose records a segment has (object_finder.h), before it goes on packing.
 *
 * It writes in the folder archive/pack and nowhere else, and removes nothing: the reaper takes what is there into the
 * folder of segments (staging.h), has it compared with the segment, and lets it take its name. It decodes and encodes a
 * block a step, gives way to all others, and may be killed at any time: the next one begins that segment anew. */
#include "archive/repack.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/civil.h"
#include "event/names.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/io.h"
#include "os/proc.h"
#include "os/random.h"
#include "role/log.h"
#include "role/object_finder.h"
#include "role/roles.h"

#include <stdlib.h>

#define DAY_NS   (DAY_S * SECOND_NS)
#define LOOK_NS  UINT64_C(600000000000) /* between two looks for a segment that has become old */
#define AGAIN_NS UINT64_C(600000000000) /* after one that could not be packed */
#define SPARE    (UINT64_C(1) << 30)    /* bytes of the disk that stay free for intake */
#define TICK_MS  1000

struct packer {
    int archive;
    int staging; /* archive/pack */
    int64_t hot_ns;
    int64_t keep_ns;
    struct vault *vault;
    struct object_finder *finder;
    struct names *names;           /* of one segment: fresh ones each time */
    struct archive_reader *reader; /* while there is work */
    struct repack *repack;
    uint64_t first;   /* of the segment at work */
    uint64_t from;    /* segments below were tried by this process */
    uint64_t look_ns; /* boot time of the next look */
};

static void found_send(void *context, uint64_t first, struct str body)
{
    (void)context;
    struct channel *keeper = process_peer(ROLE_KEEPER, 0);
    if (keeper)
        IGNORE(channel_send(keeper, MSG_OBJECTS_FOUND, first, body)); /* it asks again when it or this one comes up */
}

static enum rc packer_start(struct process *process, void **ret_self, struct err *err)
{
    static struct packer packer;
    packer.archive = process_handle(process, "archive", -1);
    if (packer.archive < 0)
        return err_set(err, RC_INVALID, "the packer was given no archive");
    enum rc rc = folder_open(&io_kernel, packer.archive, "pack", false, &packer.staging, err);
    if (rc != RC_OK)
        return rc;
    packer.hot_ns = process->config.hot_days * DAY_NS;
    packer.keep_ns = process->config.keep_days * DAY_NS;
    *ret_self = &packer;
    rc = process_vault(&packer.vault, err);
    if (rc != RC_OK)
        return rc;
    const struct object_finder_options options = {
        .archive = packer.archive, .vault = packer.vault, .answer = found_send};
    packer.finder = object_finder_new(&options);
    return packer.finder ? RC_OK : err_set(err, RC_LIMIT, "no memory to look for objects");
}

static void work_end(struct packer *packer, uint64_t pause_ns)
{
    repack_free(packer->repack);
    archive_reader_close(packer->reader);
    names_free(packer->names);
    packer->names = NULL;
    packer->repack = NULL;
    packer->reader = NULL;
    packer->look_ns = clock_boot_ns() + pause_ns;
}

static enum rc work_begin(struct packer *packer, int64_t now_ns, struct err *err)
{
    packer->names = names_new(random_u64());
    if (!packer->names)
        return err_set(err, RC_LIMIT, "no memory for names");
    struct archive_reader_options options = {.names = packer->names, .vault = packer->vault};
    const struct repack_age age = {.after_ns = now_ns - packer->keep_ns, .before_ns = now_ns - packer->hot_ns};
    enum rc rc = archive_reader_open(&io_kernel, packer->archive, &options, &packer->reader, err);
    if (rc == RC_DENIED && packer->vault) /* a master key was added: the parent starts us anew with the present ring */
        process_stop(EXIT_FAILURE);
    rc = rc == RC_OK ? archive_repack_next(packer->reader, packer->staging, packer->from, &age, &packer->first, err)
                     : rc;
    if (rc != RC_OK)
        return rc;
    packer->from = packer->first + 1;
    rc = repack_new(packer->reader, packer->staging, packer->first, &packer->repack, err);
    if (rc == RC_OK && proc_disk_free(packer->staging) < SPARE + repack_sizes(packer->repack).hot) {
        packer->from = packer->first;
        rc = err_set(err, RC_IO, "the disk has no room for it");
    }
    return rc;
}

/* One that cannot be packed stays as it is: nothing is lost but room. */
static void refused(struct packer *packer, const struct err *err)
{
    bool unread = packer->reader == NULL;
    bool later = unread || err->code == RC_IO; /* others would fare no better now */
    if (unread)
        log_warning("nothing can be packed: %s", err->text);
    else
        log_warning("the segment of record %llu stays as large as it is: %s", (unsigned long long)packer->first,
                    err->text);
    if (err->code == RC_IO && !unread)
        packer->from = packer->first;
    work_end(packer, later ? AGAIN_NS : 0);
}

static void packer_tick(void *self, int64_t now_real_ns)
{
    struct packer *packer = self;
    struct err err = {0};
    bool asked = object_finder_busy(packer->finder);
    if (object_finder_step(packer->finder, clock_boot_ns()) == RC_DENIED && packer->vault)
        process_stop(EXIT_FAILURE); /* a master key was added, as below */
    if (asked)
        return;
    if (packer->repack) {
        enum rc rc = repack_step(packer->repack, &err);
        if (rc == RC_AGAIN)
            return;
        if (rc != RC_OK) {
            refused(packer, &err);
            return;
        }
        struct repack_sizes sizes = repack_sizes(packer->repack);
        log_info("the segment of record %llu is packed anew: %llu bytes, %llu before",
                 (unsigned long long)packer->first, (unsigned long long)sizes.cold, (unsigned long long)sizes.hot);
        work_end(packer, 0);
        return;
    }
    if (clock_boot_ns() < packer->look_ns)
        return;
    enum rc rc = work_begin(packer, now_real_ns, &err);
    if (rc == RC_OK)
        return;
    if (rc == RC_NOT_FOUND)
        work_end(packer, LOOK_NS);
    else
        refused(packer, &err);
}

static int packer_timeout_ms(void *self)
{
    const struct packer *packer = self;
    return packer->repack || object_finder_busy(packer->finder) ? 0 : -1;
}

static void packer_message(void *self, struct channel *channel, struct msg *msg)
{
    struct packer *packer = self;
    (void)channel;
    object_finder_message(packer->finder, msg);
}

static size_t packer_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    ASSERT(size >= 2);
    struct buf path;
    buf_init(&path, 4096);
    buf_format(&path, "%.*s/archive", STR_ARG(config->data));
    ret[0] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ};
    buf_text(&path, "/pack");
    ret[1] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ | SANDBOX_WRITE};
    buf_done(&path);
    return 2;
}

const struct role_driver packer_driver = {
    .role = ROLE_PACKER,
    .calls = SANDBOX_OPEN | SANDBOX_CHANGE,
    .files_max = 4096,
    .background = true,
    .paths = packer_paths,
    .start = packer_start,
    .tick = packer_tick,
    .tick_ms = TICK_MS,
    .timeout_ms = packer_timeout_ms,
    .message = packer_message,
};
