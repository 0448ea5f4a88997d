#include "role/indicator_folder.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "role/log.h"
#include "rule/indicator_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_MEMORY  ((size_t)4 << 20)
#define FIELDS_MEMORY ((size_t)1 << 20)
#define PATH_BYTES    4096u

struct listing {
    struct arena *arena;
    const char *names[INDICATOR_LISTS_MAX];
    size_t count;
    bool full;
};

/* ---- one file ---- */

/* Maps it, in a folder that is open, or AT_FDCWD and a path; *why says what stands in the way. */
static void text_map(int folder, const char *path, struct str *ret_text, struct err *why)
{
    struct stat status;
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *ret_text = STR_NONE;
    if (fd < 0 || fstat(fd, &status) != 0)
        IGNORE(err_errno(why, errno, "it could not be opened")); /* who asks looks at the text */
    else if (!S_ISREG(status.st_mode))
        IGNORE(err_set(why, RC_IO, "it is not a file"));
    else if ((uint64_t)status.st_size > INDICATOR_FILE_MAX)
        IGNORE(err_set(why, RC_LIMIT, "it is larger than 2 GiB"));
    else if (status.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            IGNORE(err_errno(why, errno, "it could not be read"));
        else
            *ret_text = str_at(bytes, (size_t)status.st_size);
    }
    if (fd >= 0)
        close(fd);
}

static struct str list_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_of(slash ? slash + 1 : path);
}

/* The next list. What cannot be read is said in it. */
static enum rc list_take(const struct indicator_reading *reading, const struct indicator_text *file, struct err *err)
{
    struct err why = {0};
    enum rc rc = indicators_list(reading->indicators, file->name, err);
    if (rc != RC_OK)
        return rc;
    if (file->why)
        indicators_refuse(reading->indicators, 0, file->why, STR_NONE);
    else if (file->text.n && indicator_read(reading, file->text, &why) != RC_OK)
        indicators_refuse(reading->indicators, 0, why.text, STR_NONE);
    return RC_OK;
}

static enum rc file_read(void *context, int folder, const char *path, struct err *err)
{
    struct err why = {0};
    struct indicator_text file = {.name = list_name(path)};
    text_map(folder, path, &file.text, &why);
    file.why = why.text[0] ? why.text : NULL;
    if (file.text.n)
        IGNORE(madvise((void *)(uintptr_t)file.text.p, file.text.n, MADV_SEQUENTIAL)); /* only faster */
    enum rc rc = list_take(context, &file, err);
    if (file.text.n)
        munmap((void *)(uintptr_t)file.text.p, file.text.n);
    return rc;
}

/* ---- a folder ---- */

static bool is_list(struct str name)
{
    return str_ends(name, STR(".csv")) || str_ends(name, STR(".txt")) || str_ends(name, STR(".json"));
}

