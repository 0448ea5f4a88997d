#include "os/vault.h"

#include "base/bytes.h"
#include "base/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The key 00 01 .. 1f; golden for ever: files name it. */
static const char golden[] = "qorgan-master-key 1 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

static const struct vault_place here = {.uuid = {1, 2, 3}, .kind = VAULT_SEGMENT, .first = 300, .serial = 77};

static struct vault *vault_of(const char *ring)
{
    struct vault *vault = NULL;
    struct err err = {0};
    if (!CHECK_INT(vault_new(str_of(ring), &vault, &err), RC_OK))
        printf("# %s\n", err.text);
    return vault;
}

struct ring_row {
    const char *ring;
    enum rc rc;
    const char *text;
};

static void rings(void)
{
    char twice[2 * sizeof golden];
    char comment[2 * sizeof golden];
    snprintf(twice, sizeof twice, "%s%s", golden, golden);
    snprintf(comment, sizeof comment, "# our key\n\n%s\n", golden);
    const struct ring_row rows[] = {
        {golden, RC_OK, ""},
        {comment, RC_OK, ""},
        {"", RC_INVALID, "there is no master key in it"},
        {"# only words\n", RC_INVALID, "there is no master key in it"},
        {twice, RC_INVALID, "line 2: the master key stands there twice"},
        {"qorgan-master-key 2 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", RC_INVALID,
         "line 1 is not a master key of version 1"},
        {"qorgan-master-key 1 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", RC_INVALID,
         "line 1 is not a master key of version 1"},
        {"qorgan-master-key 1 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", RC_INVALID,
         "line 1 is not a master key of version 1"},
        {"qorgan-master-key 1 0000000000000000 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", RC_INVALID,
         "line 1: the master key is not 0000000000000000: the line is damaged"},
        {"PRIVATE+KEY+other", RC_INVALID, "line 1 is not a master key of version 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct vault *vault = NULL;
        struct err err = {0};
        test_row("ring %zu", i);
        CHECK_INT(vault_new(str_of(rows[i].ring), &vault, &err), rows[i].rc);
        CHECK_TEXT(str_of(err.text), rows[i].text);
        vault_free(vault);
    }
}

static void adding(void)
{
    char one[VAULT_RING_MAX];
    char two[VAULT_RING_MAX];
    char id[VAULT_ID_TEXT];
    char again[VAULT_ID_TEXT];
    struct buf ring;
    struct buf longer;
    buf_init_fixed(&ring, one, sizeof one - 1);
    buf_init_fixed(&longer, two, sizeof two - 1);
    CHECK_INT(vault_ring_add(STR_NONE, &ring, NULL), RC_OK);
    CHECK_INT(vault_ring_add(buf_view(&ring), &longer, NULL), RC_OK);
    struct vault *first = vault_of(buf_z(&ring));
    struct vault *both = vault_of(buf_z(&longer));
    CHECK_INT(vault_count(first), 1);
    CHECK_INT(vault_count(both), 2);
    vault_id(first, 0, id);
    vault_id(both, 1, again);
    CHECK_TEXT(str_of(again), id);
    vault_id(both, 0, again);
    CHECK(strcmp(again, id) != 0);
    vault_free(first);
    vault_free(both);
}

static void blobs(void)
{
    uint8_t key[CIPHER_KEY_SIZE];
    uint8_t back[CIPHER_KEY_SIZE];
    uint8_t blob[VAULT_BLOB_SIZE];
    char id[VAULT_ID_TEXT];
    struct err err = {0};
    struct vault *vault = vault_of(golden);
    CHECK_INT(vault_key_make(vault, &here, key, blob, &err), RC_OK);
    struct str bytes = str_at(blob, sizeof blob);
    CHECK_INT(vault_key_open(vault, &here, bytes, back, &err), RC_OK);
    CHECK_STR(str_at(back, sizeof back), str_at(key, sizeof key));
    CHECK_INT(vault_blob_cipher(bytes), CIPHER_AES_256_GCM);
    CHECK_INT(vault_blob_id(bytes, id, &err), RC_OK);
    CHECK_TEXT(str_of(id), "25aac1b8a5f4a682");
    struct vault_place elsewhere[4] = {here, here, here, here};
    elsewhere[0].uuid[15] = 1;
    elsewhere[1].kind = VAULT_LOG;
    elsewhere[2].first++;
    elsewhere[3].serial++;
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
        test_row("place %zu", i);
        CHECK_INT(vault_key_open(vault, &elsewhere[i], bytes, back, &err), RC_CORRUPT);
    }
    for (size_t i = 0; i < sizeof blob; i++) {
        test_row("byte %zu", i);
        blob[i] ^= 0x10;
        CHECK_INT(vault_key_open(vault, &here, bytes, back, &err), RC_CORRUPT);
        put_be32(blob + sizeof blob - 4, crc32c(0, blob, sizeof blob - 4)); /* one who knows the format */
        enum rc rc = vault_key_open(vault, &here, bytes, back, &err);
        bool unused = (i >= 10 && i < 12) || (i >= 80); /* zeros, which say nothing, and the crc */
        CHECK(unused ? rc == RC_OK : rc != RC_OK);
        blob[i] ^= 0x10;
        put_be32(blob + sizeof blob - 4, crc32c(0, blob, sizeof blob - 4));
        CHECK_INT(vault_key_open(vault, &here, str_at(blob, i), back, &err), RC_CORRUPT);
    }
    vault_free(vault);
}

