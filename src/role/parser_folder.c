#include "role/parser_folder.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "os/io.h"
#include "os/random.h"
#include "role/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHOICE_TRIES_MAX 100 /* each is a load of all tables, some ten milliseconds; what is left then is left out */
#define CHOICE_DEPTH_MAX 32

/* False: it does not fit, or the setting is empty. */
static bool path_make(char path[4096], struct str folder, const char *more)
{
    int n = folder.n ? snprintf(path, 4096, "%.*s%s", STR_ARG(folder), more) : 0;
    return n > 0 && n < 4096;
}

struct parsers {
    struct names *names;
    struct table_texts *texts;
    char data[4096];
    char site[4096]; /* empty: there are none, or they do not load */
    struct mapping *mapping;
    struct buf own;  /* as they were given, those in force */
    struct buf next; /* as parsers_make was given them last */
    struct err left; /* which of `own` are not in force, and why; empty: all are */
    struct err next_left;
};

static struct mapping_tables tables_of(const struct parsers *parsers, struct str own)
{
    return (struct mapping_tables){.data_path = parsers->data,
                                   .more_path = parsers->site[0] ? parsers->site : NULL,
                                   .texts = parsers->texts,
                                   .own = own.p ? own : STR("")};
}

static enum rc make(struct parsers *parsers, struct str own, struct mapping **ret_mapping, struct err *err)
{
    const struct mapping_tables from = tables_of(parsers, own);
    return mapping_load_own(&from, parsers->names, ret_mapping, NULL, err);
}

/* Nothing is open behind the start: what a process might need later is read here. */
static enum rc first_make(struct parsers *parsers, const struct config *config, struct err *err)
{
    char first[4096];
    struct stat status;
    struct err why = {0};
    bool named = config->parsers.n > 0;
    if (path_make(first, config->parsers, "/parsers.tsv") && stat(first, &status) != 0 && errno == ENOENT)
        named = false; /* nothing was put there yet */
    if (named && path_make(parsers->site, config->parsers, "") &&
        make(parsers, STR(""), &parsers->mapping, &why) == RC_OK)
        return RC_OK;
    if (named)
        log_error("the patterns of the folder \"%.*s\" are not used: %s", STR_ARG(config->parsers),
                  why.text[0] ? why.text : "its name is too long");
    parsers->site[0] = '\0';
    return make(parsers, STR(""), &parsers->mapping, err);
}

enum rc parsers_open(const struct config *config, struct names *names, struct parsers **ret_parsers, struct err *err)
{
    struct parsers *parsers = memory_new(sizeof *parsers);
    if (!parsers)
        return err_set(err, RC_LIMIT, "no memory for tables of patterns");
    parsers->names = names;
    parsers->texts = table_texts_new();
    buf_init(&parsers->own, PARSERS_OWN_MAX);
    buf_init(&parsers->next, PARSERS_OWN_MAX);
    enum rc rc = RC_OK;
    if (!parsers->texts)
        rc = err_set(err, RC_LIMIT, "no memory for tables of patterns");
    else if (!path_make(parsers->data, config->share, "/data"))
        rc = err_set(err, RC_LIMIT, "the name of the folder of tables is too long");
    if (rc == RC_OK)
        rc = first_make(parsers, config, err);
    if (rc == RC_OK)
        *ret_parsers = parsers;
    else
        parsers_free(parsers);
    return rc;
}

void parsers_free(struct parsers *parsers)
{
    if (!parsers)
        return;
    mapping_free(parsers->mapping);
    table_texts_free(parsers->texts);
    buf_done(&parsers->own);
    buf_done(&parsers->next);
    memory_free(parsers);
}

struct mapping *parsers_mapping(const struct parsers *parsers)
{
    return parsers->mapping;
}

enum rc parsers_check(struct parsers *parsers, struct str own, const char **ret_column, struct err *err)
{
    const struct mapping_tables from = tables_of(parsers, own);
    struct names *names = names_new(random_u64()); /* what is refused leaves no names behind */
    struct mapping *mapping = NULL;
    *ret_column = NULL;
    enum rc rc = names ? mapping_load_own(&from, names, &mapping, ret_column, err)
                       : err_set(err, RC_LIMIT, "no memory for names of fields");
    mapping_free(mapping);
    names_free(names);
    return rc;
}

/* ---- a table of which not every row can be had ---- */

struct choice {
    struct parsers *parsers;
    const struct str *row; /* without the first line */
    struct buf taken;      /* the table of those that can be had so far */
    struct buf tried;
    struct err *why; /* of the first that cannot */
    struct str names;
    char names_text[128];
    size_t left;
    unsigned tries;
};

static bool choice_try(struct choice *choice, size_t begin, size_t end, struct err *err)
{
    const char *column;
    buf_clear(&choice->tried);
    buf_str(&choice->tried, buf_view(&choice->taken));
    for (size_t i = begin; i < end; i++) {
        buf_str(&choice->tried, choice->row[i]);
        buf_char(&choice->tried, '\n');
    }
    if (choice->tried.overflow || choice->tries == CHOICE_TRIES_MAX)
        return false;
    choice->tries++;
    return parsers_check(choice->parsers, buf_view(&choice->tried), &column, err) == RC_OK;
}

