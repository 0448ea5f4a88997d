#include "role/mirror_pull.h"

#include "base/assert.h"
#include "base/civil.h"
#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "role/log.h"
#include "role/mirror_wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define URL_MAX      2048
#define ANSWER_TRIES 600 /* times that "busy" is believed in one question */
#define PART_BYTES   (1u << 20)
#define ROUNDS_MAX   4 /* the log may be sealed while it is pulled */
#define COMPARE_NS   (DAY_S * SECOND_NS)
#define FILE_MARGIN  (INT64_C(4) << 20) /* our frames are cut otherwise than the server's */
#define SEEN_MAX     4096
#define PACKED_LINE  82 /* 16 + 1 + 64 + 1 */
#define FETCH_TRIES  3
#define INSTANCE_MAX 4096

static enum rc alarm_raise(struct mirror_pull *p, const char *what, const char *format, ...) PRINTF(3, 4);
static enum rc alarm_raise(struct mirror_pull *p, const char *what, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (p->alarm)
        return RC_CORRUPT; /* the first one says it */
    p->alarm = what;
    return err_set(&p->err, RC_CORRUPT, "%s", text);
}

/* What is held here does not read back: nothing is said of the server. */
static enum rc alarm_own(struct mirror_pull *p, const char *text)
{
    return alarm_raise(p, "own", "this mirror's copy is damaged, the server is not to blame: %.300s", text);
}

/* Something that came and something that is held do not fit, with the tree of `size` records between them: the copy's
 * own disk is looked at before the server is accused. p->err says what does not fit. */
static enum rc contradiction(struct mirror_pull *p, const char *what, uint64_t size, const char *format, ...)
    PRINTF(4, 5);
static enum rc contradiction(struct mirror_pull *p, const char *what, uint64_t size, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    struct err why;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (mirror_store_damaged(p->store)) {
        snprintf(text, sizeof text, "%s", p->err.text);
        return alarm_own(p, text);
    }
    if (mirror_store_sound(p->store, size, &why) == RC_CORRUPT)
        return alarm_own(p, why.text);
    return alarm_raise(p, what, "%s", text);
}

/* ---- questions ---- */

static enum rc refused(struct mirror_pull *p, unsigned status, const struct wire_refusal *refusal)
{
    static const struct {
        const char *key;
        enum rc rc;
    } rows[] = {{"mirror_sealed", RC_NOT_FOUND}, {"mirror_long", RC_LIMIT}, {"bad_request", RC_INVALID}};
    if (status == 401 || status == 403)
        return err_set(&p->err, RC_DENIED, "the server refuses this mirror's token");
    if (str_is(refusal->key, "mirror_corrupt"))
        return alarm_raise(p, "server", "the server's archive is damaged: %.*s",
                           STR_ARG(str_slice(refusal->text, 0, 200)));
    p->absent = str_is(refusal->key, "not_found") || str_is(refusal->key, "no_page");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(refusal->key, rows[i].key))
            return err_set(&p->err, rows[i].rc, "the server says: %.*s", STR_ARG(str_slice(refusal->text, 0, 200)));
    return err_set(&p->err, RC_IO, "the server answers %u: %.*s", status, STR_ARG(str_slice(refusal->text, 0, 200)));
}

/* One question; its answer is in p->body. While the server says "busy" it is asked again, as late as it says. */
static enum rc exchange(struct mirror_pull *p, const char *url, struct str json)
{
    for (int i = 0; i < ANSWER_TRIES; i++) {
        struct wire_refusal refusal;
        unsigned status = 0;
        enum rc rc = http_exchange(p->http, url, json, &p->body, &status, &p->err);
        arena_reset(p->arena);
        if (rc == RC_OK)
            p->answered_ns = (int64_t)clock_boot_ns();
        if (rc != RC_OK || status == 200)
            return rc;
        wire_refusal_read(buf_view(&p->body), p->arena, &refusal);
        if (status != 429)
            return refused(p, status, &refusal);
        if (!p->wait(p->context, MAX(refusal.retry_ms, 10)))
            return err_set(&p->err, RC_AGAIN, "stopped");
    }
    return err_set(&p->err, RC_IO, "the server is busy for too long");
}

static enum rc ask(struct mirror_pull *p, const char *format, ...) PRINTF(2, 3);
static enum rc ask(struct mirror_pull *p, const char *format, ...)
{
    char url[URL_MAX];
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    int n = snprintf(url, sizeof url, "%s/mirror/v1/%s", p->from, what);
    ASSERT(n > 0 && (size_t)n < sizeof url);
    p->absent = false;
    enum rc rc = exchange(p, url, STR_NONE);
    p->bytes += rc == RC_OK ? p->body.n : 0;
    p->unanswered = rc != RC_OK;
    return rc;
}

/* Whether a tree is the beginning of another; RC_CORRUPT: it is not. RC_IO and `absent`: the records that would show it
 * were deleted. */
