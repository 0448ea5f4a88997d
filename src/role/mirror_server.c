#include "role/mirror_server.h"

#include "archive/mirror_serve.h"
#include "base/assert.h"
#include "base/civil.h"
#include "os/file.h"
#include "os/io.h"
#include "role/log.h"
#include "role/tokens.h"
#include "tlog/timestamp.h"

#include <string.h>

#define REQUEST_COST ((int64_t)4 << 10)   /* of an answer beside its bytes */
#define PROOF_COST   ((int64_t)256 << 10) /* a proof may decode a block */
#define ADDRESS_SIZE 64
#define DAY_NS       (DAY_S * SECOND_NS)
#define RETRY_MS_MAX 60000

/* What is remembered of a token, by name: how much it took, and whether its use was told today. */
struct guest {
    char name[TOKEN_NAME_MAX + 1];
    char address[ADDRESS_SIZE];
    int64_t told_day;
    int64_t level; /* bytes that it may still take at once; may be negative */
    int64_t filled_ns;
};

struct mirror_server {
    struct mirror_server_options options;
    struct tlog_hasher *hasher;
    struct tokens tokens;
    struct guest guests[TOKENS_MAX];
    size_t guest_count;
    struct guest *guest; /* who asks now */
    bool tell;           /* its first use today from this address */
    struct buf bytes;
    bool damaged_told;
};

struct mirror_server *mirror_server_new(const struct mirror_server_options *options)
{
    struct mirror_server *server = memory_new(sizeof *server);
    if (!server)
        return NULL;
    server->options = *options;
    server->hasher = tlog_hasher_new();
    buf_init(&server->bytes, MIRROR_ANSWER_MAX);
    if (!server->hasher) {
        mirror_server_free(server);
        return NULL;
    }
    return server;
}

void mirror_server_free(struct mirror_server *server)
{
    if (!server)
        return;
    tlog_hasher_free(server->hasher);
    buf_done(&server->bytes);
    memory_free(server);
}

static void refuse(struct buf *answer, const char *key, const char *text)
{
    buf_clear(answer);
    json_write_object(answer);
    json_put_bool(answer, "ok", false);
    json_put_text(answer, "error", key);
    json_put_text(answer, "text", text);
    json_write_object_end(answer);
}

/* ---- who asks ---- */

/* The file is small and read anew for each request: a token that was revoked ends at once. */
static enum rc tokens_load(struct mirror_server *server, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * TOKENS_SIZE);
    struct str text;
    server->tokens.count = 0;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory to read tokens");
    enum rc rc = file_load(&io_kernel, server->options.folder, TOKENS_FILE, TOKENS_SIZE, arena, &text, err);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    return rc == RC_OK ? tokens_parse(&token_mirrors, text, &server->tokens, err) : rc;
}

static struct guest *guest_of(struct mirror_server *server, const char *name, int64_t now_ns)
{
    for (size_t i = 0; i < server->guest_count; i++)
        if (strcmp(server->guests[i].name, name) == 0)
            return &server->guests[i];
    /* More names than tokens came and went: forget them all, which only tells their use once more. */
    if (server->guest_count == TOKENS_MAX)
        server->guest_count = 0;
    struct guest *guest = &server->guests[server->guest_count++];
    *guest = (struct guest){.told_day = -1, .filled_ns = now_ns, .level = (int64_t)server->options.rate_bytes};
    bool fits = str_copy_z(str_of(name), guest->name, sizeof guest->name);
    ASSERT(fits);
    return guest;
}

/* A bucket: it fills with the rate and holds a second's worth; what is taken may overdraw it once. */
static int64_t bucket_wait_ms(struct mirror_server *server, struct guest *guest, int64_t now_ns)
{
    int64_t rate = (int64_t)server->options.rate_bytes;
    int64_t passed_ms = MIN(MAX((now_ns - guest->filled_ns) / 1000000, 0), 1000 * 60);
    guest->level = MIN(guest->level + rate * passed_ms / 1000, rate);
    guest->filled_ns = now_ns;
    return guest->level > 0 ? 0 : MIN(1 + -guest->level * 1000 / rate, RETRY_MS_MAX);
}