static void choice_leave(struct choice *choice, size_t at, const struct err *err)
{
    struct str row = choice->row[at];
    struct str name = str_cut(&row, '\t');
    size_t n = choice->names.n;
    int more = snprintf(choice->names_text + n, sizeof choice->names_text - n, "%s%.*s", n ? ", " : "", STR_ARG(name));
    if (more > 0 && (size_t)more < sizeof choice->names_text - n)
        choice->names = str_at(choice->names_text, n + (size_t)more);
    if (choice->left++ == 0)
        *choice->why = *err;
}

/* Halves what cannot be had, the first half first: of two that do not go together the earlier one stays. */
static void choice_make(struct choice *choice, size_t count)
{
    struct {
        size_t begin, end;
    } part[2 * CHOICE_DEPTH_MAX] = {{0, count}};
    for (size_t parts = 1; parts > 0;) {
        struct err err = {0};
        size_t begin = part[--parts].begin;
        size_t end = part[parts].end;
        if (choice_try(choice, begin, end, &err)) {
            struct buf before = choice->taken;
            choice->taken = choice->tried;
            choice->tried = before;
        } else if (end - begin == 1 || choice->tries == CHOICE_TRIES_MAX) {
            for (size_t i = begin; i < end; i++)
                choice_leave(choice, i, &err);
        } else {
            size_t middle = begin + (end - begin) / 2;
            ASSERT(parts + 2 <= ARRAY_LEN(part));
            part[parts].begin = middle;
            part[parts++].end = end;
            part[parts].begin = begin;
            part[parts++].end = middle;
        }
    }
}

/* What of the table can be had; `err` says of what cannot. Fails, without a mapping, when that is nothing. */
static enum rc part_make(struct parsers *parsers, struct str own, struct mapping **ret_mapping, struct err *err)
{
    struct choice choice = {.parsers = parsers, .why = err, .names = STR("")};
    struct err why;
    size_t count = 0;
    size_t rows = 1;
    for (size_t i = 0; i < own.n; i++)
        rows += own.p[i] == '\n';
    struct str *row = memory_new(rows * sizeof *row);
    if (!row)
        return err_set(err, RC_LIMIT, "no memory for tables of patterns");
    buf_init(&choice.taken, PARSERS_OWN_MAX + 1);
    buf_init(&choice.tried, PARSERS_OWN_MAX + 1);
    buf_str(&choice.taken, str_cut(&own, '\n'));
    buf_char(&choice.taken, '\n');
    while (own.n > 0) {
        row[count] = str_cut(&own, '\n');
        count += row[count].n > 0;
    }
    choice.row = row;
    if (count > 1)
        choice_make(&choice, count);
    if (choice.left > 0 && choice.left < count && make(parsers, buf_view(&choice.taken), ret_mapping, &why) == RC_OK)
        IGNORE(err_wrap(err, "%zu of %zu patterns are left out (%.*s)", choice.left, count, STR_ARG(choice.names)));
    buf_done(&choice.taken);
    buf_done(&choice.tried);
    memory_free(row);
    return RC_INVALID;
}

enum rc parsers_make(struct parsers *parsers, struct str own, struct mapping **ret_mapping, struct err *err)
{
    *ret_mapping = NULL;
    if (str_eq(own, buf_view(&parsers->own))) {
        if (parsers->left.text[0] == '\0')
            return RC_OK;
        *err = parsers->left;
        return RC_INVALID;
    }
    buf_clear(&parsers->next);
    parsers->next.overflow = false;
    parsers->next_left = (struct err){0};
    buf_str(&parsers->next, own);
    if (parsers->next.overflow)
        return err_set(err, RC_LIMIT, "the table is larger than %zu KiB, or there is no memory", PARSERS_OWN_MAX >> 10);
    enum rc rc = make(parsers, own, ret_mapping, err);
    if (rc == RC_INVALID)
        rc = part_make(parsers, own, ret_mapping, err);
    if (*ret_mapping && rc != RC_OK)
        parsers->next_left = *err;
    return rc;
}

void parsers_set(struct parsers *parsers, struct mapping *mapping)
{
    struct buf before = parsers->own;
    ASSERT(mapping && mapping != parsers->mapping);
    parsers->own = parsers->next;
    parsers->next = before;
    parsers->left = parsers->next_left;
    mapping_free(parsers->mapping);
    parsers->mapping = mapping;
}

/* A sum, since folders have no order. */
struct stamping {
    char folder[4096];
    uint64_t sum;
};

static bool on_name(void *context, const char *name)
{
    struct stamping *stamping = context;
    static const uint64_t key[2] = {0, 0};
    struct stat status = {0};
    char text[4096 + 512];
    int n = snprintf(text, sizeof text, "%s/%s", stamping->folder, name);
    if (!str_ends(str_of(name), STR(".tsv")) || n < 0 || (size_t)n >= sizeof text)
        return true;
    IGNORE(stat(text, &status) != 0); /* one that cannot be looked at is known by its path alone */
    const uint64_t parts[] = {siphash(key, text, (size_t)n), (uint64_t)status.st_size, (uint64_t)status.st_mtim.tv_sec,
                              (uint64_t)status.st_mtim.tv_nsec, (uint64_t)status.st_ino};
    stamping->sum += siphash(key, parts, sizeof parts);
    return true;
}

uint64_t parsers_stamp(const struct config *config)
{
    static const char *const places[] = {"", "/parsers"};
    struct stamping stamping = {.sum = 0};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        int fd = path_make(stamping.folder, config->parsers, places[i]) ? io_open_folder(stamping.folder) : -1;
        if (fd >= 0)
            IGNORE(io_list_open(fd, on_name, &stamping) < 0); /* what was seen of it must do */
    }
    return stamping.sum;
}
