/* rule_packs.c - what the commands of rule packs share, and those that need no rule loaded: packs, rollback, remove. */
#include "cmd/rule_packs.h"

#include "base/assert.h"
#include "base/civil.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "event/names.h"
#include "os/clock.h"
#include "os/file.h"
#include "paper/visible.h"
#include "role/rule_packs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RULES_MEMORY ((size_t)1 << 30)
#define PACK_MEMORY  ((size_t)64 << 20)
#define FILE_MEMORY  ((size_t)4 << 20)
#define LINE_BYTES   ((size_t)1 << 20)
#define KEY_FILE_MAX 4096u
#define CHANGED_MAX  20u /* files named that are not what was imported */
#define VERSION_HEX  8   /* digits of the digest in a version that nobody named */

/* ---- shared ---- */

enum rc rule_packs_of(const struct options *options, bool write, struct rule_packs *ret_packs, int *ret_lock,
                      struct err *err)
{
    const char *data = options_text(options, "data");
    int folder = io_open_folder(data);
    *ret_packs = (struct rule_packs){.folder = -1};
    *ret_lock = -1;
    if (folder < 0)
        return err_errno(err, -folder, "could not open the data folder \"%s\"", data);
    enum rc rc = rule_packs_open(&io_kernel, folder, write, ret_packs, err);
    close(folder);
    if (rc != RC_OK || !write)
        return rc;
    *ret_lock = io_kernel.open(NULL, ret_packs->folder, ".lock", IO_READ | IO_WRITE | IO_CREATE);
    int result = *ret_lock < 0 ? *ret_lock : io_kernel.lock(NULL, *ret_lock);
    if (result == -EWOULDBLOCK)
        return err_set(err, RC_EXISTS, "another command writes rule packs of \"%s\"; wait for it", data);
    return result < 0 ? err_errno(err, -result, "could not lock the rule packs of \"%s\"", data) : RC_OK;
}

static void folders_shut(struct rule_packs *packs, int lock)
{
    rule_packs_close(packs);
    if (lock >= 0)
        close(lock);
}

enum rc rule_packs_key(const char *text, struct note_key *ret_key, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * KEY_FILE_MAX);
    struct str bytes = STR_NONE;
    struct err why;
    if (note_key_parse(str_trim(str_of(text)), ret_key, &why) == RC_OK)
        return RC_OK;
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory for a key");
    if (file_load_path(text, KEY_FILE_MAX, arena, &bytes, NULL) == RC_OK &&
        note_key_parse(str_trim(bytes), ret_key, &why) == RC_OK)
        return RC_OK;
    return err_set(err, RC_INVALID, "--key is neither a verifier key nor a file with one: %s", why.text);
}

const char *rule_packs_signature(struct str note, struct str key)
{
    return note.n == 0 ? "none" : key.n ? "verified" : "unverified";
}

static enum rc texts_add(const struct rule_pack *pack, const struct str *texts, struct rules *rules, struct err *err)
{
    struct buf path CLEANUP(buf_done) = {0};
    enum rc rc = RC_OK;
    buf_init(&path, 4 * RULE_PACK_PATH_MAX);
    for (size_t i = 0; i < pack->file_count && rc == RC_OK; i++) {
        buf_clear(&path);
        buf_format(&path, "pack:%.*s/%.*s/%.*s", STR_ARG(pack->name), STR_ARG(pack->version),
                   STR_ARG(pack->files[i].path));
        rc = rules_add(rules, buf_view(&path), texts[i], err);
    }
    return rc == RC_OK ? rules_finish(rules, err) : rc;
}

enum rc rule_packs_load(const struct rule_pack *pack, const struct str *texts, struct rules **ret_rules,
                        struct err *err)
{
    struct rules *rules = rules_new(RULES_MEMORY);
    struct names *names = names_new(1);
    struct rule_set *set = NULL;
    enum rc rc = rules && names ? texts_add(pack, texts, rules, err) : err_set(err, RC_LIMIT, "no memory for rules");
    if (rc == RC_OK)
        rc = rule_set_compile(rules, names, &set, err); /* as the service would */
    rule_set_free(set);
    names_free(names);
    if (rc == RC_OK)
        *ret_rules = rules;
    else
        rules_free(rules);
    return rc;
}

/* ---- what a pack is called ---- */

