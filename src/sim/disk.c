#include "sim/disk.h"

#include "base/arena.h"
#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE  256
#define PATH_SIZE  1024
#define NODES_MAX  4096
#define HANDLES    256
#define WALK_DEPTH 4

enum change_kind {
    CHANGE_WRITE,    /* bytes at offset */
    CHANGE_TRUNCATE, /* to size */
    CHANGE_ALLOCATE, /* at least to size */
    CHANGE_PUT,      /* entry `name` is `node` */
    CHANGE_REMOVE,   /* no entry `name` */
    CHANGE_RENAME,   /* no entry `from`, entry `name` is `node` */
};

struct change {
    enum change_kind kind;
    bool doomed; /* its sync failed: no later sync makes it durable */
    uint64_t offset;
    uint64_t size;
    char *bytes;
    uint32_t node;
    char name[NAME_SIZE];
    char from[NAME_SIZE];
};

struct entry {
    char name[NAME_SIZE];
    uint32_t node;
};

/* One state of a file (bytes) or of a folder (entries). */
struct image {
    char *bytes;
    uint64_t size;
    uint64_t capacity;
    struct entry *entry;
    uint32_t count;
};

struct node {
    bool folder;
    bool read_only;
    int lock; /* descriptor that holds it, 0 = none */
    struct image durable;
    struct image now;
    struct change *change;
    uint32_t change_count;
    uint32_t change_capacity;
};

struct handle {
    bool open;
    bool write;
    uint32_t node;
};

struct sim_disk {
    struct io io;
    uint64_t random;
    struct sim_disk_faults faults;
    uint64_t calls;
    uint64_t changes;
    uint64_t syncs;
    bool cut;
    uint32_t node_count;
    struct node *node[NODES_MAX];
    struct handle handle[HANDLES];
};

uint64_t sim_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64, Vigna, public domain */
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t sim_random_below(uint64_t *state, uint64_t bound)
{
    return bound == 0 ? 0 : sim_random(state) % bound;
}

/* ---- images ---- */

static void *must(void *p)
{
    ASSERT(p != NULL);
    return p;
}

static void image_resize(struct image *image, uint64_t size)
{
    if (size > image->capacity) {
        uint64_t capacity = MAX(size, image->capacity * 2);
        image->bytes = must(memory_resize(image->bytes, capacity));
        image->capacity = capacity;
    }
    if (size > image->size)
        memset(image->bytes + image->size, 0, size - image->size);
    image->size = size;
}

static void image_write(struct image *image, uint64_t offset, const char *bytes, uint64_t n)
{
    if (n == 0)
        return;
    if (offset + n > image->size)
        image_resize(image, offset + n);
    memcpy(image->bytes + offset, bytes, n);
}

static struct entry *image_find(const struct image *image, const char *name)
{
    for (uint32_t i = 0; i < image->count; i++) {
        if (strcmp(image->entry[i].name, name) == 0)
            return &image->entry[i];
    }
    return NULL;
}

static void image_remove(struct image *image, const char *name)
{
    struct entry *entry = image_find(image, name);
    if (entry != NULL)
        *entry = image->entry[--image->count];
}

static void name_copy(char to[NAME_SIZE], const char *name)
{
    size_t n = strlen(name);
    ASSERT(n > 0 && n < NAME_SIZE && strchr(name, '/') == NULL);
    memcpy(to, name, n + 1);
}

static void image_put(struct image *image, const char *name, uint32_t node)
{
    image_remove(image, name);
    image->entry = must(memory_resize(image->entry, (image->count + 1) * sizeof(*image->entry)));
    struct entry *entry = &image->entry[image->count++];
    name_copy(entry->name, name);
    entry->node = node;
}

static void image_copy(struct image *to, const struct image *from)
{
    memset(to, 0, sizeof(*to));
    image_write(to, 0, from->bytes, from->size);
    if (from->count > 0) {
        to->entry = must(memory_new(from->count * sizeof(*to->entry)));
        memcpy(to->entry, from->entry, from->count * sizeof(*to->entry));
        to->count = from->count;
    }
}

static void image_done(struct image *image)
{
    memory_free(image->bytes);
    memory_free(image->entry);
    memset(image, 0, sizeof(*image));
}

