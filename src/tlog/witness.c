#include "tlog/witness.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define FIRST_LINE    "qorgan witness state v1"
#define HASH_BASE64   44
#define LOG_LINES_MAX 8

/* ---- the request ---- */

/* "<word> <number>", the number in its one form. */
static bool number_line(struct str line, const char *word, uint64_t *ret_number)
{
    struct str prefix = str_of(word);
    struct str number = str_skip(line, prefix.n + 1);
    if (!str_starts(line, prefix) || line.n < prefix.n + 2 || line.p[prefix.n] != ' ')
        return false;
    return (number.n == 1 || number.p[0] != '0') && str_to_u64(number, ret_number);
}

static enum rc path_parse(struct str *rest, struct tlog_path *ret_path, struct err *err)
{
    ret_path->count = 0;
    while (rest->p != NULL) {
        struct str line = str_cut(rest, '\n');
        size_t n = 0;
        if (line.n == 0 && rest->p != NULL)
            return RC_OK;
        if (ret_path->count == WITNESS_PROOF_MAX)
            return err_set(err, RC_INVALID, "the proof has more than %d lines", WITNESS_PROOF_MAX);
        if (!base64_decode(line, ret_path->hash[ret_path->count].bytes, TLOG_HASH_SIZE, &n) || n != TLOG_HASH_SIZE)
            return err_set(err, RC_INVALID, "line %zu of the proof is not base64 of %d bytes", ret_path->count + 1,
                           TLOG_HASH_SIZE);
        ret_path->count++;
    }
    return err_set(err, RC_INVALID, "no checkpoint follows the proof");
}

enum rc witness_request_parse(struct str body, struct witness_request *ret_request, struct err *err)
{
    if (body.n > WITNESS_REQUEST_MAX)
        return err_set(err, RC_INVALID, "the request has %zu bytes, more than %zu", body.n, WITNESS_REQUEST_MAX);
    struct str rest = body;
    if (!number_line(str_cut(&rest, '\n'), "old", &ret_request->old_size) || rest.p == NULL)
        return err_set(err, RC_INVALID, "the first line is not \"old <size>\"");
    enum rc rc = path_parse(&rest, &ret_request->path, err);
    ret_request->bytes = rest;
    if (rc == RC_OK && rest.n > WITNESS_NOTE_MAX)
        rc = err_set(err, RC_INVALID, "the checkpoint has %zu bytes, more than %zu", rest.n, WITNESS_NOTE_MAX);
    if (rc == RC_OK)
        rc = note_parse(rest, &ret_request->note, err);
    if (rc == RC_OK)
        rc = checkpoint_parse(ret_request->note.text, &ret_request->checkpoint, err);
    return rc == RC_OK ? RC_OK : RC_INVALID;
}

void witness_request_write(uint64_t old_size, const struct tlog_path *path, struct str note, struct buf *ret_body)
{
    char hash[HASH_BASE64];
    ASSERT(path->count <= WITNESS_PROOF_MAX);
    buf_text(ret_body, "old ");
    buf_u64(ret_body, old_size);
    buf_char(ret_body, '\n');
    for (size_t i = 0; i < path->count; i++) {
        buf_put(ret_body, hash, base64_encode(path->hash[i].bytes, TLOG_HASH_SIZE, hash));
        buf_char(ret_body, '\n');
    }
    buf_char(ret_body, '\n');
    buf_str(ret_body, note);
}

/* ---- the judgement ---- */

enum witness_status witness_signed(const struct witness_request *request, const struct note_key *keys, size_t count,
                                   struct err *err)
{
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        if (!str_is(request->checkpoint.origin, keys[i].name))
            continue;
        known = true;
        if (note_verify(&request->note, &keys[i], NULL, err) == RC_OK)
            return WITNESS_COSIGN;
    }
    if (known)
        return WITNESS_UNSIGNED;
    IGNORE(err_set(err, RC_NOT_FOUND, "no key of the log \"%.*s\" is known", STR_ARG(request->checkpoint.origin)));
    return WITNESS_UNKNOWN;
}

