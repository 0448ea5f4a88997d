#include "role/judge_io.h"

#include "base/arena.h"
#include "base/assert.h"

#include <errno.h>
#include <string.h>

#define FOLDERS_MAX 16

struct open_folder {
    int fd;
    enum judging_folder folder;
};

struct judge_io {
    struct io table;
    struct judge_io_options options;
    struct open_folder folders[FOLDERS_MAX];
    size_t count;
};

static const struct open_folder *folder_of(const struct judge_io *j, int fd)
{
    for (size_t i = 0; i < j->count; i++)
        if (j->folders[i].fd == fd)
            return &j->folders[i];
    return NULL;
}

static int folder_ask(struct judge_io *j, enum judging_folder folder)
{
    if (j->count == FOLDERS_MAX)
        return -EMFILE;
    int fd = j->options.ask(j->options.context, folder, "");
    if (fd >= 0)
        j->folders[j->count++] = (struct open_folder){fd, folder};
    return fd;
}

static int judge_open(void *self, int folder, const char *name, unsigned flags)
{
    static const char *const names[JUDGING_FOLDERS] = {
        [JUDGING_LOG] = "wal", [JUDGING_SEGMENTS] = "seg", [JUDGING_CHECKPOINTS] = "checkpoints"};
    struct judge_io *j = self;
    const struct open_folder *in = folder_of(j, folder);
    if (flags & ~(unsigned)(IO_READ | IO_FOLDER))
        return -EROFS;
    if (!in || !name[0])
        return -EACCES;
    if (!(flags & IO_FOLDER))
        return j->options.ask(j->options.context, in->folder, name);
    for (size_t i = 0; i < ARRAY_LEN(names) && in->folder == JUDGING_ARCHIVE; i++)
        if (names[i] && strcmp(names[i], name) == 0)
            return folder_ask(j, (enum judging_folder)i);
    return -EACCES;
}

static int judge_close(void *self, int fd)
{
    struct judge_io *j = self;
    for (size_t i = 0; i < j->count; i++)
        if (j->folders[i].fd == fd)
            j->folders[i] = j->folders[--j->count];
    return io_kernel.close(NULL, fd);
}

static int judge_list(void *self, int folder, bool (*each)(void *context, const char *name), void *context)
{
    struct judge_io *j = self;
    const struct open_folder *in = folder_of(j, folder);
    int fd = in ? j->options.ask(j->options.context, in->folder, "") : -EACCES; /* for this walk alone */
    return fd < 0 ? fd : io_list_open(fd, each, context);
}

static ssize_t no_pwrite(void *self, int fd, const void *bytes, size_t n, int64_t offset)
{
    (void)self, (void)fd, (void)bytes, (void)n, (void)offset;
    return -EROFS;
}

static int no_allocate(void *self, int fd, int64_t offset, int64_t size)
{
    (void)self, (void)fd, (void)offset, (void)size;
    return -EROFS;
}

static int no_truncate(void *self, int fd, int64_t size)
{
    (void)self, (void)fd, (void)size;
    return -EROFS;
}

static int no_change(void *self, int fd)
{
    (void)self, (void)fd;
    return -EROFS;
}

static int no_rename(void *self, int folder, const char *from, const char *to)
{
    (void)self, (void)folder, (void)from, (void)to;
    return -EROFS;
}

static int no_name(void *self, int folder, const char *name)
{
    (void)self, (void)folder, (void)name;
    return -EROFS;
}

struct judge_io *judge_io_new(const struct judge_io_options *options)
{
    ASSERT(options->ask);
    struct judge_io *j = memory_new(sizeof *j);
    if (!j)
        return NULL;
    j->options = *options;
    j->table = io_kernel;
    j->table.self = j;
    j->table.open = judge_open;
    j->table.close = judge_close;
    j->table.list = judge_list;
    j->table.pwrite = no_pwrite;
    j->table.allocate = no_allocate;
    j->table.truncate = no_truncate;
    j->table.sync = no_change;
    j->table.read_only = no_change;
    j->table.lock = no_change;
    j->table.rename = no_rename;
    j->table.unlink = no_name;
    j->table.mkdir = no_name;
    return j;
}

void judge_io_free(struct judge_io *judge_io)
{
    memory_free(judge_io);
}

const struct io *judge_io_table(const struct judge_io *judge_io)
{
    return &judge_io->table;
}

int judge_io_archive(struct judge_io *judge_io)
{
    return folder_ask(judge_io, JUDGING_ARCHIVE);
}
