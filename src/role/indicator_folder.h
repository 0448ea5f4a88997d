/* indicator_folder.h - reads lists of indicators from files and folders, as the service and the commands do. */
#ifndef ROLE_INDICATOR_FOLDER_H
#define ROLE_INDICATOR_FOLDER_H

#include "base/arena.h"
#include "base/err.h"
#include "role/config.h"
#include "rule/indicator.h"
#include "rule/indicator_match.h"

#include <stdbool.h>

/* The files of a folder that end in .csv, .txt or .json, in the order of their names, without subfolders; `path` may
 * be one file itself. A file is one list, named after it. It is mapped while it is read and not kept: it must not be
 * cut meanwhile, so write a new one and rename it. A file that cannot be read, and what finds no room, is counted as
 * refused in its list. `all`: as in struct indicator_reading. Fails when `path` cannot be opened or without memory. */
enum rc indicator_folder_read(const char *path, bool all, struct indicators *indicators, struct err *err) MUST_USE;
/* Lists that were mapped, or why they could not be: bytes, of which nothing was looked at. Zero it but for the arena,
 * where names go; the bytes stay mapped until the program ends. At most INDICATOR_LISTS_MAX, each of at most
 * INDICATOR_FILE_MAX. */
struct indicator_text {
    struct str name;
    struct str text;
    const char *why; /* it could not be read; NULL: it was */
    struct indicator_text *next;
};
struct indicator_texts {
    struct arena *arena;
    struct indicator_text *first;
    struct indicator_text *last;
    size_t count;
    uint64_t bytes; /* mapped */
};
/* A folder or file as of indicator_folder_read, which fails as that does; and gives them to `indicators` as it would:
 * for who may open nothing, which may be another process than the one that read. */
enum rc indicator_texts_read(struct indicator_texts *texts, const char *path, struct err *err) MUST_USE;
enum rc indicator_texts_give(const struct indicator_texts *texts, struct indicators *indicators,
                             struct err *err) MUST_USE;
/* The table of fields in the folder of the program's data. */
enum rc indicator_fields_read(const char *data, struct indicator_fields **ret_fields, struct err *err) MUST_USE;
/* The folder below the data folder whose lists are the desk's own (role/own_lists.h): those that people gave. Read
 * beside the configured ones, when there are any. */
#define OWN_LISTS_FOLDER "lists"
/* Folders of lists are configured, or people gave lists that stand. `own`: that folder, open, for who may not come by
 * its path any more; -1: by its path. */
bool indicators_are_there(const struct config *config, int own);
/* The folders that the configuration names, and the desk's own. NULL when there is none. A folder that cannot be read
 * is an error in the log, and the others are taken: rules go on without it. `trouble`, which may be NULL, says what of
 * all could not be read: a folder, a file, the rest of a list for want of room; at most INDICATORS_TROUBLE bytes, empty
 * when all was. */
#define INDICATORS_TROUBLE 240u
#define INDICATORS_PATH    4096u
enum rc indicators_load_configured(const struct config *config, int own, struct indicators **ret_indicators,
                                   struct buf *trouble, struct err *err) MUST_USE;
/* Another number when a list of them came, went or was written anew: by names, sizes, times and places of the files,
 * which are not read; 0: there are none. */
uint64_t indicators_stamp(const struct config *config);
/* The next folder that must be readable for the configured lists, of a list that is named itself the one that it lies
 * in;
 * `*rest` is the setting at first. False: there is none. */
bool indicators_folder_next(struct str *rest, char ret_path[INDICATORS_PATH]);
/* Another number when one of these folders came, went or is another one. */
uint64_t indicators_folders_stamp(const struct config *config);
/* The same with a matcher of them, for the process's life; both NULL when there are none. Fails when the
 * table of fields cannot be read, too. */
enum rc indicators_match_configured(const struct config *config, struct names *names,
                                    struct indicators **ret_indicators, struct indicator_matcher **ret_matcher,
                                    struct buf *trouble, struct err *err) MUST_USE;
/* How many were taken and what was refused, by list and reason. */
void indicators_log(const struct indicators *indicators);

#endif