static enum rc consistent(struct mirror_pull *p, const struct tlog_head *old_head, const struct tlog_head *new_head)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_path path = {0};
    if (!hasher)
        return err_set(&p->err, RC_LIMIT, "no memory to check a proof");
    if (old_head->size == new_head->size)
        return tlog_hash_eq(&old_head->root, &new_head->root)
                   ? RC_OK
                   : err_set(&p->err, RC_CORRUPT, "two trees of %llu records", (unsigned long long)old_head->size);
    if (old_head->size == 0)
        return RC_OK;
    enum rc rc =
        ask(p, "consistency?from=%llu&to=%llu", (unsigned long long)old_head->size, (unsigned long long)new_head->size);
    rc = rc == RC_OK ? wire_path_read(buf_view(&p->body), p->arena, &path, &p->err) : rc;
    if (rc == RC_INVALID)
        return err_set(&p->err, RC_CORRUPT, "the server cannot prove %llu to %llu records",
                       (unsigned long long)old_head->size, (unsigned long long)new_head->size);
    if (rc == RC_OK && !tlog_verify_consistency(hasher, old_head, new_head, &path))
        rc = err_set(&p->err, RC_CORRUPT, "the first %llu records are not those under the checkpoint of %llu",
                     (unsigned long long)old_head->size, (unsigned long long)new_head->size);
    return rc;
}

/* ---- the checkpoint ---- */

static enum rc seen_store(struct mirror_pull *p, const struct checkpoint *checkpoint, int64_t now_ns)
{
    char text[SEEN_MAX];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text);
    if (!str_copy_z(checkpoint->origin, p->seen.origin, sizeof p->seen.origin))
        return err_set(&p->err, RC_INVALID, "the checkpoint's origin is too long");
    p->seen.head = checkpoint->head;
    p->seen.signed_ns = now_ns;
    signer_state_write(&p->seen, &out);
    return file_replace(&io_kernel, p->folder, MIRROR_SEEN_FILE, buf_view(&out), &p->err);
}

/* Without it, or when it cannot be read, they are compared again. */
static void packed_load(struct mirror_pull *p)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * MIRROR_PACKED_MAX);
    struct str text;
    buf_clear(&p->packed);
    if (arena && file_load(&io_kernel, p->folder, MIRROR_PACKED_FILE, MIRROR_PACKED_MAX, arena, &text, NULL) == RC_OK)
        buf_str(&p->packed, text);
}

static struct str packed_line(const struct mirror_row *row, char room[PACKED_LINE + 1])
{
    struct buf line;
    buf_init_fixed(&line, room, PACKED_LINE + 1);
    buf_format(&line, "%016llx ", (unsigned long long)row->first);
    buf_hex(&line, row->footer.bytes, sizeof row->footer.bytes);
    buf_char(&line, '\n');
    return buf_view(&line);
}

static bool packed_known(const struct mirror_pull *p, const struct mirror_row *row)
{
    char room[PACKED_LINE + 1];
    struct str text = buf_view(&p->packed);
    return str_search(text, packed_line(row, room)) < text.n;
}

static enum rc packed_remember(struct mirror_pull *p, const struct mirror_row *row)
{
    char room[PACKED_LINE + 1];
    if (p->packed.n + PACKED_LINE > MIRROR_PACKED_MAX)
        buf_clear(&p->packed);
    buf_str(&p->packed, packed_line(row, room));
    return file_replace(&io_kernel, p->folder, MIRROR_PACKED_FILE, buf_view(&p->packed), &p->err);
}

enum rc mirror_pull_begin(struct mirror_pull *pull)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(4 * (size_t)SEEN_MAX);
    struct str text;
    if (!arena)
        return err_set(&pull->err, RC_LIMIT, "no memory");
    packed_load(pull);
    enum rc rc = file_load(&io_kernel, pull->folder, MIRROR_SEEN_FILE, SEEN_MAX, arena, &text, &pull->err);
    pull->seen = (struct signer_state){0};
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    rc = rc == RC_OK ? signer_state_parse(text, &pull->seen, &pull->err) : rc;
    return rc == RC_INVALID ? alarm_raise(pull, "own", "this mirror's memory of what it saw is damaged") : rc;
}

/* This mirror among the policy's witnesses, as a bit: it cosigns once the records are held, and does not wait for
 * itself. */
static uint64_t own_witness(const struct mirror_pull *p)
{
    for (size_t i = 0; p->witness && i < p->policy->witness_count; i++)
        if (memcmp(p->policy->witness[i].key.public_key, signing_key_public(p->witness)->public_key, 32) == 0)
            return UINT64_C(1) << i;
    return 0;
}

/* Signed by whom we believe; whether enough witnesses cosigned it, too. The checkpoint borrows from the note. */
static enum rc note_believe(struct mirror_pull *p, struct str note, struct checkpoint *ret_checkpoint, bool *ret_quorum)
{
    struct note *parsed = arena_alloc(p->arena, sizeof *parsed);
    struct policy_result result;
    if (!parsed)
        return err_set(&p->err, RC_LIMIT, "no memory to check a checkpoint");
    enum rc rc = note_parse(note, parsed, &p->err);
    rc = rc == RC_OK ? checkpoint_parse(parsed->text, ret_checkpoint, &p->err) : rc;
    rc = rc == RC_OK ? policy_signed(p->policy, parsed, ret_checkpoint, &result, &p->err) : rc;
    *ret_quorum = rc == RC_OK && policy_quorum(p->policy, result.witnesses);
    p->content = rc == RC_OK && policy_quorum(p->policy, result.witnesses | own_witness(p));
    if (rc == RC_LIMIT || rc == RC_OK)
        return rc;
    char why[ERR_TEXT_MAX];
    snprintf(why, sizeof why, "%s", p->err.text);
    return alarm_raise(p, "checkpoint", "the server's checkpoint is not believed: %.400s", why);
}

