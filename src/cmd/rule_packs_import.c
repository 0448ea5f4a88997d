/* rule_packs_import.c - `qorgan rules import PATH`: all is read, judged and told before anything is written. */
#include "base/assert.h"
#include "base/map.h"
#include "cmd/cmd.h"
#include "cmd/rule_packs.h"
#include "codec/json.h"
#include "os/file.h"
#include "paper/visible.h"
#include "role/rule_packs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PACK_MEMORY ((size_t)256 << 20)
#define LINE_BYTES  ((size_t)1 << 20)
#define KEY_MAX     1024u /* bytes by which a rule is known again: its id, else its title */

enum change { CHANGE_NEW, CHANGE_CHANGED, CHANGE_GONE, CHANGES };
static const char *const change_names[] = {"new", "changed", "gone"};

struct importing {
    const struct options *options;
    bool json;
    struct arena *arena;
    struct pack_source source;
    struct rule_pack pack;
    char key_text[NOTE_KEY_TEXT_MAX + 1];
    char signer[NOTE_NAME_MAX + 1];
    struct rules *rules;
    size_t refused;
    size_t filters;
    struct rule_packs packs;
    int lock;
    struct str current;   /* the version that holds; empty: none */
    struct rules *before; /* its rules; NULL: none, or it does not read */
    struct tlog_hash was; /* its digest */
    size_t count[CHANGES];
    struct buf line;
};

/* ---- what is imported ---- */

static enum rc signature_check(struct importing *m, struct err *err)
{
    const char *given = options_text(m->options, "key");
    struct note_key key;
    struct buf text;
    if (!given)
        return RC_OK;
    enum rc rc = rule_packs_key(given, &key, err);
    if (rc != RC_OK)
        return rc;
    if (m->source.note.n == 0)
        return err_set(err, RC_DENIED, "--key is given, and the pack has no signature (" RULE_PACK_NOTE ")");
    rc = rule_statement_verify(m->source.note, &key, &m->pack, err);
    if (rc != RC_OK)
        return rc;
    buf_init_fixed(&text, m->key_text, sizeof m->key_text - 1);
    note_key_write(&key, &text);
    ASSERT(!text.overflow);
    m->pack.key = buf_view(&text);
    snprintf(m->signer, sizeof m->signer, "%s", key.name);
    return RC_OK;
}

static enum rc source_take(struct importing *m, struct err *err)
{
    enum rc rc = pack_source_read(m->options->operands[1], &m->source, err);
    if (rc == RC_OK && m->source.count == 0)
        return err_set(err, RC_INVALID, "there is no rule file (.yml) in \"%s\"", m->options->operands[1]);
    rc = rc == RC_OK ? rule_packs_identify(m->options, &m->source, m->arena, &m->pack, err) : rc;
    rc = rc == RC_OK ? signature_check(m, err) : rc;
    rc = rc == RC_OK ? rule_packs_load(&m->pack, m->source.texts, &m->rules, err) : rc;
    if (rc != RC_OK)
        return rc;
    m->refused = rule_packs_report(&m->source, m->rules, m->json);
    for (size_t i = 0; i < rules_count(m->rules); i++)
        m->filters += rules_at(m->rules, i)->kind == RULE_FILTER;
    return rules_count(m->rules) > 0 ? RC_OK
                                     : err_set(err, RC_INVALID, "no rule of it can be used; nothing is written");
}

/* ---- compared with what holds ---- */

static enum rc before_load(struct importing *m, const struct rule_pack_opened *opened, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct str *texts = arena_alloc_array(m->arena, opened->pack.file_count + 1, sizeof *texts);
    enum rc rc = hasher && texts ? RC_OK : err_set(err, RC_LIMIT, "no memory for the version that holds");
    for (size_t i = 0; i < opened->pack.file_count && rc == RC_OK; i++)
        rc = rule_pack_file_read(opened, &opened->pack.files[i], hasher, m->arena, &texts[i], err);
    m->was = opened->pack.digest;
    return rc == RC_OK ? rule_packs_load(&opened->pack, texts, &m->before, err) : rc;
}

