#include "role/rule_pack_source.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/zipfile.h"
#include "os/file.h"
#include "role/rule_packs.h"
#include "rule/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOURCE_MEMORY ((size_t)256 << 20)
#define ZIP_BYTES_MAX ((size_t)256 << 20)
#define NAMES_ALL     100000u /* files and folders of one source */
#define NAME_ROOM     256
#define BESIDE        "SigmaHQ keeps no rules there that hold"

/* What SigmaHQ's repository has beside its rules: rules that no longer hold, and what is there to test them. */
static const char *const beside_rules[] = {"deprecated",      "documentation", "images", "other",
                                           "regression_data", "scripts",       "tests",  "unsupported"};

struct found {
    struct rule_pack_file file;
    struct str text;
};

struct reading {
    struct pack_source *source;
    struct found *found;
    size_t count;
    size_t room;
    size_t bytes;
    bool has_rules; /* a folder `rules` at the top */
    struct err *err;
};

static enum rc no_memory(struct err *err)
{
    return err_set(err, RC_LIMIT, "no memory for the files of a pack");
}

static bool is_rule_file(struct str path)
{
    return str_ends(path, STR(".yml")) || str_ends(path, STR(".yaml"));
}

static void leave_out(struct reading *r, struct str path, const char *why)
{
    struct pack_source *source = r->source;
    if (source->left_count < PACK_SOURCE_LEFT_MAX)
        source->left[source->left_count] = (struct pack_source_left){path, why};
    source->left_count++;
}

/* Whether a folder at the top is one of those beside SigmaHQ's rules. */
static bool is_beside(const struct reading *r, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(beside_rules) && r->has_rules; i++)
        if (str_is(name, beside_rules[i]))
            return true;
    return false;
}

static enum rc take(struct reading *r, struct str path, struct str text)
{
    if (str_is(path, RULE_PACK_NOTE)) {
        r->source->note = text;
        return RC_OK;
    }
    r->bytes += text.n;
    if (r->count == RULE_PACK_FILES_MAX || r->bytes > RULE_PACK_BYTES_MAX)
        return err_set(r->err, RC_LIMIT, "a pack holds at most %u files and %zu bytes", RULE_PACK_FILES_MAX,
                       RULE_PACK_BYTES_MAX);
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 256;
        struct found *found = memory_resize(r->found, room * sizeof *found);
        if (!found)
            return no_memory(r->err);
        r->found = found;
        r->room = room;
    }
    r->found[r->count++] = (struct found){{.path = path}, text};
    return RC_OK;
}

/* ---- a folder ---- */

struct place {
    struct str path; /* empty: the folder itself */
    uint32_t depth;
};

struct walk {
    struct reading *r;
    int top;
    struct place *places; /* a stack of folders */
    size_t count;
    size_t names;
    struct place now;
    int fd;
    enum rc rc;
};

static int folder_below(int top, struct str path)
{
    char part[NAME_ROOM];
    int at = top;
    while (path.n) {
        struct str name = str_cut(&path, '/');
        int next = str_copy_z(name, part, sizeof part) ? io_kernel.open(NULL, at, part, IO_READ | IO_FOLDER) : -EINVAL;
        if (at != top)
            close(at);
        if (next < 0)
            return next;
        at = next;
    }
    return at;
}

static struct str path_join(struct arena *arena, struct str folder, const char *name)
{
    size_t n = strlen(name);
    char *path = arena_alloc_raw(arena, folder.n + n + 2);
    if (!path)
        return STR_NONE;
    if (folder.n)
        memcpy(path, folder.p, folder.n);
    path[folder.n] = '/';
    memcpy(path + folder.n + 1, name, n);
    return folder.n ? str_at(path, folder.n + 1 + n) : str_at(path + 1, n);
}

static enum rc file_take(struct walk *walk, struct str path, const char *name)
{
    struct reading *r = walk->r;
    struct str text;
    struct err why;
    enum rc rc = rule_pack_path_check(path, &why);
    if (rc != RC_OK)
        return err_set(r->err, rc, "a file of the folder cannot stand in a pack: %s", why.text);
    rc = file_load(&io_kernel, walk->fd, name, RULE_FILE_MAX, r->source->arena, &text, r->err);
    if (rc == RC_LIMIT && !arena_spent(r->source->arena)) {
        leave_out(r, path, "it is larger than a rule file may be");
        return RC_OK;
    }
    return rc == RC_OK ? take(r, path, text) : rc;
}