/* What the signature says and what the command says of one thing. */
static enum rc said_by_both(const struct options *options, const char *option, struct str *said, struct err *err)
{
    const char *given = options_text(options, option);
    if (!given)
        return RC_OK;
    if (said->p && !str_is(*said, given))
        return err_set(err, RC_INVALID, "--%s says \"%s\", and what is signed says \"%.*s\"", option, given,
                       STR_ARG(*said));
    *said = str_of(given);
    return RC_OK;
}

static enum rc version_make(struct rule_pack *pack, struct arena *arena, struct err *err)
{
    char time[CIVIL_TEXT_MAX];
    char text[CIVIL_TEXT_MAX + VERSION_HEX];
    struct buf version;
    civil_format(pack->imported_ns, 0, 0, time);
    buf_init_fixed(&version, text, sizeof text);
    buf_format(&version, "%.10s-", time); /* the date */
    buf_hex(&version, pack->digest.bytes, VERSION_HEX / 2);
    pack->version = arena_str(arena, buf_view(&version));
    return pack->version.p ? RC_OK : err_set(err, RC_LIMIT, "no memory for the version");
}

static enum rc note_take(const struct pack_source *source, struct rule_pack *pack, struct err *err)
{
    struct note note;
    struct rule_pack said;
    struct err why;
    if (note_parse(source->note, &note, &why) != RC_OK || rule_statement_read(note.text, &said, &why) != RC_OK)
        return err_set(err, RC_INVALID, RULE_PACK_NOTE " does not read: %s", why.text);
    if (said.file_total != pack->file_total || !tlog_hash_eq(&said.digest, &pack->digest))
        return err_set(err, RC_INVALID, "these are not the files that " RULE_PACK_NOTE " was signed for");
    pack->name = said.name;
    pack->version = said.version;
    pack->source = said.source;
    pack->licence = said.licence;
    return RC_OK;
}

enum rc rule_packs_called_check(const struct rule_pack *pack, struct err *err)
{
    enum rc rc = rule_pack_name_check(pack->name, err);
    rc = rc == RC_OK ? rule_pack_version_check(pack->version, err) : rc;
    rc = rc == RC_OK ? rule_pack_text_check(pack->source, "source", err) : rc;
    return rc == RC_OK ? rule_pack_text_check(pack->licence, "licence", err) : rc;
}

enum rc rule_packs_count(const struct pack_source *source, struct rule_pack *pack, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory for a digest");
    pack->imported_ns = clock_real_ns();
    pack->file_total = source->count;
    pack->files = source->files;
    pack->file_count = source->count;
    rule_pack_digest(hasher, source->files, source->count, &pack->digest);
    return RC_OK;
}

enum rc rule_packs_identify(const struct options *options, const struct pack_source *source, struct arena *arena,
                            struct rule_pack *ret_pack, struct err *err)
{
    struct rule_pack *pack = ret_pack;
    *pack = (struct rule_pack){0};
    enum rc rc = rule_packs_count(source, pack, err);
    rc = rc == RC_OK && source->note.n ? note_take(source, pack, err) : rc;
    rc = rc == RC_OK ? said_by_both(options, "name", &pack->name, err) : rc;
    rc = rc == RC_OK ? said_by_both(options, "version", &pack->version, err) : rc;
    rc = rc == RC_OK ? said_by_both(options, "source", &pack->source, err) : rc;
    rc = rc == RC_OK ? said_by_both(options, "licence", &pack->licence, err) : rc;
    if (rc == RC_OK && !pack->name.p)
        rc = err_set(err, RC_INVALID, "say by --name how the pack is called");
    if (rc == RC_OK && !pack->version.p)
        rc = version_make(pack, arena, err);
    return rc == RC_OK ? rule_packs_called_check(pack, err) : rc;
}

/* ---- report ---- */

static void line_print(struct buf *line)
{
    printf("%s\n", buf_z(line));
    buf_clear(line);
    line->overflow = false;
}

static void outcome_print(const struct rule_outcome *outcome, bool json, struct buf *line)
{
    struct str why = outcome->loaded ? outcome->warning : outcome->reason;
    if (json) {
        json_write_object(line);
        json_put_str(line, "path", outcome->path);
        json_put_int(line, "line", outcome->line);
        json_put_str(line, "id", outcome->id);
        json_put_bool(line, "loaded", outcome->loaded);
        json_put_str(line, "reason", why);
        json_write_object_end(line);
    } else {
        buf_text(line, outcome->loaded ? "warning  " : "refused  ");
        visible_show(line, outcome->path);
        if (outcome->line)
            buf_format(line, " line %u", outcome->line);
        buf_text(line, ": ");
        visible_show(line, why);
    }
    line_print(line);
}