static void missing_and_rotated(void)
{
    char text[VAULT_RING_MAX];
    struct buf ring;
    struct err err = {0};
    uint8_t key[CIPHER_KEY_SIZE];
    uint8_t back[CIPHER_KEY_SIZE];
    uint8_t blob[VAULT_BLOB_SIZE];
    uint8_t next[VAULT_BLOB_SIZE];
    bool changed = true;
    struct vault *old = vault_of(golden);
    CHECK_INT(vault_key_make(old, &here, key, blob, &err), RC_OK);
    buf_init_fixed(&ring, text, sizeof text - 1);
    CHECK_INT(vault_ring_add(STR_NONE, &ring, NULL), RC_OK);
    struct vault *other = vault_of(buf_z(&ring));
    buf_text(&ring, golden);
    struct vault *both = vault_of(buf_z(&ring));
    CHECK_INT(vault_key_open(NULL, &here, str_at(blob, sizeof blob), back, &err), RC_DENIED);
    CHECK_TEXT(str_of(err.text), "it is encrypted, and no master key was given; it needs master key 25aac1b8a5f4a682");
    CHECK_INT(vault_key_open(other, &here, str_at(blob, sizeof blob), back, &err), RC_DENIED);
    CHECK(str_starts(str_of(err.text), STR("it needs master key 25aac1b8a5f4a682, which is not among the 1 given")));
    CHECK_INT(vault_key_rewrap(old, &here, str_at(blob, sizeof blob), next, &changed, &err), RC_OK);
    CHECK(!changed && memcmp(blob, next, sizeof blob) == 0);
    CHECK_INT(vault_key_rewrap(both, &here, str_at(blob, sizeof blob), next, &changed, &err), RC_OK);
    CHECK(changed);
    CHECK_INT(vault_key_open(other, &here, str_at(next, sizeof next), back, &err), RC_OK);
    CHECK_STR(str_at(back, sizeof back), str_at(key, sizeof key));
    CHECK_INT(vault_key_open(old, &here, str_at(next, sizeof next), back, &err), RC_DENIED);
    vault_free(old);
    vault_free(other);
    vault_free(both);
}

static char folder[64];

static void setting_of(const char *name, char ret_setting[128])
{
    snprintf(ret_setting, 128, "file:%s/%s", folder, name);
}