static enum rc name_take(struct walk *walk, const char *name)
{
    struct reading *r = walk->r;
    struct io_identity identity;
    bool note = walk->now.depth == 0 && strcmp(name, RULE_PACK_NOTE) == 0;
    bool wanted = note || is_rule_file(str_of(name));
    if (name[0] == '.')
        return RC_OK;
    struct str path = path_join(r->source->arena, walk->now.path, name);
    if (!path.p || walk->names++ == NAMES_ALL)
        return path.p ? err_set(r->err, RC_LIMIT, "the folder holds more than %u names", NAMES_ALL) : no_memory(r->err);
    int looked = io_identify_name(walk->fd, name, &identity);
    if (looked < 0)
        return err_errno(r->err, -looked, "could not look at \"%s\"", name);
    if (identity.regular)
        return wanted ? file_take(walk, path, name) : RC_OK;
    int fd = io_kernel.open(NULL, walk->fd, name, IO_READ | IO_FOLDER);
    if (fd < 0) {
        if (wanted)
            leave_out(r, path, "it is a link, or no file");
        return RC_OK;
    }
    close(fd);
    if (walk->now.depth == 0 && is_beside(r, path)) {
        leave_out(r, path, BESIDE);
        return RC_OK;
    }
    if (walk->now.depth == RULE_PACK_DEPTH_MAX)
        return err_set(r->err, RC_LIMIT, "the folder \"%s\" is nested too deeply", name);
    walk->places[walk->count++] = (struct place){path, walk->now.depth + 1}; /* room for NAMES_ALL */
    return RC_OK;
}

static bool on_name(void *context, const char *name)
{
    struct walk *walk = context;
    walk->rc = name_take(walk, name);
    return walk->rc == RC_OK;
}

static enum rc folder_walk(struct walk *walk)
{
    struct reading *r = walk->r;
    walk->places[walk->count++] = (struct place){STR(""), 0};
    while (walk->count > 0) {
        walk->now = walk->places[--walk->count];
        walk->fd = folder_below(walk->top, walk->now.path);
        if (walk->fd < 0)
            return err_errno(r->err, -walk->fd, "could not open a folder of the pack");
        int listed = io_kernel.list(NULL, walk->fd, on_name, walk);
        if (walk->fd != walk->top)
            close(walk->fd);
        if (walk->rc != RC_OK)
            return walk->rc;
        if (listed < 0)
            return err_errno(r->err, -listed, "could not list a folder of the pack");
    }
    return RC_OK;
}

static enum rc folder_read(struct reading *r, int top)
{
    struct walk walk = {.r = r, .top = top};
    int rules = io_kernel.open(NULL, top, "rules", IO_READ | IO_FOLDER);
    r->has_rules = rules >= 0;
    if (rules >= 0)
        close(rules);
    walk.places = memory_new((NAMES_ALL + 2) * sizeof *walk.places);
    enum rc rc = walk.places ? folder_walk(&walk) : no_memory(r->err);
    memory_free(walk.places);
    return rc;
}

/* ---- a ZIP file ---- */

/* Names as they stand, without the '/' of folders, each judged; the part that all of them begin with, if they do: the
 * folder that whoever packed a repository put around it. */
static enum rc zip_names(struct zipfile *zip, struct str *names, struct str *ret_around, struct err *err)
{
    struct err why;
    bool all = true;
    for (size_t i = 0; i < zipfile_count(zip); i++) {
        struct zipfile_entry entry;
        enum rc rc = zipfile_entry(zip, i, &entry, err);
        if (rc != RC_OK)
            return rc;
        names[i] = entry.name;
        bool folder = str_ends(entry.name, STR("/"));
        if (folder)
            names[i].n--;
        if (rule_pack_path_check(names[i], &why) != RC_OK)
            return err_set(err, RC_INVALID, "the ZIP file is refused for the name of its entry %zu: %s", i, why.text);
        struct str first = str_slice(names[i], 0, str_find(names[i], '/'));
        all = all && (folder || first.n < names[i].n) && (i == 0 || str_eq(first, *ret_around));
        *ret_around = first;
    }
    if (!all || str_starts(*ret_around, STR("rules")))
        *ret_around = STR("");
    return RC_OK;
}

static bool is_hidden(struct str path)
{
    while (path.p) {
        struct str part = str_cut(&path, '/');
        if (part.n && part.p[0] == '.')
            return true;
    }
    return false;
}

/* A folder once, whatever it holds. Names of entries end with the ZIP file. */
static enum rc leave_out_once(struct reading *r, struct str path, const char *why)
{
    const struct pack_source *source = r->source;
    for (size_t i = 0; i < MIN(source->left_count, (size_t)PACK_SOURCE_LEFT_MAX); i++)
        if (str_eq(source->left[i].path, path))
            return RC_OK;
    struct str kept = arena_str(source->arena, path);
    if (!kept.p)
        return no_memory(r->err);
    leave_out(r, kept, why);
    return RC_OK;
}

