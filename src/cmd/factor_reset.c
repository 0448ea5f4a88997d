/* factor_reset.c - `qorgan factor-reset`: how an administrator who lost the phone gets in again: by who owns the
 * machine, while the service is stopped. The record of it goes to the archive when the service starts. */
#include "desk/factor_reset.h"

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE "desk.db"

/* The desk of a service that runs knows nothing of what is written beside it: its lock is held to the end. */
static enum rc lock_take(int data, const char *path, struct err *err)
{
    int lock = io_kernel.open(NULL, data, "lock", IO_READ | IO_WRITE | IO_CREATE);
    int result = lock < 0 ? lock : io_kernel.lock(NULL, lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "the service runs on \"%s\"; stop it first", path);
    return result < 0 ? err_errno(err, -result, "could not lock the data folder \"%s\"", path) : RC_OK;
}

/* As the user whose database it is: what is made beside it must be the service's to open. */
static enum rc desk_enter(int data, struct err *err)
{
    int folder = -1;
    struct stat st;
    bool dropped = false;
    enum rc rc = folder_open(&io_kernel, data, "desk", false, &folder, err);
    if (rc == RC_OK && fstatat(folder, DATABASE, &st, AT_SYMLINK_NOFOLLOW) != 0)
        rc = err_errno(err, errno, "could not find the desk's database \"desk/" DATABASE "\"");
    rc = rc == RC_OK ? proc_enter_folder(folder, err) : rc;
    if (folder >= 0)
        close(folder);
    const struct proc_identity owner = {
        .uid = rc == RC_OK ? st.st_uid : 0, .gid = rc == RC_OK ? st.st_gid : 0, .outlives_parent = true};
    return rc == RC_OK ? proc_drop(&owner, &dropped, err) : rc;
}

static enum rc reset(const char *path, const char *user, const char *reason, struct err *err)
{
    struct db *db = NULL;
    int data = io_open_folder(path);
    if (data < 0)
        return err_errno(err, -data, "could not open the data folder \"%s\"", path);
    enum rc rc = lock_take(data, path, err);
    rc = rc == RC_OK ? desk_enter(data, err) : rc;
    close(data);
    rc = rc == RC_OK ? db_open(DATABASE, &db, err) : rc;
    rc = rc == RC_OK ? desk_factor_reset(db, str_of(user), str_of(reason), clock_real_ns(), err) : rc;
    db_close(db);
    return rc;
}

static void print_done(const char *user, bool json)
{
    struct buf line;
    if (!json) {
        printf("%s signs in with the password alone; the archive gets a record of it when the service starts\n", user);
        return;
    }
    buf_init(&line, 4096);
    json_write_object(&line);
    json_put_text(&line, "user", user);
    json_put_bool(&line, "reset", true);
    json_write_object_end(&line);
    printf("%s\n", buf_z(&line));
    buf_done(&line);
}

int cmd_factor_reset(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    int status = options_parse("factor-reset", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    const char *reason = options_text(&options, "reason");
    if (!reason)
        return cmd_usage("factor-reset", "say why: --reason TEXT");
    enum rc rc = reset(options_text(&options, "data"), options.operands[0], reason, &err);
    if (rc != RC_OK)
        return cmd_fail("factor-reset", &err);
    print_done(options.operands[0], options_flag(&options, "json"));
    return CMD_OK;
}