static bool on_name(void *context, const char *name)
{
    struct listing *listing = context;
    if (!is_list(str_of(name)))
        return true;
    const char *kept = listing->count < INDICATOR_LISTS_MAX ? arena_strz(listing->arena, str_of(name)) : NULL;
    listing->full = kept == NULL;
    if (kept)
        listing->names[listing->count++] = kept;
    return !listing->full;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* `each` file in the order of their names, in a folder that is open, or AT_FDCWD and a path. */
struct walk {
    enum rc (*each)(void *context, int folder, const char *path, struct err *err);
    void *context;
};

/* `fd` is closed. */
static enum rc folder_walk(const struct walk *walk, const char *path, int fd, struct err *err)
{
    struct listing listing = {.arena = arena_new(NAMES_MEMORY)};
    if (!listing.arena) {
        close(fd);
        return err_set(err, RC_LIMIT, "no memory for the names of a folder");
    }
    int listed = io_kernel.list(NULL, fd, on_name, &listing);
    enum rc rc = listed < 0 ? err_errno(err, -listed, "could not list folder \"%s\"", path) : RC_OK;
    if (listing.full)
        rc = err_set(err, RC_LIMIT, "folder \"%s\" holds more than %u lists", path, INDICATOR_LISTS_MAX);
    if (listing.count)
        qsort(listing.names, listing.count, sizeof listing.names[0], by_name);
    for (size_t i = 0; i < listing.count && rc == RC_OK; i++)
        rc = walk->each(walk->context, fd, listing.names[i], err);
    close(fd);
    arena_free(listing.arena);
    return rc;
}

static enum rc path_walk(const struct walk *walk, const char *path, struct err *err)
{
    int fd = io_open_folder(path);
    if (fd == -ENOTDIR)
        return walk->each(walk->context, AT_FDCWD, path, err);
    if (fd < 0)
        return err_errno(err, -fd, "could not open \"%s\"", path);
    return folder_walk(walk, path, fd, err);
}

enum rc indicator_folder_read(const char *path, bool all, struct indicators *indicators, struct err *err)
{
    struct indicator_reading reading = {.indicators = indicators, .all = all};
    const struct walk walk = {file_read, &reading};
    return path_walk(&walk, path, err);
}

/* ---- read here, understood elsewhere ---- */

static enum rc file_keep(void *context, int folder, const char *path, struct err *err)
{
    struct indicator_texts *texts = context;
    struct err why = {0};
    struct indicator_text *kept = arena_alloc(texts->arena, sizeof *kept);
    if (texts->count == INDICATOR_LISTS_MAX)
        return err_set(err, RC_LIMIT, "there are more than %u lists of indicators", INDICATOR_LISTS_MAX);
    if (kept) {
        kept->name = arena_str(texts->arena, list_name(path));
        text_map(folder, path, &kept->text, &why);
        kept->why = why.text[0] ? arena_strz(texts->arena, str_of(why.text)) : NULL;
    }
    if (arena_spent(texts->arena))
        return err_set(err, RC_LIMIT, "no memory for lists of indicators");
    *(texts->last ? &texts->last->next : &texts->first) = kept;
    texts->last = kept;
    texts->count++;
    texts->bytes += kept->text.n;
    return RC_OK;
}

enum rc indicator_texts_read(struct indicator_texts *texts, const char *path, struct err *err)
{
    const struct walk walk = {file_keep, texts};
    ASSERT(texts->arena);
    return path_walk(&walk, path, err);
}

enum rc indicator_texts_give(const struct indicator_texts *texts, struct indicators *indicators, struct err *err)
{
    const struct indicator_reading reading = {.indicators = indicators};
    enum rc rc = RC_OK;
    for (const struct indicator_text *file = texts->first; file && rc == RC_OK; file = file->next)
        rc = list_take(&reading, file, err);
    return rc;
}

/* ---- what the program knows of them ---- */

enum rc indicator_fields_read(const char *data, struct indicator_fields **ret_fields, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FIELDS_MEMORY);
    struct str text;
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/indicators.tsv", data);
    if (!arena || n < 0 || (size_t)n >= sizeof path)
        return err_set(err, RC_LIMIT, "no memory for the fields of indicators");
    enum rc rc = file_load_path(path, FIELDS_MEMORY / 2, arena, &text, err);
    if (rc != RC_OK)
        return rc;
    rc = indicator_fields_load(text, ret_fields, err);
    return rc == RC_OK ? rc : err_wrap(err, "\"%s\"", path);
}

/* ---- all that are looked for ---- */

static void own_path(const struct config *config, char ret_path[PATH_BYTES])
{
    int n = snprintf(ret_path, PATH_BYTES, "%.*s/" OWN_LISTS_FOLDER, STR_ARG(config->data));
    ASSERT(n > 0 && (size_t)n < PATH_BYTES);
}

static bool on_own(void *context, const char *name)
{
    bool *found = context;
    *found = *found || is_list(str_of(name));
    return !*found;
}