bool mirror_server_enter(struct mirror_server *server, const struct json_value *question, int64_t now_ns,
                         struct buf *answer)
{
    struct err err = {0};
    server->guest = NULL;
    if (tokens_load(server, &err) != RC_OK) {
        if (!server->damaged_told)
            log_error("mirrors cannot be let in: %s", err.text);
        server->damaged_told = true;
        refuse(answer, "unavailable", "the server cannot read its tokens");
        return false;
    }
    server->damaged_told = false;
    const struct token *token =
        tokens_find(&server->tokens, server->hasher, json_str(json_get(question, "token"), STR("")));
    if (!token) {
        refuse(answer, "mirror_denied", "the token is not known here");
        return false;
    }
    struct guest *guest = guest_of(server, token->name, now_ns);
    int64_t wait_ms = bucket_wait_ms(server, guest, now_ns);
    if (wait_ms > 0) {
        buf_clear(answer);
        json_write_object(answer);
        json_put_bool(answer, "ok", false);
        json_put_text(answer, "error", "mirror_busy");
        json_put_text(answer, "text", "more than this mirror's share; come back later");
        json_put_int(answer, "retry_ms", wait_ms);
        json_write_object_end(answer);
        return false;
    }
    struct str address = json_str(json_get(question, "address"), STR(""));
    /* With every pull as well: the desk may have failed to keep what it was told, and it drops what it knows. */
    server->tell = guest->told_day != now_ns / DAY_NS || !str_is(address, guest->address) ||
                   str_is(json_str(json_get(question, "ask"), STR_NONE), "mirror.checkpoint");
    guest->told_day = now_ns / DAY_NS;
    if (!str_copy_z(address, guest->address, sizeof guest->address))
        guest->address[0] = '\0'; /* no address is that long */
    server->guest = guest;
    return true;
}

/* ---- answers ---- */

/* "ok", who it is, and whether the desk is to record it: the beginning of every answer. */
static void begin(const struct mirror_server *server, struct buf *answer)
{
    buf_clear(answer);
    json_write_object(answer);
    json_put_bool(answer, "ok", true);
    json_put_text(answer, "name", server->guest->name);
    json_put_bool(answer, "tell", server->tell);
}

static uint64_t number(const struct json_value *question, const char *name)
{
    return (uint64_t)MAX(json_int(json_get(question, name), 0), 0);
}

static void put_base64(struct buf *answer, const char *key, const void *bytes, size_t n)
{
    char text[64];
    ASSERT(n <= 45);
    json_put_str(answer, key, str_at(text, base64_encode(bytes, n, text)));
}

struct asking {
    struct mirror_server *server;
    struct archive_reader *reader;
    const struct json_value *question;
    struct buf *answer;
    struct err err;
};

static enum rc ask_enter(struct asking *a)
{
    begin(a->server, a->answer);
    json_write_object_end(a->answer);
    return RC_OK;
}

static enum rc ask_checkpoint(struct asking *a)
{
    char text[4096];
    struct buf instance;
    buf_init_fixed(&instance, text, sizeof text);
    archive_mirror_instance(a->reader, &instance);
    begin(a->server, a->answer);
    json_put_str(a->answer, "instance", buf_view(&instance));
    json_put_str(a->answer, "note", archive_reader_checkpoint(a->reader));
    json_put_str(a->answer, "cosigned", archive_reader_cosigned(a->reader));
    json_put_u64(a->answer, "records", archive_reader_size(a->reader));
    json_put_u64(a->answer, "log_file_bytes", a->server->options.log_file_bytes);
    json_write_object_end(a->answer);
    return RC_OK;
}

static void put_hashes(struct buf *answer, const char *key, const struct tlog_path *path)
{
    json_write_key(answer, key);
    json_write_array(answer);
    for (size_t i = 0; i < path->count; i++) {
        char text[64];
        json_write_str(answer, str_at(text, base64_encode(path->hash[i].bytes, TLOG_HASH_SIZE, text)));
    }
    json_write_array_end(answer);
}

static enum rc ask_consistency(struct asking *a)
{
    struct tlog_path path;
    a->server->guest->level -= PROOF_COST;
    enum rc rc =
        archive_mirror_consistency(a->reader, number(a->question, "from"), number(a->question, "to"), &path, &a->err);
    if (rc != RC_OK)
        return rc;
    begin(a->server, a->answer);
    put_hashes(a->answer, "hashes", &path);
    json_write_object_end(a->answer);
    return RC_OK;
}

