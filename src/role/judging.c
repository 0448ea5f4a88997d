#include "role/judging.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BASE_NS      UINT64_C(600000000000) /* that every question may take */
#define BYTES_A_NS   UINT64_C(3814)         /* for a byte of its files: a second for each 256 KiB */
#define BYTES_MAX    (INT64_C(1) << 40)     /* past that no more time is given */
#define SLOTS        2
#define REASON_SHORT "the judge says nothing that can be understood"

/* One question that waits for its answer. */
struct slot {
    bool open;
    uint64_t id;
    uint64_t until_ns;
    struct judging_question question;
};

struct judging {
    struct judging_options options;
    struct channel *channel; /* NULL: the judge is away */
    struct slot slots[SLOTS];
    uint64_t last_id;
};

/* ---- files ---- */

enum rc judging_file_open(int folder, const char *name, struct judging_file *ret_file, struct err *err)
{
    struct io_identity before;
    struct judging_file *file = ret_file;
    *file = (struct judging_file){.fd = -1};
    snprintf(file->name, sizeof file->name, "%s", name);
    int result = io_identify_name(folder, name, &before);
    if (result == -ENOENT)
        return err_set(err, RC_NOT_FOUND, "\"%s\" is not there", name);
    if (result == 0 && !before.regular) /* before it is opened: a pipe would hold us up */
        return err_set(err, RC_DENIED, "\"%s\" is no file", name);
    result = result < 0 ? result : io_kernel.open(NULL, folder, name, IO_READ);
    file->fd = result < 0 ? -1 : result;
    result = result < 0 ? result : io_identify(file->fd, &file->identity);
    if (result == 0 && !io_identity_eq(&before, &file->identity)) {
        judging_file_close(file);
        return err_set(err, RC_DENIED, "\"%s\" was exchanged while it was opened", name);
    }
    if (result < 0) {
        judging_file_close(file);
        return err_errno(err, -result, "could not open \"%s\"", name);
    }
    return RC_OK;
}

enum rc judging_file_still(int folder, const struct judging_file *file, struct err *err)
{
    struct io_identity now;
    int result = io_identify_name(folder, file->name, &now);
    if (result < 0 && result != -ENOENT)
        return err_errno(err, -result, "could not look at \"%s\"", file->name);
    bool still = result == 0 && now.regular && now.device == file->identity.device &&
                 now.number == file->identity.number && now.size == file->identity.size;
    return still ? RC_OK : err_set(err, RC_DENIED, "\"%s\" is not the file that was judged", file->name);
}

void judging_file_close(struct judging_file *file)
{
    if (file->fd >= 0)
        IGNORE(io_kernel.close(NULL, file->fd)); /* only read */
    file->fd = -1;
}

/* ---- questions ---- */

struct judging *judging_new(const struct judging_options *options)
{
    ASSERT(options->judged && options->stuck);
    struct judging *j = memory_new(sizeof *j);
    if (j)
        j->options = *options;
    return j;
}

void judging_free(struct judging *judging)
{
    memory_free(judging);
}

static size_t slot_of(enum judging_kind kind)
{
    ASSERT(kind < JUDGING_KINDS);
    return kind == JUDGING_SAME ? 0 : 1;
}

bool judging_free_for(const struct judging *judging, enum judging_kind kind)
{
    return judging->channel && !judging->slots[slot_of(kind)].open;
}

enum rc judging_ask(struct judging *judging, const struct judging_question *question, uint64_t boot_ns)
{
    ASSERT(judging_free_for(judging, question->kind));
    struct slot *slot = &judging->slots[slot_of(question->kind)];
    uint8_t body[12];
    int64_t bytes = 0;
    for (size_t i = 0; i < question->file_count; i++)
        bytes = MIN(bytes + MIN(question->files[i].identity.size, BYTES_MAX), BYTES_MAX);
    put_be32(body, question->kind);
    put_be64(body + 4, question->first);
    if (!channel_send(judging->channel, MSG_JUDGE, ++judging->last_id, str_at(body, sizeof body)))
        return RC_AGAIN;
    *slot = (struct slot){.open = true,
                          .id = judging->last_id,
                          .until_ns = boot_ns + BASE_NS + (uint64_t)bytes * BYTES_A_NS,
                          .question = *question};
    return RC_OK;
}

/* The slot is free before the verdict is told: whoever is told may ask anew. */
static void answer(struct judging *j, struct slot *slot, const struct judging_verdict *verdict)
{
    const struct judging_question question = slot->question;
    slot->open = false;
    j->options.judged(j->options.context, &question, verdict);
}

