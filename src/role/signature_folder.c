#include "role/signature_folder.h"

#include "base/assert.h"
#include "base/buf.h"
#include "os/file.h"
#include "os/io.h"
#include "role/log.h"

#include <errno.h>
#include <unistd.h>

#define PATH_BYTES 4096u
#define FILES_MAX  SIGNATURE_TRUST_COUNT

/* One folder on its way into what is believed. */
struct walk {
    struct signature_trust *trust;
    struct signature_folders *folders;
    enum signature_kind kind;
    const char *path;
};

static void file_take(const struct walk *walk, const char *path)
{
    struct str bytes;
    struct err err = {0};
    enum rc rc = walk->folders->taken < FILES_MAX ? file_map_path(path, &bytes, &err)
                                                  : err_set(&err, RC_LIMIT, "there are more than %u files", FILES_MAX);
    if (rc == RC_OK)
        rc = signature_trust_add(walk->trust, walk->kind, bytes, &err);
    walk->folders->taken += rc == RC_OK;
    walk->folders->refused += rc != RC_OK;
    if (rc != RC_OK)
        log_warning("signatures are judged without \"%s\": %s", path, err.text);
}

static bool on_name(void *context, const char *name)
{
    const struct walk *walk = context;
    char storage[PATH_BYTES];
    struct buf path;
    if (name[0] == '.')
        return true;
    buf_init_fixed(&path, storage, sizeof storage);
    buf_format(&path, "%s/%s", walk->path, name);
    file_take(walk, buf_z(&path));
    return walk->folders->taken < FILES_MAX;
}

static void path_take(struct walk *walk)
{
    int folder = io_open_folder(walk->path);
    if (folder == -ENOTDIR) {
        file_take(walk, walk->path);
        return;
    }
    int listed = folder < 0 ? folder : io_list_open(folder, on_name, walk);
    if (listed >= 0)
        return;
    walk->folders->refused++;
    log_warning("signatures are judged without what is in \"%s\": error %d", walk->path, -listed);
}

/* The next of a setting; false: there is none. What is too long to be a path is none that could be opened. */
static bool path_next(struct str *rest, char ret_path[PATH_BYTES])
{
    for (;;) {
        *rest = str_trim(*rest);
        if (rest->n == 0)
            return false;
        if (str_copy_z(str_cut(rest, ' '), ret_path, PATH_BYTES))
            return true;
    }
}

static struct str setting_of(const struct config *config, enum signature_kind kind)
{
    switch (kind) {
    case SIGNATURE_ROOTS:
        return config->signature_roots;
    case SIGNATURE_CERTIFICATES:
        return config->signature_certificates;
    case SIGNATURE_LISTS:
        return config->signature_lists;
    case SIGNATURE_RESPONSES:
        break;
    }
    return config->signature_responses;
}

void signature_folders_read(const struct config *config, struct signature_trust *trust, struct signature_folders *ret)
{
    char path[PATH_BYTES];
    *ret = (struct signature_folders){0};
    for (enum signature_kind kind = SIGNATURE_ROOTS; kind <= SIGNATURE_RESPONSES; kind++) {
        struct str rest = setting_of(config, kind);
        struct walk walk = {trust, ret, kind, path};
        while (path_next(&rest, path))
            path_take(&walk);
    }
}

size_t signature_folders_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    char path[PATH_BYTES];
    size_t count = 0;
    for (enum signature_kind kind = SIGNATURE_ROOTS; kind <= SIGNATURE_RESPONSES; kind++) {
        struct str rest = setting_of(config, kind);
        while (count < size && path_next(&rest, path))
            ret[count++] = (struct sandbox_path){.path = arena_strz(arena, str_of(path)), .access = SANDBOX_READ};
    }
    return count;
}
