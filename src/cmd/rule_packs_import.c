/* rule_packs_import.c - `qorgan rules import PATH`: all is read, judged and told before anything is written.
 *
 * The pack is a stranger's, and this process is root's, for the packs are. So it only takes the bytes of the files and
 * writes them; what they mean is found out by two confined copies of it (os/confined.h), one after the other:
 *
 *   gather ──► copy 1: ZIP file read, pack.note read ──► name, version, files ──► judged here, the pack that holds read
 *          ──► copy 2: signature, rules loaded and compiled, compared, told   ──► counts                  ──► written
 *
 * The second begins with what is known here, so that whoever took the first one over has no say in the signature. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/map.h"
#include "cmd/cmd.h"
#include "cmd/confined_command.h"
#include "cmd/rule_packs.h"
#include "codec/json.h"
#include "paper/visible.h"
#include "role/rule_packs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PACK_MEMORY  ((size_t)256 << 20)
#define LINE_BYTES   ((size_t)1 << 20)
#define COPY_MEMORY  ((uint64_t)8 << 30) /* address space: two sets of rules, compiled one after the other */
#define ANSWER_BYTES ((size_t)128 << 20) /* a whole pack */
#define KEY_MAX      1024u               /* bytes by which a rule is known again: its id, else its title */

enum change { CHANGE_NEW, CHANGE_CHANGED, CHANGE_GONE, CHANGES };
static const char *const change_names[] = {"new", "changed", "gone"};

struct importing {
    const struct options *options;
    bool json;
    struct arena *arena;
    struct pack_source source;
    struct rule_pack pack;
    struct note_key key; /* of whom --key names; not given: its name is empty */
    char key_text[NOTE_KEY_TEXT_MAX + 1];
    struct rules *rules; /* only in the copy that loads them */
    struct rule_packs packs;
    int lock;
    bool holds;                  /* there is a version that holds, and its files read */
    struct str current;          /* it; empty: none */
    struct rule_pack_opened was; /* its manifest */
    struct str *was_texts;       /* its files */
    struct rules *before;        /* its rules; NULL: none, or it does not read; only in the copy */
    struct {
        uint64_t loaded;
        uint64_t refused;
        uint64_t filters;
        uint64_t change[CHANGES];
        uint64_t compared; /* 1: with the version that holds */
    } count;
    struct buf line;
};

/* ---- compared with what holds ---- */

static enum rc before_read(struct importing *m, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    enum rc rc = rule_pack_open(&m->packs, m->pack.name, m->current, m->arena, &m->was, err);
    if (rc != RC_OK)
        return rc;
    m->was_texts = arena_alloc_array(m->arena, m->was.pack.file_count + 1, sizeof *m->was_texts);
    if (!hasher || !m->was_texts)
        return err_set(err, RC_LIMIT, "no memory for the version that holds");
    for (size_t i = 0; i < m->was.pack.file_count && rc == RC_OK; i++)
        rc = rule_pack_file_read(&m->was, &m->was.pack.files[i], hasher, m->arena, &m->was_texts[i], err);
    return rc;
}

static void incomparable_tell(const struct err *err)
{
    fprintf(stderr, "qorgan rules: what holds now cannot be compared with: %s\n", err->text);
}

/* That the version which holds does not read keeps nobody from importing the next. */
static void before_take(struct importing *m)
{
    struct err err = {0};
    enum rc rc = rule_pack_current(&m->packs, m->pack.name, m->arena, &m->current, &err);
    if (rc == RC_NOT_FOUND)
        return;
    rc = rc == RC_OK ? before_read(m, &err) : rc;
    rule_pack_close(&m->was);
    m->holds = rc == RC_OK;
    if (!m->holds)
        incomparable_tell(&err);
}

