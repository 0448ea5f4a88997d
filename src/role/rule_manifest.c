#include "role/rule_manifest.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/tsv.h"
#include "codec/utf8.h"

#include <string.h>

#define FORMAT       "1"
#define STATEMENT    "qorgan.rule-pack/1"
#define HEX_SIZE     (2 * TLOG_HASH_SIZE)
#define LINE_MAX_LEN (HEX_SIZE + 3 + RULE_PACK_PATH_MAX)

/* ---- names ---- */

static bool is_name_char(char c, bool version)
{
    return (c >= 'a' && c <= 'z') || char_is_digit(c) || c == '-' || c == '_' || c == '.' ||
           (version && ((c >= 'A' && c <= 'Z') || c == '+'));
}

static bool is_name(struct str name, bool version)
{
    if (name.n == 0 || name.n > RULE_PACK_NAME_MAX || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_char(name.p[i], version))
            return false;
    return true;
}

enum rc rule_pack_name_check(struct str name, struct err *err)
{
    return is_name(name, false) ? RC_OK
                                : err_set(err, RC_INVALID,
                                          "the name of a pack has a-z, 0-9, '-', '_' and '.', not '.' first, and at "
                                          "most %u of them",
                                          RULE_PACK_NAME_MAX);
}

enum rc rule_pack_version_check(struct str version, struct err *err)
{
    bool fine = is_name(version, true) && !str_is(version, "current") && !str_ends(version, STR(".tmp"));
    return fine ? RC_OK
                : err_set(err, RC_INVALID,
                          "the version of a pack has letters, digits, '-', '_', '+' and '.', not '.' first, and at "
                          "most %u of them; \"current\" is no version",
                          RULE_PACK_NAME_MAX);
}

static bool is_one_line(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return utf8_valid(text);
}

enum rc rule_pack_text_check(struct str text, const char *what, struct err *err)
{
    if (text.n > RULE_PACK_TEXT_MAX)
        return err_set(err, RC_INVALID, "the %s of a pack has at most %u bytes", what, RULE_PACK_TEXT_MAX);
    return is_one_line(text) ? RC_OK : err_set(err, RC_INVALID, "the %s of a pack is one line of UTF-8", what);
}

enum rc rule_pack_path_check(struct str path, struct err *err)
{
    size_t depth = 0;
    struct str rest = path;
    if (path.n == 0 || path.n > RULE_PACK_PATH_MAX)
        return err_set(err, RC_INVALID, "the path is empty or longer than %u bytes", RULE_PACK_PATH_MAX);
    if (!is_one_line(path) || str_find(path, '\\') < path.n)
        return err_set(err, RC_INVALID, "the path has control characters, a backslash or no UTF-8");
    while (rest.p) {
        struct str part = str_cut(&rest, '/');
        if (part.n == 0 || str_is(part, ".") || str_is(part, "..") || part.n > 255)
            return err_set(err, RC_INVALID, "the path would lead outside: an empty part, \".\" or \"..\"");
        if (depth++ > RULE_PACK_DEPTH_MAX)
            return err_set(err, RC_INVALID, "the path has more than %u folders", RULE_PACK_DEPTH_MAX);
    }
    return RC_OK;
}

/* ---- digest ---- */

int rule_pack_file_compare(const void *a, const void *b)
{
    const struct rule_pack_file *left = a;
    const struct rule_pack_file *right = b;
    return str_compare(left->path, right->path);
}

static void hash_put(const struct tlog_hash *hash, struct buf *out)
{
    buf_hex(out, hash->bytes, sizeof hash->bytes);
}

void rule_pack_digest(struct tlog_hasher *hasher, const struct rule_pack_file *files, size_t count,
                      struct tlog_hash *ret_digest)
{
    char storage[LINE_MAX_LEN + 1];
    struct buf line;
    tlog_hash_begin(hasher);
    for (size_t i = 0; i < count; i++) {
        buf_init_fixed(&line, storage, sizeof storage);
        hash_put(&files[i].hash, &line);
        buf_text(&line, "  ");
        buf_str(&line, files[i].path);
        buf_char(&line, '\n');
        ASSERT(!line.overflow);
        tlog_hash_add(hasher, buf_view(&line));
    }
    tlog_hash_end(hasher, ret_digest);
}

/* ---- manifest ---- */