static enum rc rows_give(struct asking *a, bool gone)
{
    struct mirror_row *rows = memory_new(MIRROR_ROWS_MAX * sizeof *rows);
    uint64_t from = number(a->question, "from");
    size_t count = 0;
    if (!rows)
        return err_set(&a->err, RC_LIMIT, "no memory");
    enum rc rc = gone ? archive_mirror_tombstones(a->reader, from, rows, MIRROR_ROWS_MAX, &count, &a->err)
                      : archive_mirror_rows(a->reader, from, rows, MIRROR_ROWS_MAX, &count, &a->err);
    begin(a->server, a->answer);
    json_write_key(a->answer, gone ? "tombstones" : "segments");
    json_write_array(a->answer);
    for (size_t i = 0; i < count; i++) {
        json_write_object(a->answer);
        json_put_u64(a->answer, "first", rows[i].first);
        json_put_u64(a->answer, "end", rows[i].end);
        json_put_u64(a->answer, "size", rows[i].size);
        put_base64(a->answer, "footer", rows[i].footer.bytes, TLOG_HASH_SIZE);
        if (gone)
            json_put_u64(a->answer, "record", rows[i].record);
        json_write_object_end(a->answer);
    }
    json_write_array_end(a->answer);
    json_put_bool(a->answer, "more", count == MIRROR_ROWS_MAX);
    json_write_object_end(a->answer);
    memory_free(rows);
    return rc;
}

static enum rc ask_segments(struct asking *a)
{
    return rows_give(a, false);
}

static enum rc ask_tombstones(struct asking *a)
{
    return rows_give(a, true);
}

/* The object, a line feed, the bytes. */
static void put_bytes(struct asking *a)
{
    json_write_object_end(a->answer);
    buf_char(a->answer, '\n');
    buf_str(a->answer, buf_view(&a->server->bytes));
}

static enum rc part_give(struct asking *a, bool tombstone)
{
    struct mirror_part part = {.first = number(a->question, "first"),
                               .tombstone = tombstone,
                               .offset = number(a->question, "offset"),
                               .size = (size_t)MIN(number(a->question, "size"), MIRROR_PART_MAX)};
    buf_clear(&a->server->bytes);
    enum rc rc = archive_mirror_part(a->reader, &part, &a->server->bytes, &a->err);
    if (rc != RC_OK)
        return rc;
    begin(a->server, a->answer);
    put_bytes(a);
    return RC_OK;
}

static enum rc ask_segment(struct asking *a)
{
    return part_give(a, false);
}

static enum rc ask_tombstone(struct asking *a)
{
    return part_give(a, true);
}

static enum rc ask_retention(struct asking *a)
{
    struct tlog_path path;
    a->server->guest->level -= PROOF_COST;
    buf_clear(&a->server->bytes);
    enum rc rc = archive_mirror_retention(a->reader, number(a->question, "record"), number(a->question, "size"), &path,
                                          &a->server->bytes, &a->err);
    if (rc != RC_OK)
        return rc;
    begin(a->server, a->answer);
    put_hashes(a->answer, "hashes", &path);
    put_bytes(a);
    return RC_OK;
}

static enum rc ask_log(struct asking *a)
{
    struct mirror_span span = {
        .from = number(a->question, "from"), .to = number(a->question, "to"), .size = MIRROR_PART_MAX};
    struct mirror_log log;
    buf_clear(&a->server->bytes);
    enum rc rc = archive_mirror_log(a->reader, &span, &log, &a->server->bytes, &a->err);
    if (rc == RC_LIMIT) { /* one long record */
        span.size = MIRROR_RECORD_MAX;
        span.to = MIN(span.to, span.from + 1);
        buf_clear(&a->server->bytes);
        rc = archive_mirror_log(a->reader, &span, &log, &a->server->bytes, &a->err);
    }
    if (rc != RC_OK)
        return rc;
    begin(a->server, a->answer);
    json_put_u64(a->answer, "first", log.first);
    json_put_u64(a->answer, "count", log.count);
    json_put_u64(a->answer, "file_first", log.file_first);
    json_put_int(a->answer, "file_bytes", log.file_bytes);
    put_bytes(a);
    return RC_OK;
}

struct noting {
    struct asking *asking;
    struct buf *answer;
    struct buf *text; /* room for one time stamp */
    size_t count;
};

static bool note_put(void *context, uint64_t size, struct str note)
{
    struct noting *noting = context;
    struct tlog_path path;
    json_write_object(noting->answer);
    json_put_u64(noting->answer, "size", size);
    json_put_str(noting->answer, "note", note);
    if (archive_mirror_path(noting->asking->reader, size, &path, NULL) == RC_OK && path.count)
        put_hashes(noting->answer, "path", &path);
    json_write_object_end(noting->answer);
    return ++noting->count < MIRROR_NOTES_MAX;
}

