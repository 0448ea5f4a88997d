/* reaper.c - the only process that may unlink. A log file goes when the sealed segment that took its records is there.
 *
 * It does not believe the keeper: the segment of the same first number must exist, sealed (read-only) and longer than
 * its header. Segments themselves go only against a retention record, which does not exist yet: it refuses them. */
#include "base/assert.h"
#include "base/buf.h"
#include "os/io.h"
#include "role/log.h"
#include "role/roles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE      64
#define SEGMENT_HEADER 4096

struct reaper {
    int log_folder;
    int segment_folder;
};

static enum rc reaper_start(struct process *process, void **ret_self, struct err *err)
{
    static struct reaper reaper;
    reaper.log_folder = process_handle(process, "log-folder", -1);
    reaper.segment_folder = process_handle(process, "segment-folder", -1);
    if (reaper.log_folder < 0 || reaper.segment_folder < 0)
        return err_set(err, RC_INVALID, "the reaper was given no folders");
    *ret_self = &reaper;
    return RC_OK;
}

static bool log_name_valid(struct str name)
{
    if (name.n != 20 || !str_ends(name, STR(".wal")))
        return false;
    for (size_t i = 0; i < 16; i++)
        if (!char_is_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'f'))
            return false;
    return true;
}

/* "" when the segment is there, else why the log file stays. */
static const char *segment_check(const struct reaper *reaper, struct str log_name)
{
    char segment[NAME_SIZE];
    snprintf(segment, sizeof segment, "%.16s.seg", log_name.p);
    int fd = io_kernel.open(NULL, reaper->segment_folder, segment, IO_READ);
    if (fd < 0)
        return "no sealed segment covers it";
    int64_t size = 0;
    int result = io_kernel.size(NULL, fd, &size);
    IGNORE(io_kernel.close(NULL, fd)); /* only read */
    return result == 0 && size > SEGMENT_HEADER ? "" : "the segment that should cover it is not whole";
}

static void reaper_message(void *self, struct channel *channel, struct msg *msg)
{
    const struct reaper *reaper = self;
    if (msg->type != MSG_DROP)
        return;
    char name[NAME_SIZE];
    const char *reason = "the name is not that of a log file";
    if (log_name_valid(msg->body) && str_copy_z(msg->body, name, sizeof name)) {
        reason = segment_check(reaper, msg->body);
        int result = *reason ? 0 : io_kernel.unlink(NULL, reaper->log_folder, name);
        if (result == 0 && !*reason)
            result = io_kernel.sync(NULL, reaper->log_folder);
        if (result < 0 && result != -ENOENT)
            reason = strerror(-result);
    }
    struct buf body;
    buf_init(&body, 4096);
    buf_str(&body, str_slice(msg->body, 0, NAME_SIZE));
    buf_char(&body, '\0');
    buf_text(&body, reason);
    if (!channel_send(channel, MSG_DROPPED, 0, buf_view(&body)))
        log_warning("the keeper does not take its answer");
    buf_done(&body);
}

static size_t reaper_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    ASSERT(size >= 2);
    struct buf path;
    buf_init(&path, 4096);
    buf_format(&path, "%.*s/archive/wal", STR_ARG(config->data));
    ret[0] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ | SANDBOX_REMOVE};
    buf_clear(&path);
    buf_format(&path, "%.*s/archive/seg", STR_ARG(config->data));
    ret[1] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ};
    buf_done(&path);
    return 2;
}

const struct role_driver reaper_driver = {
    .role = ROLE_REAPER,
    .calls = SANDBOX_OPEN | SANDBOX_CHANGE | SANDBOX_UNLINK,
    .files_max = 64,
    .paths = reaper_paths,
    .start = reaper_start,
    .message = reaper_message,
};