static enum rc entry_take(struct reading *r, struct zipfile *zip, size_t index, struct str path)
{
    struct zipfile_entry entry;
    struct str text = STR_NONE;
    bool wanted = is_rule_file(path) || str_is(path, RULE_PACK_NOTE);
    struct str top = str_slice(path, 0, str_find(path, '/'));
    enum rc rc = zipfile_entry(zip, index, &entry, r->err);
    if (rc != RC_OK || !wanted || is_hidden(path) || str_ends(entry.name, STR("/")))
        return rc;
    if (top.n < path.n && is_beside(r, top))
        return leave_out_once(r, top, BESIDE);
    if (entry.link)
        return leave_out_once(r, path, "it is a link");
    if (entry.size > RULE_FILE_MAX)
        return err_set(r->err, RC_LIMIT, "the ZIP file is refused: \"%.*s\" would be larger than a rule file may be",
                       STR_ARG(path));
    rc = zipfile_read(zip, index, RULE_FILE_MAX, r->source->arena, &text, r->err);
    if (rc != RC_OK)
        return err_wrap(r->err, "\"%.*s\"", STR_ARG(path));
    struct str kept = arena_str(r->source->arena, path);
    return kept.p ? take(r, kept, text) : no_memory(r->err);
}

static enum rc zip_take(struct reading *r, struct zipfile *zip, struct str *names)
{
    struct str around = STR("");
    enum rc rc = zip_names(zip, names, &around, r->err);
    for (size_t i = 0; i < zipfile_count(zip) && rc == RC_OK; i++) {
        names[i] = str_skip(names[i], around.n ? MIN(around.n + 1, names[i].n) : 0);
        r->has_rules = r->has_rules || str_starts(names[i], STR("rules/"));
    }
    for (size_t i = 0; i < zipfile_count(zip) && rc == RC_OK; i++)
        rc = names[i].n ? entry_take(r, zip, i, names[i]) : RC_OK;
    return rc;
}

static enum rc zip_gather(struct reading *r, const char *path)
{
    struct str bytes;
    enum rc rc = file_map_path(path, &bytes, r->err);
    if (rc != RC_OK)
        return rc;
    if (bytes.n > ZIP_BYTES_MAX)
        return err_set(r->err, RC_LIMIT, "the ZIP file has more than %zu bytes", ZIP_BYTES_MAX);
    if (!zipfile_begins(bytes))
        return err_set(r->err, RC_INVALID, "\"%s\" is neither a folder nor a ZIP file", path);
    r->source->zip = bytes;
    return RC_OK;
}

static enum rc zip_read(struct reading *r)
{
    struct zipfile *zip = NULL;
    enum rc rc = zipfile_open(r->source->zip, &zip, r->err);
    if (rc != RC_OK)
        return rc;
    struct str *names = memory_new((zipfile_count(zip) + 1) * sizeof *names);
    rc = names ? zip_take(r, zip, names) : no_memory(r->err);
    memory_free(names);
    zipfile_free(zip);
    return rc;
}

/* ---- both ---- */

static int by_path(const void *a, const void *b)
{
    const struct found *left = a;
    const struct found *right = b;
    return rule_pack_file_compare(&left->file, &right->file);
}

static enum rc source_fill(struct reading *r)
{
    struct pack_source *source = r->source;
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    source->files = arena_alloc_array(source->arena, r->count + 1, sizeof *source->files);
    source->texts = arena_alloc_array(source->arena, r->count + 1, sizeof *source->texts);
    if (!hasher || !source->files || !source->texts)
        return no_memory(r->err);
    if (r->count)
        qsort(r->found, r->count, sizeof *r->found, by_path);
    for (size_t i = 0; i < r->count; i++) {
        source->files[i] = r->found[i].file;
        source->texts[i] = r->found[i].text;
        if (i > 0 && str_eq(source->files[i].path, source->files[i - 1].path))
            return err_set(r->err, RC_INVALID, "the ZIP file is refused: \"%.*s\" stands in it twice",
                           STR_ARG(source->files[i].path));
        tlog_hash_bytes(hasher, source->texts[i], &source->files[i].hash);
    }
    source->count = r->count;
    return RC_OK;
}

static enum rc source_new(struct pack_source *ret_source, struct err *err)
{
    *ret_source = (struct pack_source){.arena = arena_new(SOURCE_MEMORY), .note = STR("")};
    if (!ret_source->arena)
        return no_memory(err);
    ret_source->left = arena_alloc_array(ret_source->arena, PACK_SOURCE_LEFT_MAX, sizeof *ret_source->left);
    return ret_source->left ? RC_OK : no_memory(err);
}

