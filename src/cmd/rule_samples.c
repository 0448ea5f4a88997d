#include "cmd/rule_samples.h"

#include "base/assert.h"
#include "os/file.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY     ((size_t)1 << 30) /* paths, and the texts of info.yml */
#define OPEN_FILES 16
#define INFO_NAME  "info.yml"

/* ---- names ---- */

static struct str stem_of(struct str path)
{
    return str_slice(path, 0, path.n - (str_ends(path, STR(".yaml")) ? 5 : 4));
}

bool rule_sample_name(struct str path, enum rule_sample_kind kind, size_t ending, char ret_name[RULE_SAMPLE_PATH_MAX])
{
    static const char *const kinds[RULE_SAMPLE_KINDS] = {[RULE_SAMPLE_MUST] = "must", [RULE_SAMPLE_NOT] = "not"};
    static const char *const endings[RULE_SAMPLE_ENDINGS] = {"log", "json", "xml", "evtx"};
    struct str stem = stem_of(path);
    ASSERT(ending < RULE_SAMPLE_ENDINGS);
    int n = snprintf(ret_name, RULE_SAMPLE_PATH_MAX, "%.*s.%s.%s", STR_ARG(stem), kinds[kind], endings[ending]);
    return n > 0 && (size_t)n < RULE_SAMPLE_PATH_MAX;
}

bool rule_sample_list_name(struct str path, char ret_name[RULE_SAMPLE_PATH_MAX])
{
    struct str stem = stem_of(path);
    int n = snprintf(ret_name, RULE_SAMPLE_PATH_MAX, "%.*s.indicators.csv", STR_ARG(stem));
    return n > 0 && (size_t)n < RULE_SAMPLE_PATH_MAX;
}

/* ---- one file ---- */

enum rc rule_samples_init(struct rule_samples *samples, struct err *err)
{
    *samples = (struct rule_samples){.arena = arena_new(MEMORY), .places = map_new(RULE_SAMPLES_MAX, random_u64())};
    return samples->arena && samples->places ? RC_OK : err_set(err, RC_LIMIT, "no memory for samples");
}

void rule_samples_done(struct rule_samples *samples)
{
    memory_free(samples->all);
    map_free(samples->places);
    arena_free(samples->arena);
    *samples = (struct rule_samples){.arena = NULL};
}

const struct rule_sample *rule_samples_find(const struct rule_samples *samples, const char *path)
{
    const uint64_t *place = map_get(samples->places, str_of(path));
    return place ? &samples->all[*place - 1] : NULL;
}

/* A place for it; NULL in *ret_sample when it has one already. */
static enum rc sample_new(struct rule_samples *samples, const char *path, struct rule_sample **ret_sample,
                          struct err *err)
{
    size_t count = map_count(samples->places);
    *ret_sample = NULL;
    if (map_get(samples->places, str_of(path)))
        return RC_OK;
    if (count == RULE_SAMPLES_MAX)
        return err_set(err, RC_LIMIT, "there are more than %u samples, and files beside an " INFO_NAME,
                       RULE_SAMPLES_MAX);
    if (count == samples->room) {
        size_t room = MAX(2 * samples->room, (size_t)64);
        struct rule_sample *grown = memory_resize(samples->all, room * sizeof *grown);
        if (!grown)
            return err_set(err, RC_LIMIT, "no memory for samples");
        samples->all = grown;
        samples->room = room;
    }
    uint64_t *place = map_put(samples->places, str_of(path));
    if (!place)
        return err_set(err, RC_LIMIT, "no memory for samples");
    *place = count + 1;
    samples->all[count] = (struct rule_sample){.text = STR_NONE};
    *ret_sample = &samples->all[count];
    return RC_OK;
}

static enum rc why_keep(struct rule_samples *samples, const struct err *why, const char **ret_why, struct err *err)
{
    *ret_why = arena_strz(samples->arena, str_of(why->text));
    return *ret_why ? RC_OK : err_set(err, RC_LIMIT, "no memory for samples");
}

/* As file_load_path says it. */
static enum rc sample_map(const char *path, uint64_t room, struct str *ret_text, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? err_set(err, RC_NOT_FOUND, "there is no file \"%s\"", path)
                               : err_errno(err, errno, "could not open \"%s\"", path);
    enum rc rc = RC_OK;
    if (fstat(fd, &status) != 0)
        rc = err_errno(err, errno, "could not look at \"%s\"", path);
    else if (!S_ISREG(status.st_mode))
        rc = err_set(err, RC_INVALID, "\"%s\" is not a regular file", path);
    else if ((uint64_t)status.st_size > room)
        rc = err_set(err, RC_LIMIT, "\"%s\" has %lld bytes; at most %llu are accepted of all samples", path,
                     (long long)status.st_size, (unsigned long long)RULE_SAMPLE_BYTES_MAX);
    else if ((rc = file_map(fd, (size_t)room, ret_text, err)) != RC_OK)
        IGNORE(err_wrap(err, "\"%s\"", path)); /* the code stays rc */
    close(fd);
    return rc;
}

