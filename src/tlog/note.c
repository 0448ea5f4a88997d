#include "tlog/note.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "tlog/ed25519.h"

#include <openssl/evp.h>
#include <string.h>

#define SIGNATURE_BASE64_MAX 8192
#define ED25519_SIZE         64
#define DASH                 "\xe2\x80\x94" /* U+2014 */

/* ---- characters ---- */

/* One UTF-8 sequence (RFC 3629): its length, 0 when it is none. No overlong forms, no surrogates. */
static size_t utf8_next(struct str s, uint32_t *ret_code)
{
    const uint8_t *p = (const uint8_t *)s.p;
    uint8_t first = p[0];
    if (first < 0x80) {
        *ret_code = first;
        return 1;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || s.n < length)
        return 0;
    uint32_t code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return length;
}

/* White_Space of Unicode beyond ASCII. */
static bool code_is_space(uint32_t code)
{
    return code == 0x20 || (code >= 0x09 && code <= 0x0d) || code == 0x85 || code == 0xa0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
           code == 0x3000;
}

/* Position of the first byte that may not stand in a note, or s.n. */
static size_t note_bad_byte(struct str s)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t code = 0;
        size_t length = utf8_next(str_skip(s, at), &code);
        if (length == 0 || (code < 0x20 && code != '\n'))
            return at;
        at += length;
    }
    return s.n;
}

enum rc note_name_check(struct str name, struct err *err)
{
    if (name.n == 0 || name.n > NOTE_NAME_MAX)
        return err_set(err, RC_INVALID, "key name has %zu bytes instead of 1 to %d", name.n, NOTE_NAME_MAX);
    for (size_t at = 0; at < name.n;) {
        uint32_t code = 0;
        size_t length = utf8_next(str_skip(name, at), &code);
        if (length == 0)
            return err_set(err, RC_INVALID, "key name is not UTF-8");
        if (code < 0x20 || code == 0x7f || code == '+' || code_is_space(code))
            return err_set(err, RC_INVALID, "key name has a space, a control character or a plus sign");
        at += length;
    }
    return RC_OK;
}

/* ---- keys ---- */

static bool key_id(struct str name, uint8_t type, const uint8_t public_key[32], uint32_t *ret_id)
{
    uint8_t bytes[NOTE_NAME_MAX + 2 + 32];
    uint8_t digest[TLOG_HASH_SIZE];
    ASSERT(name.n <= NOTE_NAME_MAX);
    memcpy(bytes, name.p, name.n);
    bytes[name.n] = '\n';
    bytes[name.n + 1] = type;
    memcpy(bytes + name.n + 2, public_key, 32);
    if (EVP_Q_digest(NULL, "SHA256", NULL, bytes, name.n + 34, digest, NULL) != 1)
        return false;
    *ret_id = get_be32(digest);
    return true;
}

enum rc note_key_init(struct note_key *ret_key, struct str name, enum note_type type, const uint8_t public_key[32],
                      struct err *err)
{
    enum rc rc = note_name_check(name, err);
    if (rc != RC_OK)
        return rc;
    struct note_key key = {.type = type};
    memcpy(key.name, name.p, name.n);
    memcpy(key.public_key, public_key, 32);
    if (!key_id(name, (uint8_t)type, public_key, &key.id))
        return err_set(err, RC_LIMIT, "could not compute SHA-256: out of memory");
    *ret_key = key;
    return RC_OK;
}

enum rc note_key_parse(struct str vkey, struct note_key *ret_key, struct err *err)
{
    struct str rest = str_trim(vkey);
    struct str name = str_cut(&rest, '+');
    struct str hash = str_cut(&rest, '+');
    uint8_t id[4];
    uint8_t bytes[33];
    size_t n = 0;
    if (rest.p == NULL || !hex_decode(hash, id, sizeof(id)) || !base64_decode(rest, bytes, sizeof(bytes), &n))
        return err_set(err, RC_INVALID, "key is not of the form name+hash+base64");
    if (n != sizeof(bytes) || (bytes[0] != NOTE_ED25519 && bytes[0] != NOTE_COSIGNATURE))
        return err_set(err, RC_INVALID,
                       "key is of a type that is not supported; Ed25519 (1) and cosignature/v1 (4) are");
    struct note_key key;
    enum rc rc = note_key_init(&key, name, (enum note_type)bytes[0], bytes + 1, err);
    if (rc != RC_OK)
        return rc;
    if (key.id != get_be32(id))
        return err_set(err, RC_INVALID, "key hash %.*s does not belong to the key; it was copied with an error",
                       STR_ARG(hash));
    *ret_key = key;
    return RC_OK;
}

