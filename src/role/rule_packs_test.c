#include "role/rule_packs.h"

#include "base/test.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAKEN_MAX 24u

static char folder[64];
static int data = -1;
static struct rule_packs packs;
static struct arena *arena;
static struct tlog_hasher *hasher;

static void begin(void)
{
    struct err err = {0};
    snprintf(folder, sizeof folder, "/tmp/qorgan-packs-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    arena = arena_new((size_t)16 << 20);
    hasher = tlog_hasher_new();
    data = io_open_folder(folder);
    CHECK(data >= 0);
    CHECK_INT(rule_packs_open(&io_kernel, data, true, &packs, &err), RC_OK);
}

static void end(void)
{
    struct err err = {0};
    struct str *names;
    size_t count = 0;
    CHECK_INT(rule_packs_names(&packs, arena, &names, &count, &err), RC_OK);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(rule_pack_remove(&packs, names[i], STR(""), &err), RC_OK);
    rule_packs_close(&packs);
    IGNORE(unlinkat(data, "twin.yml", 0)); /* of one test */
    CHECK_INT(unlinkat(data, "rules", AT_REMOVEDIR), 0);
    close(data);
    CHECK_INT(rmdir(folder), 0);
    arena_free(arena);
    tlog_hasher_free(hasher);
}

/* Stores "a.yml", "linux/x/b.yml" and "linux/y/c.yml", their texts ending in the version. */
static enum rc store(const char *name, const char *version, struct err *err)
{
    static const char *const paths[] = {"a.yml", "linux/x/b.yml", "linux/y/c.yml"};
    struct rule_pack_file files[ARRAY_LEN(paths)];
    struct str texts[ARRAY_LEN(paths)];
    struct rule_pack pack = {.name = str_of(name),
                             .version = str_of(version),
                             .source = STR("here"),
                             .file_total = ARRAY_LEN(paths),
                             .files = files,
                             .file_count = ARRAY_LEN(paths)};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char text[128];
        snprintf(text, sizeof text, "title: %s %s\n", paths[i], version);
        texts[i] = arena_str(arena, str_of(text));
        files[i].path = str_of(paths[i]);
        tlog_hash_bytes(hasher, texts[i], &files[i].hash);
    }
    rule_pack_digest(hasher, files, pack.file_count, &pack.digest);
    return rule_pack_store(&packs, &pack, texts, STR(""), err);
}

static void stored(const char *name, const char *version, bool holds)
{
    struct err err = {0};
    if (!CHECK_INT(store(name, version, &err), RC_OK))
        printf("# %s\n", err.text);
    if (holds)
        CHECK_INT(rule_pack_set_current(&packs, str_of(name), str_of(version), &err), RC_OK);
}

/* What the parent is given, a line an entry: "KIND PATH TEXT". */
struct taken {
    char line[TAKEN_MAX][200];
    size_t count;
    size_t fail_at; /* the so-manieth is refused; 0: none */
};

static enum rc take(void *context, enum rule_packs_kind kind, struct str path, struct str text, struct err *err)
{
    static const char *const kinds[] = {"file", "refused", "facts", "next", "next-facts"};
    struct taken *taken = context;
    if (taken->count == TAKEN_MAX || taken->count + 1 == taken->fail_at)
        return err_set(err, RC_LIMIT, "no room");
    snprintf(taken->line[taken->count++], sizeof taken->line[0], "%s %.*s %.*s", kinds[kind], STR_ARG(path),
             STR_ARG(str_slice(text, 0, str_find(text, '\n'))));
    return RC_OK;
}

static enum rc walk(struct taken *taken)
{
    struct err err = {0};
    const struct rule_packs_sink sink = {take, taken};
    return rule_packs_read(&io_kernel, data, &sink, &err);
}

static void expect(const char *const *lines, size_t count)
{
    struct taken taken = {.count = 0};
    CHECK_INT(walk(&taken), RC_OK);
    CHECK_INT(taken.count, count);
    for (size_t i = 0; i < MIN(taken.count, count); i++) {
        struct str got = str_of(taken.line[i]);
        CHECK_STR(str_slice(got, 0, strlen(lines[i])), str_of(lines[i]));
    }
}
#define EXPECT(...)                                                                                                    \
    do {                                                                                                               \
        static const char *const lines[] = {__VA_ARGS__};                                                              \
        expect(lines, ARRAY_LEN(lines));                                                                               \
    } while (0)

/* Writes into a file below the folder, or makes it. */
static void scribble(const char *below, const char *text)
{
    char path[256];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/rules/%s", folder, below);
    CHECK_INT(file_write_path(path, str_of(text), &err), RC_OK);
}