static void image_apply(struct image *image, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_WRITE:
        image_write(image, change->offset, change->bytes, change->size);
        break;
    case CHANGE_TRUNCATE:
        image_resize(image, change->size);
        break;
    case CHANGE_ALLOCATE:
        if (change->size > image->size)
            image_resize(image, change->size);
        break;
    case CHANGE_PUT:
        image_put(image, change->name, change->node);
        break;
    case CHANGE_REMOVE:
        image_remove(image, change->name);
        break;
    case CHANGE_RENAME:
        image_remove(image, change->from);
        image_put(image, change->name, change->node);
        break;
    }
}

/* ---- nodes ---- */

static uint32_t node_new(struct sim_disk *disk, bool folder)
{
    ASSERT(disk->node_count < NODES_MAX);
    struct node *node = must(memory_new(sizeof(*node)));
    node->folder = folder;
    disk->node[disk->node_count] = node;
    return disk->node_count++;
}

static void changes_drop(struct node *node)
{
    for (uint32_t i = 0; i < node->change_count; i++)
        memory_free(node->change[i].bytes);
    node->change_count = 0;
}

static void node_free(struct node *node)
{
    changes_drop(node);
    memory_free(node->change);
    image_done(&node->durable);
    image_done(&node->now);
    memory_free(node);
}

/* Does it now and remembers it until a sync; `bytes` are those of a write. */
static void node_change(struct node *node, struct change change, const char *bytes)
{
    if (change.kind == CHANGE_WRITE) {
        change.bytes = must(memory_new(change.size));
        memcpy(change.bytes, bytes, change.size);
    }
    image_apply(&node->now, &change);
    if (node->change_count == node->change_capacity) {
        node->change_capacity = node->change_capacity * 2 + 8;
        node->change = must(memory_resize(node->change, node->change_capacity * sizeof(*node->change)));
    }
    node->change[node->change_count++] = change;
}

static void node_sync(struct node *node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->change_count; i++) {
        if (node->change[i].doomed) {
            node->change[kept++] = node->change[i];
            continue;
        }
        image_apply(&node->durable, &node->change[i]);
        memory_free(node->change[i].bytes);
    }
    node->change_count = kept;
}

/* Of one write some whole sectors: all, a front part, or any. */
static void write_torn(struct image *image, const struct change *change, uint64_t *random)
{
    uint64_t how = sim_random_below(random, 3);
    uint64_t stop = how == 1 ? sim_random_below(random, change->size + 1) : change->size;
    for (uint64_t at = 0; at < change->size;) {
        uint64_t place = change->offset + at;
        uint64_t n = MIN(SIM_SECTOR - place % SIM_SECTOR, change->size - at);
        bool keep = how == 2 ? sim_random_below(random, 2) == 0 : at + n <= stop;
        if (keep)
            image_write(image, place, change->bytes + at, n);
        at += n;
    }
}

/* Power fails: what was not synced survives in part. */
static void node_lose(struct node *node, uint64_t seed, uint64_t *random)
{
    uint64_t odds = sim_random_below(random, 4); /* of 4: how often a change survives, differs from file to file */
    for (uint32_t i = 0; i < node->change_count; i++) {
        const struct change *change = &node->change[i];
        if (seed == 1)
            image_apply(&node->durable, change);
        else if (seed != 0 && sim_random_below(random, 4) <= odds && change->kind != CHANGE_WRITE)
            image_apply(&node->durable, change);
        else if (seed != 0 && sim_random_below(random, 4) <= odds && change->kind == CHANGE_WRITE)
            write_torn(&node->durable, change, random);
    }
    changes_drop(node);
    image_done(&node->now);
    image_copy(&node->now, &node->durable);
}

/* ---- calls ---- */

enum call_kind {
    CALL_LOOK,
    CALL_CHANGE,
    CALL_SYNC,
};

/* Counts the call; 0 or the error it has to fail with. */
static int call_begin(struct sim_disk *disk, enum call_kind kind)
{
    if (disk->cut)
        return -EIO;
    if (kind != CALL_LOOK && disk->faults.cut_after != 0 && disk->changes >= disk->faults.cut_after) {
        disk->cut = true;
        return -EIO;
    }
    disk->calls++;
    disk->changes += kind != CALL_LOOK;
    disk->syncs += kind == CALL_SYNC;
    if (disk->faults.eio_at != 0 && disk->calls == disk->faults.eio_at)
        return -EIO;
    if (kind == CALL_SYNC && disk->faults.eio_sync_at != 0 && disk->syncs == disk->faults.eio_sync_at)
        return -EIO;
    return 0;
}

