/* rule_packs_sign.c - `qorgan rules pack DIR`: for who gives rules away. Writes DIR/pack.note, which says what is in
 * the pack and is signed. */
#include "cmd/cmd.h"
#include "cmd/rule_packs.h"
#include "codec/json.h"
#include "os/file.h"
#include "role/rule_packs.h"
#include "tlog/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY_FILE_MAX 4096u
#define PATH_ROOM    4096u

/* A new key where there is none yet: nobody else may read it, and a file that is there is never written over. */
static enum rc key_make(const char *path, struct str name, struct signing_key **ret_key, struct err *err)
{
    char storage[KEY_FILE_MAX];
    struct buf text;
    enum rc rc = signing_key_generate(name, NOTE_ED25519, ret_key, err);
    if (rc != RC_OK)
        return rc;
    buf_init_fixed(&text, storage, sizeof storage);
    signing_key_write(*ret_key, &text);
    buf_char(&text, '\n');
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        rc = err_errno(err, errno, "could not create the key \"%s\"", path);
    rc = rc == RC_OK ? file_write_at(&io_kernel, fd, buf_view(&text), 0, err) : rc;
    if (rc == RC_OK && fsync(fd) != 0)
        rc = err_errno(err, errno, "could not write the key \"%s\"", path);
    if (fd >= 0)
        close(fd);
    key_cleanse(storage, sizeof storage);
    return rc;
}

static enum rc key_take(const char *path, struct str name, struct signing_key **ret_key, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * KEY_FILE_MAX);
    struct str text = STR("");
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for a key");
    enum rc rc = file_load_path(path, KEY_FILE_MAX, arena, &text, err);
    if (rc == RC_NOT_FOUND)
        return key_make(path, name, ret_key, err);
    rc = rc == RC_OK ? signing_key_parse(text, ret_key, err) : rc;
    if (text.n)
        key_cleanse((char *)(uintptr_t)text.p, text.n);
    if (rc == RC_OK && signing_key_public(*ret_key)->type != NOTE_ED25519)
        rc = err_set(err, RC_INVALID, "\"%s\" is the key of a witness; packs are signed with one of their own", path);
    return rc;
}

static enum rc note_write(const char *folder, const struct signing_key *key, const struct rule_pack *pack,
                          struct err *err)
{
    struct buf note CLEANUP(buf_done) = {0};
    struct buf line CLEANUP(buf_done) = {0};
    struct err why;
    buf_init(&note, NOTE_SIZE_MAX);
    buf_init(&line, NOTE_SIZE_MAX);
    rule_statement_write(pack, &note);
    enum rc rc = signing_key_sign(key, buf_view(&note), 0, &line, err);
    buf_char(&note, '\n');
    buf_str(&note, buf_view(&line));
    if (rc == RC_OK && rule_statement_verify(buf_view(&note), signing_key_public(key), pack, &why) != RC_OK)
        rc = err_set(err, RC_CORRUPT, "the signature that was made does not verify: %s", why.text);
    int fd = rc == RC_OK ? io_open_folder(folder) : -1;
    if (rc == RC_OK && fd < 0)
        rc = err_errno(err, -fd, "could not open the folder \"%s\"", folder);
    rc = rc == RC_OK ? file_replace(&io_kernel, fd, RULE_PACK_NOTE, buf_view(&note), err) : rc;
    if (fd >= 0)
        close(fd);
    return rc;
}

static void done_print(const struct rule_pack *pack, const struct signing_key *key, bool json)
{
    char text[NOTE_KEY_TEXT_MAX + 1];
    struct buf line CLEANUP(buf_done) = {0};
    struct buf verifier;
    buf_init(&line, PATH_ROOM);
    buf_init_fixed(&verifier, text, sizeof text);
    note_key_write(signing_key_public(key), &verifier);
    if (json) {
        json_write_object(&line);
        json_put_str(&line, "name", pack->name);
        json_put_str(&line, "version", pack->version);
        json_put_u64(&line, "files", pack->file_total);
        json_put_str(&line, "key", buf_view(&verifier));
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%.*s %.*s: %llu files signed\nwho imports it verifies with --key '%s'", STR_ARG(pack->name),
                   STR_ARG(pack->version), (unsigned long long)pack->file_total, buf_z(&verifier));
    }
    printf("%s\n", buf_z(&line));
}

static enum rc sign(const struct options *options, struct pack_source *source, struct arena *arena, struct err *err)
{
    const char *folder = options->operands[1];
    struct signing_key *key = NULL;
    struct rules *rules = NULL;
    struct rule_pack pack;
    bool json = options_flag(options, "json");
    enum rc rc = pack_source_read(folder, source, err);
    source->note = STR_NONE; /* that of the version before */
    if (rc == RC_OK && source->count == 0)
        rc = err_set(err, RC_INVALID, "there is no rule file (.yml) in \"%s\"", folder);
    rc = rc == RC_OK ? rule_packs_identify(options, source, arena, &pack, err) : rc;
    rc = rc == RC_OK ? rule_packs_load(&pack, source->texts, &rules, err) : rc;
    if (rc == RC_OK && rule_packs_report(source, rules, json) > 0 && rules_count(rules) == 0)
        rc = err_set(err, RC_INVALID, "no rule of it can be used; nothing is signed");
    rc = rc == RC_OK ? key_take(options_text(options, "key"), pack.name, &key, err) : rc;
    rc = rc == RC_OK ? note_write(folder, key, &pack, err) : rc;
    if (rc == RC_OK)
        done_print(&pack, key, json);
    signing_key_free(key);
    rules_free(rules);
    return rc;
}

int rule_packs_sign_command(const struct options *options)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct pack_source source = {0};
    struct err err = {0};
    if (options->operand_count != 2 || !options_given(options, "key"))
        return cmd_usage("rules",
                         "pack needs a folder and --key FILE, the signing key, which is made when it is not there");
    enum rc rc = arena ? sign(options, &source, arena, &err) : err_set(&err, RC_LIMIT, "no memory");
    pack_source_done(&source);
    return rc == RC_OK ? CMD_OK : cmd_fail("rules", &err);
}