static void refuse(struct judging *j, struct slot *slot, enum rc rc, const char *why)
{
    struct judging_verdict verdict = {.rc = rc};
    snprintf(verdict.text, sizeof verdict.text, "%s", why);
    answer(j, slot, &verdict);
}

static void on_judged(struct judging *j, const struct msg *msg)
{
    struct judging_verdict verdict = {0};
    struct reader in = reader_of(msg->body);
    uint32_t rc = read_be32(&in);
    read_copy(&in, verdict.digest.bytes, sizeof verdict.digest.bytes);
    struct str text = read_bytes(&in, reader_left(&in));
    bool sense = reader_done(&in) && rc <= RC_CORRUPT && (rc == RC_OK) == (text.n == 0) &&
                 str_find(text, '\0') == text.n && str_copy_z(text, verdict.text, sizeof verdict.text);
    verdict.rc = (enum rc)rc;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &j->slots[i];
        if (!slot->open || slot->id != msg->id)
            continue;
        if (sense)
            answer(j, slot, &verdict);
        else
            refuse(j, slot, RC_DENIED, REASON_SHORT);
        return;
    }
}

/* ---- what the judge wants to read ---- */

static bool name_valid(enum judging_folder folder, struct str name)
{
    if (folder == JUDGING_ARCHIVE)
        return str_is(name, "instance");
    for (size_t i = 0; i < name.n; i++)
        if (!char_is_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'z') && (name.p[i] != '.' || i == 0))
            return false;
    return true;
}

/* -1: it is not one that is being judged. */
static int held(const struct judging *j, enum judging_folder folder, const char *name)
{
    for (size_t i = 0; i < SLOTS && folder == JUDGING_SEGMENTS; i++) {
        const struct slot *slot = &j->slots[i];
        for (size_t k = 0; slot->open && k < slot->question.file_count; k++)
            if (strcmp(slot->question.files[k].name, name) == 0)
                return slot->question.files[k].fd;
    }
    return -1;
}

/* A descriptor for reading, -errno. */
static int open_for(const struct judging *j, enum judging_folder folder, const char *name)
{
    struct io_identity identity;
    int fd = j->options.folders[folder];
    if (!name[0])
        return io_kernel.open(NULL, fd, ".", IO_READ | IO_FOLDER);
    int result = io_identify_name(fd, name, &identity);
    if (result == 0 && !identity.regular)
        return -EACCES;
    return result < 0 ? result : io_kernel.open(NULL, fd, name, IO_READ);
}

static void on_open(struct judging *j, const struct msg *msg)
{
    struct reader in = reader_of(msg->body);
    uint32_t folder = read_be32(&in);
    struct str text = read_bytes(&in, reader_left(&in));
    char name[JUDGING_NAME_MAX];
    uint8_t body[4] = {0};
    int own = -1;
    int fd = -EACCES;
    if (reader_done(&in) && folder < JUDGING_FOLDERS && str_copy_z(text, name, sizeof name) &&
        (!text.n || name_valid((enum judging_folder)folder, text))) {
        fd = held(j, (enum judging_folder)folder, name);
        if (fd < 0)
            fd = own = open_for(j, (enum judging_folder)folder, name);
    }
    bool sent = false;
    if (fd >= 0) {
        sent = channel_send_fd(j->channel, MSG_OPENED, msg->id, str_at(body, sizeof body), fd);
    } else {
        put_be32(body, (uint32_t)-fd);
        sent = channel_send(j->channel, MSG_OPENED, msg->id, str_at(body, sizeof body));
    }
    IGNORE(!sent); /* then it waits until its time is over */
    if (own >= 0)
        IGNORE(io_kernel.close(NULL, own)); /* only read */
}

/* ---- the judge comes and goes ---- */

void judging_up(struct judging *judging, struct channel *channel)
{
    judging->channel = channel;
}

void judging_down(struct judging *judging)
{
    judging->channel = NULL;
    for (size_t i = 0; i < SLOTS; i++)
        if (judging->slots[i].open)
            refuse(judging, &judging->slots[i], RC_IO, "the judge ended while it judged");
}

void judging_message(struct judging *judging, const struct msg *msg)
{
    if (msg->type == MSG_JUDGED)
        on_judged(judging, msg);
    else if (msg->type == MSG_OPEN)
        on_open(judging, msg);
}

void judging_tick(struct judging *judging, uint64_t boot_ns)
{
    bool late = false;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &judging->slots[i];
        if (!slot->open || boot_ns < slot->until_ns)
            continue;
        refuse(judging, slot, RC_DENIED, "the judge did not answer in time");
        late = true;
    }
    if (late)
        judging->options.stuck(judging->options.context);
}