/* That the version which holds does not read keeps nobody from importing the next. */
static void before_take(struct importing *m)
{
    struct rule_pack_opened opened;
    struct err err = {0};
    enum rc rc = rule_pack_current(&m->packs, m->pack.name, m->arena, &m->current, &err);
    if (rc == RC_NOT_FOUND)
        return;
    if (rc == RC_OK) {
        rc = rule_pack_open(&m->packs, m->pack.name, m->current, m->arena, &opened, &err);
        rc = rc == RC_OK ? before_load(m, &opened, &err) : rc;
        rule_pack_close(&opened);
    }
    if (rc != RC_OK)
        fprintf(stderr, "qorgan rules: what holds now cannot be compared with: %s\n", err.text);
}

static struct str known_as(const struct rule *rule, char storage[KEY_MAX])
{
    struct buf key;
    buf_init_fixed(&key, storage, KEY_MAX);
    buf_format(&key, "%d ", rule->id.n ? -1 : (int)rule->kind);
    struct str text = str_slice(rule->id.n ? rule->id : rule->title, 0, KEY_MAX - 8);
    for (size_t i = 0; i < text.n; i++)
        buf_char(&key, rule->id.n ? char_lower(text.p[i]) : text.p[i]);
    return buf_view(&key);
}

static void change_tell(struct importing *m, enum change change, const struct rule *rule)
{
    m->count[change]++;
    if (!m->before)
        return; /* all are new: the count says so */
    if (m->json) {
        json_write_object(&m->line);
        json_put_text(&m->line, "change", change_names[change]);
        json_put_str(&m->line, "rule_id", rule->id);
        json_put_str(&m->line, "title", rule->title);
        json_write_object_end(&m->line);
    } else {
        buf_format(&m->line, "%-8s ", change_names[change]);
        visible_show(&m->line, rule->title);
        buf_text(&m->line, " (");
        visible_show(&m->line, rule->id);
        buf_char(&m->line, ')');
    }
    printf("%s\n", buf_z(&m->line));
    buf_clear(&m->line);
}

static enum rc changes_tell(struct importing *m, struct err *err)
{
    char storage[KEY_MAX];
    size_t olds = m->before ? rules_count(m->before) : 0;
    struct map *known = map_new(RULES_MAX, 1);
    bool fits = known != NULL;
    for (size_t i = 0; i < olds && fits; i++) {
        uint64_t *place = map_put(known, known_as(rules_at(m->before, i), storage));
        fits = place != NULL;
        if (fits)
            *place = i;
    }
    for (size_t i = 0; i < rules_count(m->rules) && fits; i++) {
        const struct rule *rule = rules_at(m->rules, i);
        const uint64_t *place = map_get(known, known_as(rule, storage));
        if (!place)
            change_tell(m, CHANGE_NEW, rule);
        else if (rules_at(m->before, *place)->hash != rule->hash)
            change_tell(m, CHANGE_CHANGED, rule);
        IGNORE(map_remove(known, known_as(rule, storage)));
    }
    struct str key;
    uint64_t place;
    for (size_t i = 0; fits && i < map_end(known); i++)
        if (map_at(known, i, &key, &place))
            change_tell(m, CHANGE_GONE, rules_at(m->before, place));
    map_free(known);
    return fits ? RC_OK : err_set(err, RC_LIMIT, "no memory to compare rules");
}

/* ---- writing ---- */

static void summary_json(struct importing *m, bool written)
{
    struct buf *line = &m->line;
    char hex[2 * TLOG_HASH_SIZE];
    struct buf digest;
    buf_init_fixed(&digest, hex, sizeof hex);
    buf_hex(&digest, m->pack.digest.bytes, sizeof m->pack.digest.bytes);
    json_write_object(line);
    json_put_str(line, "name", m->pack.name);
    json_put_str(line, "version", m->pack.version);
    json_put_str(line, "was", m->current);
    json_put_u64(line, "files", m->pack.file_total);
    json_put_str(line, "digest", buf_view(&digest));
    json_put_text(line, "signature", rule_packs_signature(m->source.note, m->pack.key));
    json_put_text(line, "signer", m->signer);
    json_put_u64(line, "loaded", rules_count(m->rules));
    json_put_u64(line, "refused", m->refused);
    json_put_u64(line, "filters", m->filters);
    for (enum change change = 0; change < CHANGES; change++)
        json_put_u64(line, change_names[change], m->count[change]);
    json_put_bool(line, "written", written);
    json_write_object_end(line);
    printf("%s\n", buf_z(line));
}

