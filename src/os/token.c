#include "os/token.h"

#include "base/assert.h"
#include "os/cipher.h"
#include "os/random.h"

#include <errno.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS_MAX 64
#define NONCE     CIPHER_NONCE_SIZE
#define URI_FOR   (P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE | P11_KIT_URI_FOR_SLOT)

/* ---- the URI ---- */

static enum rc uri_parse(struct str text, P11KitUri **ret_uri, struct err *err)
{
    char z[TOKEN_URI_MAX];
    if (!str_copy_z(text, z, sizeof z))
        return err_set(err, RC_INVALID, "a PKCS#11 URI has at most %d bytes", TOKEN_URI_MAX - 1);
    P11KitUri *uri = p11_kit_uri_new();
    if (!uri)
        return err_set(err, RC_LIMIT, "no memory for the token's URI");
    int result = p11_kit_uri_parse(z, URI_FOR, uri);
    const char *wrong = NULL;
    const char *module = p11_kit_uri_get_module_path(uri);
    if (result != P11_KIT_URI_OK)
        wrong = p11_kit_uri_message(result);
    else if (p11_kit_uri_any_unrecognized(uri))
        wrong = "a part of it is not known";
    else if (!p11_kit_uri_get_attribute(uri, CKA_LABEL) && !p11_kit_uri_get_attribute(uri, CKA_ID))
        wrong = "it names no key: object= or id= is missing";
    else if (p11_kit_uri_get_pin_value(uri))
        wrong = "a PIN does not belong into a setting: pin-source=file:/path or pin-source=credential:NAME";
    else if (module && module[0] != '/')
        wrong = "module-path is not absolute";
    if (wrong) {
        p11_kit_uri_free(uri);
        return err_set(err, RC_INVALID, "the PKCS#11 URI is refused: %s", wrong);
    }
    *ret_uri = uri;
    return RC_OK;
}

enum rc token_uri_read(struct str text, struct token_places *ret_places, struct err *err)
{
    P11KitUri *uri = NULL;
    *ret_places = (struct token_places){"", ""};
    enum rc rc = uri_parse(text, &uri, err);
    if (rc != RC_OK)
        return rc;
    const char *pin = p11_kit_uri_get_pin_source(uri);
    const char *ring = p11_kit_uri_get_vendor_query(uri, "x-qorgan-ring");
    bool fits = (!pin || str_copy_z(str_of(pin), ret_places->pin_source, sizeof ret_places->pin_source)) &&
                (!ring || str_copy_z(str_of(ring), ret_places->ring, sizeof ret_places->ring));
    bool absolute = !ring || ring[0] == '/';
    p11_kit_uri_free(uri);
    return fits && absolute ? RC_OK
                            : err_set(err, RC_INVALID,
                                      "the PKCS#11 URI is refused: x-qorgan-ring is not an absolute path "
                                      "or a path is too long");
}

/* ---- in the process of one call ---- */

struct work {
    const struct token_call *call;
    struct str in;
    bool seal;
    P11KitUri *uri;
    CK_FUNCTION_LIST **modules; /* ended by NULL */
    CK_FUNCTION_LIST *single[2];
    CK_FUNCTION_LIST *module; /* of the token */
    CK_SLOT_ID slot;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    uint8_t out[TOKEN_TEXT_MAX + TOKEN_ROOM];
    size_t out_n;
    struct err err;
};

static enum rc failed(struct work *w, CK_RV rv, const char *doing)
{
    bool pin = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_EXPIRED ||
               rv == CKR_USER_PIN_NOT_INITIALIZED || rv == CKR_USER_NOT_LOGGED_IN;
    bool cannot = rv == CKR_MECHANISM_INVALID || rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_KEY_TYPE_INCONSISTENT ||
                  rv == CKR_KEY_FUNCTION_NOT_PERMITTED;
    return err_set(&w->err,
                   pin      ? RC_DENIED
                   : cannot ? RC_INVALID
                            : RC_IO,
                   "the token could not %s: %s", doing, p11_kit_strerror(rv));
}

static enum rc modules_load(struct work *w)
{
    const char *path = p11_kit_uri_get_module_path(w->uri);
    if (!path) {
        w->modules = p11_kit_modules_load_and_initialize(0);
        return w->modules && w->modules[0] ? RC_OK
                                           : err_set(&w->err, RC_NOT_FOUND, "p11-kit knows no PKCS#11 module here");
    }
    w->single[0] = p11_kit_module_load(path, 0);
    if (!w->single[0])
        return err_set(&w->err, RC_NOT_FOUND, "could not load the PKCS#11 module \"%s\"", path);
    CK_RV rv = p11_kit_module_initialize(w->single[0]);
    w->modules = w->single;
    return rv == CKR_OK ? RC_OK : failed(w, rv, "be set up by its module");
}