/* Whose archive it is; *ret_new: it is to be taken once its checkpoint was compared with what was seen. */
static enum rc instance_judge(struct mirror_pull *p, struct str instance, struct str origin, bool *ret_new)
{
    char line[NOTE_NAME_MAX + 32];
    int n = snprintf(line, sizeof line, "\norigin %.*s\n", STR_ARG(origin));
    if (n < 0 || (size_t)n >= sizeof line || !str_ends(instance, str_of(line)))
        return alarm_raise(p, "checkpoint", "the server's checkpoint is of another origin than its archive");
    enum rc rc = mirror_store_instance(p->store, instance, &p->err);
    *ret_new = rc == RC_AGAIN;
    if (rc == RC_DENIED)
        return alarm_raise(p, "archive", "the server's archive is another one than this mirror holds");
    return rc == RC_AGAIN ? RC_OK : rc;
}

/* A deletion that is believed here could hide a fork: people must look, and the copy stays as it is. */
static enum rc alarm_unprovable(struct mirror_pull *p, uint64_t size)
{
    return alarm_raise(p, "gap",
                       "the server has deleted the records under the %llu that this mirror has seen, so that nothing "
                       "shows whether it goes on with them; keep this copy, and begin a new mirror in another folder",
                       (unsigned long long)size);
}

static enum rc compare_seen(struct mirror_pull *p, const struct tlog_head *head)
{
    const struct tlog_head *seen = &p->seen.head;
    uint64_t held = mirror_store_size(p->store);
    if (head->size < seen->size || head->size < held)
        return alarm_raise(p, "rollback", "the server's checkpoint names %llu records, %llu were there before",
                           (unsigned long long)head->size, (unsigned long long)MAX(seen->size, held));
    if (!seen->size)
        return RC_OK;
    enum rc rc = consistent(p, seen, head);
    if (rc == RC_IO && p->absent)
        return alarm_unprovable(p, seen->size);
    if (rc != RC_CORRUPT)
        return rc;
    char why[ERR_TEXT_MAX];
    snprintf(why, sizeof why, "%s", p->err.text);
    return alarm_raise(p, "fork", "the server's checkpoint does not continue the one seen before: %.300s", why);
}

/* The newest is not cosigned by enough witnesses yet: then what they cosigned before it. */
static enum rc cosigned_target(struct mirror_pull *p, const struct checkpoint *newest)
{
    struct checkpoint cosigned = {0};
    bool quorum = false;
    enum rc rc = p->cosigned.n ? note_believe(p, buf_view(&p->cosigned), &cosigned, &quorum) : RC_OK;
    quorum = quorum || (rc == RC_OK && p->cosigned.n && p->content);
    if (rc == RC_OK && quorum && str_eq(cosigned.origin, newest->origin)) {
        bool newer = cosigned.head.size > newest->head.size; /* both came while they changed */
        rc = newer ? consistent(p, &newest->head, &cosigned.head) : consistent(p, &cosigned.head, &newest->head);
        if (rc == RC_CORRUPT)
            return alarm_raise(p, "fork", "the server's cosigned checkpoint is not the beginning of its newest one");
        quorum = cosigned.head.size >= mirror_store_size(p->store);
    } else {
        quorum = false;
    }
    if (rc != RC_OK)
        return rc;
    p->waiting = !quorum;
    if (!quorum)
        return err_set(&p->err, RC_AGAIN,
                       "the server's records are signed, but not cosigned by the policy's quorum yet");
    p->target = cosigned.head;
    buf_clear(&p->note);
    buf_str(&p->note, buf_view(&p->cosigned));
    return RC_OK;
}

static enum rc checkpoint_ask(struct mirror_pull *p, struct buf *ret_instance)
{
    struct wire_checkpoint answer;
    enum rc rc = ask(p, "checkpoint");
    rc = rc == RC_OK ? wire_checkpoint_read(buf_view(&p->body), p->arena, &answer, &p->err) : rc;
    if (rc != RC_OK)
        return rc;
    /* Other answers will take the place of this one. */
    buf_clear(&p->note);
    buf_str(&p->note, answer.note);
    buf_clear(&p->cosigned);
    buf_str(&p->cosigned, answer.cosigned);
    buf_str(ret_instance, answer.instance);
    p->log_file_bytes = answer.log_file_bytes;
    return p->note.overflow || p->cosigned.overflow || ret_instance->overflow
               ? err_set(&p->err, RC_INVALID, "the server's answer is not understood: a checkpoint too long")
               : RC_OK;
}