static struct handle *handle_of(struct sim_disk *disk, int fd)
{
    if (fd < SIM_FD_FIRST || fd >= SIM_FD_FIRST + HANDLES || !disk->handle[fd - SIM_FD_FIRST].open)
        return NULL;
    return &disk->handle[fd - SIM_FD_FIRST];
}

static struct node *node_of(struct sim_disk *disk, int fd)
{
    struct handle *handle = handle_of(disk, fd);
    return handle == NULL ? NULL : disk->node[handle->node];
}

/* The folder behind fd, or NULL and the error. */
static struct node *folder_of(struct sim_disk *disk, int fd, int *ret_error)
{
    struct node *node = node_of(disk, fd);
    *ret_error = node == NULL ? -EBADF : node->folder ? 0 : -ENOTDIR;
    return *ret_error == 0 ? node : NULL;
}

static int handle_new(struct sim_disk *disk, uint32_t node, bool write)
{
    for (int i = 0; i < HANDLES; i++) {
        if (!disk->handle[i].open) {
            disk->handle[i] = (struct handle){true, write, node};
            return SIM_FD_FIRST + i;
        }
    }
    return -EMFILE;
}

static void change_named(struct node *folder, enum change_kind kind, const char *name, uint32_t node)
{
    struct change change = {.kind = kind, .node = node};
    name_copy(change.name, name);
    node_change(folder, change, NULL);
}

static int disk_open(void *self, int folder_fd, const char *name, unsigned flags)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, (flags & IO_CREATE) ? CALL_CHANGE : CALL_LOOK);
    if (error != 0)
        return error;
    struct node *folder = folder_of(disk, folder_fd, &error);
    if (folder == NULL)
        return error;
    if (strcmp(name, ".") == 0)
        return handle_new(disk, handle_of(disk, folder_fd)->node, false);
    const struct entry *entry = image_find(&folder->now, name);
    if (entry != NULL && (flags & IO_CREATE) && (flags & IO_EXCLUSIVE))
        return -EEXIST;
    if (entry == NULL && !(flags & IO_CREATE))
        return -ENOENT;
    if (entry == NULL) {
        uint32_t made = node_new(disk, false);
        change_named(folder, CHANGE_PUT, name, made);
        return handle_new(disk, made, (flags & IO_WRITE) != 0);
    }
    const struct node *node = disk->node[entry->node];
    if ((flags & IO_FOLDER) && !node->folder)
        return -ENOTDIR;
    if ((flags & IO_WRITE) && node->folder)
        return -EISDIR;
    if ((flags & IO_WRITE) && node->read_only)
        return -EACCES;
    return handle_new(disk, entry->node, (flags & IO_WRITE) != 0);
}

static int disk_close(void *self, int fd)
{
    struct sim_disk *disk = self;
    struct handle *handle = handle_of(disk, fd);
    if (handle == NULL)
        return -EBADF;
    struct node *node = disk->node[handle->node];
    if (node->lock == fd)
        node->lock = 0;
    handle->open = false; /* even when the call fails, as in Linux */
    return call_begin(disk, CALL_LOOK);
}

/* How much of n a call moves when short calls are on. */
static size_t shortened(struct sim_disk *disk, size_t n)
{
    if (!disk->faults.short_io || n < 2 || sim_random_below(&disk->random, 3) != 0)
        return n;
    return 1 + (size_t)sim_random_below(&disk->random, n - 1);
}

static ssize_t disk_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_LOOK);
    const struct node *node = node_of(disk, fd);
    if (error != 0 || node == NULL || node->folder || offset < 0)
        return error != 0 ? error : node == NULL ? -EBADF : node->folder ? -EISDIR : -EINVAL;
    if ((uint64_t)offset >= node->now.size || n == 0)
        return 0;
    n = shortened(disk, (size_t)MIN(n, node->now.size - (uint64_t)offset));
    memcpy(bytes, node->now.bytes + offset, n);
    return (ssize_t)n;
}