static void left_print(const struct pack_source_left *left, bool json, struct buf *line)
{
    if (json) {
        json_write_object(line);
        json_put_str(line, "path", left->path);
        json_put_bool(line, "left_out", true);
        json_put_text(line, "reason", left->why);
        json_write_object_end(line);
    } else {
        buf_text(line, "left out ");
        visible_show(line, left->path);
        buf_format(line, ": %s", left->why);
    }
    line_print(line);
}

size_t rule_packs_report(const struct pack_source *source, const struct rules *rules, bool json)
{
    struct buf line CLEANUP(buf_done) = {0};
    size_t refused = 0;
    buf_init(&line, LINE_BYTES);
    for (size_t i = 0; i < MIN(source->left_count, (size_t)PACK_SOURCE_LEFT_MAX); i++)
        left_print(&source->left[i], json, &line);
    if (source->left_count > PACK_SOURCE_LEFT_MAX && !json)
        printf("left out %zu more\n", source->left_count - PACK_SOURCE_LEFT_MAX);
    for (size_t i = 0; i < rules_outcome_count(rules); i++) {
        const struct rule_outcome *outcome = rules_outcome_at(rules, i);
        refused += !outcome->loaded;
        if (!outcome->loaded || outcome->warning.n)
            outcome_print(outcome, json, &line);
    }
    return refused;
}

/* ---- packs ---- */

struct shown {
    struct str name;
    struct str current; /* empty: none holds */
    struct str *versions;
    size_t version_count;
    struct rule_pack_opened opened;
    struct str changed[CHANGED_MAX];
    size_t changed_count; /* ever */
    char trouble[ERR_TEXT_MAX];
};

static void files_check(struct shown *shown)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(FILE_MEMORY);
    const struct rule_pack *pack = &shown->opened.pack;
    for (size_t i = 0; i < pack->file_count && hasher && arena; i++) {
        struct str text;
        arena_reset(arena);
        if (rule_pack_file_read(&shown->opened, &pack->files[i], hasher, arena, &text, NULL) == RC_OK)
            continue;
        if (shown->changed_count < CHANGED_MAX)
            shown->changed[shown->changed_count] = pack->files[i].path;
        shown->changed_count++;
    }
}

static void shown_read(const struct rule_packs *packs, struct str name, struct arena *arena, struct shown *shown)
{
    struct err err = {0};
    *shown = (struct shown){.name = name, .opened.folder = -1};
    enum rc rc = rule_pack_versions(packs, name, arena, &shown->versions, &shown->version_count, &err);
    if (rc == RC_OK)
        rc = rule_pack_current(packs, name, arena, &shown->current, &err);
    if (rc == RC_OK)
        rc = rule_pack_open(packs, name, shown->current, arena, &shown->opened, &err);
    if (rc == RC_OK)
        files_check(shown);
    if (rc != RC_OK)
        snprintf(shown->trouble, sizeof shown->trouble, "%s", err.text);
}

static void texts_put(struct buf *line, const char *key, const struct str *texts, size_t count)
{
    json_write_key(line, key);
    json_write_array(line);
    for (size_t i = 0; i < count; i++)
        json_write_str(line, texts[i]);
    json_write_array_end(line);
}

static void shown_json(const struct shown *shown, struct buf *line)
{
    const struct rule_pack *pack = &shown->opened.pack;
    char time[CIVIL_TEXT_MAX];
    char hex[2 * TLOG_HASH_SIZE];
    struct buf digest;
    buf_init_fixed(&digest, hex, sizeof hex);
    buf_hex(&digest, pack->digest.bytes, sizeof pack->digest.bytes);
    json_write_object(line);
    json_put_str(line, "name", shown->name);
    json_put_str(line, "version", shown->current);
    texts_put(line, "versions", shown->versions, shown->version_count);
    json_put_str(line, "source", pack->source);
    json_put_str(line, "licence", pack->licence);
    json_put_text(line, "signature", rule_packs_signature(shown->opened.note, pack->key));
    json_put_text(line, "signer", shown->opened.signer);
    json_put_str(line, "imported", str_at(time, civil_format(pack->imported_ns, 0, 0, time)));
    json_put_u64(line, "files", pack->file_total);
    json_put_str(line, "digest", buf_view(&digest));
    json_put_u64(line, "changed", shown->changed_count);
    texts_put(line, "changed_files", shown->changed, MIN(shown->changed_count, (size_t)CHANGED_MAX));
    json_put_text(line, "error", shown->trouble);
    json_write_object_end(line);
    line_print(line);
}