static enum rc checkpoint_take(struct mirror_pull *p, int64_t now_ns)
{
    char text[INSTANCE_MAX];
    struct buf instance;
    struct checkpoint newest;
    bool quorum = false;
    bool is_new = false;
    buf_init_fixed(&instance, text, sizeof text);
    enum rc rc = checkpoint_ask(p, &instance);
    if (rc != RC_OK)
        return rc;
    p->waiting = !p->note.n;
    if (!p->note.n)
        return p->seen.head.size ? alarm_raise(p, "rollback", "the server has no checkpoint any more")
                                 : err_set(&p->err, RC_AGAIN, "the server has signed nothing yet");
    rc = note_believe(p, buf_view(&p->note), &newest, &quorum);
    bool content = p->content;
    rc = rc == RC_OK ? instance_judge(p, buf_view(&instance), newest.origin, &is_new) : rc;
    rc = rc == RC_OK ? compare_seen(p, &newest.head) : rc;
    if (rc == RC_OK && is_new) { /* signed by a key that the policy names under that origin */
        if (mirror_store_origin(p->store)[0])
            log_warning("the server's archive goes on under a new origin, \"%.*s\"", STR_ARG(newest.origin));
        rc = mirror_store_take(p->store, buf_view(&instance), &p->err);
    }
    rc = rc == RC_OK ? seen_store(p, &newest, now_ns) : rc;
    p->target = newest.head;
    return rc == RC_OK && !content ? cosigned_target(p, &newest) : rc;
}

/* What the store held when it was opened, which nobody has compared with anything signed since. */
static enum rc held_confirm(struct mirror_pull *p)
{
    struct tlog_head held = {.size = mirror_store_size(p->store)};
    if (p->confirmed || !held.size)
        return RC_OK;
    enum rc rc = mirror_store_root(p->store, held.size, &held.root, &p->err);
    rc = rc == RC_OK ? consistent(p, &held, &p->target) : rc;
    if (rc == RC_IO && p->absent)
        return alarm_unprovable(p, held.size);
    p->confirmed = rc == RC_OK;
    return rc == RC_CORRUPT
               ? contradiction(p, "fork", held.size, "the %llu records held here are not the beginning of the server's",
                               (unsigned long long)held.size)
               : rc;
}

/* ---- segments ---- */

static enum rc part_fetch(struct mirror_pull *p, const struct mirror_row *row, uint64_t have)
{
    while (have < row->size) {
        struct str bytes;
        enum rc rc = ask(p, "segment?first=%llu&offset=%llu&size=%u", (unsigned long long)row->first,
                         (unsigned long long)have, PART_BYTES);
        rc = rc == RC_OK ? wire_part_read(buf_view(&p->body), p->arena, &bytes, &p->err) : rc;
        if (rc == RC_OK && !bytes.n)
            rc = err_set(&p->err, RC_CORRUPT, "the server gave %llu of its %llu bytes", (unsigned long long)have,
                         (unsigned long long)row->size);
        rc = rc == RC_OK ? mirror_store_part_write(p->store, have, bytes, &p->err) : rc;
        if (rc != RC_OK)
            return rc == RC_INVALID ? err_set(&p->err, RC_CORRUPT, "the server's part does not fit") : rc;
        have += bytes.n;
        if (!p->wait(p->context, 0))
            return err_set(&p->err, RC_AGAIN, "stopped");
    }
    return RC_OK;
}

/* Fetches and checks; RC_OK: the part is the server's records under the signed root. */
static enum rc part_take(struct mirror_pull *p, const struct mirror_row *row, bool *ret_resumed)
{
    struct tlog_head head;
    uint64_t have = 0;
    enum rc rc = mirror_store_part_open(p->store, row, &have, &p->err);
    *ret_resumed = have > 0;
    rc = rc == RC_OK ? part_fetch(p, row, have) : rc;
    rc = rc == RC_OK ? mirror_store_part_check(p->store, &head, &p->err) : rc;
    return rc == RC_OK ? consistent(p, &head, &p->target) : rc;
}

/* RC_CORRUPT, with the error of before, when the server still has that file; RC_OK: `row` became the one that it has
 * now. Any other code: nobody knows. */
static enum rc packed_meanwhile(struct mirror_pull *p, struct mirror_row *row)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct err before = p->err;
    struct wire_rows rows;
    if (!arena)
        return err_set(&p->err, RC_LIMIT, "no memory for the list of segments");
    enum rc rc = ask(p, "segments?from=%llu", (unsigned long long)row->first);
    rc = rc == RC_OK ? wire_rows_read(buf_view(&p->body), arena, &rows, &p->err) : rc;
    if (rc != RC_OK)
        return rc;
    if (!rows.count || rows.rows[0].first != row->first || rows.rows[0].end != row->end ||
        tlog_hash_eq(&rows.rows[0].footer, &row->footer)) {
        p->err = before;
        return RC_CORRUPT;
    }
    *row = rows.rows[0];
    return RC_OK;
}

/* What was begun before a stop may be torn, and what the server packs anew under our hands does not fit together: then
 * once more from its first byte. */
static enum rc segment_fetch(struct mirror_pull *p, struct mirror_row *row)
{
    bool resumed = false;
    enum rc rc = part_take(p, row, &resumed);
    for (unsigned i = 1; i < FETCH_TRIES && rc == RC_CORRUPT; i++) {
        mirror_store_part_drop(p->store);
        if (!resumed && (rc = packed_meanwhile(p, row)) != RC_OK)
            return rc;
        rc = part_take(p, row, &resumed);
    }
    if (rc == RC_CORRUPT)
        mirror_store_part_drop(p->store);
    return rc;
}