static enum rc sample_add(struct rule_samples *samples, const char *path, struct err *err)
{
    struct rule_sample *sample;
    struct err why = {0};
    enum rc rc = sample_new(samples, path, &sample, err);
    if (rc != RC_OK || !sample)
        return rc;
    if (sample_map(path, RULE_SAMPLE_BYTES_MAX - MIN(samples->bytes, RULE_SAMPLE_BYTES_MAX), &sample->text, &why) !=
        RC_OK)
        return why_keep(samples, &why, &sample->why, err);
    samples->bytes += sample->text.n;
    return RC_OK;
}

static enum rc list_add(struct rule_samples *samples, const char *path, struct err *err)
{
    struct rule_sample *sample;
    struct err why = {0};
    enum rc rc = sample_new(samples, path, &sample, err);
    if (rc != RC_OK || !sample)
        return rc;
    samples->list_count++;
    sample->lists.arena = samples->arena;
    if (indicator_texts_read(&sample->lists, path, &why) != RC_OK)
        rc = why_keep(samples, &why, &sample->why, err);
    samples->bytes += sample->lists.bytes;
    return rc;
}

/* ---- beside a rule ---- */

static enum rc beside_add(struct rule_samples *samples, struct str rule, struct err *err)
{
    char name[RULE_SAMPLE_PATH_MAX];
    enum rc rc = RC_OK;
    if (rule_sample_list_name(rule, name) && access(name, F_OK) == 0)
        rc = list_add(samples, name, err);
    for (enum rule_sample_kind kind = 0; kind < RULE_SAMPLE_KINDS; kind++)
        for (size_t i = 0; i < RULE_SAMPLE_ENDINGS && rc == RC_OK; i++)
            if (rule_sample_name(rule, kind, i, name) && access(name, F_OK) == 0)
                rc = sample_add(samples, name, err);
    return rc;
}

enum rc rule_samples_beside(struct rule_samples *samples, const struct rule_texts *rules, struct err *err)
{
    enum rc rc = RC_OK;
    for (const struct rule_text *rule = rules->first; rule && rc == RC_OK; rule = rule->next)
        if (str_ends(rule->path, STR(".yml")) || str_ends(rule->path, STR(".yaml"))) /* else a folder, refused */
            rc = beside_add(samples, rule->path, err);
    return rc;
}

/* ---- below a folder ---- */

struct walk {
    struct rule_samples *samples;
    const char *folder; /* that is being listed; with its slash, or empty */
    enum rc rc;
    struct err *err;
};

static struct walk *walking; /* nftw takes no context */

static bool on_name(void *context, const char *name)
{
    struct walk *walk = context;
    char path[RULE_SAMPLE_PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s", walk->folder, name);
    if (n > 0 && (size_t)n < sizeof path)
        walk->rc = sample_add(walk->samples, path, walk->err);
    return walk->rc == RC_OK;
}

/* All that an info.yml may name. Of a folder that cannot be listed nothing is there. */
static void info_beside(struct walk *walk, const char *info)
{
    struct str folder = str_of(info);
    folder.n -= strlen(INFO_NAME);
    walk->folder = arena_strz(walk->samples->arena, folder);
    if (!walk->folder) {
        walk->rc = err_set(walk->err, RC_LIMIT, "no memory for samples");
        return;
    }
    int fd = io_open_folder(folder.n ? walk->folder : ".");
    if (fd >= 0)
        IGNORE(io_list_open(fd, on_name, walk) < 0); /* then there is less */
}

static void info_add(struct walk *walk, const char *path)
{
    struct rule_samples *samples = walk->samples;
    struct err why = {0};
    struct rule_info *info = arena_alloc(samples->arena, sizeof *info);
    if (info) {
        info->path = arena_strz(samples->arena, str_of(path));
        if (file_load_path(path, RULE_SAMPLE_INFO_MAX, samples->arena, &info->text, &why) != RC_OK)
            walk->rc = why_keep(samples, &why, &info->why, walk->err);
    }
    if (arena_spent(samples->arena))
        walk->rc = err_set(walk->err, RC_LIMIT, "no memory for samples");
    if (walk->rc != RC_OK)
        return;
    *(samples->last_info ? &samples->last_info->next : &samples->infos) = info;
    samples->last_info = info;
    info_beside(walk, path);
}

static void broken_say(struct walk *walk, const char *path, const char *how)
{
    struct err why = {0};
    IGNORE(err_set(&why, RC_IO, "\"%s\" cannot be read%s", path, how)); /* kept, and said in its turn */
    walk->rc = why_keep(walk->samples, &why, &walk->samples->broken, walk->err);
}

static int on_file(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    if (place->level > (int)RULE_SAMPLE_DEPTH_MAX || type == FTW_DNR)
        broken_say(walking, path, ", or lies too deep");
    else if (type == FTW_F && strcmp(path + place->base, INFO_NAME) == 0)
        info_add(walking, path);
    return walking->rc == RC_OK && !walking->samples->broken ? 0 : 1;
}

enum rc rule_samples_below(struct rule_samples *samples, const char *const *folders, size_t folder_count,
                           struct err *err)
{
    struct walk walk = {.samples = samples, .err = err};
    walking = &walk;
    for (size_t i = 0; i < folder_count && walk.rc == RC_OK && !samples->broken; i++)
        if (nftw(folders[i], on_file, OPEN_FILES, FTW_PHYS) == -1)
            broken_say(&walk, folders[i], "");
    walking = NULL;
    return walk.rc;
}