static void before_load(struct importing *m)
{
    struct err err = {0};
    m->count.compared = m->holds && rule_packs_load(&m->was.pack, m->was_texts, &m->before, &err) == RC_OK;
    if (m->holds && !m->count.compared)
        incomparable_tell(&err);
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
    m->count.change[change]++;
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

/* ---- confined ---- */

static enum rc confined_work(struct importing *m, enum rc (*work)(void *, struct buf *, struct err *),
                             struct buf *answer, struct err *err)
{
    const struct confined confined = {.work = work, .context = m, .memory_max = COPY_MEMORY};
    buf_init(answer, ANSWER_BYTES);
    return confined_command(&confined, "rules: the import", answer, err);
}

static void text_put(struct buf *out, struct str text)
{
    buf_be16(out, (uint16_t)text.n);
    buf_str(out, text);
}

/* Copy 1: what the pack is called; of a ZIP file its files too. */
static enum rc work_identify(void *context, struct buf *answer, struct err *err)
{
    struct importing *m = context;
    const struct rule_pack *pack = &m->pack;
    bool zip = m->source.zip.n > 0;
    enum rc rc = pack_source_unpack(&m->source, err);
    if (rc == RC_OK && m->source.count == 0)
        rc = err_set(err, RC_INVALID, "there is no rule file (.yml) in \"%s\"", m->options->operands[1]);
    rc = rc == RC_OK ? rule_packs_identify(m->options, &m->source, m->arena, &m->pack, err) : rc;
    if (rc != RC_OK)
        return rc;
    const struct str texts[] = {pack->name, pack->version, pack->source, pack->licence};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        text_put(answer, texts[i]);
    if (zip)
        pack_source_write(&m->source, answer);
    return RC_OK;
}

/* Copy 2: whether the pack may be trusted and used, and what it changes. */
static enum rc work_load(void *context, struct buf *answer, struct err *err)
{
    struct importing *m = context;
    enum rc rc = m->key.name[0] ? rule_statement_verify(m->source.note, &m->key, &m->pack, err) : RC_OK;
    rc = rc == RC_OK ? rule_packs_load(&m->pack, m->source.texts, &m->rules, err) : rc;
    if (rc != RC_OK)
        return rc;
    m->count.refused = rule_packs_report(&m->source, m->rules, m->json);
    m->count.loaded = rules_count(m->rules);
    for (size_t i = 0; i < rules_count(m->rules); i++)
        m->count.filters += rules_at(m->rules, i)->kind == RULE_FILTER;
    before_load(m);
    if (m->count.loaded == 0)
        rc = err_set(err, RC_INVALID, "no rule of it can be used; nothing is written");
    rc = rc == RC_OK ? changes_tell(m, err) : rc;
    buf_put(answer, &m->count, sizeof m->count); /* for the same program */
    if (fflush(stdout) != 0)
        return err_set(err, RC_IO, "could not write to standard output");
    return rc;
}

/* ---- what is imported ---- */

static enum rc key_take(struct importing *m, struct err *err)
{
    const char *given = options_text(m->options, "key");
    struct buf text;
    if (!given)
        return RC_OK;
    enum rc rc = rule_packs_key(given, &m->key, err);
    if (rc != RC_OK)
        return rc;
    buf_init_fixed(&text, m->key_text, sizeof m->key_text - 1);
    note_key_write(&m->key, &text);
    ASSERT(!text.overflow && m->key.name[0]);
    return RC_OK;
}

static struct str text_take(struct importing *m, struct reader *reader)
{
    return arena_str(m->arena, read_bytes(reader, read_be16(reader)));
}

static enum rc identity_take(struct importing *m, struct str answer, struct err *err)
{
    struct reader reader = reader_of(answer);
    struct rule_pack pack = {.key = str_of(m->key_text)};
    pack.name = text_take(m, &reader);
    pack.version = text_take(m, &reader);
    pack.source = text_take(m, &reader);
    pack.licence = text_take(m, &reader);
    if (reader.failed || arena_spent(m->arena))
        return err_set(err, RC_CORRUPT, "what was read of the pack does not read");
    enum rc rc = RC_OK;
    if (m->source.zip.n > 0) {
        pack_source_done(&m->source);
        rc = pack_source_take(read_bytes(&reader, reader_left(&reader)), &m->source, err);
    }
    rc = rc == RC_OK ? rule_packs_called_check(&pack, err) : rc;
    rc = rc == RC_OK ? rule_packs_count(&m->source, &pack, err) : rc;
    m->pack = pack;
    return rc;
}

static enum rc source_take(struct importing *m, struct err *err)
{
    struct buf answer CLEANUP(buf_done) = {0};
    enum rc rc = key_take(m, err);
    rc = rc == RC_OK ? pack_source_gather(m->options->operands[1], &m->source, err) : rc;
    rc = rc == RC_OK ? confined_work(m, work_identify, &answer, err) : rc;
    rc = rc == RC_OK ? identity_take(m, buf_view(&answer), err) : rc;
    if (rc == RC_OK && m->key.name[0] && m->source.note.n == 0)
        rc = err_set(err, RC_DENIED, "--key is given, and the pack has no signature (" RULE_PACK_NOTE ")");
    return rc;
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
    json_put_text(line, "signer", m->key.name);
    json_put_u64(line, "loaded", m->count.loaded);
    json_put_u64(line, "refused", m->count.refused);
    json_put_u64(line, "filters", m->count.filters);
    for (enum change change = 0; change < CHANGES; change++)
        json_put_u64(line, change_names[change], m->count.change[change]);
    json_put_bool(line, "written", written);
    json_write_object_end(line);
    printf("%s\n", buf_z(line));
}

static void summary_text(struct importing *m, bool written)
{
    const struct rule_pack *pack = &m->pack;
    const char *data = options_text(m->options, "data");
    const uint64_t *change = m->count.change;
    printf("%" PRIu64 " rules: %" PRIu64 " loaded, %" PRIu64 " refused; %" PRIu64 " new, %" PRIu64 " changed, %" PRIu64
           " gone\n",
           m->count.loaded + m->count.refused, m->count.loaded, m->count.refused, change[CHANGE_NEW],
           change[CHANGE_CHANGED], change[CHANGE_GONE]);
    if (m->count.filters)
        printf("%" PRIu64 " of them are filters: these hold at once, they are never drafts\n", m->count.filters);
    printf("%.*s %.*s: %" PRIu64 " files, %s%s\n", STR_ARG(pack->name), STR_ARG(pack->version), pack->file_total,
           m->key.name[0]     ? "signed by "
           : m->source.note.n ? "signed, verified with no key (--key)"
                              : "unsigned",
           m->key.name);
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
    if (m->count.compared)
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

static enum rc counts_take(struct importing *m, struct str answer, struct err *err)
{
    if (answer.n != sizeof m->count)
        return err_set(err, RC_CORRUPT, "what was found of the pack does not read");
    memcpy(&m->count, answer.p, sizeof m->count);
    m->count.compared = m->count.compared != 0 && m->holds;
    return RC_OK;
}

static enum rc pack_judge(struct importing *m, struct err *err)
{
    struct buf answer CLEANUP(buf_done) = {0};
    enum rc rc = source_take(m, err);
    rc = rc == RC_OK ? rule_packs_of(m->options, false, &m->packs, &m->lock, err) : rc;
    if (rc == RC_NOT_FOUND && m->packs.folder < 0)
        rc = RC_OK; /* none was imported yet */
    if (rc != RC_OK)
        return rc;
    if (m->packs.folder >= 0)
        before_take(m);
    rule_packs_close(&m->packs);
    rc = confined_work(m, work_load, &answer, err);
    return rc == RC_OK ? counts_take(m, buf_view(&answer), err) : rc;
}

/* Locked only now: nobody else's command waits while a stranger's bytes are read. */
static enum rc pack_enter(struct importing *m, struct err *err)
{
    struct str current = STR_NONE;
    enum rc rc = rule_packs_of(m->options, true, &m->packs, &m->lock, err);
    if (rc != RC_OK)
        return rc;
    rc = rule_pack_current(&m->packs, m->pack.name, m->arena, &current, err);
    if (rc == RC_NOT_FOUND ? m->current.n > 0 : rc == RC_OK && !str_eq(current, m->current))
        return err_set(err, RC_EXISTS, "another command changed the pack meanwhile; import it again");
    return rc == RC_OK || rc == RC_NOT_FOUND ? pack_write(m, err) : rc;
}

static enum rc import(struct importing *m, struct err *err)
{
    enum rc rc = pack_judge(m, err);
    bool same = m->count.compared && tlog_hash_eq(&m->was.pack.digest, &m->pack.digest);
    bool written = rc == RC_OK && !options_flag(m->options, "dry-run") && !same;
    rc = written ? pack_enter(m, err) : rc;
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
    m = (struct importing){
        .options = options, .json = options_flag(options, "json"), .packs.folder = -1, .lock = -1, .was.folder = -1};
    m.arena = arena_new(PACK_MEMORY);
    buf_init(&m.line, LINE_BYTES);
    enum rc rc = m.arena ? import(&m, &err) : err_set(&err, RC_LIMIT, "no memory");
    if (rc == RC_OK && fflush(stdout) != 0)
        rc = err_set(&err, RC_IO, "could not write to standard output");
    rule_packs_close(&m.packs);
    if (m.lock >= 0)
        close(m.lock);
    pack_source_done(&m.source);
    buf_done(&m.line);
    arena_free(m.arena);
    return rc == RC_OK ? CMD_OK : cmd_fail("rules", &err);
}