static enum rc segment_bad(struct mirror_pull *p, const struct mirror_row *row, const char *what)
{
    char why[ERR_TEXT_MAX];
    snprintf(why, sizeof why, "%s", p->err.text);
    return contradiction(p, "segment", row->first, "the server's segment of records %llu to %llu %s: %.300s",
                         (unsigned long long)row->first, (unsigned long long)row->end - 1, what, why);
}

/* One that is held: the same file, or the same records in another file; ours is never replaced. */
static enum rc segment_compare(struct mirror_pull *p, struct mirror_row *row)
{
    struct mirror_row mine;
    enum rc rc = mirror_store_row(p->store, row->first, &mine, &p->err);
    if (rc == RC_NOT_FOUND)
        return segment_bad(p, row, "is not one that is held");
    if (rc != RC_OK || (mine.end == row->end && (tlog_hash_eq(&mine.footer, &row->footer) || packed_known(p, row))))
        return rc;
    rc = segment_fetch(p, row);
    if (rc == RC_CORRUPT)
        return segment_bad(p, row, "differs from the one that is held");
    if (rc == RC_OK)
        log_info("the server packed records %llu to %llu anew; they are the same", (unsigned long long)row->first,
                 (unsigned long long)row->end - 1);
    mirror_store_part_drop(p->store);
    return rc == RC_OK ? packed_remember(p, row) : rc;
}

/* ---- deleted segments ---- */

static enum rc stone_fetch(struct mirror_pull *p, const struct mirror_row *row, struct buf *out)
{
    while (out->n < row->size) {
        struct str bytes;
        enum rc rc =
            ask(p, "tombstone?first=%llu&offset=%zu&size=%u", (unsigned long long)row->first, out->n, PART_BYTES);
        rc = rc == RC_OK ? wire_part_read(buf_view(&p->body), p->arena, &bytes, &p->err) : rc;
        if (rc == RC_OK && (!bytes.n || bytes.n > row->size - out->n))
            rc = err_set(&p->err, RC_CORRUPT, "the server's part does not fit");
        if (rc != RC_OK)
            return rc;
        buf_str(out, bytes);
        if (out->overflow)
            return err_set(&p->err, RC_LIMIT, "no memory for a tombstone");
        if (!p->wait(p->context, 0))
            return err_set(&p->err, RC_AGAIN, "stopped");
    }
    return RC_OK;
}

/* The tombstone, the record that it names, and both under the signed root. RC_CORRUPT: refused. */
static enum rc stone_judge(struct mirror_pull *p, const struct mirror_row *row, struct buf *bytes)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct mirror_stone stone = {.row = *row};
    struct tlog_path path;
    struct tlog_head head;
    struct tlog_hash leaf;
    if (!hasher)
        return err_set(&p->err, RC_LIMIT, "no memory to check a tombstone");
    enum rc rc = stone_fetch(p, row, bytes);
    if (rc != RC_OK)
        return rc;
    rc = ask(p, "retention?record=%llu&size=%llu", (unsigned long long)row->record, (unsigned long long)p->target.size);
    if (rc == RC_INVALID || (rc == RC_IO && p->absent))
        return err_set(&p->err, RC_CORRUPT, "the server has no retention record %llu", (unsigned long long)row->record);
    rc = rc == RC_OK ? wire_retention_read(buf_view(&p->body), p->arena, &path, &stone.record, &p->err) : rc;
    stone.bytes = buf_view(bytes);
    rc = rc == RC_OK ? mirror_store_stone_check(p->store, &stone, &head, &leaf, &p->err) : rc;
    if (rc == RC_OK && !tlog_verify_inclusion(hasher, &leaf, row->record, &path, &p->target))
        rc = err_set(&p->err, RC_CORRUPT, "its retention record is not number %llu of the signed tree",
                     (unsigned long long)row->record);
    return rc == RC_OK ? consistent(p, &head, &p->target) : rc;
}

static enum rc stone_take(struct mirror_pull *p, const struct mirror_row *row)
{
    char why[ERR_TEXT_MAX];
    struct buf bytes CLEANUP(buf_done) = {0};
    if (row->end > p->target.size || row->record >= p->target.size)
        return RC_END; /* not under the checkpoint yet: next time */
    buf_init(&bytes, MIRROR_STONE_MAX);
    enum rc rc = stone_judge(p, row, &bytes);
    if (rc == RC_OK) {
        log_info("the server deleted records %llu to %llu under record %llu; their tombstone is kept",
                 (unsigned long long)row->first, (unsigned long long)row->end - 1, (unsigned long long)row->record);
        mirror_store_stone_wait(p->store);
        return RC_OK;
    }
    snprintf(why, sizeof why, "%s", p->err.text);
    if (rc == RC_EXISTS)
        return alarm_raise(p, "gap", "%.300s, and stay; begin a new mirror in another folder", why);
    if (rc != RC_CORRUPT)
        return rc;
    return contradiction(p, "segment", row->first, "the server's tombstone of records %llu to %llu is refused: %.300s",
                         (unsigned long long)row->first, (unsigned long long)row->end - 1, why);
}

