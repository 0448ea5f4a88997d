#include "role/rule_manifest.h"

#include "base/test.h"
#include "tlog/key.h"

#include <stdio.h>
#include <string.h>

static struct arena *arena;
static struct tlog_hasher *hasher;
static struct rule_pack_file files[2];
static struct rule_pack pack;

static void make(void)
{
    arena = arena_new((size_t)16 << 20);
    hasher = tlog_hasher_new();
    files[0].path = STR("linux/a.yml");
    files[1].path = STR("windows/b.yaml");
    tlog_hash_bytes(hasher, STR("title: a\n"), &files[0].hash);
    tlog_hash_bytes(hasher, STR("title: b\n"), &files[1].hash);
    pack = (struct rule_pack){.name = STR("site-rules"),
                              .version = STR("2026.11+B"),
                              .source = STR("our own"),
                              .licence = STR("DRL 1.1"),
                              .imported_ns = 17,
                              .file_total = 2,
                              .files = files,
                              .file_count = 2};
    rule_pack_digest(hasher, files, 2, &pack.digest);
}

static void done(void)
{
    tlog_hasher_free(hasher);
    arena_free(arena);
}

static void names(void)
{
    static const struct {
        const char *name;
        bool is_name, is_version;
    } rows[] = {
        {"sigmahq", true, true},    {"a", true, true},     {"0.9-x_y", true, true},   {"Sigma", false, true},
        {"1.0+build", false, true}, {"", false, false},    {".hidden", false, false}, {"..", false, false},
        {"a/b", false, false},      {"a b", false, false}, {"current", true, false},  {"x.tmp", true, false},
        {"\xd2\x9b", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].name);
        CHECK_INT(rule_pack_name_check(str_of(rows[i].name), NULL) == RC_OK, rows[i].is_name);
        CHECK_INT(rule_pack_version_check(str_of(rows[i].name), NULL) == RC_OK, rows[i].is_version);
    }
}

static void paths(void)
{
    static const struct {
        const char *path;
        bool good;
    } rows[] = {
        {"a.yml", true},
        {"a/b/c.yml", true},
        {"a b/\xd2\x9b.yml", true},
        {"", false},
        {"/etc/passwd", false},
        {"../a.yml", false},
        {"a/../b.yml", false},
        {"a//b.yml", false},
        {"./a.yml", false},
        {"a/", false},
        {"a\\b.yml", false},
        {"a\nb.yml", false},
        {"a\tb.yml", false},
        {"a\xff.yml", false},
        {"..", false},
        {"...yml", true},
        {"1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8.yml", false},
    };
    char longest[RULE_PACK_PATH_MAX + 2];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].path);
        CHECK_INT(rule_pack_path_check(str_of(rows[i].path), NULL) == RC_OK, rows[i].good);
    }
    memset(longest, 'a', sizeof longest);
    longest[200] = longest[400] = '/';
    CHECK_INT(rule_pack_path_check(str_at(longest, RULE_PACK_PATH_MAX), NULL), RC_OK);
    CHECK_INT(rule_pack_path_check(str_at(longest, RULE_PACK_PATH_MAX + 1), NULL), RC_INVALID);
}

/* The digest is what `sha256sum FILES | sha256sum` says of the two files. */
static void digests(void)
{
    char hex[2 * TLOG_HASH_SIZE + 1] = "";
    make();
    struct buf text;
    buf_init_fixed(&text, hex, sizeof hex);
    buf_hex(&text, pack.digest.bytes, sizeof pack.digest.bytes);
    CHECK_TEXT(buf_view(&text), "762d30a08454feb9c2fe042da98f345aa997f1840524c435f256cdb615cfba71");
    done();
}

static void manifest_round(void)
{
    struct buf text;
    struct rule_pack read;
    struct err err = {0};
    make();
    buf_init(&text, 65536);
    rule_manifest_write(&pack, &text);
    CHECK_INT(rule_manifest_read(buf_view(&text), arena, &read, &err), RC_OK);
    CHECK_STR(read.name, pack.name);
    CHECK_STR(read.version, pack.version);
    CHECK_STR(read.source, pack.source);
    CHECK_STR(read.licence, pack.licence);
    CHECK_INT(read.key.n, 0);
    CHECK_INT(read.imported_ns, 17);
    CHECK_INT(read.file_count, 2);
    CHECK_STR(read.files[1].path, files[1].path);
    CHECK(tlog_hash_eq(&read.files[1].hash, &files[1].hash));
    for (size_t n = 0; n < text.n; n++) {
        test_row("cut at %zu", n);
        if (n + 1 < text.n) /* the last line feed may go */
            CHECK(rule_manifest_read(str_slice(buf_view(&text), 0, n), arena, &read, &err) != RC_OK);
    }
    buf_done(&text);
    done();
}

