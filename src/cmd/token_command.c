/* token_command.c - `qorgan mirror-token`, `qorgan sender-token`: who may pull this archive, who may send to it. Prints
 * a new token once; lists; revokes. */
#include "cmd/token_command.h"

#include "base/civil.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "role/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES   100
#define LOCK_WAIT_MS 50

struct editing {
    const char *command;
    const char *folder_name;
    const struct token_kind *kind;
    int folder;
    struct tokens tokens;
    struct err err;
};

static enum rc folder_find(struct editing *e, const char *data)
{
    int fd = io_open_folder(data);
    if (fd < 0)
        return err_errno(&e->err, -fd, "could not open the data folder \"%s\"", data);
    enum rc rc = folder_open(&io_kernel, fd, e->folder_name, true, &e->folder, &e->err);
    close(fd);
    return rc;
}

/* Two that edit at once would lose one's change: the folder's lock is held from reading to writing. */
static enum rc folder_lock(struct editing *e)
{
    int result = -EWOULDBLOCK;
    for (int i = 0; i < LOCK_TRIES && result == -EWOULDBLOCK; i++) {
        if (i > 0)
            IGNORE(poll(NULL, 0, LOCK_WAIT_MS)); /* only a pause */
        result = io_kernel.lock(NULL, e->folder);
    }
    if (result == -EWOULDBLOCK)
        return err_set(&e->err, RC_AGAIN, "another %s is at work on this data folder; try again", e->command);
    return result < 0 ? err_errno(&e->err, -result, "could not lock the folder of tokens") : RC_OK;
}

static enum rc tokens_load(struct editing *e)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * TOKENS_SIZE);
    struct str text;
    if (!arena)
        return err_set(&e->err, RC_LIMIT, "no memory");
    enum rc rc = file_load(&io_kernel, e->folder, TOKENS_FILE, TOKENS_SIZE, arena, &text, &e->err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    return rc == RC_OK ? tokens_parse(e->kind, text, &e->tokens, &e->err) : rc;
}

/* The file belongs to whom its folder does: the process that reads it. */
static enum rc tokens_store(struct editing *e)
{
    struct buf text;
    struct stat st;
    buf_init(&text, TOKENS_SIZE);
    tokens_write(&e->tokens, &text);
    enum rc rc = text.overflow ? err_set(&e->err, RC_LIMIT, "too many tokens")
                               : file_replace(&io_kernel, e->folder, TOKENS_FILE, buf_view(&text), &e->err);
    buf_done(&text);
    if (rc == RC_OK && geteuid() == 0 && fstat(e->folder, &st) == 0 &&
        fchownat(e->folder, TOKENS_FILE, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
        rc = err_errno(&e->err, errno, "could not give the file of tokens to the service");
    return rc;
}

static void print_token(const char *name, const char *token, bool json)
{
    struct buf line;
    buf_init(&line, 4096);
    json_write_object(&line);
    json_put_text(&line, "name", name);
    json_put_text(&line, "token", token);
    json_write_object_end(&line);
    printf("%s\n", json ? buf_z(&line) : token);
    explicit_bzero(line.p, line.n);
    buf_done(&line);
}

static int token_make(struct editing *e, const char *name, bool json)
{
    char token[TOKEN_TEXT_MAX] = "";
    enum rc rc = tokens_add(e->kind, &e->tokens, str_of(name), clock_real_ns(), token, &e->err);
    rc = rc == RC_OK ? tokens_store(e) : rc;
    if (rc == RC_OK)
        print_token(name, token, json);
    explicit_bzero(token, sizeof token);
    return rc == RC_OK ? CMD_OK : cmd_fail(e->command, &e->err);
}

static int token_revoke(struct editing *e, const char *name)
{
    enum rc rc = tokens_remove(&e->tokens, str_of(name))
                     ? tokens_store(e)
                     : err_set(&e->err, RC_NOT_FOUND, "there is no %s \"%s\"", e->kind->holder, name);
    return rc == RC_OK ? CMD_OK : cmd_fail(e->command, &e->err);
}

static int tokens_print(const struct editing *e, bool json)
{
    for (size_t i = 0; i < e->tokens.count; i++) {
        const struct token *token = &e->tokens.list[i];
        char time[CIVIL_TEXT_MAX];
        size_t n = civil_format(token->made_ns, 0, 0, time);
        struct buf line;
        buf_init(&line, 4096);
        json_write_object(&line);
        json_put_text(&line, "name", token->name);
        json_put_str(&line, "made", str_at(time, n));
        json_write_object_end(&line);
        if (json)
            printf("%s\n", buf_z(&line));
        else
            printf("%-20s %s\n", token->name, time);
        buf_done(&line);
    }
    return CMD_OK;
}

int token_command(const struct token_command *command, int argc, char **argv)
{
    static struct editing e;
    struct options options;
    e = (struct editing){.command = command->name, .folder_name = command->folder, .kind = command->kind, .folder = -1};
    int status = options_parse(command->name, argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    const char *revoke = options_text(&options, "revoke");
    bool json = options_flag(&options, "json");
    if (options.operand_count && revoke)
        return cmd_usage(command->name, "a name is made or revoked, not both");
    enum rc rc = folder_find(&e, options_text(&options, "data"));
    if (options.operand_count || revoke)
        rc = rc == RC_OK ? folder_lock(&e) : rc;
    rc = rc == RC_OK ? tokens_load(&e) : rc;
    if (rc != RC_OK)
        status = cmd_fail(command->name, &e.err);
    else if (revoke)
        status = token_revoke(&e, revoke);
    else
        status = options.operand_count ? token_make(&e, options.operands[0], json) : tokens_print(&e, json);
    if (e.folder >= 0)
        close(e.folder);
    return status;
}