/* What the server has deleted between what is held and record `upto`, where its next segment begins. */
static enum rc stones_take(struct mirror_pull *p, uint64_t upto)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    enum rc rc = arena ? RC_OK : err_set(&p->err, RC_LIMIT, "no memory for the list of tombstones");
    while (rc == RC_OK && mirror_store_due(p->store) < upto) {
        struct wire_rows rows = {0};
        uint64_t due = mirror_store_due(p->store);
        arena_reset(arena);
        rc = ask(p, "tombstones?from=%llu", (unsigned long long)due);
        if (rc == RC_IO && p->absent)
            rc = RC_OK; /* a server that knows none */
        else if (rc == RC_OK)
            rc = wire_tombstones_read(buf_view(&p->body), arena, &rows, &p->err);
        for (size_t i = 0; rc == RC_OK && i < rows.count && rows.rows[i].first == mirror_store_due(p->store) &&
                           rows.rows[i].end <= upto;
             i++)
            rc = stone_take(p, &rows.rows[i]);
        if (rc == RC_OK && mirror_store_due(p->store) == due)
            return alarm_raise(p, "gap",
                               "the server has no records %llu to %llu any more, and they were not copied yet",
                               (unsigned long long)due, (unsigned long long)upto - 1);
    }
    return rc;
}

static enum rc segment_take(struct mirror_pull *p, struct mirror_row *row)
{
    if (mirror_store_deleted(p->store, row->first, row->end))
        return RC_OK; /* put back at the server; ours may stay a tombstone */
    if (row->first < mirror_store_sealed(p->store))
        return segment_compare(p, row);
    if (row->first < mirror_store_due(p->store))
        mirror_store_stones_drop(p->store); /* it is there after all */
    if (row->end > p->target.size)
        return RC_END; /* sealed after the checkpoint: next time */
    enum rc rc = stones_take(p, row->first);
    rc = rc == RC_OK ? segment_fetch(p, row) : rc;
    if (rc == RC_CORRUPT)
        return segment_bad(p, row, "is refused");
    return rc == RC_OK ? mirror_store_part_keep(p->store, &p->err) : rc;
}

static enum rc segments_take(struct mirror_pull *p, uint64_t from)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    bool more = true;
    if (!arena)
        return err_set(&p->err, RC_LIMIT, "no memory for the list of segments");
    while (more) {
        struct wire_rows rows;
        arena_reset(arena);
        enum rc rc = ask(p, "segments?from=%llu", (unsigned long long)from);
        rc = rc == RC_OK ? wire_rows_read(buf_view(&p->body), arena, &rows, &p->err) : rc;
        for (size_t i = 0; rc == RC_OK && i < rows.count; i++) {
            if (rows.rows[i].end <= from) /* it would go on for ever */
                return contradiction(p, "segment", from, "the server's list of segments goes back behind record %llu",
                                     (unsigned long long)from);
            rc = segment_take(p, &rows.rows[i]);
            from = rows.rows[i].end;
        }
        if (rc != RC_OK)
            return rc == RC_END ? RC_OK : rc;
        more = rows.more && rows.count > 0;
    }
    return RC_OK;
}

/* ---- the log's tail ---- */

static enum rc log_bad(struct mirror_pull *p)
{
    char why[ERR_TEXT_MAX];
    snprintf(why, sizeof why, "%s", p->err.text);
    return contradiction(p, "log", mirror_store_size(p->store), "the server's records from %llu on are refused: %.300s",
                         (unsigned long long)mirror_store_size(p->store), why);
}

/* RC_END: nothing more now. RC_NOT_FOUND: sealed meanwhile. */
static enum rc log_part(struct mirror_pull *p)
{
    struct mirror_log log;
    struct tlog_head head;
    struct str records;
    enum rc rc = ask(p, "log?from=%llu&to=%llu", (unsigned long long)mirror_store_size(p->store),
                     (unsigned long long)p->target.size);
    if (rc == RC_LIMIT && p->body.n) {
        log_info("%s", p->err.text);
        return RC_END;
    }
    rc = rc == RC_OK ? wire_log_read(buf_view(&p->body), p->arena, &log, &records, &p->err) : rc;
    if (rc != RC_OK || !log.count)
        return rc == RC_OK ? RC_END : rc;
    rc = mirror_store_log_check(p->store, &log, records, &head, &p->err);
    if (rc == RC_OK && head.size > p->target.size)
        rc = err_set(&p->err, RC_INVALID, "more than is signed");
    rc = rc == RC_OK ? consistent(p, &head, &p->target) : rc;
    if (rc == RC_CORRUPT || rc == RC_INVALID)
        return log_bad(p);
    int64_t file_bytes = MAX(log.file_bytes, p->log_file_bytes) + FILE_MARGIN;
    rc = rc == RC_OK ? mirror_store_log_keep(p->store, file_bytes, &p->err) : rc;
    if (rc == RC_LIMIT)
        log_info("%s", p->err.text);
    return rc == RC_LIMIT ? RC_END : rc;
}

