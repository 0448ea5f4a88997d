/* mirror.c - `qorgan mirror`: reads its files, and runs the mirror. */
#include "role/mirror.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define FILES_ARENA ((size_t)4 << 20)
#define CA_SIZE_MAX ((size_t)512 << 10)
#define TOKEN_MAX   ((size_t)512)
#define URL_MAX     1024

struct given {
    struct arena *arena;
    struct policy *policy;
    struct signing_key *witness;
    struct vault *vault;
    uint8_t pin[32];
    char from[URL_MAX];
    struct mirror_options mirror;
    struct err err;
};

/* "https://host[:port]" without a path; a slash at the end is forgiven. */
static bool address_read(struct given *r, const char *text)
{
    struct str address = str_trim_end(str_of(text), '/');
    struct str host = str_skip(address, 8);
    if (!str_starts(address, STR("https://")) || !host.n || !str_copy_z(address, r->from, sizeof r->from))
        return false;
    for (size_t i = 0; i < host.n; i++)
        if (!char_is_alnum(host.p[i]) && !strchr(".-_:[]", host.p[i]))
            return false;
    r->mirror.from = r->from;
    return true;
}

/* 64 hexadecimal digits, with or without colons, as the service prints them. */
static bool pin_read(struct given *r, const char *text)
{
    char digits[65];
    size_t n = 0;
    for (struct str s = str_of(text); s.n; s = str_skip(s, 1)) {
        if (s.p[0] == ':')
            continue;
        if (n == 64)
            return false;
        digits[n++] = char_lower(s.p[0]);
    }
    r->mirror.pin = r->pin;
    return hex_decode(str_at(digits, n), r->pin, sizeof r->pin);
}

static enum rc policy_load(struct given *r, const struct options *options)
{
    const char *file = options_text(options, "policy");
    struct note_key key;
    struct str text;
    r->policy = arena_alloc(r->arena, sizeof *r->policy);
    if (!r->policy)
        return err_set(&r->err, RC_LIMIT, "no memory");
    r->mirror.policy = r->policy;
    if (file) {
        enum rc rc = file_load_path(file, POLICY_SIZE_MAX, r->arena, &text, &r->err);
        return rc == RC_OK ? policy_parse(text, r->policy, &r->err) : rc;
    }
    enum rc rc = note_key_parse(str_trim(str_of(options_text(options, "key"))), &key, &r->err);
    if (rc == RC_OK)
        policy_of_key(&key, r->policy);
    return rc;
}

static enum rc witness_load(struct given *r, const char *file)
{
    struct str text;
    enum rc rc = file_load_path(file, NOTE_SIZE_MAX, r->arena, &text, &r->err);
    rc = rc == RC_OK ? signing_key_parse(text, &r->witness, &r->err) : rc;
    if (rc == RC_OK && signing_key_public(r->witness)->type != NOTE_COSIGNATURE)
        rc = err_set(&r->err, RC_INVALID, "\"%s\" is not the key of a witness", file);
    r->mirror.witness = r->witness;
    return rc;
}

static enum rc files_load(struct given *r, const struct options *options)
{
    const char *ca = options_text(options, "ca");
    const char *witness = options_text(options, "witness-key");
    struct str token;
    enum rc rc = file_load_path(options_text(options, "token-file"), TOKEN_MAX, r->arena, &token, &r->err);
    if (rc != RC_OK)
        return rc;
    r->mirror.token = str_trim(token);
    for (size_t i = 0; i < r->mirror.token.n; i++)
        if (r->mirror.token.p[i] <= ' ' || r->mirror.token.p[i] >= 0x7f)
            return err_set(&r->err, RC_INVALID, "the file of the token holds more than one word");
    if (ca)
        rc = file_load_path(ca, CA_SIZE_MAX, r->arena, &r->mirror.ca_pem, &r->err);
    rc = rc == RC_OK ? policy_load(r, options) : rc;
    rc = rc == RC_OK ? archive_vault(r->mirror.data, &r->vault, &r->err) : rc; /* as the reading commands */
    r->mirror.vault = r->vault;
    return rc == RC_OK && witness ? witness_load(r, witness) : rc;
}

int cmd_mirror(int argc, char **argv)
{
    struct options options;
    int status = options_parse("mirror", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    struct given r = {.arena = arena_new(FILES_ARENA)};
    const char *pin = options_text(&options, "pin");
    if (!address_read(&r, options_text(&options, "from")))
        status = cmd_usage("mirror", "--from is https://host:port, not \"%s\"", options_text(&options, "from"));
    else if ((options_text(&options, "key") == NULL) == (options_text(&options, "policy") == NULL))
        status = cmd_usage("mirror", "one of --key and --policy is needed: whose checkpoints are believed");
    else if (pin && options_text(&options, "ca"))
        status = cmd_usage("mirror", "--ca and --pin exclude each other");
    else if (pin && !pin_read(&r, pin))
        status = cmd_usage("mirror", "--pin is a SHA-256 of 64 hexadecimal digits");
    if (status != OPTIONS_GO || !r.arena) {
        arena_free(r.arena);
        return status;
    }
    r.mirror.data = options_text(&options, "data");
    r.mirror.interval_s = options_number(&options, "interval");
    r.mirror.silent_s = options_number(&options, "silent");
    r.mirror.once = options_flag(&options, "once");
    r.mirror.json = options_flag(&options, "json");
    r.mirror.sandbox = !options_flag(&options, "no-sandbox");
    status = files_load(&r, &options) == RC_OK ? mirror_run(&r.mirror) : cmd_fail("mirror", &r.err);
    signing_key_free(r.witness);
    vault_free(r.vault);
    arena_free(r.arena);
    return status;
}