static bool slot_fits(struct work *w, CK_FUNCTION_LIST *module, CK_SLOT_ID slot)
{
    CK_SLOT_INFO info;
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(w->uri);
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) && module->C_GetSlotInfo(slot, &info) == CKR_OK &&
           p11_kit_uri_match_slot_info(w->uri, &info) == 1 && module->C_GetTokenInfo(slot, &w->token) == CKR_OK &&
           (w->token.flags & CKF_TOKEN_INITIALIZED) && p11_kit_uri_match_token_info(w->uri, &w->token) == 1;
}

static enum rc token_find(struct work *w)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    size_t found = 0;
    for (size_t m = 0; w->modules[m]; m++) {
        CK_ULONG count = SLOTS_MAX;
        CK_INFO info;
        if (w->modules[m]->C_GetInfo(&info) != CKR_OK || p11_kit_uri_match_module_info(w->uri, &info) != 1 ||
            w->modules[m]->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
            continue;
        for (CK_ULONG i = 0; i < count && i < SLOTS_MAX; i++)
            if (slot_fits(w, w->modules[m], slots[i])) {
                w->module = w->modules[m];
                w->slot = slots[i];
                found++;
            }
    }
    if (found == 0)
        return err_set(&w->err, RC_NOT_FOUND, "there is no token as the PKCS#11 URI names it");
    if (found > 1)
        return err_set(&w->err, RC_INVALID, "%zu tokens are as the PKCS#11 URI names them: add serial=", found);
    return w->module->C_GetTokenInfo(w->slot, &w->token) == CKR_OK ? RC_OK
                                                                   : err_set(&w->err, RC_IO, "the token is gone");
}

static enum rc session_begin(struct work *w)
{
    CK_FLAGS flags = CKF_SERIAL_SESSION | (w->call->make_key ? CKF_RW_SESSION : 0);
    CK_RV rv = w->module->C_OpenSession(w->slot, flags, NULL, NULL, &w->session);
    if (rv != CKR_OK)
        return failed(w, rv, "open a session");
    struct str pin = w->call->pin;
    if (!(w->token.flags & CKF_LOGIN_REQUIRED))
        return RC_OK;
    unsigned char *bytes = pin.n ? (unsigned char *)(uintptr_t)pin.p : NULL; /* the interface knows no const */
    rv = w->module->C_Login(w->session, CKU_USER, bytes, pin.n);
    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? RC_OK : failed(w, rv, "take the PIN");
}

static enum rc key_make(struct work *w)
{
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG size = CIPHER_KEY_SIZE;
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE attributes[12] = {
        {CKA_TOKEN, &yes, sizeof yes},       {CKA_PRIVATE, &yes, sizeof yes},  {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},   {CKA_ENCRYPT, &yes, sizeof yes},  {CKA_DECRYPT, &yes, sizeof yes},
        {CKA_VALUE_LEN, &size, sizeof size}, {CKA_MODIFIABLE, &no, sizeof no},
    };
    CK_ULONG count = 8;
    static const CK_ATTRIBUTE_TYPE names[] = {CKA_LABEL, CKA_ID};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const CK_ATTRIBUTE *name = p11_kit_uri_get_attribute(w->uri, names[i]);
        if (name)
            attributes[count++] = *name;
    }
    CK_RV rv = w->module->C_GenerateKey(w->session, &mechanism, attributes, count, &w->key);
    return rv == CKR_OK ? RC_OK : failed(w, rv, "make the key");
}

static enum rc key_find(struct work *w)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE wanted[4] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 2;
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(w->uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(w->uri, CKA_ID);
    if (label)
        wanted[count++] = *label;
    if (id)
        wanted[count++] = *id;
    CK_RV rv = w->module->C_FindObjectsInit(w->session, wanted, count);
    if (rv == CKR_OK)
        rv = w->module->C_FindObjects(w->session, found, ARRAY_LEN(found), &count);
    if (rv == CKR_OK)
        rv = w->module->C_FindObjectsFinal(w->session);
    if (rv != CKR_OK)
        return failed(w, rv, "look for the key");
    if (count > 1)
        return err_set(&w->err, RC_INVALID, "more than one AES key is as the PKCS#11 URI names it");
    if (count == 0)
        return w->call->make_key ? key_make(w)
                                 : err_set(&w->err, RC_NOT_FOUND,
                                           "the token has no AES key as the PKCS#11 URI names it (or hides it)");
    w->key = found[0];
    return RC_OK;
}

