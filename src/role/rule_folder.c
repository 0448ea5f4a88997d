#include "role/rule_folder.h"

#include "base/arena.h"
#include "base/assert.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MEMORY ((size_t)64 << 20)
#define FILE_MEMORY  ((size_t)4 << 20)

/* A place that has still to be looked at. */
struct place {
    const char *path;
    uint32_t depth;
};

struct walk {
    const struct io *io;
    const struct rule_folder_sink *sink;
    struct arena *names;  /* paths */
    struct arena *file;   /* one file */
    struct place *places; /* a stack */
    size_t count;
    size_t size;
    size_t total;
    struct place now;
    enum rc rc;
    struct err *err;
};

static bool is_rule_file(struct str path)
{
    return str_ends(path, STR(".yml")) || str_ends(path, STR(".yaml"));
}

static bool push(struct walk *walk, const char *path, uint32_t depth)
{
    if (!path || walk->total++ >= RULE_FOLDER_NAMES_MAX) {
        walk->rc = err_set(walk->err, RC_LIMIT, "folder holds more than %u names", RULE_FOLDER_NAMES_MAX);
        return false;
    }
    if (walk->count == walk->size) {
        size_t size = walk->size ? 2 * walk->size : 256;
        struct place *grown = memory_resize(walk->places, size * sizeof(*grown));
        if (!grown) {
            walk->rc = err_set(walk->err, RC_LIMIT, "no memory for the names of a folder");
            return false;
        }
        walk->places = grown;
        walk->size = size;
    }
    walk->places[walk->count++] = (struct place){path, depth};
    return true;
}

static bool on_name(void *context, const char *name)
{
    struct walk *walk = context;
    size_t folder = strlen(walk->now.path);
    size_t n = strlen(name);
    char *path = arena_alloc_raw(walk->names, folder + n + 2);
    if (path) {
        memcpy(path, walk->now.path, folder);
        path[folder] = '/';
        memcpy(path + folder + 1, name, n + 1);
    }
    return push(walk, path, walk->now.depth + 1);
}

static int by_path_backward(const void *a, const void *b)
{
    return strcmp(((const struct place *)b)->path, ((const struct place *)a)->path);
}

/* The last of the stack comes first: names are sorted backward. */
static enum rc read_folder(struct walk *walk, int fd)
{
    size_t before = walk->count;
    if (walk->now.depth > RULE_FOLDER_DEPTH_MAX)
        return err_set(walk->err, RC_LIMIT, "folder \"%s\" is nested too deeply", walk->now.path);
    int listed = walk->io->list(walk->io->self, fd, on_name, walk);
    if (walk->rc != RC_OK)
        return walk->rc;
    if (listed < 0)
        return err_errno(walk->err, -listed, "could not list folder \"%s\"", walk->now.path);
    if (walk->count > before)
        qsort(walk->places + before, walk->count - before, sizeof(*walk->places), by_path_backward);
    return RC_OK;
}

static enum rc read_file(struct walk *walk)
{
    struct err reason;
    struct str text;
    struct str path = str_of(walk->now.path);
    arena_reset(walk->file);
    enum rc rc = file_load_path(walk->now.path, RULE_FILE_MAX, walk->file, &text, &reason);
    if (rc == RC_LIMIT)
        return walk->sink->refuse(walk->sink->context, path, "file is larger than 1 MiB", walk->err);
    if (rc != RC_OK)
        return walk->sink->refuse(walk->sink->context, path, reason.text, walk->err);
    return walk->sink->file(walk->sink->context, path, text, walk->err);
}

static enum rc visit(struct walk *walk)
{
    int fd = io_open_folder(walk->now.path);
    if (fd >= 0) {
        enum rc rc = read_folder(walk, fd);
        walk->io->close(walk->io->self, fd);
        return rc;
    }
    if (is_rule_file(str_of(walk->now.path)))
        return read_file(walk);
    if (walk->now.depth == 0)
        return err_errno(walk->err, -fd, "could not open folder \"%s\"", walk->now.path);
    if (fd != -ENOTDIR)
        return walk->sink->refuse(walk->sink->context, str_of(walk->now.path), "could not open folder", walk->err);
    return RC_OK;
}

enum rc rule_folder_walk(const struct io *io, const char *path, const struct rule_folder_sink *sink, struct err *err)
{
    struct walk walk = {.io = io, .sink = sink, .err = err};
    walk.names = arena_new(NAMES_MEMORY);
    walk.file = arena_new(FILE_MEMORY);
    walk.rc = walk.names && walk.file ? RC_OK : err_set(err, RC_LIMIT, "no memory for the names of a folder");
    enum rc rc = walk.rc;
    if (rc == RC_OK && !push(&walk, path, 0))
        rc = walk.rc;
    while (rc == RC_OK && walk.count > 0) {
        walk.now = walk.places[--walk.count];
        rc = visit(&walk);
    }
    memory_free(walk.places);
    arena_free(walk.names);
    arena_free(walk.file);
    return rc;
}

static enum rc on_file(void *context, struct str path, struct str text, struct err *err)
{
    return rules_add(context, path, text, err);
}

static enum rc on_refusal(void *context, struct str path, const char *reason, struct err *err)
{
    return rules_refuse(context, path, reason, err);
}

enum rc rule_folder_read(const struct io *io, const char *path, struct rules *rules, struct err *err)
{
    const struct rule_folder_sink sink = {on_file, on_refusal, rules};
    return rule_folder_walk(io, path, &sink, err);
}