static void row_put(struct buf *line, const char *label, struct str text)
{
    if (text.n == 0)
        return;
    buf_format(line, "\n  %-9s", label);
    visible_show(line, text);
}

static void shown_text(const struct shown *shown, struct buf *line)
{
    const struct rule_pack *pack = &shown->opened.pack;
    char time[CIVIL_TEXT_MAX];
    buf_str(line, shown->name);
    buf_char(line, ' ');
    buf_str(line, shown->current.n ? shown->current : STR("-"));
    if (shown->trouble[0]) {
        row_put(line, "error", str_of(shown->trouble));
    } else {
        buf_format(line, "  %llu files, %s", (unsigned long long)pack->file_total,
                   shown->opened.signer[0] ? "signed by "
                   : shown->opened.note.n  ? "signed, verified with no key"
                                           : "unsigned");
        buf_text(line, shown->opened.signer);
        row_put(line, "source", pack->source);
        row_put(line, "licence", pack->licence);
        row_put(line, "imported", str_at(time, civil_format(pack->imported_ns, 0, 0, time)));
    }
    for (size_t i = 0; i < shown->version_count; i++)
        if (!str_eq(shown->versions[i], shown->current))
            row_put(line, "also", shown->versions[i]);
    for (size_t i = 0; i < MIN(shown->changed_count, (size_t)CHANGED_MAX); i++)
        row_put(line, "CHANGED", shown->changed[i]);
    if (shown->changed_count > CHANGED_MAX)
        buf_format(line, "\n  CHANGED  %zu more", shown->changed_count - CHANGED_MAX);
    line_print(line);
}

static enum rc packs_print(const struct rule_packs *packs, bool json, bool *ret_whole, struct err *err)
{
    static struct shown shown;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(PACK_MEMORY);
    struct arena *names CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct buf line CLEANUP(buf_done) = {0};
    struct str *name = NULL;
    size_t count = 0;
    if (!arena || !names)
        return err_set(err, RC_LIMIT, "no memory for packs");
    enum rc rc = rule_packs_names(packs, names, &name, &count, err);
    buf_init(&line, LINE_BYTES);
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        arena_reset(arena);
        shown_read(packs, name[i], arena, &shown);
        *ret_whole = *ret_whole && !shown.trouble[0] && shown.changed_count == 0;
        if (json)
            shown_json(&shown, &line);
        else
            shown_text(&shown, &line);
        rule_pack_close(&shown.opened);
    }
    if (rc == RC_OK && count == 0 && !json)
        puts("no pack of rules: qorgan rules import");
    return rc;
}

int rule_packs_list_command(const struct options *options)
{
    struct err err = {0};
    bool whole = true;
    struct rule_packs packs = {.folder = -1};
    int lock = -1;
    if (options->operand_count != 1)
        return cmd_usage("rules", "packs has no operands");
    enum rc rc = rule_packs_of(options, false, &packs, &lock, &err);
    if (rc == RC_NOT_FOUND && packs.folder < 0) {
        if (!options_flag(options, "json"))
            puts("no pack of rules: qorgan rules import");
        return CMD_OK;
    }
    rc = rc == RC_OK ? packs_print(&packs, options_flag(options, "json"), &whole, &err) : rc;
    folders_shut(&packs, lock);
    return rc != RC_OK ? cmd_fail("rules", &err) : whole ? CMD_OK : CMD_FAILED;
}

/* ---- rollback ---- */

/* The version that was imported last before the one that holds. */
static enum rc older_find(const struct rule_packs *packs, struct str name, struct str current, struct arena *arena,
                          struct str *ret_version, struct err *err)
{
    struct rule_pack_opened opened;
    struct str *versions = NULL;
    size_t count = 0;
    int64_t newest = INT64_MIN;
    enum rc rc = rule_pack_open(packs, name, current, arena, &opened, NULL);
    int64_t until = rc == RC_OK ? opened.pack.imported_ns : INT64_MAX; /* one that is damaged is left for any other */
    rule_pack_close(&opened);
    rc = rule_pack_versions(packs, name, arena, &versions, &count, err);
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        if (str_eq(versions[i], current))
            continue;
        enum rc opens = rule_pack_open(packs, name, versions[i], arena, &opened, NULL);
        if (opens == RC_OK && opened.pack.imported_ns <= until && opened.pack.imported_ns > newest) {
            newest = opened.pack.imported_ns;
            *ret_version = versions[i];
        }
        rule_pack_close(&opened);
    }
    if (rc == RC_OK && newest == INT64_MIN)
        rc = err_set(err, RC_NOT_FOUND, "there is no version of \"%.*s\" from before \"%.*s\"", STR_ARG(name),
                     STR_ARG(current));
    return rc;
}