static enum rc key_use(struct work *w)
{
    uint8_t nonce[NONCE];
    struct str in = w->in;
    uint8_t *out = w->out;
    if (w->seal) {
        random_bytes(nonce, sizeof nonce);
        memcpy(w->out, nonce, sizeof nonce);
        out += sizeof nonce;
    } else {
        memcpy(nonce, in.p, sizeof nonce);
        in = str_skip(in, sizeof nonce);
    }
    struct ck_gcm_params gcm = {
        .iv_ptr = nonce,
        .iv_len = sizeof nonce,
        .iv_bits = 8 * sizeof nonce,
        .aad_ptr = (unsigned char *)(uintptr_t)w->call->associated.p, /* the interface knows no const */
        .aad_len = w->call->associated.n,
        .tag_bits = 8 * CIPHER_TAG_SIZE,
    };
    CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm, sizeof gcm};
    CK_ULONG n = sizeof w->out - (size_t)(out - w->out);
    unsigned char *bytes = (unsigned char *)(uintptr_t)in.p;
    CK_RV rv = w->seal ? w->module->C_EncryptInit(w->session, &mechanism, w->key)
                       : w->module->C_DecryptInit(w->session, &mechanism, w->key);
    if (rv != CKR_OK)
        return failed(w, rv, "use the key for AES-GCM");
    rv = w->seal ? w->module->C_Encrypt(w->session, bytes, in.n, out, &n)
                 : w->module->C_Decrypt(w->session, bytes, in.n, out, &n);
    if (rv != CKR_OK && !w->seal && rv != CKR_DEVICE_ERROR && rv != CKR_DEVICE_REMOVED)
        return err_set(&w->err, RC_CORRUPT, "the token did not seal these bytes with this key, or they were changed");
    if (rv != CKR_OK)
        return failed(w, rv, "encrypt");
    w->out_n = (size_t)(out - w->out) + n;
    size_t want = w->seal ? w->in.n + TOKEN_ROOM : w->in.n - TOKEN_ROOM;
    return w->out_n == want
               ? RC_OK
               : err_set(&w->err, RC_INVALID, "the token gave %zu bytes where AES-GCM has %zu", w->out_n, want);
}

static void work_run(struct work *w)
{
    enum rc rc = uri_parse(w->call->uri, &w->uri, &w->err);
    rc = rc == RC_OK ? modules_load(w) : rc;
    rc = rc == RC_OK ? token_find(w) : rc;
    rc = rc == RC_OK ? session_begin(w) : rc;
    rc = rc == RC_OK ? key_find(w) : rc;
    rc = rc == RC_OK ? key_use(w) : rc;
    if (rc == RC_OK)
        w->err.code = RC_OK;
    if (w->session) {
        IGNORE(w->module->C_Logout(w->session) != CKR_OK); /* the session goes anyway */
        IGNORE(w->module->C_CloseSession(w->session) != CKR_OK);
    }
    if (w->modules == w->single)
        IGNORE(p11_kit_module_finalize(w->single[0]) != CKR_OK);
    else if (w->modules)
        p11_kit_modules_finalize_and_release(w->modules);
}

/* ---- the caller ---- */

static bool child_wait(pid_t pid)
{
    static const struct timespec pause = {0, 5000000};
    int status = 0;
    for (int waited_ms = 0; waited_ms < TOKEN_WAIT_MS; waited_ms += 5) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (got < 0 && errno != EINTR)
            return false;
        IGNORE(nanosleep(&pause, NULL) != 0); /* only sooner */
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return false;
}

static _Noreturn void child_run(struct work *w)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    work_run(w);
    _exit(0); /* nothing of the caller's is flushed or ended twice */
}

/* The answer comes back through memory that both share: it lies nowhere else, and is wiped. */
static enum rc run(const struct token_call *call, struct str in, bool seal, struct buf *ret_out, struct err *err)
{
    struct work *w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w == MAP_FAILED)
        return err_set(err, RC_LIMIT, "no memory for the token's answer");
    IGNORE(mlock(w, sizeof *w) != 0); /* as secret_new: swap is the host's matter */
    IGNORE(madvise(w, sizeof *w, MADV_DONTDUMP) != 0);
    *w = (struct work){.call = call, .in = in, .seal = seal};
    w->err.code = RC_IO;
    snprintf(w->err.text, sizeof w->err.text, "the PKCS#11 module ended without an answer");
    pid_t pid = fork();
    if (pid == 0)
        child_run(w);
    enum rc rc = RC_OK;
    if (pid < 0)
        rc = err_errno(err, errno, "could not start a process for the token");
    else if (!child_wait(pid) && w->err.code == RC_OK)
        rc = err_set(err, RC_IO, "the PKCS#11 module did not end");
    else if (w->err.code != RC_OK)
        rc = err_set(err, w->err.code, "%s", w->err.text);
    if (rc == RC_OK) {
        buf_put(ret_out, w->out, MIN(w->out_n, sizeof w->out));
        if (ret_out->overflow)
            rc = err_set(err, RC_LIMIT, "no room for the token's answer");
    }
    secret_wipe(w, sizeof *w);
    munmap(w, sizeof *w);
    return rc;
}

enum rc token_seal(const struct token_call *call, struct str plain, struct buf *ret_sealed, struct err *err)
{
    ASSERT(plain.n > 0 && plain.n <= TOKEN_TEXT_MAX);
    return run(call, plain, true, ret_sealed, err);
}

enum rc token_open(const struct token_call *call, struct str sealed, struct buf *ret_plain, struct err *err)
{
    if (sealed.n <= TOKEN_ROOM || sealed.n > TOKEN_TEXT_MAX + TOKEN_ROOM)
        return err_set(err, RC_CORRUPT, "what the token should open is cut short or too long");
    return run(call, sealed, false, ret_plain, err);
}