uint64_t sim_disk_used(const struct sim_disk *disk)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < disk->node_count; i++) {
        const struct node *folder = disk->node[i];
        for (uint32_t k = 0; folder->folder && k < folder->now.count; k++)
            used += disk->node[folder->now.entry[k].node]->now.size;
    }
    return used;
}

/* How far a file may grow: its size now and what is free. */
static uint64_t room_of(const struct sim_disk *disk, const struct node *node)
{
    if (disk->faults.space == 0)
        return UINT64_MAX;
    uint64_t used = sim_disk_used(disk);
    return node->now.size + (used >= disk->faults.space ? 0 : disk->faults.space - used);
}

/* A file that may be written, or NULL and the error. */
static struct node *writable(struct sim_disk *disk, int fd, enum call_kind kind, int *ret_error)
{
    *ret_error = call_begin(disk, kind);
    const struct handle *handle = handle_of(disk, fd);
    if (*ret_error != 0)
        return NULL;
    if (handle == NULL || !handle->write) {
        *ret_error = -EBADF;
        return NULL;
    }
    return disk->node[handle->node];
}

static ssize_t disk_pwrite(void *self, int fd, const void *bytes, size_t n, int64_t offset)
{
    struct sim_disk *disk = self;
    int error = 0;
    struct node *node = writable(disk, fd, CALL_CHANGE, &error);
    if (node == NULL || offset < 0)
        return node == NULL ? error : -EINVAL;
    uint64_t room = room_of(disk, node);
    if ((uint64_t)offset + n > room) {
        if ((uint64_t)offset >= room)
            return -ENOSPC;
        n = (size_t)(room - (uint64_t)offset);
    }
    n = shortened(disk, n);
    if (n > 0)
        node_change(node, (struct change){.kind = CHANGE_WRITE, .offset = (uint64_t)offset, .size = n}, bytes);
    return (ssize_t)n;
}

static int disk_sync(void *self, int fd)
{
    struct sim_disk *disk = self;
    bool was_cut = disk->cut;
    int error = call_begin(disk, CALL_SYNC);
    struct node *node = node_of(disk, fd);
    if (node == NULL)
        return error != 0 ? error : -EBADF;
    if (error == 0)
        node_sync(node);
    for (uint32_t i = 0; error != 0 && !was_cut && !disk->cut && i < node->change_count; i++)
        node->change[i].doomed = true;
    return error;
}

static int disk_allocate(void *self, int fd, int64_t offset, int64_t size)
{
    struct sim_disk *disk = self;
    int error = 0;
    struct node *node = writable(disk, fd, CALL_CHANGE, &error);
    if (node == NULL || offset < 0 || size <= 0)
        return node == NULL ? error : -EINVAL;
    if ((uint64_t)(offset + size) > room_of(disk, node))
        return -ENOSPC;
    node_change(node, (struct change){.kind = CHANGE_ALLOCATE, .size = (uint64_t)(offset + size)}, NULL);
    return 0;
}

static int disk_truncate(void *self, int fd, int64_t size)
{
    struct sim_disk *disk = self;
    int error = 0;
    struct node *node = writable(disk, fd, CALL_CHANGE, &error);
    if (node == NULL || size < 0)
        return node == NULL ? error : -EINVAL;
    if ((uint64_t)size > room_of(disk, node))
        return -ENOSPC;
    node_change(node, (struct change){.kind = CHANGE_TRUNCATE, .size = (uint64_t)size}, NULL);
    return 0;
}

static int disk_size(void *self, int fd, int64_t *ret_size)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_LOOK);
    const struct node *node = node_of(disk, fd);
    if (error != 0 || node == NULL)
        return error != 0 ? error : -EBADF;
    *ret_size = (int64_t)node->now.size;
    return 0;
}

/* Not kept: all is of the epoch. */
static int disk_modified(void *self, int fd, int64_t *ret_ns)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_LOOK);
    if (error != 0 || node_of(disk, fd) == NULL)
        return error != 0 ? error : -EBADF;
    *ret_ns = 0;
    return 0;
}

/* Not journalled here: modes carry no promise. */
static int disk_read_only(void *self, int fd)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_CHANGE);
    struct node *node = node_of(disk, fd);
    if (error != 0 || node == NULL)
        return error != 0 ? error : -EBADF;
    node->read_only = true;
    return 0;
}

