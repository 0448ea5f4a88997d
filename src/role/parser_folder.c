#include "role/parser_folder.h"

#include "base/bytes.h"
#include "os/io.h"
#include "role/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* False: it does not fit, or the setting is empty. */
static bool path_make(char path[4096], struct str folder, const char *more)
{
    int n = folder.n ? snprintf(path, 4096, "%.*s%s", STR_ARG(folder), more) : 0;
    return n > 0 && n < 4096;
}

enum rc parsers_load_configured(const struct config *config, struct names *names, struct mapping **ret_mapping,
                                struct err *err)
{
    char data[4096];
    char site[4096];
    char first[4096];
    struct stat status;
    struct err why = {0};
    if (!path_make(data, config->share, "/data"))
        return err_set(err, RC_LIMIT, "the name of the folder of tables is too long");
    if (path_make(first, config->parsers, "/parsers.tsv") && stat(first, &status) != 0 && errno == ENOENT)
        return mapping_load(data, names, ret_mapping, err); /* nothing was put there yet */
    if (path_make(site, config->parsers, "") && mapping_load_more(data, site, names, ret_mapping, &why) == RC_OK)
        return RC_OK;
    if (config->parsers.n)
        log_error("the patterns of the folder \"%.*s\" are not used: %s", STR_ARG(config->parsers),
                  why.text[0] ? why.text : "its name is too long");
    return mapping_load(data, names, ret_mapping, err);
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