enum witness_status witness_judge(struct tlog_hasher *hasher, const struct tlog_head *seen,
                                  const struct witness_request *request, struct err *err)
{
    const struct tlog_head *head = &request->checkpoint.head;
    ASSERT(seen->size <= TLOG_SIZE_MAX);
    if (request->old_size > head->size) {
        IGNORE(err_set(err, RC_INVALID, "the old size %llu is above the checkpoint's %llu", /* the status says it */
                       (unsigned long long)request->old_size, (unsigned long long)head->size));
        return WITNESS_BAD;
    }
    if (request->old_size != seen->size) {
        IGNORE(err_set(err, RC_DENIED, "the old size is %llu, cosigned was %llu", /* the status says it */
                       (unsigned long long)request->old_size, (unsigned long long)seen->size));
        return WITNESS_CONFLICT;
    }
    if (head->size == seen->size && !tlog_hash_eq(&head->root, &seen->root)) {
        IGNORE(err_set(err, RC_DENIED, "another root was cosigned for %llu records", /* the status says it */
                       (unsigned long long)head->size));
        return WITNESS_CONFLICT;
    }
    if (!tlog_verify_consistency(hasher, seen, head, &request->path)) {
        IGNORE(err_set(err, RC_DENIED, "it is not proven that the tree of %llu begins that of %llu", /* as above */
                       (unsigned long long)seen->size, (unsigned long long)head->size));
        return WITNESS_UNPROVEN;
    }
    return WITNESS_COSIGN;
}

/* ---- the memory ---- */

enum rc witness_memory_init(struct witness_memory *ret_memory, struct str origin, struct err *err)
{
    struct witness_memory memory = {0};
    enum rc rc = note_name_check(origin, err);
    if (rc != RC_OK)
        return rc;
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (hasher == NULL)
        return err_set(err, RC_LIMIT, "out of memory");
    tlog_hash_bytes(hasher, STR_NONE, &memory.head.root);
    memcpy(memory.origin, origin.p, origin.n);
    *ret_memory = memory;
    return RC_OK;
}

void witness_memory_take(struct witness_memory *memory, const struct witness_request *request, uint64_t now_s)
{
    ASSERT(request->checkpoint.head.size >= memory->head.size);
    if (request->checkpoint.head.size > memory->head.size || memory->cosigned_s == 0)
        memory->grown_s = now_s;
    memory->head = request->checkpoint.head;
    memory->cosigned_s = now_s;
}

static bool of_known_key(const struct note_signature *signature, const struct note_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (signature->key_id == keys[i].id && str_is(signature->name, keys[i].name))
            return true;
    return false;
}

void witness_memory_write(const struct witness_memory *memory, const struct witness_request *request,
                          const struct note_key *keys, size_t count, struct str line, struct buf *ret_text)
{
    buf_format(ret_text, FIRST_LINE "\ncosigned %llu\ngrown %llu\n\n", (unsigned long long)memory->cosigned_s,
               (unsigned long long)memory->grown_s);
    buf_str(ret_text, request->note.text);
    buf_char(ret_text, '\n');
    size_t kept = 0; /* a log may repeat its line: the memory must stay a note that parses */
    for (size_t i = 0; i < request->note.count && kept < LOG_LINES_MAX; i++) {
        if (!of_known_key(&request->note.signature[i], keys, count))
            continue;
        buf_str(ret_text, request->note.signature[i].line);
        kept++;
    }
    buf_str(ret_text, line);
}

enum rc witness_memory_parse(struct str text, const struct note_key *own, struct witness_memory *ret_memory,
                             struct err *err)
{
    struct witness_memory memory = {0};
    struct note note;
    struct checkpoint checkpoint;
    struct str rest = text;
    if (!str_is(str_cut(&rest, '\n'), FIRST_LINE) ||
        !number_line(str_cut(&rest, '\n'), "cosigned", &memory.cosigned_s) ||
        !number_line(str_cut(&rest, '\n'), "grown", &memory.grown_s) || str_cut(&rest, '\n').n != 0 || rest.p == NULL)
        return err_set(err, RC_CORRUPT, "this is not a witness's memory of version 1");
    enum rc rc = note_parse(rest, &note, err);
    if (rc == RC_OK)
        rc = checkpoint_parse(note.text, &checkpoint, err);
    if (rc == RC_OK)
        rc = note_name_check(checkpoint.origin, err);
    uint64_t time_s = 0;
    if (rc == RC_OK)
        rc = note_verify(&note, own, &time_s, err);
    if (rc != RC_OK)
        return RC_CORRUPT;
    if (time_s != memory.cosigned_s || memory.grown_s > memory.cosigned_s)
        return err_set(err, RC_CORRUPT, "the times of the witness's memory are not those of its cosignature");
    memcpy(memory.origin, checkpoint.origin.p, checkpoint.origin.n);
    memory.head = checkpoint.head;
    *ret_memory = memory;
    return RC_OK;
}