static int disk_rename(void *self, int folder_fd, const char *from, const char *to)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_CHANGE);
    if (error != 0)
        return error;
    struct node *folder = folder_of(disk, folder_fd, &error);
    const struct entry *entry = folder == NULL ? NULL : image_find(&folder->now, from);
    if (entry == NULL)
        return folder == NULL ? error : -ENOENT;
    struct change change = {.kind = CHANGE_RENAME, .node = entry->node};
    name_copy(change.from, from);
    name_copy(change.name, to);
    node_change(folder, change, NULL);
    return 0;
}

static int disk_unlink(void *self, int folder_fd, const char *name)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_CHANGE);
    if (error != 0)
        return error;
    struct node *folder = folder_of(disk, folder_fd, &error);
    const struct entry *entry = folder == NULL ? NULL : image_find(&folder->now, name);
    if (entry == NULL)
        return folder == NULL ? error : -ENOENT;
    if (disk->node[entry->node]->folder)
        return -EISDIR;
    change_named(folder, CHANGE_REMOVE, name, 0);
    return 0;
}

static int disk_mkdir(void *self, int folder_fd, const char *name)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_CHANGE);
    if (error != 0)
        return error;
    struct node *folder = folder_of(disk, folder_fd, &error);
    if (folder == NULL)
        return error;
    if (image_find(&folder->now, name) != NULL)
        return -EEXIST;
    change_named(folder, CHANGE_PUT, name, node_new(disk, true));
    return 0;
}

static int disk_list(void *self, int folder_fd, bool (*each)(void *context, const char *name), void *context)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_LOOK);
    if (error != 0)
        return error;
    const struct node *folder = folder_of(disk, folder_fd, &error);
    if (folder == NULL)
        return error;
    struct image copy; /* `each` may change the folder */
    image_copy(&copy, &folder->now);
    bool go_on = true;
    while (copy.count > 0 && go_on) { /* in any order */
        uint32_t at = (uint32_t)sim_random_below(&disk->random, copy.count);
        go_on = each(context, copy.entry[at].name);
        copy.entry[at] = copy.entry[--copy.count];
    }
    image_done(&copy);
    return 0;
}

static int disk_lock(void *self, int fd)
{
    struct sim_disk *disk = self;
    int error = call_begin(disk, CALL_LOOK);
    struct node *node = node_of(disk, fd);
    if (error != 0 || node == NULL)
        return error != 0 ? error : -EBADF;
    if (node->lock != 0 && node->lock != fd)
        return -EWOULDBLOCK;
    node->lock = fd;
    return 0;
}

/* ---- the disk ---- */

static const struct io disk_io = {
    .open = disk_open,
    .close = disk_close,
    .pread = disk_pread,
    .pwrite = disk_pwrite,
    .sync = disk_sync,
    .allocate = disk_allocate,
    .truncate = disk_truncate,
    .size = disk_size,
    .modified = disk_modified,
    .read_only = disk_read_only,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .mkdir = disk_mkdir,
    .list = disk_list,
    .lock = disk_lock,
};

struct sim_disk *sim_disk_new(uint64_t seed)
{
    struct sim_disk *disk = must(memory_new(sizeof(*disk)));
    disk->random = seed;
    disk->io = disk_io;
    disk->io.self = disk;
    uint32_t root = node_new(disk, true);
    ASSERT(root == 0);
    return disk;
}

void sim_disk_free(struct sim_disk *disk)
{
    if (disk == NULL)
        return;
    for (uint32_t i = 0; i < disk->node_count; i++)
        node_free(disk->node[i]);
    memory_free(disk);
}

struct sim_disk *sim_disk_copy(const struct sim_disk *disk)
{
    struct sim_disk *copy = must(memory_new(sizeof(*copy)));
    *copy = *disk;
    copy->io.self = copy;
    for (uint32_t i = 0; i < disk->node_count; i++) {
        const struct node *from = disk->node[i];
        struct node *to = must(memory_new(sizeof(*to)));
        *to = *from;
        image_copy(&to->durable, &from->durable);
        image_copy(&to->now, &from->now);
        to->change = NULL;
        to->change_count = 0;
        to->change_capacity = 0;
        for (uint32_t k = 0; k < from->change_count; k++)
            node_change(to, from->change[k],
                        from->change[k].bytes); /* does it a second time, which changes nothing now */
        image_done(&to->now);
        image_copy(&to->now, &from->now);
        copy->node[i] = to;
    }
    return copy;
}