/* For itself, whether it is open already (`own`) or -1. */
static int own_open(const struct config *config, int own)
{
    char path[PATH_BYTES];
    own_path(config, path);
    return own >= 0 ? openat(own, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : io_open_folder(path);
}

/* Lists that people gave. */
static bool own_are_there(const struct config *config, int own)
{
    bool found = false;
    int fd = own_open(config, own);
    if (fd >= 0)
        IGNORE(io_list_open(fd, on_own, &found) < 0); /* what is not seen is not read */
    return found;
}

bool indicators_are_there(const struct config *config, int own)
{
    return str_trim(config->indicators).n || own_are_there(config, own);
}

/* One more sentence of it, as long as there is room. */
static void trouble_add(struct buf *trouble, const char *text)
{
    size_t n = strlen(text);
    if (!trouble || trouble->n + n + 2 > INDICATORS_TROUBLE)
        return;
    buf_text(trouble, trouble->n ? "; " : "");
    buf_text(trouble, text);
}

/* What was refused without a line is a whole file, or its rest. */
static void lists_trouble(const struct indicators *indicators, struct buf *trouble)
{
    for (size_t i = 0; i < indicators_list_count(indicators); i++) {
        struct indicator_list list = indicators_list_at(indicators, i);
        for (size_t r = 0; r < list.reason_count; r++) {
            char text[INDICATORS_TROUBLE];
            int n = snprintf(text, sizeof text, "list \"%.*s\": %s", (int)MIN(list.name.n, 100), list.name.p,
                             list.reasons[r].text);
            if (n > 0 && list.reasons[r].line == 0)
                trouble_add(trouble, text);
        }
    }
}

static void untaken(enum rc rc, const struct err *why, struct buf *trouble)
{
    if (rc == RC_OK)
        return;
    log_error("indicators are not all there: %s", why->text);
    trouble_add(trouble, why->text);
}

static void own_take(const struct config *config, int own, struct indicators *indicators, struct buf *trouble)
{
    struct indicator_reading reading = {.indicators = indicators};
    const struct walk walk = {file_read, &reading};
    struct err why = {0};
    int fd = own_open(config, own);
    enum rc rc = fd < 0 ? err_set(&why, RC_IO, "could not open the folder of lists that people gave")
                        : folder_walk(&walk, OWN_LISTS_FOLDER, fd, &why);
    untaken(rc, &why, trouble);
}

enum rc indicators_load_configured(const struct config *config, int own, struct indicators **ret_indicators,
                                   struct buf *trouble, struct err *err)
{
    struct str rest = config->indicators;
    char path[PATH_BYTES];
    bool given = own_are_there(config, own);
    *ret_indicators = NULL;
    if (!str_trim(rest).n && !given)
        return RC_OK;
    struct indicators *indicators = indicators_new(random_u64());
    if (!indicators)
        return err_set(err, RC_LIMIT, "no memory for indicators");
    indicators_days(indicators, (uint32_t)config->indicator_days);
    while (rest.n) {
        struct str folder = str_cut(&rest, ' ');
        struct err why = {0};
        if (folder.n && str_copy_z(folder, path, sizeof path))
            untaken(indicator_folder_read(path, false, indicators, &why), &why, trouble);
    }
    if (given)
        own_take(config, own, indicators, trouble);
    indicators_finish(indicators);
    lists_trouble(indicators, trouble);
    *ret_indicators = indicators;
    return RC_OK;
}

/* What a file is known by without being read; one that cannot be looked at, by its path alone. */
static void file_stamp(struct buf *out, const char *path)
{
    struct stat status = {0};
    IGNORE(stat(path, &status) != 0);
    buf_format(out, "%s|%lld|%lld.%09ld|%llu\n", path, (long long)status.st_size, (long long)status.st_mtim.tv_sec,
               status.st_mtim.tv_nsec, (unsigned long long)status.st_ino);
}

/* The folder's own time says when no name of it is seen; where files are made beside the lists it says nothing. */
static void folder_stamp(struct buf *out, const char *path, bool own)
{
    struct listing listing = {.arena = arena_new(NAMES_MEMORY)};
    struct buf file CLEANUP(buf_done) = {0};
    int fd = io_open_folder(path);
    buf_init(&file, PATH_BYTES);
    if (!own)
        file_stamp(out, path);
    if (fd >= 0 && listing.arena)
        IGNORE(io_list_open(fd, on_name, &listing) < 0); /* then the folder's own time must do */
    else if (fd >= 0)
        close(fd);
    if (listing.count)
        qsort(listing.names, listing.count, sizeof listing.names[0], by_name);
    for (size_t i = 0; i < listing.count; i++) {
        buf_clear(&file);
        buf_format(&file, "%s/%s", path, listing.names[i]);
        file_stamp(out, buf_z(&file));
    }
    arena_free(listing.arena);
}

uint64_t indicators_stamp(const struct config *config)
{
    static const uint64_t key[2] = {1, 2}; /* it stays here */
    struct buf known CLEANUP(buf_done) = {0};
    struct str rest = config->indicators;
    char path[PATH_BYTES];
    if (!indicators_are_there(config, -1))
        return 0;
    buf_init(&known, (size_t)16 << 20);
    while (rest.n) {
        struct str folder = str_cut(&rest, ' ');
        if (folder.n && str_copy_z(folder, path, sizeof path))
            folder_stamp(&known, path, false);
    }
    own_path(config, path);
    folder_stamp(&known, path, true);
    return MAX(siphash(key, known.p, known.n), 1);
}

bool indicators_folder_next(struct str *rest, char ret_path[INDICATORS_PATH])
{
    while (rest->n) {
        struct str path = str_cut(rest, ' ');
        struct stat status;
        if (!path.n || !str_copy_z(path, ret_path, INDICATORS_PATH))
            continue;
        char *slash = strrchr(ret_path, '/');
        if (slash && slash > ret_path && stat(ret_path, &status) == 0 && !S_ISDIR(status.st_mode))
            *slash = '\0';
        return true;
    }
    return false;
}

uint64_t indicators_folders_stamp(const struct config *config)
{
    static const uint64_t key[2] = {3, 4}; /* it stays here */
    struct buf known CLEANUP(buf_done) = {0};
    struct str rest = config->indicators;
    char path[INDICATORS_PATH];
    buf_init(&known, (size_t)1 << 20);
    while (indicators_folder_next(&rest, path)) {
        struct stat status = {0};
        IGNORE(stat(path, &status) != 0);
        buf_format(&known, "%s|%llu|%llu\n", path, (unsigned long long)status.st_dev,
                   (unsigned long long)status.st_ino);
    }
    return siphash(key, known.p, known.n);
}

enum rc indicators_match_configured(const struct config *config, struct names *names,
                                    struct indicators **ret_indicators, struct indicator_matcher **ret_matcher,
                                    struct buf *trouble, struct err *err)
{
    struct indicator_fields *fields = NULL;
    char data[PATH_BYTES];
    *ret_matcher = NULL;
    enum rc rc = indicators_load_configured(config, -1, ret_indicators, trouble, err);
    if (rc != RC_OK || !*ret_indicators)
        return rc;
    int n = snprintf(data, sizeof data, "%.*s/data", STR_ARG(config->share));
    ASSERT(n >= 0 && (size_t)n < sizeof data);
    rc = indicator_fields_read(data, &fields, err);
    if (rc == RC_OK)
        *ret_matcher = indicator_matcher_new(*ret_indicators, fields, names);
    if (rc == RC_OK && *ret_matcher)
        return RC_OK;
    indicator_fields_free(fields);
    indicators_free(*ret_indicators);
    *ret_indicators = NULL;
    return rc == RC_OK ? err_set(err, RC_LIMIT, "no memory for indicators") : rc;
}

void indicators_log(const struct indicators *indicators)
{
    log_info("indicators: %zu in %zu lists, %zu MiB", indicators_count(indicators), indicators_list_count(indicators),
             indicators_memory(indicators) >> 20);
    for (size_t i = 0; i < indicators_list_count(indicators); i++) {
        struct indicator_list list = indicators_list_at(indicators, i);
        uint64_t expired = indicators_expired(indicators, i, clock_real_ns());
        if (expired)
            log_info("indicators: list %.*s: %llu have expired", STR_ARG(list.name), (unsigned long long)expired);
        for (size_t r = 0; r < list.reason_count; r++)
            log_warning("indicators: list %.*s: %llu refused, first in line %u: %s%s%s", STR_ARG(list.name),
                        (unsigned long long)list.reasons[r].count, list.reasons[r].line, list.reasons[r].text,
                        list.reasons[r].example[0] ? ": " : "", list.reasons[r].example);
    }
}