static enum rc records_take(struct mirror_pull *p, int64_t now_ns)
{
    bool all = now_ns - p->compared_ns >= COMPARE_NS || now_ns < p->compared_ns;
    enum rc rc = segments_take(p, all ? 0 : mirror_store_sealed(p->store));
    if (rc == RC_OK && all)
        p->compared_ns = now_ns;
    for (int round = 0; rc == RC_OK && mirror_store_size(p->store) < p->target.size;) {
        rc = log_part(p);
        if (rc == RC_NOT_FOUND && round++ < ROUNDS_MAX)
            rc = segments_take(p, mirror_store_sealed(p->store));
        if (rc == RC_OK && !p->wait(p->context, 0))
            rc = err_set(&p->err, RC_AGAIN, "stopped");
    }
    return rc == RC_END || rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* ---- notes ---- */

static enum rc note_retain(struct mirror_pull *p, const struct wire_note *given, uint64_t *ret_size)
{
    struct str note = given->note;
    struct checkpoint checkpoint;
    struct note *parsed = arena_alloc(p->arena, sizeof *parsed);
    struct err why;
    bool quorum = false;
    *ret_size = UINT64_MAX;
    if (!parsed)
        return err_set(&p->err, RC_LIMIT, "no memory to check a checkpoint");
    if (note_parse(note, parsed, &why) != RC_OK || checkpoint_parse(parsed->text, &checkpoint, &why) != RC_OK)
        return alarm_raise(p, "checkpoint", "a retained checkpoint of the server is damaged: %.300s", why.text);
    *ret_size = checkpoint.head.size;
    if (!str_is(checkpoint.origin, mirror_store_origin(p->store)) || checkpoint.head.size > mirror_store_size(p->store))
        return RC_OK; /* of an instance before; or its turn comes when its records are here */
    /* Its root is compared with the records held, which are under a checkpoint with the quorum: it needs none. */
    enum rc rc = note_believe(p, note, &checkpoint, &quorum);
    rc = rc == RC_OK ? mirror_store_note_retain(p->store, note, given->path, &p->err) : rc;
    if (rc == RC_NOT_FOUND)
        return RC_OK; /* inside deleted records, without a path: nothing can be compared, and it is not kept */
    return rc == RC_INVALID ? contradiction(p, "fork", *ret_size,
                                            "a retained checkpoint of %llu records is signed, and names others",
                                            (unsigned long long)*ret_size)
                            : rc;
}

static enum rc notes_take(struct mirror_pull *p)
{
    uint64_t above = mirror_store_retained(p->store);
    bool more = true;
    while (more) {
        struct wire_notes notes;
        uint64_t before = above;
        enum rc rc = ask(p, "notes?above=%llu", (unsigned long long)above);
        rc = rc == RC_OK ? wire_notes_read(buf_view(&p->body), p->arena, &notes, &p->err) : rc;
        for (size_t i = 0; rc == RC_OK && i < notes.count; i++) {
            uint64_t size;
            rc = note_retain(p, &notes.notes[i], &size);
            above = rc == RC_OK ? MAX(above, size) : above;
        }
        if (rc != RC_OK)
            return rc;
        more = notes.more && above > before && above <= mirror_store_size(p->store);
    }
    return RC_OK;
}

/* What the mirror's own policy is content with, or, when it asks for no witness, what the server's was. */
static enum rc cosigned_keep(struct mirror_pull *p)
{
    const struct str notes[] = {p->policy->no_quorum ? STR_NONE : buf_view(&p->note), buf_view(&p->cosigned)};
    struct str note = STR_NONE;
    struct checkpoint checkpoint;
    bool quorum = false;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(notes) && rc == RC_OK && !quorum; i++) {
        note = notes[i];
        arena_reset(p->arena);
        rc = note.n ? note_believe(p, note, &checkpoint, &quorum) : RC_OK;
    }
    if (rc != RC_OK || !quorum || !str_is(checkpoint.origin, mirror_store_origin(p->store)) ||
        checkpoint.head.size > mirror_store_size(p->store))
        return rc; /* of an instance before; or when its records are here */
    rc = mirror_store_note_cosigned(p->store, note, &p->err);
    return rc == RC_INVALID ? contradiction(p, "fork", checkpoint.head.size,
                                            "what is held does not give the root of the cosigned checkpoint")
                            : rc;
}

static enum rc stamps_take(struct mirror_pull *p)
{
    uint64_t above = mirror_store_stamped(p->store);
    bool more = true;
    while (more) {
        struct wire_stamps stamps;
        uint64_t before = above;
        enum rc rc = ask(p, "stamps?above=%llu", (unsigned long long)above);
        rc = rc == RC_OK ? wire_stamps_read(buf_view(&p->body), p->arena, &stamps, &p->err) : rc;
        for (size_t i = 0; rc == RC_OK && i < stamps.count; i++) {
            rc = mirror_store_stamp(p->store, stamps.stamps[i].size, stamps.stamps[i].response, &p->err);
            rc = rc == RC_NOT_FOUND ? RC_OK : rc; /* of a note that is not here, or not yet */
            above = MAX(above, stamps.stamps[i].size);
        }
        if (rc != RC_OK)
            return rc;
        more = stamps.more && above > before && above <= mirror_store_size(p->store);
    }
    return RC_OK;
}

