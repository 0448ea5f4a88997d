#include "tlog/checkpoint.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

#define ROOT_BASE64 44

/* A decimal number in its one form: no sign, no leading zeroes. */
static bool number_parse(struct str s, uint64_t *ret_value)
{
    if (s.n > 1 && s.p[0] == '0')
        return false;
    return str_to_u64(s, ret_value);
}

enum rc checkpoint_parse(struct str text, struct checkpoint *ret_checkpoint, struct err *err)
{
    struct checkpoint checkpoint = {0};
    size_t n = 0;
    if (text.n == 0 || text.p[text.n - 1] != '\n')
        return err_set(err, RC_INVALID, "checkpoint does not end in a newline");
    struct str rest = text;
    checkpoint.origin = str_cut(&rest, '\n');
    struct str size = str_cut(&rest, '\n');
    struct str root = str_cut(&rest, '\n');
    if (rest.p == NULL || checkpoint.origin.n == 0)
        return err_set(err, RC_INVALID, "checkpoint has no origin, size and root on three lines");
    if (!number_parse(size, &checkpoint.head.size) || checkpoint.head.size > TLOG_SIZE_MAX)
        return err_set(err, RC_INVALID, "checkpoint's size is not a number");
    if (!base64_decode(root, checkpoint.head.root.bytes, TLOG_HASH_SIZE, &n) || n != TLOG_HASH_SIZE)
        return err_set(err, RC_INVALID, "checkpoint's root is not base64 of %d bytes", TLOG_HASH_SIZE);
    checkpoint.extensions = rest;
    while (rest.n > 0) {
        if (str_cut(&rest, '\n').n == 0)
            return err_set(err, RC_INVALID, "checkpoint has an empty extension line");
    }
    *ret_checkpoint = checkpoint;
    return RC_OK;
}

void checkpoint_write(struct str origin, const struct tlog_head *head, struct buf *ret_text)
{
    char root[ROOT_BASE64];
    size_t n = base64_encode(head->root.bytes, TLOG_HASH_SIZE, root);
    ASSERT(n == ROOT_BASE64);
    buf_str(ret_text, origin);
    buf_char(ret_text, '\n');
    buf_u64(ret_text, head->size);
    buf_char(ret_text, '\n');
    buf_put(ret_text, root, n);
    buf_char(ret_text, '\n');
}

enum rc checkpoint_sign(const struct signing_key *key, struct str origin, const struct tlog_head *head,
                        struct buf *ret_note, struct err *err)
{
    enum rc rc = note_name_check(origin, err);
    if (rc != RC_OK)
        return rc;
    if (!str_is(origin, signing_key_public(key)->name))
        return err_set(err, RC_INVALID, "origin \"%.*s\" is not the key's name \"%s\"", STR_ARG(origin),
                       signing_key_public(key)->name);
    struct buf text CLEANUP(buf_done);
    buf_init(&text, NOTE_SIZE_MAX);
    checkpoint_write(origin, head, &text);
    if (text.overflow)
        return err_set(err, RC_LIMIT, "could not sign the checkpoint: out of memory");
    buf_str(ret_note, buf_view(&text));
    buf_char(ret_note, '\n');
    return signing_key_sign(key, buf_view(&text), 0, ret_note, err);
}

enum rc checkpoint_open(struct str bytes, const struct note_key *key, struct note *ret_note,
                        struct checkpoint *ret_checkpoint, struct err *err)
{
    enum rc rc = note_parse(bytes, ret_note, err);
    if (rc == RC_OK)
        rc = checkpoint_parse(ret_note->text, ret_checkpoint, err);
    if (rc == RC_OK)
        rc = note_verify(ret_note, key, NULL, err);
    if (rc == RC_OK && !str_is(ret_checkpoint->origin, key->name))
        rc = err_set(err, RC_DENIED, "checkpoint is of \"%.*s\", not of \"%s\"", STR_ARG(ret_checkpoint->origin),
                     key->name);
    return rc;
}