const struct io *sim_disk_io(struct sim_disk *disk)
{
    return &disk->io;
}

int sim_disk_root(struct sim_disk *disk)
{
    int fd = handle_new(disk, 0, false);
    ASSERT(fd >= 0);
    return fd;
}

void sim_disk_set_faults(struct sim_disk *disk, const struct sim_disk_faults *faults)
{
    disk->faults = *faults;
    disk->calls = 0;
    disk->changes = 0;
    disk->syncs = 0;
}

uint64_t sim_disk_calls(const struct sim_disk *disk)
{
    return disk->calls;
}

uint64_t sim_disk_changes(const struct sim_disk *disk)
{
    return disk->changes;
}

uint64_t sim_disk_syncs(const struct sim_disk *disk)
{
    return disk->syncs;
}

bool sim_disk_is_cut(const struct sim_disk *disk)
{
    return disk->cut;
}

void sim_disk_restart(struct sim_disk *disk, uint64_t seed)
{
    uint64_t random = seed;
    for (uint32_t i = 0; i < disk->node_count; i++)
        node_lose(disk->node[i], seed, &random);
    sim_disk_kill(disk);
}

void sim_disk_kill(struct sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->node_count; i++)
        disk->node[i]->lock = 0;
    memset(disk->handle, 0, sizeof(disk->handle));
    sim_disk_set_faults(disk, &(struct sim_disk_faults){0});
    disk->cut = false;
}

static struct node *path_find(const struct sim_disk *disk, const char *path)
{
    struct node *node = disk->node[0];
    struct str rest = str_of(path);
    while (rest.p != NULL) {
        char name[NAME_SIZE];
        if (!node->folder || !str_copy_z(str_cut(&rest, '/'), name, sizeof(name)))
            return NULL;
        const struct entry *entry = image_find(&node->now, name);
        if (entry == NULL)
            return NULL;
        node = disk->node[entry->node];
    }
    return node;
}

bool sim_disk_peek(const struct sim_disk *disk, const char *path, struct str *ret_bytes)
{
    const struct node *node = path_find(disk, path);
    if (node == NULL || node->folder)
        return false;
    *ret_bytes = str_at(node->now.bytes, node->now.size);
    return true;
}

bool sim_disk_flip(struct sim_disk *disk, const char *path, uint64_t offset, uint8_t mask)
{
    struct node *node = path_find(disk, path);
    if (node == NULL || node->folder || offset >= node->now.size)
        return false;
    node->now.bytes[offset] = (char)((uint8_t)node->now.bytes[offset] ^ mask);
    if (offset < node->durable.size)
        node->durable.bytes[offset] = (char)((uint8_t)node->durable.bytes[offset] ^ mask);
    return true;
}

static int entry_compare(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* One folder on the way down, with what is left of it. */
struct level {
    struct image entries;
    uint32_t at;
    size_t prefix;
};

void sim_disk_walk(const struct sim_disk *disk, void (*each)(void *context, const char *path), void *context)
{
    struct level stack[WALK_DEPTH];
    char path[PATH_SIZE] = "";
    size_t depth = 0;
    const struct node *enter = disk->node[0];
    size_t prefix = 0;
    while (enter != NULL || depth > 0) {
        if (enter != NULL) {
            ASSERT(depth < WALK_DEPTH);
            image_copy(&stack[depth].entries, &enter->now);
            if (enter->now.count > 0)
                qsort(stack[depth].entries.entry, enter->now.count, sizeof(struct entry), entry_compare);
            stack[depth].at = 0;
            stack[depth++].prefix = prefix;
            enter = NULL;
            continue;
        }
        struct level *top = &stack[depth - 1];
        if (top->at == top->entries.count) {
            image_done(&top->entries);
            depth--;
            continue;
        }
        const struct entry *entry = &top->entries.entry[top->at++];
        size_t n = strlen(entry->name);
        ASSERT(top->prefix + n + 2 < sizeof(path));
        memcpy(path + top->prefix, entry->name, n + 1);
        if (disk->node[entry->node]->folder) {
            path[top->prefix + n] = '/';
            prefix = top->prefix + n + 1;
            enter = disk->node[entry->node];
        } else {
            each(context, path);
        }
    }
}