static enum rc whole_check(const struct rule_packs *packs, struct str name, struct str version, struct arena *arena,
                           struct err *err)
{
    static struct shown shown;
    shown = (struct shown){.name = name};
    enum rc rc = rule_pack_open(packs, name, version, arena, &shown.opened, err);
    if (rc == RC_OK)
        files_check(&shown);
    if (rc == RC_OK && shown.changed_count)
        rc = err_set(err, RC_CORRUPT, "%zu files of version \"%.*s\" are not what was imported, \"%.*s\" first",
                     shown.changed_count, STR_ARG(version), STR_ARG(shown.changed[0]));
    rule_pack_close(&shown.opened);
    return rc;
}

static enum rc rollback(const struct options *options, const struct rule_packs *packs, struct arena *arena,
                        struct str *ret_from, struct str *ret_to, struct err *err)
{
    struct str name = str_of(options->operands[1]);
    *ret_from = STR("");
    enum rc rc = rule_pack_current(packs, name, arena, ret_from, err);
    bool named = options->operand_count == 3;
    if (rc == RC_OK && !named)
        rc = older_find(packs, name, *ret_from, arena, ret_to, err);
    if (named) {
        *ret_to = str_of(options->operands[2]);
        rc = RC_OK; /* also of a pack of which none holds */
    }
    rc = rc == RC_OK ? whole_check(packs, name, *ret_to, arena, err) : rc;
    return rc == RC_OK ? rule_pack_set_current(packs, name, *ret_to, err) : rc;
}

int rule_packs_rollback_command(const struct options *options)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(4 * PACK_MEMORY);
    struct buf line CLEANUP(buf_done) = {0};
    struct str from = STR_NONE;
    struct str to = STR_NONE;
    struct err err = {0};
    struct rule_packs packs = {.folder = -1};
    int lock = -1;
    if (options->operand_count < 2 || options->operand_count > 3)
        return cmd_usage("rules", "rollback needs the name of a pack, and may have a version");
    enum rc rc = arena ? rule_packs_of(options, true, &packs, &lock, &err) : err_set(&err, RC_LIMIT, "no memory");
    rc = rc == RC_OK ? rollback(options, &packs, arena, &from, &to, &err) : rc;
    folders_shut(&packs, lock);
    if (rc != RC_OK)
        return cmd_fail("rules", &err);
    buf_init(&line, LINE_BYTES);
    if (options_flag(options, "json")) {
        json_write_object(&line);
        json_put_text(&line, "name", options->operands[1]);
        json_put_str(&line, "version", to);
        json_put_str(&line, "was", from);
        json_write_object_end(&line);
    } else {
        buf_format(&line, "%s: %.*s holds in place of %.*s; it " RULE_PACKS_RELOAD, options->operands[1], STR_ARG(to),
                   STR_ARG(from));
    }
    line_print(&line);
    return CMD_OK;
}

/* ---- remove ---- */

int rule_packs_remove_command(const struct options *options)
{
    struct err err = {0};
    struct rule_packs packs = {.folder = -1};
    int lock = -1;
    bool one = options->operand_count == 3;
    if (options->operand_count < 2 || options->operand_count > 3)
        return cmd_usage("rules", "remove needs the name of a pack, and may have a version");
    struct str version = one ? str_of(options->operands[2]) : STR("");
    enum rc rc = rule_packs_of(options, true, &packs, &lock, &err);
    rc = rc == RC_OK ? rule_pack_remove(&packs, str_of(options->operands[1]), version, &err) : rc;
    folders_shut(&packs, lock);
    if (rc != RC_OK)
        return cmd_fail("rules", &err);
    if (options_flag(options, "json"))
        printf("{\"name\":\"%s\",\"removed\":\"%.*s\"}\n", options->operands[1], STR_ARG(version));
    else if (one)
        printf("%s: version %.*s is removed\n", options->operands[1], STR_ARG(version));
    else
        printf("%s is removed; it " RULE_PACKS_RELOAD "\n", options->operands[1]);
    return CMD_OK;
}
