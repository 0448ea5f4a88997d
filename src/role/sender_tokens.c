#include "role/sender_tokens.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "os/file.h"
#include "role/log.h"
#include "role/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LOOK_NS UINT64_C(1000000000)

void sender_tokens_init(struct sender_tokens *senders, int folder)
{
    *senders = (struct sender_tokens){.folder = folder};
    buf_init(&senders->text, TOKENS_SIZE);
}

/* 0 when there is no file. */
static uint64_t stamp_of(int folder)
{
    struct stat st;
    if (fstatat(folder, TOKENS_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    const uint64_t facts[] = {st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
                              (uint64_t)st.st_mtim.tv_nsec};
    const uint64_t key[2] = {0, 0};
    return siphash(key, facts, sizeof facts) | 1;
}

static enum rc text_read(struct sender_tokens *senders, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * TOKENS_SIZE);
    struct tokens *tokens = memory_new(sizeof *tokens);
    struct str text = STR_NONE;
    enum rc rc = arena && tokens ? RC_OK : err_set(err, RC_LIMIT, "no memory to read the senders' tokens");
    if (rc == RC_OK)
        rc = file_load(&io_kernel, senders->folder, TOKENS_FILE, TOKENS_SIZE, arena, &text, err);
    if (rc == RC_NOT_FOUND)
        rc = RC_OK;
    if (rc == RC_OK)
        rc = tokens_parse(&token_senders, text, tokens, err);
    memory_free(tokens);
    if (rc != RC_OK)
        return rc;
    buf_clear(&senders->text);
    buf_str(&senders->text, text);
    return RC_OK;
}

bool sender_tokens_look(struct sender_tokens *senders, uint64_t now_boot_ns)
{
    struct err err = {0};
    if (senders->looked_ns && now_boot_ns - senders->looked_ns < LOOK_NS)
        return false;
    senders->looked_ns = now_boot_ns;
    uint64_t stamp = stamp_of(senders->folder);
    if (senders->known && stamp == senders->stamp)
        return false;
    senders->stamp = stamp;
    senders->known = true;
    if (text_read(senders, &err) == RC_OK)
        return true;
    log_error("the senders' tokens were not read anew: %s", err.text);
    return false;
}