/* The newest note, with this mirror's own line when it is a witness: it says that all under it is held here. */
static enum rc latest_keep(struct mirror_pull *p, int64_t now_ns)
{
    struct note *parsed = arena_alloc(p->arena, sizeof *parsed);
    if (mirror_store_size(p->store) != p->target.size)
        return RC_OK;
    if (!parsed)
        return err_set(&p->err, RC_LIMIT, "no memory to keep a checkpoint");
    if (p->witness) {
        struct buf line;
        buf_init(&line, NOTE_SIZE_MAX);
        enum rc rc = note_parse(buf_view(&p->note), parsed, &p->err);
        bool there = rc == RC_OK && note_verify(parsed, signing_key_public(p->witness), NULL, NULL) != RC_NOT_FOUND;
        if (rc == RC_OK && !there) /* else the server has it already */
            rc = signing_key_sign(p->witness, parsed->text, (uint64_t)(now_ns / SECOND_NS), &line, &p->err);
        buf_str(&p->note, buf_view(&line));
        buf_done(&line);
        if (rc != RC_OK || p->note.overflow)
            return rc != RC_OK ? rc : err_set(&p->err, RC_LIMIT, "the cosigned checkpoint is too long");
    }
    enum rc rc = mirror_store_note_latest(p->store, buf_view(&p->note), &p->err);
    return rc == RC_INVALID ? contradiction(p, "fork", p->target.size, "what is held does not give the signed root")
                            : rc;
}

enum rc mirror_pull(struct mirror_pull *pull, int64_t now_ns)
{
    struct mirror_pull *p = pull;
    p->bytes = 0;
    p->alarm = NULL;
    p->waiting = false;
    p->unanswered = false;
    enum rc rc = checkpoint_take(p, now_ns);
    rc = rc == RC_OK ? held_confirm(p) : rc;
    rc = rc == RC_OK ? records_take(p, now_ns) : rc;
    rc = rc == RC_OK ? notes_take(p) : rc;
    rc = rc == RC_OK ? stamps_take(p) : rc;
    rc = rc == RC_OK ? cosigned_keep(p) : rc;
    arena_reset(p->arena);
    rc = rc == RC_OK ? latest_keep(p, now_ns) : rc;
    p->confirmed = p->confirmed || rc == RC_OK;
    if (rc == RC_CORRUPT && !p->alarm && mirror_store_damaged(p->store)) {
        char why[ERR_TEXT_MAX];
        snprintf(why, sizeof why, "%s", p->err.text);
        return alarm_own(p, why);
    }
    return rc;
}

static enum rc post(struct mirror_pull *p, const char *what, const struct buf *json)
{
    char url[URL_MAX];
    int n = snprintf(url, sizeof url, "%s/mirror/v1/%s", p->from, what);
    ASSERT(n > 0 && (size_t)n < sizeof url);
    return json->overflow ? err_set(&p->err, RC_LIMIT, "too long to be told") : exchange(p, url, buf_view(json));
}

/* The first `size` records are held and under a signed root: what a witness says, and that they are here. */
static enum rc cosignature_give(struct mirror_pull *p, uint64_t size, int64_t now_ns)
{
    struct tlog_head head = {.size = size};
    struct buf text CLEANUP(buf_done) = {0};
    struct buf line CLEANUP(buf_done) = {0};
    struct buf json CLEANUP(buf_done) = {0};
    bool held = p->store && p->confirmed && !p->alarm && size <= mirror_store_size(p->store);
    if (!p->witness || !size || size == p->cosigned_size || !held)
        return RC_OK;
    buf_init(&text, NOTE_SIZE_MAX);
    buf_init(&line, NOTE_SIZE_MAX);
    buf_init(&json, 8192);
    enum rc rc = mirror_store_root(p->store, size, &head.root, &p->err);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? RC_OK : rc; /* inside deleted records */
    checkpoint_write(str_of(mirror_store_origin(p->store)), &head, &text);
    rc = signing_key_sign(p->witness, buf_view(&text), (uint64_t)(now_ns / SECOND_NS), &line, &p->err);
    json_write_object(&json);
    json_put_u64(&json, "size", size);
    json_put_str(&json, "line", buf_view(&line));
    json_write_object_end(&json);
    rc = rc == RC_OK ? post(p, "cosign", &json) : rc;
    p->cosigned_size = rc == RC_OK ? size : p->cosigned_size;
    return rc;
}

void mirror_pull_report(struct mirror_pull *pull, int64_t interval_s, int64_t now_ns)
{
    struct mirror_pull *p = pull;
    uint64_t cosign = 0;
    char root[64];
    struct buf json;
    struct err told = p->err;
    buf_init(&json, 8192);
    json_write_object(&json);
    json_put_u64(&json, "size", p->store ? mirror_store_size(p->store) : 0);
    json_put_u64(&json, "bytes", p->store ? mirror_store_bytes(p->store) : 0);
    json_put_u64(&json, "checkpoint_size", p->seen.head.size);
    json_put_str(&json, "root", str_at(root, base64_encode(p->seen.head.root.bytes, TLOG_HASH_SIZE, root)));
    json_put_int(&json, "interval_s", interval_s);
    json_put_text(&json, "state", p->alarm ? "stopped" : "ok");
    json_put_text(&json, "reason", p->alarm ? p->err.text : "");
    json_write_object_end(&json);
    enum rc rc = post(p, "report", &json);
    rc = rc == RC_OK ? wire_report_read(buf_view(&p->body), p->arena, &cosign, &p->err) : rc;
    rc = rc == RC_OK ? cosignature_give(p, cosign, now_ns) : rc;
    if (rc != RC_OK && rc != RC_AGAIN)
        log_warning("the server was not told: %s", p->err.text);
    p->err = told;
    buf_done(&json);
}
