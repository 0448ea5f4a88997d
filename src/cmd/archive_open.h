/* archive_open.h - opens the archive below a data folder for the commands that read it. */
#ifndef CMD_ARCHIVE_OPEN_H
#define CMD_ARCHIVE_OPEN_H

#include "archive/reader.h"
#include "archive/search.h"
#include "base/err.h"
#include "os/vault.h"

#define ARCHIVE_PATH_MAX 4096u

/* Everything a reading command holds; zero it first. */
struct reading {
    int folder;
    struct names *names;
    struct mapping *mapping;
    struct normaliser *normaliser;
    struct archive_reader *reader;
    struct vault *vault;
    struct event *event; /* what the normaliser gave last */
    struct event_field *fields;
};

/* The folder DATA/archive. RC_NOT_FOUND says what to do. */
enum rc archive_folder_path(const char *data, char ret_path[ARCHIVE_PATH_MAX], struct err *err) MUST_USE;
enum rc archive_folder(const char *data, int *ret_folder, struct err *err) MUST_USE;
/* The master keys that DATA/qorgan.conf names; NULL when encryption is off. */
enum rc archive_vault(const char *data, struct vault **ret_vault, struct err *err) MUST_USE;
/* With `derive` the newest records, which have no columns yet, get their fields too. */
enum rc reading_open(struct reading *reading, const char *data, bool derive, struct err *err) MUST_USE;
/* The same in two steps, for who reads the archive where nothing else can be opened: all that lies outside of
 * DATA/archive, and then the archive itself. */
enum rc reading_prepare(struct reading *reading, const char *data, bool derive, struct err *err) MUST_USE;
enum rc reading_start(struct reading *reading, const char *data, struct err *err) MUST_USE;
void reading_close(struct reading *reading);
/* Says on standard error what of the range that was searched had been deleted; nothing when nothing was. */
void reading_tell_gone(struct reading *reading, const char *command, const struct search_result *result);

#endif
