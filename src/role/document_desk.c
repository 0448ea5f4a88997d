#include "role/document_desk.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "desk/document.h"
#include "os/clock.h"
#include "os/io.h"
#include "role/log.h"
#include "role/process.h"
#include "tlog/hash.h"

#include <errno.h>
#include <unistd.h>

#define PIECE     ((size_t)256 << 10)
#define SLICE_NS  UINT64_C(20000000)   /* of one look */
#define RETRY_NS  UINT64_C(5000000000) /* after the database took nothing */
#define COPY_NAME "coming.new"

struct document_desk {
    struct desk *desk;
    struct upload_desk *uploads;
    int folder;
    struct tlog_hasher *hasher;
    struct desk_document_coming coming; /* id 0: nothing is copied */
    int in, out;                        /* of it */
    int64_t copied;
    int64_t judging;  /* that the verifier has; 0: none */
    bool told;        /* it was stopped: it ends by itself */
    uint64_t wait_ns; /* boot time before which nothing is tried */
    char piece[PIECE];
};

struct document_desk *document_desk_new(struct desk *desk, struct upload_desk *uploads, int folder)
{
    struct document_desk *self = memory_new(sizeof *self);
    struct tlog_hasher *hasher = tlog_hasher_new();
    if (!self || !hasher) {
        memory_free(self);
        tlog_hasher_free(hasher);
        return NULL;
    }
    self->desk = desk;
    self->uploads = uploads;
    self->folder = folder;
    self->hasher = hasher;
    self->in = self->out = -1;
    return self;
}

static void copy_close(struct document_desk *self)
{
    if (self->in >= 0)
        close(self->in);
    if (self->out >= 0)
        close(self->out);
    self->in = self->out = -1;
    self->coming.id = 0;
    self->copied = 0;
}

void document_desk_free(struct document_desk *self)
{
    if (!self)
        return;
    copy_close(self);
    tlog_hasher_free(self->hasher);
    memory_free(self);
}

static void trouble(struct document_desk *self, const char *what, const struct err *err)
{
    log_error("%s: %s", what, err->text);
    self->wait_ns = clock_boot_ns() + RETRY_NS;
}

/* ---- a file comes ---- */

/* Nothing of it is kept. */
static void lose(struct document_desk *self, const char *fault, int64_t now_ns)
{
    struct err err = {0};
    int64_t id = self->coming.id;
    if (self->out >= 0)
        IGNORE(io_kernel.unlink(io_kernel.self, self->folder, COPY_NAME) < 0);
    copy_close(self);
    log_warning("the file %lld of a document is not kept: %s", (long long)id, fault);
    if (desk_document_lost(self->desk, id, fault, now_ns, &err) != RC_OK)
        trouble(self, "that a file is lost could not be stored", &err);
}

static void keep(struct document_desk *self, int64_t now_ns)
{
    struct err err = {0};
    if (desk_document_kept(self->desk, self->coming.id, now_ns, &err) != RC_OK)
        trouble(self, "that a file is kept could not be stored", &err); /* it is found by its name then */
    copy_close(self);
}

/* A desk before this one copied it and died before it could say so. */
static bool is_there(const struct document_desk *self)
{
    int64_t size = -1;
    int fd = io_kernel.open(io_kernel.self, self->folder, self->coming.sha256, IO_READ);
    if (fd < 0)
        return false;
    IGNORE(io_kernel.size(io_kernel.self, fd, &size) < 0);
    close(fd);
    return size == self->coming.bytes;
}

static void copy_begin(struct document_desk *self, int64_t now_ns)
{
    struct err err = {0};
    if (desk_document_next(self->desk, &self->coming, &err) != RC_OK) {
        self->coming.id = 0;
        trouble(self, "the next file of a document could not be found", &err);
        return;
    }
    if (!self->coming.id)
        return;
    self->in = upload_desk_take(self->uploads, (uint64_t)self->coming.file);
    if (self->in < 0) {
        if (is_there(self))
            keep(self, now_ns);
        else
            lose(self, "died", now_ns); /* it was another desk that had it */
        return;
    }
    self->out = io_kernel.open(io_kernel.self, self->folder, COPY_NAME, IO_READ | IO_WRITE | IO_CREATE);
    if (self->out < 0 || io_kernel.truncate(io_kernel.self, self->out, 0) < 0) {
        lose(self, "disk", now_ns);
        return;
    }
    self->copied = 0;
    tlog_hash_begin(self->hasher);
}

static bool is_the_one(struct document_desk *self)
{
    struct tlog_hash hash;
    char hex[2 * TLOG_HASH_SIZE];
    tlog_hash_end(self->hasher, &hash);
    struct str digest = str_at(hex, hex_encode(hash.bytes, TLOG_HASH_SIZE, hex));
    return self->copied == self->coming.bytes && str_is(digest, self->coming.sha256);
}

static void copy_end(struct document_desk *self, int64_t now_ns)
{
    const struct io *io = &io_kernel;
    if (!is_the_one(self)) {
        lose(self, "other", now_ns);
        return;
    }
    if (io->sync(io->self, self->out) < 0 || io->read_only(io->self, self->out) < 0 ||
        io->rename(io->self, self->folder, COPY_NAME, self->coming.sha256) < 0 ||
        io->sync(io->self, self->folder) < 0) {
        lose(self, "disk", now_ns);
        return;
    }
    keep(self, now_ns);
}