/* Each is the good manifest with one text in place of another. */
static void manifest_refuses(void)
{
    static const struct {
        const char *from, *to, *why;
    } rows[] = {
        {"pack\tformat\t1", "pack\tformat\t2", "format"},
        {"pack\tname\tsite-rules", "pack\tname\t../x", "name of a pack"},
        {"2026.11+B", "current", "version of a pack"},
        {"our own", "our\x01own", "source"},
        {"pack\tfiles\t2", "pack\tfiles\t3", "counts 3"},
        {"pack\tfiles\t2", "pack\tfiles\t99999999", "no count"},
        {"pack\timported_ns\t17", "pack\timported_ns\tx", "no time"},
        {"pack\tlicence\tDRL 1.1\n", "", "all that it must"},
        {"pack\tkey\t", "pack\tname\t", "repeated"},
        {"pack\tkey\t", "pack\twhat\t", "unknown"},
        {"file\tlinux", "page\tlinux", "known kind"},
        {"linux/a.yml", "../../a.yml", "outside"},
        {"linux/a.yml", "zinux/a.yml", "order"},
        {"linux/a.yml", "linux/c.yml", "digest"},
        {"windows/b.yaml", "linux/a.yml", "order"},
    };
    struct buf text;
    char altered[4096];
    make();
    buf_init(&text, 65536);
    rule_manifest_write(&pack, &text);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rule_pack read;
        struct err err = {0};
        struct str whole = buf_view(&text);
        size_t at = str_search(whole, str_of(rows[i].from));
        test_row("%s -> %s", rows[i].from, rows[i].to);
        snprintf(altered, sizeof altered, "%.*s%s%.*s", STR_ARG(str_slice(whole, 0, at)), rows[i].to,
                 STR_ARG(str_skip(whole, at + strlen(rows[i].from))));
        CHECK(at < whole.n);
        CHECK_INT(rule_manifest_read(str_of(altered), arena, &read, &err), RC_INVALID);
        if (!CHECK(str_search(str_of(err.text), str_of(rows[i].why)) < strlen(err.text)))
            printf("# %s\n", err.text);
    }
    buf_done(&text);
    done();
}

static void facts_round(void)
{
    char storage[4096];
    struct buf text;
    struct rule_facts facts;
    struct err err = {0};
    make();
    buf_init_fixed(&text, storage, sizeof storage);
    rule_facts_write(&pack, STR("rules.example"), true, &text);
    CHECK_INT(rule_facts_read(buf_view(&text), &facts, &err), RC_OK);
    CHECK_STR(facts.name, pack.name);
    CHECK_STR(facts.licence, pack.licence);
    CHECK_TEXT(facts.signer, "rules.example");
    CHECK_INT(facts.imported_ns, 17);
    CHECK_INT(facts.files, 2);
    CHECK(facts.has_note);
    for (size_t n = 0; n + 1 < text.n; n++) {
        test_row("cut at %zu", n);
        struct str cut = str_slice(buf_view(&text), 0, n);
        if (str_search(cut, STR("\nsigner ")) == cut.n) /* a shorter signer is one, too */
            CHECK_INT(rule_facts_read(cut, &facts, &err), RC_INVALID);
    }
    done();
}

/* A note of the pack as it is, signed by the seed. */
static struct str note_of(uint8_t seed, enum note_type type, struct buf *note, struct note_key *ret_key)
{
    uint8_t bytes[32] = {seed};
    struct buf line;
    struct signing_key *key = NULL;
    struct err err = {0};
    CHECK_INT(signing_key_from_seed(STR("rules.example"), type, bytes, &key, &err), RC_OK);
    buf_clear(note);
    rule_statement_write(&pack, note);
    buf_init(&line, 4096);
    CHECK_INT(signing_key_sign(key, buf_view(note), 0, &line, &err), RC_OK);
    buf_char(note, '\n');
    buf_str(note, buf_view(&line));
    buf_done(&line);
    *ret_key = *signing_key_public(key);
    signing_key_free(key);
    return buf_view(note);
}

static void signatures(void)
{
    struct buf storage;
    struct note_key key;
    struct note_key other;
    struct err err = {0};
    make();
    buf_init(&storage, 65536);
    CHECK(note_of(2, NOTE_ED25519, &storage, &other).n > 0);
    struct str note = note_of(1, NOTE_ED25519, &storage, &key);
    CHECK_INT(rule_statement_verify(note, &key, &pack, &err), RC_OK);
    CHECK_INT(rule_statement_verify(note, &other, &pack, &err), RC_DENIED);
    CHECK_INT(rule_statement_verify(STR(""), &key, &pack, &err), RC_DENIED);
    for (size_t i = 0; i < note.n; i++) {
        char copy[4096];
        memcpy(copy, note.p, note.n);
        copy[i] = (char)(copy[i] ^ 1);
        test_row("flip at %zu", i);
        CHECK_INT(rule_statement_verify(str_at(copy, note.n), &key, &pack, &err), RC_DENIED);
    }
    /* Good for what was signed, and nothing else. */
    const struct rule_pack signed_pack = pack;
    pack.version = STR("2026.12");
    CHECK_INT(rule_statement_verify(note, &key, &pack, &err), RC_DENIED);
    pack = signed_pack;
    pack.name = STR("other");
    CHECK_INT(rule_statement_verify(note, &key, &pack, &err), RC_DENIED);
    pack = signed_pack;
    pack.licence = STR("none");
    CHECK_INT(rule_statement_verify(note, &key, &pack, &err), RC_DENIED);
    pack = signed_pack;
    pack.digest.bytes[0] ^= 1;
    CHECK_INT(rule_statement_verify(note, &key, &pack, &err), RC_DENIED);
    pack = signed_pack;
    note = note_of(1, NOTE_COSIGNATURE, &storage, &key);
    CHECK_INT(rule_statement_verify(note, &key, &pack, &err), RC_DENIED);
    buf_done(&storage);
    done();
}

static const struct test tests[] = {
    {"names and versions", names},
    {"paths that stay inside", paths},
    {"the digest is that of sha256sum's lines", digests},
    {"a manifest reads back", manifest_round},
    {"a manifest that says something else is refused", manifest_refuses},
    {"facts read back", facts_round},
    {"a signature is good for its own files and facts only", signatures},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
