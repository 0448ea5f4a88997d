#include "cmd/data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096u
#define PARENTS    4u

static bool holds_data(struct buf *path)
{
    size_t n = path->n;
    buf_text(path, "/logsources.tsv");
    bool found = !path->overflow && access(buf_z(path), R_OK) == 0;
    path->n = n;
    return found;
}

static bool try(struct buf *path, struct str folder, const char *below)
{
    buf_clear(path);
    buf_str(path, folder);
    buf_text(path, below);
    return holds_data(path);
}

enum rc data_folder(struct buf *ret_path, struct err *err)
{
    char program[PATH_BYTES];
    const char *given = getenv("QORGAN_SHARE");
    if (given) {
        if (try(ret_path, str_of(given), ""))
            return RC_OK;
        return err_set(err, RC_NOT_FOUND, "QORGAN_SHARE names \"%s\", which has no logsources.tsv", given);
    }
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program));
    struct str folder = str_at(program, n > 0 ? (size_t)n : 0);
    for (size_t i = 0; i < PARENTS && folder.n; i++) {
        while (folder.n && folder.p[folder.n - 1] != '/')
            folder.n--;
        folder = str_slice(folder, 0, folder.n ? folder.n - 1 : 0);
        if (try(ret_path, folder, "/data") || try(ret_path, folder, "/share/qorgan"))
            return RC_OK;
    }
    return err_set(err, RC_NOT_FOUND, "could not find the program's data: set QORGAN_SHARE to its folder");
}