/* A cell has neither tab nor line feed: texts were checked. */
static void row_put(struct buf *out, const char *what, const char *name, struct str value)
{
    buf_format(out, "%s\t%s\t", what, name);
    buf_str(out, value);
    buf_char(out, '\n');
}

void rule_manifest_write(const struct rule_pack *pack, struct buf *out)
{
    char hex[HEX_SIZE];
    const struct {
        const char *name;
        struct str value;
    } rows[] = {
        {"format", STR(FORMAT)},
        {"name", pack->name},
        {"version", pack->version},
        {"source", pack->source},
        {"licence", pack->licence},
        {"key", pack->key},
        {"digest", str_at(hex, hex_encode(pack->digest.bytes, sizeof pack->digest.bytes, hex))},
    };
    buf_text(out, "what\tname\tvalue\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        row_put(out, "pack", rows[i].name, rows[i].value);
    buf_format(out, "pack\timported_ns\t%lld\npack\tfiles\t%llu\n", (long long)pack->imported_ns,
               (unsigned long long)pack->file_total);
    for (size_t i = 0; i < pack->file_count; i++) {
        buf_text(out, "file\t");
        buf_str(out, pack->files[i].path);
        buf_char(out, '\t');
        hash_put(&pack->files[i].hash, out);
        buf_char(out, '\n');
    }
}

enum fact {
    FACT_FORMAT,
    FACT_NAME,
    FACT_VERSION,
    FACT_SOURCE,
    FACT_LICENCE,
    FACT_KEY,
    FACT_DIGEST,
    FACT_TIME,
    FACT_FILES
};
static const char *const fact_names[] = {
    [FACT_FORMAT] = "format", [FACT_NAME] = "name",        [FACT_VERSION] = "version",
    [FACT_SOURCE] = "source", [FACT_LICENCE] = "licence",  [FACT_KEY] = "key",
    [FACT_DIGEST] = "digest", [FACT_TIME] = "imported_ns", [FACT_FILES] = "files",
};

struct reading {
    struct tsv tsv;
    struct arena *arena;
    struct rule_pack *pack;
    struct rule_pack_file *files;
    size_t room;
    unsigned facts; /* bits: those that were read */
    struct err *err;
};

static bool fact_find(struct str name, enum fact *ret_fact)
{
    for (size_t i = 0; i < ARRAY_LEN(fact_names); i++)
        if (str_is(name, fact_names[i])) {
            *ret_fact = (enum fact)i;
            return true;
        }
    return false;
}

static enum rc bad(const struct reading *r, const char *what)
{
    return err_set(r->err, RC_INVALID, "line %u of the manifest: %s", r->tsv.line, what);
}

static enum rc fact_read(struct reading *r, struct str name, struct str value)
{
    struct rule_pack *pack = r->pack;
    struct str *const texts[] = {[FACT_NAME] = &pack->name,
                                 [FACT_VERSION] = &pack->version,
                                 [FACT_SOURCE] = &pack->source,
                                 [FACT_LICENCE] = &pack->licence,
                                 [FACT_KEY] = &pack->key};
    enum fact fact;
    if (!fact_find(name, &fact) || r->facts & 1u << fact)
        return bad(r, "an unknown or repeated fact");
    r->facts |= 1u << fact;
    switch (fact) {
    case FACT_FORMAT:
        return str_is(value, FORMAT) ? RC_OK : bad(r, "a format that this program does not know");
    case FACT_DIGEST:
        return hex_decode(value, pack->digest.bytes, sizeof pack->digest.bytes) ? RC_OK : bad(r, "no SHA-256");
    case FACT_TIME:
        return str_to_i64(value, &pack->imported_ns) ? RC_OK : bad(r, "no time");
    case FACT_FILES:
        return str_to_u64(value, &pack->file_total) && pack->file_total <= RULE_PACK_FILES_MAX ? RC_OK
                                                                                               : bad(r, "no count");
    case FACT_NAME:
    case FACT_VERSION:
    case FACT_SOURCE:
    case FACT_LICENCE:
    case FACT_KEY:
        break;
    }
    *texts[fact] = value;
    return value.n <= NOTE_KEY_TEXT_MAX ? RC_OK : bad(r, "too long");
}

static enum rc file_read(struct reading *r, struct str path, struct str value)
{
    struct rule_pack *pack = r->pack;
    struct rule_pack_file file = {.path = path};
    struct err why;
    if (rule_pack_path_check(path, &why) != RC_OK)
        return bad(r, why.text);
    if (!hex_decode(value, file.hash.bytes, sizeof file.hash.bytes))
        return bad(r, "no SHA-256");
    if (pack->file_count == RULE_PACK_FILES_MAX)
        return err_set(r->err, RC_LIMIT, "the manifest names more than %u files", RULE_PACK_FILES_MAX);
    if (pack->file_count > 0 && str_compare(r->files[pack->file_count - 1].path, path) >= 0)
        return bad(r, "the files are not in the order of their paths");
    if (pack->file_count == r->room) {
        size_t room = r->room ? 2 * r->room : 64;
        struct rule_pack_file *files = arena_grow(r->arena, r->files, r->room * sizeof *files, room * sizeof *files);
        if (!files)
            return err_set(r->err, RC_LIMIT, "no memory for the manifest");
        r->files = files;
        r->room = room;
    }
    r->files[pack->file_count++] = file;
    pack->files = r->files;
    return RC_OK;
}

static enum rc rows_read(struct reading *r, struct str text)
{
    enum rc rc = tsv_open(&r->tsv, text, r->err);
    if (rc != RC_OK)
        return rc;
    if (r->tsv.columns != 3 || !str_is(r->tsv.name[0], "what") || !str_is(r->tsv.name[1], "name"))
        return bad(r, "the columns are what, name and value");
    while ((rc = tsv_next(&r->tsv, r->err)) == RC_OK) {
        const struct str *cell = r->tsv.cell;
        if (str_is(cell[0], "pack"))
            rc = fact_read(r, cell[1], cell[2]);
        else if (str_is(cell[0], "file"))
            rc = file_read(r, cell[1], cell[2]);
        else
            rc = bad(r, "a row of no known kind");
        if (rc != RC_OK)
            return rc;
    }
    return rc == RC_END ? RC_OK : rc;
}

static enum rc facts_check(const struct rule_pack *pack, struct err *err)
{
    enum rc rc = rule_pack_name_check(pack->name, err);
    rc = rc == RC_OK ? rule_pack_version_check(pack->version, err) : rc;
    rc = rc == RC_OK ? rule_pack_text_check(pack->source, "source", err) : rc;
    return rc == RC_OK ? rule_pack_text_check(pack->licence, "licence", err) : rc;
}

static enum rc digest_check(const struct rule_pack *pack, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_hash digest;
    if (!hasher)
        return err_set(err, RC_LIMIT, "no memory for a digest");
    if (pack->file_count != pack->file_total)
        return err_set(err, RC_INVALID, "the manifest names %zu files and counts %llu", pack->file_count,
                       (unsigned long long)pack->file_total);
    rule_pack_digest(hasher, pack->files, pack->file_count, &digest);
    return tlog_hash_eq(&digest, &pack->digest)
               ? RC_OK
               : err_set(err, RC_INVALID, "the manifest's digest is not that of its files");
}

enum rc rule_manifest_read(struct str text, struct arena *arena, struct rule_pack *ret_pack, struct err *err)
{
    struct reading r = {.arena = arena, .pack = ret_pack, .err = err};
    *ret_pack = (struct rule_pack){0};
    if (text.n > RULE_PACK_MANIFEST_MAX)
        return err_set(err, RC_LIMIT, "the manifest is larger than %zu bytes", RULE_PACK_MANIFEST_MAX);
    enum rc rc = rows_read(&r, text);
    if (rc == RC_OK && r.facts != (1u << ARRAY_LEN(fact_names)) - 1)
        rc = err_set(err, RC_INVALID, "the manifest does not say all that it must");
    rc = rc == RC_OK ? facts_check(ret_pack, err) : rc;
    return rc == RC_OK ? digest_check(ret_pack, err) : rc;
}

/* ---- facts ---- */

/* The line "KEY value"; false when the next one is another. */
static bool line_take(struct str *rest, const char *key, struct str *ret_value)
{
    struct str line = str_cut(rest, '\n');
    size_t n = strlen(key);
    if (!str_starts(line, str_of(key)) || line.n < n + 1 || line.p[n] != ' ')
        return false;
    *ret_value = str_skip(line, n + 1);
    return true;
}

/* One fact a line, as in a statement: texts have no line feed. */
void rule_facts_write(const struct rule_pack *pack, struct str signer, bool has_note, struct buf *out)
{
    rule_statement_write(pack, out);
    buf_format(out, "imported %lld\nnote %d\nsigner ", (long long)pack->imported_ns, has_note);
    buf_str(out, signer);
    buf_char(out, '\n');
}

enum rc rule_facts_read(struct str text, struct rule_facts *ret_facts, struct err *err)
{
    struct rule_pack pack;
    struct str imported = STR_NONE;
    struct str note = STR_NONE;
    struct str signer = STR_NONE;
    int64_t imported_ns = 0;
    size_t at = str_search(text, STR("\nimported "));
    struct str rest = str_skip(text, at + 1);
    enum rc rc = rule_statement_read(str_slice(text, 0, at + 1), &pack, err);
    if (rc != RC_OK)
        return rc;
    if (!line_take(&rest, "imported", &imported) || !line_take(&rest, "note", &note) ||
        !line_take(&rest, "signer", &signer) || rest.n || !str_to_i64(imported, &imported_ns))
        return err_set(err, RC_INVALID, "these are no facts of a rule pack");
    *ret_facts = (struct rule_facts){.name = pack.name,
                                     .version = pack.version,
                                     .source = pack.source,
                                     .licence = pack.licence,
                                     .signer = signer,
                                     .has_note = str_is(note, "1"),
                                     .imported_ns = imported_ns,
                                     .files = pack.file_total,
                                     .digest = pack.digest};
    return RC_OK;
}

/* ---- statement ---- */

void rule_statement_write(const struct rule_pack *pack, struct buf *out)
{
    buf_text(out, STATEMENT "\nname ");
    buf_str(out, pack->name);
    buf_text(out, "\nversion ");
    buf_str(out, pack->version);
    buf_format(out, "\nfiles %llu\ndigest ", (unsigned long long)pack->file_total);
    hash_put(&pack->digest, out);
    buf_text(out, "\nsource ");
    buf_str(out, pack->source);
    buf_text(out, "\nlicence ");
    buf_str(out, pack->licence);
    buf_char(out, '\n');
}

enum rc rule_statement_read(struct str text, struct rule_pack *ret_pack, struct err *err)
{
    struct str rest = text;
    struct str files = STR_NONE;
    struct str digest = STR_NONE;
    struct rule_pack pack = {0};
    bool reads = str_is(str_cut(&rest, '\n'), STATEMENT) && line_take(&rest, "name", &pack.name) &&
                 line_take(&rest, "version", &pack.version) && line_take(&rest, "files", &files) &&
                 line_take(&rest, "digest", &digest) && line_take(&rest, "source", &pack.source) &&
                 line_take(&rest, "licence", &pack.licence) && rest.n == 0 && str_ends(text, STR("\n"));
    reads = reads && str_to_u64(files, &pack.file_total) && pack.file_total <= RULE_PACK_FILES_MAX &&
            hex_decode(digest, pack.digest.bytes, sizeof pack.digest.bytes);
    if (!reads)
        return err_set(err, RC_INVALID, "the signed text is no statement of a rule pack");
    enum rc rc = facts_check(&pack, err);
    if (rc == RC_OK)
        *ret_pack = pack;
    return rc;
}

enum rc rule_statement_verify(struct str note, const struct note_key *key, const struct rule_pack *pack,
                              struct err *err)
{
    struct note parsed;
    struct rule_pack said;
    struct err why = {0};
    if (key->type != NOTE_ED25519)
        return err_set(err, RC_DENIED, "the key is not one that signs rule packs, but a witness's");
    if (note_parse(note, &parsed, &why) != RC_OK || note_verify(&parsed, key, NULL, &why) != RC_OK ||
        rule_statement_read(parsed.text, &said, &why) != RC_OK)
        return err_set(err, RC_DENIED, "the signature is not good: %s", why.text);
    bool same = str_eq(said.name, pack->name) && str_eq(said.version, pack->version) &&
                str_eq(said.source, pack->source) && str_eq(said.licence, pack->licence) &&
                said.file_total == pack->file_total && tlog_hash_eq(&said.digest, &pack->digest);
    return same ? RC_OK
                : err_set(err, RC_DENIED, "what is signed is %.*s %.*s with other files or facts than these",
                          STR_ARG(said.name), STR_ARG(said.version));
}