enum rc pack_source_gather(const char *path, struct pack_source *ret_source, struct err *err)
{
    struct reading r = {.source = ret_source, .err = err};
    enum rc rc = source_new(ret_source, err);
    if (rc != RC_OK)
        return rc;
    int folder = io_open_folder(path);
    if (folder == -ENOTDIR)
        return zip_gather(&r, path);
    if (folder < 0)
        return err_errno(err, -folder, "could not open \"%s\"", path);
    rc = folder_read(&r, folder);
    close(folder);
    rc = rc == RC_OK ? source_fill(&r) : rc;
    memory_free(r.found);
    return rc;
}

enum rc pack_source_unpack(struct pack_source *source, struct err *err)
{
    struct reading r = {.source = source, .err = err};
    if (source->zip.n == 0)
        return RC_OK;
    enum rc rc = zip_read(&r);
    rc = rc == RC_OK ? source_fill(&r) : rc;
    memory_free(r.found);
    source->zip = STR_NONE;
    return rc;
}

enum rc pack_source_read(const char *path, struct pack_source *ret_source, struct err *err)
{
    enum rc rc = pack_source_gather(path, ret_source, err);
    return rc == RC_OK ? pack_source_unpack(ret_source, err) : rc;
}

/* ---- to another process: what was left out, the note, the files; each text be32 and bytes ---- */

static void text_write(struct str text, struct buf *out)
{
    buf_be32(out, (uint32_t)text.n);
    buf_str(out, text);
}

static struct str text_read(struct reader *reader)
{
    return read_bytes(reader, read_be32(reader));
}

void pack_source_write(const struct pack_source *source, struct buf *out)
{
    size_t kept = MIN(source->left_count, (size_t)PACK_SOURCE_LEFT_MAX);
    ASSERT(source->zip.n == 0);
    buf_be64(out, source->left_count);
    for (size_t i = 0; i < kept; i++) {
        text_write(source->left[i].path, out);
        text_write(str_of(source->left[i].why), out);
    }
    text_write(source->note, out);
    buf_be32(out, (uint32_t)source->count);
    for (size_t i = 0; i < source->count; i++) {
        text_write(source->files[i].path, out);
        text_write(source->texts[i], out);
    }
}

static enum rc left_take(struct reading *r, struct reader *reader)
{
    struct pack_source *source = r->source;
    source->left_count = read_be64(reader);
    for (size_t i = 0; i < MIN(source->left_count, (size_t)PACK_SOURCE_LEFT_MAX) && !reader->failed; i++) {
        source->left[i].path = arena_str(source->arena, text_read(reader));
        source->left[i].why = arena_strz(source->arena, text_read(reader));
        if (!source->left[i].path.p || !source->left[i].why)
            return no_memory(r->err);
    }
    return RC_OK;
}

static enum rc file_judge(struct reading *r, struct str path, struct str text)
{
    struct pack_source *source = r->source;
    enum rc rc = rule_pack_path_check(path, r->err);
    if (rc == RC_OK && (!is_rule_file(path) || text.n > RULE_FILE_MAX))
        return err_set(r->err, RC_INVALID, "\"%.*s\" is no rule file", STR_ARG(path));
    if (rc != RC_OK)
        return rc;
    struct str kept_path = arena_str(source->arena, path);
    struct str kept = arena_str(source->arena, text);
    return kept_path.p && kept.p ? take(r, kept_path, kept) : no_memory(r->err);
}

static enum rc source_judge(struct reading *r, struct reader *reader)
{
    enum rc rc = left_take(r, reader);
    struct str note = text_read(reader);
    size_t count = read_be32(reader);
    if (rc != RC_OK)
        return rc;
    r->source->note = arena_str(r->source->arena, note);
    for (size_t i = 0; i < count && rc == RC_OK && !reader->failed; i++) {
        struct str path = text_read(reader);
        struct str text = text_read(reader);
        rc = reader->failed ? RC_OK : file_judge(r, path, text);
    }
    if (rc == RC_OK && (!reader_done(reader) || !r->source->note.p))
        rc = err_set(r->err, RC_INVALID, "what was read of the pack does not read");
    return rc == RC_OK ? source_fill(r) : rc;
}

enum rc pack_source_take(struct str bytes, struct pack_source *ret_source, struct err *err)
{
    struct reading r = {.source = ret_source, .err = err};
    struct reader reader = reader_of(bytes);
    enum rc rc = source_new(ret_source, err);
    rc = rc == RC_OK ? source_judge(&r, &reader) : rc;
    memory_free(r.found);
    return rc;
}

void pack_source_done(struct pack_source *source)
{
    arena_free(source->arena);
    *source = (struct pack_source){0};
}