static void current_is_read(void)
{
    struct taken none = {.count = 0};
    begin();
    CHECK_INT(walk(&none), RC_OK);
    CHECK_INT(none.count, 0);
    stored("zeta", "1", true);
    stored("alpha", "1", true);
    stored("alpha", "2", true);
    stored("alpha", "3", false);
    stored("never", "1", false); /* an import that did not come to its end */
    EXPECT("facts pack:alpha/2 qorgan.rule-pack/1", "file pack:alpha/2/a.yml title: a.yml 2",
           "file pack:alpha/2/linux/x/b.yml title: linux/x/b.yml 2",
           "file pack:alpha/2/linux/y/c.yml title: linux/y/c.yml 2", "facts pack:zeta/1 ",
           "file pack:zeta/1/a.yml title: a.yml 1", "file pack:zeta/1/linux/x/b.yml ",
           "file pack:zeta/1/linux/y/c.yml ");
    for (size_t i = 1; i <= 8; i++) {
        struct taken taken = {.fail_at = i};
        CHECK_INT(walk(&taken), RC_LIMIT);
    }
    end();
}

/* A file that is not what was imported is never given. */
static void changed_is_refused(void)
{
    char path[128];
    begin();
    stored("alpha", "1", true);
    scribble("alpha/1/linux/x/b.yml", "title: another\n");
    snprintf(path, sizeof path, "%s/rules/alpha/1/linux/y/c.yml", folder);
    CHECK_INT(unlink(path), 0);
    scribble("alpha/1/stranger.yml", "title: a stranger\n"); /* the manifest does not name it */
    EXPECT("facts pack:alpha/1 ", "file pack:alpha/1/a.yml title: a.yml 1",
           "refused pack:alpha/1/linux/x/b.yml it was changed since it was imported",
           "refused pack:alpha/1/linux/y/c.yml it is gone");
    /* Nor is one that a link leads to, though it has the same bytes. */
    scribble("../twin.yml", "title: linux/y/c.yml 1\n");
    CHECK_INT(symlink("../../../../../twin.yml", path), 0);
    EXPECT("facts ", "file ", "refused pack:alpha/1/linux/x/b.yml ",
           "refused pack:alpha/1/linux/y/c.yml could not open");
    end();
}

static void broken_packs_do_not_stop_others(void)
{
    char path[128];
    begin();
    stored("a", "1", true);
    stored("b", "1", true);
    stored("c", "1", true);
    stored("d", "1", true);
    stored("e", "1", true);
    scribble("a/current", "../../..\n");
    scribble("b/current", "7\n");
    scribble("c/1/pack.tsv", "what\tname\tvalue\n");
    scribble("d/1/pack.tsv", "");
    EXPECT("refused pack:a the version", "refused pack:b/7 the pack \"b\" has no version \"7\"",
           "refused pack:c/1 the manifest does not say all", "refused pack:d/1 ", "facts pack:e/1 ", "file ", "file ",
           "file ");
    /* One pack's version under the name of another. */
    struct err err = {0};
    struct str manifest;
    snprintf(path, sizeof path, "%s/rules/e/1/pack.tsv", folder);
    CHECK_INT(file_load_path(path, 65536, arena, &manifest, &err), RC_OK);
    stored("e", "2", false);
    scribble("e/2/pack.tsv", arena_strz(arena, manifest));
    for (const char *name = "abd"; *name; name++)
        CHECK_INT(rule_pack_remove(&packs, str_at(name, 1), STR(""), &err), RC_OK);
    scribble("e/current", "2");
    EXPECT("refused pack:c/1 ", "refused pack:e/2 the manifest is that of e 1");
    end();
}

static void rollback_and_removal(void)
{
    struct err err = {0};
    struct str version;
    struct str *versions;
    size_t count;
    begin();
    CHECK_INT(rule_pack_current(&packs, STR("p"), arena, &version, &err), RC_NOT_FOUND);
    stored("p", "1", true);
    stored("p", "2", true);
    CHECK_INT(store("p", "2", &err), RC_EXISTS);
    CHECK_INT(rule_pack_current(&packs, STR("p"), arena, &version, &err), RC_OK);
    CHECK_TEXT(version, "2");
    CHECK_INT(rule_pack_remove(&packs, STR("p"), STR("2"), &err), RC_DENIED);
    CHECK_INT(rule_pack_set_current(&packs, STR("p"), STR("3"), &err), RC_NOT_FOUND);
    CHECK_INT(rule_pack_set_current(&packs, STR("p"), STR("../p/1"), &err), RC_INVALID);
    CHECK_INT(rule_pack_set_current(&packs, STR("p"), STR("1"), &err), RC_OK);
    EXPECT("facts pack:p/1 ", "file pack:p/1/a.yml title: a.yml 1", "file ", "file ");
    CHECK_INT(rule_pack_remove(&packs, STR("p"), STR("2"), &err), RC_OK);
    CHECK_INT(rule_pack_remove(&packs, STR("p"), STR("2"), &err), RC_NOT_FOUND);
    CHECK_INT(rule_pack_versions(&packs, STR("p"), arena, &versions, &count, &err), RC_OK);
    CHECK_INT(count, 1);
    CHECK_INT(rule_pack_remove(&packs, STR("p"), STR(""), &err), RC_OK);
    CHECK_INT(rule_packs_names(&packs, arena, &versions, &count, &err), RC_OK);
    CHECK_INT(count, 0);
    end();
}