static enum rc ask_notes(struct asking *a)
{
    struct noting noting = {.asking = a, .answer = a->answer};
    begin(a->server, a->answer);
    json_write_key(a->answer, "notes");
    json_write_array(a->answer);
    enum rc rc = archive_mirror_notes(a->reader, number(a->question, "above"), note_put, &noting, &a->err);
    json_write_array_end(a->answer);
    json_put_bool(a->answer, "more", noting.count == MIRROR_NOTES_MAX);
    json_write_object_end(a->answer);
    return rc;
}

static bool stamp_put(void *context, uint64_t size, struct str stamp)
{
    struct noting *noting = context;
    ASSERT(stamp.n <= TIMESTAMP_RESPONSE_MAX);
    buf_clear(noting->text);
    char *text = buf_reserve(noting->text, stamp.n / 3 * 4 + 8);
    if (!text)
        return false; /* no memory now: the mirror asks again */
    json_write_object(noting->answer);
    json_put_u64(noting->answer, "size", size);
    json_put_str(noting->answer, "stamp", str_at(text, base64_encode(stamp.p, stamp.n, text)));
    json_write_object_end(noting->answer);
    return ++noting->count < MIRROR_NOTES_MAX;
}

static enum rc ask_stamps(struct asking *a)
{
    struct noting noting = {.answer = a->answer, .text = &a->server->bytes};
    begin(a->server, a->answer);
    json_write_key(a->answer, "stamps");
    json_write_array(a->answer);
    enum rc rc = archive_mirror_stamps(a->reader, number(a->question, "above"), stamp_put, &noting, &a->err);
    json_write_array_end(a->answer);
    json_put_bool(a->answer, "more", noting.count == MIRROR_NOTES_MAX);
    json_write_object_end(a->answer);
    return rc;
}

static const struct {
    const char *ask;
    enum rc (*answer)(struct asking *a);
} rows[] = {
    {"mirror.enter", ask_enter},         {"mirror.checkpoint", ask_checkpoint}, {"mirror.consistency", ask_consistency},
    {"mirror.segments", ask_segments},   {"mirror.segment", ask_segment},       {"mirror.log", ask_log},
    {"mirror.notes", ask_notes},         {"mirror.stamps", ask_stamps},         {"mirror.tombstones", ask_tombstones},
    {"mirror.tombstone", ask_tombstone}, {"mirror.retention", ask_retention},
};

static const char *refusal_of(enum rc rc, struct str ask)
{
    bool log = str_is(ask, "mirror.log");
    if (rc == RC_NOT_FOUND)
        return log ? "mirror_sealed" : "not_found";
    if (rc == RC_LIMIT && log)
        return "mirror_long";
    if (rc == RC_CORRUPT)
        return "mirror_corrupt";
    return rc == RC_INVALID ? "bad_request" : "mirror_failed";
}

/* The use of a token is to be recorded whatever came of it. */
static void refuse_guest(const struct mirror_server *server, struct buf *answer, const char *key, const char *text)
{
    buf_clear(answer);
    json_write_object(answer);
    json_put_bool(answer, "ok", false);
    json_put_text(answer, "error", key);
    json_put_text(answer, "text", text);
    json_put_text(answer, "name", server->guest->name);
    json_put_bool(answer, "tell", server->tell);
    json_write_object_end(answer);
}

void mirror_server_answer(struct mirror_server *server, struct archive_reader *reader,
                          const struct json_value *question, struct buf *answer)
{
    struct asking asking = {.server = server, .reader = reader, .question = question, .answer = answer};
    struct str ask = json_str(json_get(question, "ask"), STR_NONE);
    ASSERT(server->guest != NULL);
    enum rc rc = err_set(&asking.err, RC_INVALID, "there is no such question");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(ask, rows[i].ask))
            rc = rows[i].answer(&asking);
    if (rc == RC_OK && answer->overflow)
        rc = err_set(&asking.err, RC_IO, "the answer is too long");
    if (rc != RC_OK)
        refuse_guest(server, answer, refusal_of(rc, ask), asking.err.text);
    if (rc != RC_OK && rc != RC_NOT_FOUND && rc != RC_LIMIT && rc != RC_INVALID)
        log_error("a mirror could not be served: %s", asking.err.text);
    server->guest->level -= REQUEST_COST + (int64_t)answer->n;
}
