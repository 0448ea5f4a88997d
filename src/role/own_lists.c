#include "role/own_lists.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/civil.h"
#include "desk/own_list.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/io.h"
#include "role/log.h"
#include "role/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH     ((size_t)2 << 20)
#define HEAD_MAX    512u
#define NEW_SUFFIX  ".new"
#define FILE_NAME   (OWN_LIST_NAME + sizeof NEW_SUFFIX)
#define SLICE_NS    UINT64_C(30000000)   /* of one look */
#define RETRY_NS    UINT64_C(5000000000) /* after something failed */
#define TROUBLE_MAX 240u

enum state { AT_REST, SWEEPING, WRITING };

struct own_lists {
    struct desk *desk;
    int folder;
    struct arena *arena; /* of what stands */
    enum state state;
    uint64_t version; /* of the desk: that the files are, or are made to be */
    struct own_list_standing *rows;
    size_t count;
    size_t at;    /* the list at work */
    int fd;       /* its new file; -1: it is not begun */
    int64_t size; /* written to it */
    int64_t part; /* the next */
    struct buf text;
    bool changed;     /* a file came or went since it was at rest */
    bool told;        /* trouble is */
    uint64_t wait_ns; /* boot time before which nothing is tried */
};

struct own_lists *own_lists_new(struct desk *desk, int folder)
{
    struct own_lists *self = memory_new(sizeof *self);
    struct arena *arena = arena_new(SCRATCH);
    if (!self || !arena) {
        memory_free(self);
        arena_free(arena);
        return NULL;
    }
    *self = (struct own_lists){.desk = desk, .folder = folder, .arena = arena, .fd = -1};
    buf_init(&self->text, OWN_LIST_PART + HEAD_MAX);
    return self;
}

static void file_close(struct own_lists *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
}

void own_lists_free(struct own_lists *self)
{
    if (!self)
        return;
    file_close(self);
    buf_done(&self->text);
    arena_free(self->arena);
    memory_free(self);
}

bool own_lists_at_rest(const struct own_lists *self)
{
    return self->state == AT_REST && self->version == desk_own_lists_version(self->desk);
}

int own_lists_open(const struct own_lists *self, struct str name)
{
    char text[FILE_NAME];
    return str_copy_z(name, text, sizeof text) ? io_kernel.open(NULL, self->folder, text, IO_READ) : -ENAMETOOLONG;
}

/* ---- files that do not stand ---- */

struct sweep {
    struct own_lists *self;
    struct err *err;
    enum rc rc;
};

static bool stands(const struct own_lists *self, struct str name)
{
    for (size_t i = 0; i < self->count; i++)
        if (str_eq(self->rows[i].name, name))
            return true;
    return false;
}

static bool on_name(void *context, const char *name)
{
    struct sweep *sweep = context;
    struct own_lists *self = sweep->self;
    if (stands(self, str_of(name)))
        return true;
    int result = io_kernel.unlink(NULL, self->folder, name);
    if (result < 0 && result != -ENOENT)
        sweep->rc = err_errno(sweep->err, -result, "could not remove list \"%s\"", name);
    self->changed = true;
    return sweep->rc == RC_OK;
}

static enum rc sweep(struct own_lists *self, struct err *err)
{
    struct sweep sweep = {.self = self, .err = err, .rc = RC_OK};
    int result = io_kernel.list(NULL, self->folder, on_name, &sweep);
    if (sweep.rc == RC_OK && result < 0)
        return err_errno(err, -result, "could not look at the folder of lists");
    self->state = WRITING;
    self->at = 0;
    return sweep.rc;
}

/* ---- files that do ---- */

static void head_write(const struct own_list_standing *row, struct buf *out)
{
    char time[CIVIL_TEXT_MAX];
    buf_format(out, "# desk-list: %lld\n", (long long)row->version);
    buf_format(out, "# list-source: %.*s\n", STR_ARG(row->source));
    if (row->confidence >= 0)
        buf_format(out, "# list-confidence: %lld\n", (long long)row->confidence);
    if (row->expires_ns)
        buf_format(out, "# expires: %.*s\n", (int)civil_format(row->expires_ns, 0, 9, time), time);
}

/* A name stands for a whole file: it has its version's number, or it is written anew. */
static bool is_written(struct own_lists *self, const struct own_list_standing *row)
{
    char begin[HEAD_MAX];
    int fd = own_lists_open(self, row->name);
    if (fd < 0)
        return false;
    buf_clear(&self->text);
    head_write(row, &self->text);
    ssize_t n = io_kernel.pread(NULL, fd, begin, MIN(self->text.n, sizeof begin), 0);
    close(fd);
    return n >= 0 && str_eq(str_at(begin, (size_t)n), buf_view(&self->text));
}

static const char *new_name(const struct own_list_standing *row, char name[FILE_NAME])
{
    struct buf out;
    buf_init_fixed(&out, name, FILE_NAME);
    buf_str(&out, row->name);
    buf_text(&out, NEW_SUFFIX);
    return buf_z(&out);
}