static void files(void)
{
    char setting[128];
    struct vault *vault = NULL;
    struct err err = {0};
    setting_of("master.key", setting);
    CHECK_INT(vault_open(str_of(setting), &vault, &err), RC_NOT_FOUND);
    CHECK_INT(vault_file_create(setting + 5, str_of(golden), &err), RC_OK);
    CHECK_INT(vault_file_create(setting + 5, str_of(golden), &err), RC_EXISTS);
    CHECK_INT(vault_open(str_of(setting), &vault, &err), RC_OK);
    vault_free(vault);
    CHECK(chmod(setting + 5, 0440) == 0);
    CHECK_INT(vault_open(str_of(setting), &vault, &err), RC_DENIED);
    CHECK(str_search(str_of(err.text), STR("mode 0440")) < strlen(err.text));
    CHECK(chmod(setting + 5, 0400) == 0);
    CHECK_INT(vault_file_replace(setting + 5, str_of(golden), &err), RC_OK);
    CHECK_INT(vault_open(str_of(setting), &vault, &err), RC_OK);
    vault_free(vault);
    CHECK(setenv("CREDENTIALS_DIRECTORY", folder, 1) == 0);
    CHECK(chmod(setting + 5, 0440) == 0);
    CHECK_INT(vault_open(STR("credential:master.key"), &vault, &err), RC_OK);
    vault_free(vault);
    CHECK_INT(vault_open(STR("credential:../master.key"), &vault, &err), RC_INVALID);
    CHECK_INT(vault_open(STR("credential:none"), &vault, &err), RC_NOT_FOUND);
    CHECK(unsetenv("CREDENTIALS_DIRECTORY") == 0);
    CHECK_INT(vault_open(STR("credential:master.key"), &vault, &err), RC_NOT_FOUND);
    CHECK_INT(vault_open(STR("off"), &vault, &err), RC_OK);
    CHECK(vault == NULL && vault_count(NULL) == 0);
    CHECK_INT(vault_open(STR("vault:x"), &vault, &err), RC_INVALID);
    char pipe[128];
    setting_of("pipe", pipe);
    CHECK(mkfifo(pipe + 5, 0400) == 0);
    CHECK_INT(vault_open(str_of(pipe), &vault, &err), RC_INVALID); /* and does not wait */
    unlink(pipe + 5);
    CHECK(geteuid() != 0 || chown(setting + 5, 65534, 65534) == 0);
    CHECK(geteuid() != 0 || chmod(setting + 5, 0400) == 0);
    CHECK(geteuid() != 0 || vault_open(str_of(setting), &vault, &err) == RC_DENIED);
    unlink(setting + 5);
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? (uint64_t)st.st_size : UINT64_MAX;
}

/* A ring that could not be written whole leaves nothing under its name, and the old one as it was. */
static void files_are_whole(void)
{
    char setting[128];
    char next[160];
    struct err err = {0};
    struct rlimit before;
    setting_of("ring", setting);
    snprintf(next, sizeof next, "%s.tmp", setting + 5);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit small = {20, before.rlim_max};
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    CHECK_INT(vault_file_create(setting + 5, str_of(golden), &err), RC_IO);
    CHECK(size_of(setting + 5) == UINT64_MAX && size_of(next) == UINT64_MAX);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK_INT(vault_file_create(setting + 5, str_of(golden), &err), RC_OK);
    CHECK_INT(size_of(setting + 5), strlen(golden));
    CHECK(size_of(next) == UINT64_MAX);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    CHECK_INT(vault_file_replace(setting + 5, str_of(golden), &err), RC_IO);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK_INT(size_of(setting + 5), strlen(golden));
    CHECK(size_of(next) == UINT64_MAX);
    CHECK_INT(vault_file_create(setting + 5, str_of(golden), &err), RC_EXISTS);
    unlink(setting + 5);
}

static const struct test tests[] = {
    {"rings", rings}, {"adding", adding},
    {"blobs", blobs}, {"missing and rotated", missing_and_rotated},
    {"files", files}, {"files are whole", files_are_whole},
};

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "/tmp/qorgan-vault-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    rmdir(folder);
    return status;
}