static void copy_step(struct document_desk *self, int64_t now_ns)
{
    const struct io *io = &io_kernel;
    ssize_t n = io->pread(io->self, self->in, self->piece, sizeof self->piece, self->copied);
    if (n == 0 || self->copied > self->coming.bytes) {
        copy_end(self, now_ns);
        return;
    }
    for (ssize_t done = 0; n > 0 && done < n;) {
        ssize_t put =
            io->pwrite(io->self, self->out, self->piece + done, (size_t)(n - done), self->copied + (int64_t)done);
        if (put <= 0)
            n = -1;
        else
            done += put;
    }
    if (n < 0) {
        lose(self, "disk", now_ns);
        return;
    }
    tlog_hash_add(self->hasher, str_at(self->piece, (size_t)n));
    self->copied += n;
}

/* ---- a file goes out ---- */

bool document_desk_answer(struct document_desk *self, struct channel *web, uint64_t id, struct str answer)
{
    static const struct str gone =
        STR_INIT("{\"ok\":false,\"error\":\"document_lost\",\"text\":\"its file is not there\"}");
    char name[DESK_SHA256_Z];
    struct str given = desk_document_given(self->desk);
    if (given.n == 0)
        return channel_send(web, MSG_ANSWER, id, answer);
    int fd = str_copy_z(given, name, sizeof name) ? io_kernel.open(io_kernel.self, self->folder, name, IO_READ) : -1;
    if (fd < 0) {
        log_error("a file of a document is not there: %.*s", STR_ARG(given));
        return channel_send(web, MSG_ANSWER, id, gone);
    }
    bool sent = channel_send_fd(web, MSG_ANSWER, id, answer, fd);
    close(fd);
    return sent;
}

/* ---- signatures ---- */

static void unjudged(struct document_desk *self, const char *fault, int64_t now_ns)
{
    struct err err = {0};
    int64_t id = self->judging;
    self->judging = 0;
    log_warning("the signature %lld could not be judged: %s", (long long)id, fault);
    if (desk_document_unjudged(self->desk, id, fault, now_ns, &err) != RC_OK)
        trouble(self, "that a signature could not be judged could not be stored", &err);
}

static bool file_send(const struct document_desk *self, struct channel *verifier, enum msg_type type, const char *name)
{
    int fd = io_kernel.open(io_kernel.self, self->folder, name, IO_READ);
    bool sent = fd >= 0 && channel_send_fd(verifier, type, (uint64_t)self->judging, STR_NONE, fd);
    if (fd >= 0)
        close(fd);
    return sent;
}

static void order(struct document_desk *self, struct channel *verifier, int64_t now_ns)
{
    struct desk_document_judging next;
    struct err err = {0};
    if (desk_document_judging_next(self->desk, &next, &err) != RC_OK) {
        trouble(self, "the next signature to be judged could not be found", &err);
        return;
    }
    if (!next.id)
        return;
    self->judging = next.id;
    self->told = false;
    if ((next.document[0] && !file_send(self, verifier, MSG_VERIFY_BESIDE, next.document)) ||
        !file_send(self, verifier, MSG_VERIFY, next.signature)) {
        unjudged(self, "gone", now_ns);
        self->told = true;
        IGNORE(channel_send(verifier, MSG_VERIFY_STOP, 0, STR_NONE)); /* it may have the document */
    }
}

static void on_verified(struct document_desk *self, struct channel *verifier, const struct msg *msg, int64_t now_ns)
{
    struct err err = {0};
    struct str body = msg->body;
    char fault[16];
    if ((int64_t)msg->id != self->judging || body.n == 0)
        return;
    struct str said = str_skip(body, 1);
    if (body.p[0] != 0) {
        unjudged(self, str_copy_z(said, fault, sizeof fault) ? fault : "answer", now_ns);
    } else {
        enum rc rc = desk_document_judged(self->desk, self->judging, said, now_ns, &err);
        if (rc == RC_INVALID)
            unjudged(self, "answer", now_ns);
        else if (rc != RC_OK)
            trouble(self, "what was found of a signature could not be stored, it is judged again", &err);
        self->judging = 0;
    }
    self->told = true;
    IGNORE(channel_send(verifier, MSG_VERIFY_STOP, msg->id, STR_NONE)); /* then it is gone */
}

bool document_desk_message(struct document_desk *self, struct channel *from, const struct msg *msg, int64_t now_ns)
{
    if (msg->type != MSG_VERIFIED)
        return false;
    on_verified(self, from, msg, now_ns);
    return true;
}

void document_desk_down(struct document_desk *self, enum role peer, int64_t now_ns)
{
    if (peer != ROLE_VERIFIER)
        return;
    if (self->judging)
        unjudged(self, "died", now_ns);
    self->told = false;
}

bool document_desk_look(struct document_desk *self, int64_t now_ns)
{
    struct channel *verifier = process_peer(ROLE_VERIFIER, 0);
    uint64_t begin = clock_boot_ns();
    bool worked = false;
    if (begin < self->wait_ns)
        return false;
    while ((self->coming.id || desk_document_comes(self->desk)) && clock_boot_ns() - begin < SLICE_NS &&
           begin >= self->wait_ns) {
        worked = true;
        if (self->coming.id)
            copy_step(self, now_ns);
        else
            copy_begin(self, now_ns);
    }
    if (verifier && !self->judging && !self->told && desk_document_judges(self->desk))
        order(self, verifier, now_ns);
    return worked;
}

int document_desk_timeout_ms(const struct document_desk *self)
{
    bool works = self->coming.id || desk_document_comes(self->desk);
    return works && clock_boot_ns() >= self->wait_ns ? 0 : -1;
}