static enum rc bytes_write(struct own_lists *self, struct err *err)
{
    enum rc rc = file_write_at(&io_kernel, self->fd, buf_view(&self->text), self->size, err);
    self->size += (int64_t)self->text.n;
    return rc;
}

static enum rc file_begin(struct own_lists *self, const struct own_list_standing *row, struct err *err)
{
    char name[FILE_NAME];
    const char *fresh = new_name(row, name);
    int result = io_kernel.unlink(NULL, self->folder, fresh);
    self->fd = result < 0 && result != -ENOENT
                   ? -1
                   : io_kernel.open(NULL, self->folder, fresh, IO_WRITE | IO_CREATE | IO_EXCLUSIVE);
    if (self->fd < 0)
        return err_errno(err, result < 0 && result != -ENOENT ? -result : -self->fd, "could not write list \"%s\"",
                         fresh);
    self->size = self->part = 0;
    buf_clear(&self->text);
    head_write(row, &self->text);
    return bytes_write(self, err);
}

static enum rc file_end(struct own_lists *self, const struct own_list_standing *row, struct err *err)
{
    char fresh[FILE_NAME];
    char name[FILE_NAME];
    bool fits = str_copy_z(row->name, name, sizeof name);
    ASSERT(fits);
    int result = io_kernel.sync(NULL, self->fd);
    file_close(self);
    if (result >= 0)
        result = io_kernel.rename(NULL, self->folder, new_name(row, fresh), name);
    if (result >= 0)
        result = io_kernel.sync(NULL, self->folder);
    self->changed = true;
    self->at++;
    return result >= 0 ? RC_OK : err_errno(err, -result, "could not write list \"%s\"", name);
}

static enum rc part_write(struct own_lists *self, const struct own_list_standing *row, struct err *err)
{
    buf_clear(&self->text);
    enum rc rc = desk_own_list_text(self->desk, row->version, self->part++, &self->text, err);
    if (rc == RC_END && self->part == 1)
        return err_set(err, RC_NOT_FOUND, "the text of list \"%.*s\" is gone", STR_ARG(row->name));
    if (rc == RC_END)
        return file_end(self, row, err);
    return rc == RC_OK ? bytes_write(self, err) : rc;
}

static enum rc write_step(struct own_lists *self, struct err *err)
{
    if (self->at == self->count) {
        self->state = AT_REST;
        return RC_OK;
    }
    const struct own_list_standing *row = &self->rows[self->at];
    if (self->fd >= 0)
        return part_write(self, row, err);
    if (!is_written(self, row))
        return file_begin(self, row, err);
    self->at++;
    return RC_OK;
}

/* ---- work ---- */

static enum rc begin(struct own_lists *self, struct err *err)
{
    file_close(self);
    arena_reset(self->arena);
    self->version = desk_own_lists_version(self->desk);
    self->state = SWEEPING;
    return desk_own_lists(self->desk, self->arena, &self->rows, &self->count, err);
}

static enum rc step(struct own_lists *self, struct err *err)
{
    if (self->version != desk_own_lists_version(self->desk))
        return begin(self, err);
    return self->state == SWEEPING ? sweep(self, err) : write_step(self, err);
}

/* It may be that what stands is not what is looked for. */
static void tell(struct own_lists *self, struct str reason, int64_t now_ns)
{
    struct err err = {0};
    if (desk_lists_taken(self->desk, DESK_RULES_SELF, str_slice(reason, 0, TROUBLE_MAX), now_ns, &err) != RC_OK)
        log_error("what is wrong with lists of indicators could not be stored: %s", err.text);
    else
        self->told = reason.n > 0;
}

bool own_lists_look(struct own_lists *self, int64_t now_ns)
{
    uint64_t start = clock_boot_ns();
    struct err err = {0};
    enum rc rc = RC_OK;
    if (own_lists_at_rest(self) || start < self->wait_ns)
        return false;
    while (rc == RC_OK && !own_lists_at_rest(self) && clock_boot_ns() - start < SLICE_NS)
        rc = step(self, &err);
    if (rc != RC_OK) {
        log_error("lists of indicators could not be put where engines read them, it is tried again: %s", err.text);
        tell(self, str_of(err.text), now_ns);
        file_close(self);
        self->version = 0; /* it is begun anew */
        self->wait_ns = start + RETRY_NS;
        return true;
    }
    if (!own_lists_at_rest(self))
        return false;
    bool told = self->told;
    if (told)
        tell(self, STR(""), now_ns);
    if (self->changed)
        process_tell(MSG_LISTS_WRITTEN);
    self->changed = false;
    return told;
}

int own_lists_timeout_ms(const struct own_lists *self)
{
    return own_lists_at_rest(self) || clock_boot_ns() < self->wait_ns ? -1 : 0;
}