void note_key_write(const struct note_key *key, struct buf *ret_text)
{
    uint8_t bytes[33];
    char base64[44];
    bytes[0] = (uint8_t)key->type;
    memcpy(bytes + 1, key->public_key, 32);
    size_t n = base64_encode(bytes, sizeof(bytes), base64);
    ASSERT(n == sizeof(base64));
    buf_format(ret_text, "%s+%08x+", key->name, key->id);
    buf_put(ret_text, base64, n);
}

/* ---- notes ---- */

/* One line without its newline. */
static bool signature_parse(struct str line, struct note_signature *ret_signature)
{
    uint8_t bytes[SIGNATURE_BASE64_MAX / 4 * 3];
    size_t n = 0;
    if (!str_starts(line, STR(DASH " ")))
        return false;
    struct str rest = str_skip(line, sizeof(DASH));
    struct str name = str_cut(&rest, ' ');
    if (rest.p == NULL || rest.n > SIGNATURE_BASE64_MAX || note_name_check(name, NULL) != RC_OK)
        return false;
    if (!base64_decode(rest, bytes, sizeof(bytes), &n) || n < 5)
        return false;
    ret_signature->name = name;
    ret_signature->key_id = get_be32(bytes);
    ret_signature->base64 = rest;
    return true;
}

/* Where the signatures begin: behind the last empty line; 0 when there is none. */
static size_t note_split(struct str bytes)
{
    for (size_t at = bytes.n; at >= 2; at--) {
        if (bytes.p[at - 1] == '\n' && bytes.p[at - 2] == '\n')
            return at;
    }
    return 0;
}

enum rc note_parse(struct str bytes, struct note *ret_note, struct err *err)
{
    if (bytes.n > NOTE_SIZE_MAX)
        return err_set(err, RC_LIMIT, "note has %zu bytes, more than %d", bytes.n, NOTE_SIZE_MAX);
    if (bytes.n == 0 || bytes.p[bytes.n - 1] != '\n')
        return err_set(err, RC_INVALID, "note does not end in a newline");
    size_t bad = note_bad_byte(bytes);
    if (bad != bytes.n) {
        enum rc rc = err_set(err, RC_INVALID, "note has a byte at %zu that may not stand there", bad);
        if (err != NULL)
            err->offset = bad;
        return rc;
    }
    size_t split = note_split(bytes);
    if (split < 2 || split == bytes.n)
        return err_set(err, RC_INVALID, "note has no signatures");
    ret_note->text = str_slice(bytes, 0, split - 1);
    ret_note->count = 0;
    struct str rest = str_slice(bytes, split, bytes.n - 1);
    while (rest.p != NULL) {
        struct note_signature signature = {.line = rest};
        struct str line = str_cut(&rest, '\n');
        signature.line.n = line.n + 1;
        if (ret_note->count == NOTE_SIGNATURES_MAX)
            return err_set(err, RC_LIMIT, "note has more than %d signatures", NOTE_SIGNATURES_MAX);
        if (!signature_parse(line, &signature))
            return err_set(err, RC_INVALID, "note's signature line %zu is malformed", ret_note->count + 1);
        ret_note->signature[ret_note->count++] = signature;
    }
    return RC_OK;
}

static bool signature_verify(const struct note *note, const struct note_signature *signature,
                             const struct note_key *key, uint64_t *ret_time_s)
{
    uint8_t bytes[4 + 8 + ED25519_SIZE + 3];
    size_t n = 0;
    *ret_time_s = 0;
    if (!base64_decode(signature->base64, bytes, sizeof(bytes), &n))
        return false;
    if (key->type == NOTE_ED25519)
        return n == 4 + ED25519_SIZE && ed25519_verify(key->public_key, note->text, bytes + 4);
    if (n != 4 + 8 + ED25519_SIZE || get_be64(bytes + 4) > INT64_MAX)
        return false;
    struct buf message CLEANUP(buf_done);
    buf_init(&message, NOTE_SIZE_MAX + 64);
    cosignature_message(get_be64(bytes + 4), note->text, &message);
    *ret_time_s = get_be64(bytes + 4);
    return !message.overflow && ed25519_verify(key->public_key, buf_view(&message), bytes + 12);
}

enum rc note_verify(const struct note *note, const struct note_key *key, uint64_t *ret_time_s, struct err *err)
{
    bool signed_by = false;
    uint64_t latest = 0;
    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *signature = &note->signature[i];
        uint64_t time_s = 0;
        if (signature->key_id != key->id || !str_is(signature->name, key->name))
            continue;
        if (!signature_verify(note, signature, key, &time_s))
            return err_set(err, RC_DENIED, "signature of \"%s\" does not verify", key->name);
        latest = MAX(latest, time_s);
        signed_by = true;
    }
    if (!signed_by)
        return err_set(err, RC_NOT_FOUND, "note is not signed by \"%s\" with key %08x", key->name, key->id);
    if (ret_time_s != NULL)
        *ret_time_s = latest;
    return RC_OK;
}