static void summary_text(struct importing *m, bool written)
{
    const struct rule_pack *pack = &m->pack;
    const char *data = options_text(m->options, "data");
    printf("%zu rules: %zu loaded, %zu refused; %zu new, %zu changed, %zu gone\n", rules_count(m->rules) + m->refused,
           rules_count(m->rules), m->refused, m->count[CHANGE_NEW], m->count[CHANGE_CHANGED], m->count[CHANGE_GONE]);
    if (m->filters)
        printf("%zu of them are filters: these hold at once, they are never drafts\n", m->filters);
    printf("%.*s %.*s: %llu files, %s%s\n", STR_ARG(pack->name), STR_ARG(pack->version),
           (unsigned long long)pack->file_total,
           m->signer[0]       ? "signed by "
           : m->source.note.n ? "signed, verified with no key (--key)"
                              : "unsigned",
           m->signer);
    if (!written) {
        puts("nothing is written");
        return;
    }
    if (options_flag(m->options, "wait"))
        printf("it waits: after `systemctl reload qorgan` page /rules/packs shows what it would change; to switch to "
               "it: qorgan rules switch %.*s %.*s\n",
               STR_ARG(pack->name), STR_ARG(pack->version));
    else
        printf("it " RULE_PACKS_RELOAD "; rules never seen before begin as drafts: page /rules/packs\n");
    if (m->before)
        printf("what it changes in the archive: qorgan rules diff %s/rules/%.*s/%.*s %s/rules/%.*s/%.*s --data %s\n",
               data, STR_ARG(pack->name), STR_ARG(m->current), data, STR_ARG(pack->name), STR_ARG(pack->version), data);
}

static enum rc pack_write(struct importing *m, struct err *err)
{
    enum rc rc = rule_pack_store(&m->packs, &m->pack, m->source.texts, m->source.note, err);
    if (rc == RC_EXISTS)
        return err_set(
            err, rc,
            "the pack has a version \"%.*s\" already; name another by --version, or switch to it with `qorgan "
            "rules switch %.*s %.*s`",
            STR_ARG(m->pack.version), STR_ARG(m->pack.name), STR_ARG(m->pack.version));
    if (rc != RC_OK)
        return rc;
    return options_flag(m->options, "wait") ? rule_pack_set_next(&m->packs, m->pack.name, m->pack.version, err)
                                            : rule_pack_set_current(&m->packs, m->pack.name, m->pack.version, err);
}

static enum rc import(struct importing *m, struct err *err)
{
    bool dry = options_flag(m->options, "dry-run");
    enum rc rc = source_take(m, err);
    if (rc == RC_OK)
        rc = rule_packs_of(m->options, !dry, &m->packs, &m->lock, err);
    if (rc == RC_NOT_FOUND && dry && m->packs.folder < 0)
        rc = RC_OK; /* none was imported yet */
    if (rc != RC_OK)
        return rc;
    if (m->packs.folder >= 0)
        before_take(m);
    rc = changes_tell(m, err);
    bool same = m->before && tlog_hash_eq(&m->was, &m->pack.digest);
    bool written = rc == RC_OK && !dry && !same;
    if (written)
        rc = pack_write(m, err);
    if (rc != RC_OK)
        return rc;
    if (same && !m->json)
        printf("these are the files of version %.*s, which holds\n", STR_ARG(m->current));
    if (m->json)
        summary_json(m, written);
    else
        summary_text(m, written);
    return RC_OK;
}

int rule_packs_import_command(const struct options *options)
{
    static struct importing m;
    struct err err = {0};
    if (options->operand_count != 2)
        return cmd_usage("rules", "import needs one folder or ZIP file");
    m = (struct importing){.options = options, .json = options_flag(options, "json"), .packs.folder = -1, .lock = -1};
    m.arena = arena_new(PACK_MEMORY);
    buf_init(&m.line, LINE_BYTES);
    enum rc rc = m.arena ? import(&m, &err) : err_set(&err, RC_LIMIT, "no memory");
    if (rc == RC_OK && fflush(stdout) != 0)
        rc = err_set(&err, RC_IO, "could not write to standard output");
    rules_free(m.rules);
    rules_free(m.before);
    rule_packs_close(&m.packs);
    if (m.lock >= 0)
        close(m.lock);
    pack_source_done(&m.source);
    buf_done(&m.line);
    arena_free(m.arena);
    return rc == RC_OK ? CMD_OK : cmd_fail("rules", &err);
}