/* A version that waits is given behind all that hold, and is no other one's for long. */
static void one_waits(void)
{
    struct err err = {0};
    struct str version;
    begin();
    stored("p", "1", true);
    stored("p", "2", false);
    stored("z", "1", true);
    CHECK_INT(rule_pack_next(&packs, STR("p"), arena, &version, &err), RC_NOT_FOUND);
    CHECK_INT(rule_pack_set_next(&packs, STR("p"), STR("3"), &err), RC_NOT_FOUND);
    CHECK_INT(rule_pack_set_next(&packs, STR("p"), STR("../p/1"), &err), RC_INVALID);
    CHECK_INT(rule_pack_set_next(&packs, STR("p"), STR("2"), &err), RC_OK);
    CHECK_INT(rule_pack_next(&packs, STR("p"), arena, &version, &err), RC_OK);
    CHECK_TEXT(version, "2");
    EXPECT("facts pack:p/1 ", "file pack:p/1/a.yml ", "file ", "file ", "facts pack:z/1 ", "file ", "file ", "file ",
           "next-facts pack:p/2 qorgan.rule-pack/1", "next pack:p/2/a.yml title: a.yml 2",
           "next pack:p/2/linux/x/b.yml ", "next pack:p/2/linux/y/c.yml ");
    scribble("p/2/a.yml", "title: changed\n"); /* it is no more what was imported */
    struct taken taken = {.count = 0};
    CHECK_INT(walk(&taken), RC_OK);
    CHECK(taken.count == 12 && str_starts(str_of(taken.line[9]), STR("refused pack:p/2/a.yml ")));
    CHECK_INT(rule_pack_set_current(&packs, STR("p"), STR("2"), &err), RC_OK); /* it waits no more */
    CHECK_INT(rule_pack_next(&packs, STR("p"), arena, &version, &err), RC_NOT_FOUND);
    CHECK_INT(rule_pack_set_current(&packs, STR("p"), STR("1"), &err), RC_OK);
    CHECK_INT(rule_pack_set_next(&packs, STR("p"), STR("1"), &err), RC_OK); /* one that holds waits for nothing */
    EXPECT("facts pack:p/1 ", "file ", "file ", "file ", "facts pack:z/1 ", "file ", "file ", "file ");
    CHECK_INT(rule_pack_set_next(&packs, STR("p"), STR("2"), &err), RC_OK);
    CHECK_INT(rule_pack_remove(&packs, STR("p"), STR("2"), &err), RC_OK);
    CHECK_INT(rule_pack_next(&packs, STR("p"), arena, &version, &err), RC_NOT_FOUND);
    EXPECT("facts pack:p/1 ", "file ", "file ", "file ", "facts pack:z/1 ", "file ", "file ", "file ");
    end();
}

/* Something that is no folder in its place: there are no packs, and it is told. */
static void no_folder_at_all(void)
{
    char path[128];
    begin();
    snprintf(path, sizeof path, "%s/rules", folder);
    CHECK_INT(rmdir(path), 0);
    struct err err = {0};
    CHECK_INT(file_write_path(path, STR("x"), &err), RC_OK);
    EXPECT("refused pack: could not open folder \"rules\"");
    CHECK_INT(unlink(path), 0);
    CHECK_INT(mkdir(path, 0700), 0);
    end();
}

/* What an import left that was interrupted goes with the next one; it is never taken for a version. */
static void leftovers(void)
{
    static const char *const below[] = {"p/.new", "p/.new/x", "p/.new/x/y"};
    char path[128];
    begin();
    stored("p", "1", true);
    for (size_t i = 0; i < ARRAY_LEN(below); i++) {
        snprintf(path, sizeof path, "%s/rules/%s", folder, below[i]);
        CHECK_INT(mkdir(path, 0700), 0);
    }
    scribble("p/.new/x/y/z.yml", "");
    EXPECT("facts pack:p/1 ", "file ", "file ", "file ");
    stored("p", "2", true);
    snprintf(path, sizeof path, "%s/rules/%s", folder, below[0]);
    CHECK(access(path, F_OK) != 0);
    end();
}

static const struct test tests[] = {
    {"a version waits, until it holds or goes", one_waits},
    {"the current version of each pack is read", current_is_read},
    {"a file that was changed is refused", changed_is_refused},
    {"a broken pack is refused, the others are read", broken_packs_do_not_stop_others},
    {"rollback and removal", rollback_and_removal},
    {"a folder that cannot be opened is told", no_folder_at_all},
    {"leftovers of an interrupted import", leftovers},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
