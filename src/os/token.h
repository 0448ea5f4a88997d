/* token.h - a secret key on a PKCS#11 token (a hardware module, a smart card) that encrypts and decrypts a few KiB.
 *
 * The key never leaves the token: the bytes go in and come out. AES-256-GCM (CKM_AES_GCM), a random nonce each time.
 *     sealed = nonce 12 | ciphertext | tag 16
 * Token, key and module are named by an RFC 7512 URI, one line, at most TOKEN_URI_MAX bytes:
 *     pkcs11:token=NAME;object=KEY?module-path=/usr/lib/…so&pin-source=file:/etc/qorgan/pin&x-qorgan-ring=/etc/…
 * - token and object (or id) must name one key; serial, manufacturer, model, slot-id narrow the choice;
 * - module-path: the module, an absolute path; without it the modules that p11-kit knows on this host;
 * - pin-source: `file:/path` or `credential:NAME` (systemd). There is no pin-value: a PIN is never in a setting;
 * - x-qorgan-ring: where os/vault.h keeps the sealed ring.
 *
 * Each call is a process of its own, which ends with it: a vendor's code never runs in the caller, and the session to
 * the token is as short as can be. A module that does not answer in TOKEN_WAIT_MS is killed. */
#ifndef OS_TOKEN_H
#define OS_TOKEN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "os/cipher.h"

#include <stdbool.h>

#define TOKEN_URI_MAX  1024
#define TOKEN_PATH_MAX 512
#define TOKEN_PIN_MAX  256
#define TOKEN_TEXT_MAX 4096                                  /* plain bytes of one call */
#define TOKEN_ROOM     (CIPHER_NONCE_SIZE + CIPHER_TAG_SIZE) /* sealed bytes beyond them */
#define TOKEN_WAIT_MS  30000

/* What a URI says for the caller; empty when it does not. */
struct token_places {
    char pin_source[TOKEN_PATH_MAX];
    char ring[TOKEN_PATH_MAX];
};

/* RC_INVALID: no URI of one key, a relative path, or a PIN in it; says what. */
enum rc token_uri_read(struct str uri, struct token_places *ret_places, struct err *err) MUST_USE;

struct token_call {
    struct str uri;
    struct str pin;        /* empty: the token has a pad of its own, or needs none */
    struct str associated; /* constant text that says what the bytes are */
    bool make_key;         /* a key that is not there is made on the token: not extractable, AES-256 */
};

/* RC_NOT_FOUND: module, token or key. RC_DENIED: the token refuses the PIN. RC_INVALID: more than one key, or the
 * module cannot do it. RC_IO: the module failed or did not answer. */
enum rc token_seal(const struct token_call *call, struct str plain, struct buf *ret_sealed, struct err *err) MUST_USE;
/* RC_CORRUPT: it was not sealed by this key, or was changed. The buffer should be secret memory. */
enum rc token_open(const struct token_call *call, struct str sealed, struct buf *ret_plain, struct err *err) MUST_USE;

#endif
