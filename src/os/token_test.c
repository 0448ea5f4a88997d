#include "os/token.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"
#include "os/vault.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static char folder[64];

static void file_write(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0400);
    IGNORE(write(fd, text, strlen(text)) < 0); /* what misses it fails */
    close(fd);
}

/* A token of SoftHSM in our folder. */
static bool token_make(const char *label)
{
    char text[256];
    snprintf(text, sizeof text, "%s/tokens", folder);
    IGNORE(mkdir(text, 0700) != 0); /* is there from the second token on */
    snprintf(text, sizeof text, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
             folder);
    char path[128];
    snprintf(path, sizeof path, "%s/softhsm.conf", folder);
    IGNORE(unlink(path) != 0);
    file_write("softhsm.conf", text);
    IGNORE(setenv("SOFTHSM2_CONF", path, 1) != 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        IGNORE(dup2(null, STDOUT_FILENO) < 0);
        execlp("softhsm2-util", "softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678",
               "--pin", "876543", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool tree_remove(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", path, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, NULL, 0) == pid;
}

static struct token_call call_of(const char *uri, const char *pin)
{
    return (struct token_call){.uri = str_of(uri), .pin = str_of(pin), .associated = STR("a test")};
}

struct uri_row {
    const char *uri;
    enum rc rc;
    const char *words;
};

static void uris(void)
{
    static const struct uri_row rows[] = {
        {"pkcs11:token=a;object=b?module-path=" MODULE "&x-qorgan-ring=/r", RC_OK, ""},
        {"pkcs11:token=a;id=%01?pin-source=file:/p", RC_OK, ""},
        {"pkcs11:serial=1;slot-id=3;object=b", RC_OK, ""},
        {"pkcs11:token=a", RC_INVALID, "names no key"},
        {"pkcs11:", RC_INVALID, "names no key"},
        {"pkcs11:token=a;object=b?pin-value=1234", RC_INVALID, "does not belong into a setting"},
        {"pkcs11:token=a;object=b?module-path=softhsm.so", RC_INVALID, "not absolute"},
        {"pkcs11:token=a;object=b?x-qorgan-ring=ring", RC_INVALID, "not an absolute path"},
        {"pkcs11:token=a;object=b;colour=red", RC_INVALID, "is not known"},
        {"pkcs11:token=%zz;object=b", RC_INVALID, "refused"},
        {"pkcs11:token", RC_INVALID, "refused"},
        {"file:/x", RC_INVALID, "refused"},
        {"", RC_INVALID, "refused"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_places places;
        struct err err = {0};
        test_row("%s", rows[i].uri);
        CHECK_INT(token_uri_read(str_of(rows[i].uri), &places, &err), rows[i].rc);
        CHECK(str_search(str_of(err.text), str_of(rows[i].words)) < strlen(err.text) || !rows[i].words[0]);
    }
    struct token_places places;
    char text[2 * TOKEN_URI_MAX];
    memset(text, 'a', sizeof text);
    CHECK_INT(token_uri_read(str_at(text, sizeof text), &places, NULL), RC_INVALID);
    CHECK_INT(token_uri_read(str_of(rows[0].uri), &places, NULL), RC_OK);
    CHECK_TEXT(str_of(places.ring), "/r");
}

static void seals_and_opens(void)
{
    static const char uri[] = "pkcs11:token=first;object=master?module-path=" MODULE;
    static char plain[TOKEN_TEXT_MAX];
    static uint8_t storage[TOKEN_TEXT_MAX + TOKEN_ROOM];
    static uint8_t again[TOKEN_TEXT_MAX + TOKEN_ROOM];
    static const size_t sizes[] = {1, 79, TOKEN_TEXT_MAX};
    struct err err = {0};
    struct buf sealed;
    struct buf back;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (char)(i * 31);
    struct token_call call = call_of(uri, "876543");
    buf_init_fixed(&sealed, storage, sizeof storage);
    CHECK_INT(token_seal(&call, STR("x"), &sealed, &err), RC_NOT_FOUND); /* no key is made by itself */
    CHECK(str_search(str_of(err.text), STR("no AES key")) < strlen(err.text));
    call.make_key = true;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        test_row("%zu bytes", sizes[i]);
        buf_init_fixed(&sealed, storage, sizeof storage);
        buf_init_fixed(&back, again, sizeof again);
        CHECK_INT(token_seal(&call, str_at(plain, sizes[i]), &sealed, &err), RC_OK);
        CHECK_INT(sealed.n, sizes[i] + TOKEN_ROOM);
        call.make_key = false;
        CHECK_INT(token_open(&call, buf_view(&sealed), &back, &err), RC_OK);
        CHECK_STR(buf_view(&back), str_at(plain, sizes[i]));
    }
    buf_init_fixed(&sealed, storage, sizeof storage);
    CHECK_INT(token_seal(&call, STR("abcdefgh"), &sealed, &err), RC_OK);
    for (size_t i = 0; i < sealed.n; i += 3) {
        test_row("byte %zu", i);
        storage[i] ^= 8;
        buf_init_fixed(&back, again, sizeof again);
        CHECK_INT(token_open(&call, buf_view(&sealed), &back, &err), RC_CORRUPT);
        CHECK_INT(back.n, 0);
        storage[i] ^= 8;
    }
    call.associated = STR("another meaning");
    CHECK_INT(token_open(&call, buf_view(&sealed), &back, &err), RC_CORRUPT);
    CHECK_INT(token_open(&call, str_at("short", 5), &back, &err), RC_CORRUPT);
}

/* The key is on the token and stays there; who has not all of token, key and PIN gets nothing. */
static void refusals(void)
{
    static const struct {
        const char *uri;
        const char *pin;
        enum rc rc;
    } rows[] = {
        {"pkcs11:token=first;object=master?module-path=" MODULE, "000000", RC_DENIED},
        {"pkcs11:token=first;object=master?module-path=" MODULE, "", RC_DENIED},
        {"pkcs11:token=first;object=other?module-path=" MODULE, "876543", RC_NOT_FOUND},
        {"pkcs11:token=third;object=master?module-path=" MODULE, "876543", RC_NOT_FOUND},
        {"pkcs11:token=first;object=master?module-path=/nonexistent.so", "876543", RC_NOT_FOUND},
        {"pkcs11:token=first;object=master?module-path=/bin/true", "876543", RC_NOT_FOUND},
        {"pkcs11:object=master?module-path=" MODULE, "876543", RC_INVALID}, /* two tokens */
        {"pkcs11:token=second;object=master?module-path=" MODULE, "876543", RC_CORRUPT},
    };
    uint8_t storage[256];
    struct buf sealed;
    struct err err = {0};
    struct token_call call = call_of(rows[0].uri, "876543");
    buf_init_fixed(&sealed, storage, sizeof storage);
    call.make_key = true;
    CHECK_INT(token_seal(&call, STR("text"), &sealed, &err), RC_OK);
    struct str bytes = buf_view(&sealed);
    uint8_t more[256];
    buf_init_fixed(&sealed, more, sizeof more);
    call = call_of("pkcs11:token=second;object=master?module-path=" MODULE, "876543");
    call.make_key = true;
    CHECK_INT(token_seal(&call, STR("text"), &sealed, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf back;
        test_row("%s %s", rows[i].uri, rows[i].pin);
        buf_init_fixed(&back, more, sizeof more);
        call = call_of(rows[i].uri, rows[i].pin);
        enum rc rc = token_open(&call, bytes, &back, &err);
        CHECK(rc == rows[i].rc || (rows[i].rc == RC_DENIED && !rows[i].pin[0] && rc == RC_IO));
        CHECK_INT(back.n, 0);
    }
}

/* The ring of a vault, behind a token. */
static void rings(void)
{
    char setting[512];
    char text[VAULT_RING_MAX];
    static char more[2 * VAULT_RING_MAX];
    char id[2][VAULT_ID_TEXT];
    struct buf ring;
    struct buf next;
    struct vault *vault = NULL;
    struct err err = {0};
    file_write("pin", "876543\n");
    snprintf(setting, sizeof setting,
             "pkcs11:token=first;object=ring?module-path=" MODULE "&pin-source=file:%s/pin&x-qorgan-ring=%s/ring",
             folder, folder);
    CHECK_INT(vault_setting_check(str_of(setting), &err), RC_OK);
    CHECK_INT(vault_open(str_of(setting), &vault, &err), RC_NOT_FOUND);
    buf_init_fixed(&ring, text, sizeof text);
    CHECK_INT(vault_ring_add(STR_NONE, &ring, &err), RC_OK);
    CHECK_INT(vault_ring_store(str_of(setting), buf_view(&ring), false, &err), RC_OK);
    CHECK_INT(vault_ring_store(str_of(setting), buf_view(&ring), false, &err), RC_EXISTS);
    if (!CHECK_INT(vault_open(str_of(setting), &vault, &err), RC_OK))
        return;
    vault_id(vault, 0, id[0]);
    vault_free(vault);
    buf_init_fixed(&next, more, sizeof more);
    CHECK_INT(vault_ring_add(buf_view(&ring), &next, &err), RC_OK);
    CHECK_INT(vault_ring_store(str_of(setting), buf_view(&next), true, &err), RC_OK);
    CHECK_INT(vault_open(str_of(setting), &vault, &err), RC_OK);
    CHECK_INT(vault_count(vault), 2);
    vault_id(vault, 1, id[1]);
    CHECK_TEXT(str_of(id[1]), id[0]);
    vault_free(vault);
    char path[128];
    static char stored[2 * VAULT_RING_MAX];
    snprintf(path, sizeof path, "%s/ring", folder);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, stored, sizeof stored);
    close(fd);
    CHECK(n > 0 && str_search(str_at(stored, (size_t)n), STR("qorgan-master-key")) == (size_t)n);
    CHECK_INT(vault_open(STR("pkcs11:token=first;object=ring?module-path=" MODULE), &vault, &err), RC_INVALID);
}

static const struct test tests[] = {
    {"uris", uris},
    {"seals and opens", seals_and_opens},
    {"refusals", refusals},
    {"rings", rings},
};

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "/tmp/qorgan-token-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    if (!token_make("first") || !token_make("second")) {
        fprintf(stderr, "softhsm2-util made no token\n");
        return 1;
    }
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    tree_remove(folder);
    return status;
}
