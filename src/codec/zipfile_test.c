#include "codec/zipfile.h"

#include "codec/zip_testing.h"

#define FILE_BYTES 4096u

static struct str zip_make(const struct zip_part *parts, size_t count, char storage[FILE_BYTES])
{
    struct buf out;
    buf_init_fixed(&out, storage, FILE_BYTES);
    zip_put(&out, parts, count);
    return buf_view(&out);
}

static const struct zip_part good[] = {
    {"rules/", "", 0},
    {"rules/a.yml", "title: a\n", 0x81a40000},
    {"../b.yml", "title: b\n", 0},
    {"link.yml", "/etc/shadow", 0xa1ff0000},
};

static void reads(void)
{
    char storage[FILE_BYTES];
    struct arena *arena = arena_new(1 << 20);
    struct zipfile *file = NULL;
    struct err err = {0};
    struct str bytes = zip_make(good, ARRAY_LEN(good), storage);
    CHECK(zipfile_begins(bytes));
    CHECK(!zipfile_begins(STR("title: a\n")));
    if (!CHECK_INT(zipfile_open(bytes, &file, &err), RC_OK))
        return;
    CHECK_INT(zipfile_count(file), ARRAY_LEN(good));
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct zipfile_entry entry;
        struct str text = STR_NONE;
        test_row("%s", good[i].name);
        CHECK_INT(zipfile_entry(file, i, &entry, &err), RC_OK);
        CHECK_TEXT(entry.name, good[i].name); /* as it stands: also what leads outside */
        CHECK_INT(entry.size, strlen(good[i].text));
        CHECK_INT(entry.link, i == 3);
        CHECK_INT(zipfile_read(file, i, 100, arena, &text, &err), RC_OK);
        CHECK_TEXT(text, good[i].text);
    }
    struct str text;
    CHECK_INT(zipfile_read(file, 1, 9, arena, &text, &err), RC_OK);
    CHECK_INT(zipfile_read(file, 1, 8, arena, &text, &err), RC_LIMIT);
    zipfile_free(file);
    arena_free(arena);
}

/* Opens, and reads all; whether nothing was refused. */
static bool all_reads(struct str bytes)
{
    struct arena *arena = arena_new(1 << 20);
    struct zipfile *file = NULL;
    struct err err = {0};
    bool fine = zipfile_open(bytes, &file, &err) == RC_OK && zipfile_count(file) == ARRAY_LEN(good);
    for (size_t i = 0; fine && i < zipfile_count(file); i++) {
        struct zipfile_entry entry;
        struct str text;
        fine = zipfile_entry(file, i, &entry, &err) == RC_OK &&
               zipfile_read(file, i, 100, arena, &text, &err) == RC_OK && str_eq(text, str_of(good[i].text));
    }
    zipfile_free(file);
    arena_free(arena);
    return fine;
}

static void refuses(void)
{
    char storage[FILE_BYTES];
    char copy[FILE_BYTES];
    struct str bytes = zip_make(good, ARRAY_LEN(good), storage);
    CHECK(all_reads(bytes));
    for (size_t n = 0; n < bytes.n; n++) {
        test_row("%zu bytes", n);
        CHECK(!all_reads(str_slice(bytes, 0, n)));
    }
    /* A text that is another than its checksum says. */
    memcpy(copy, bytes.p, bytes.n);
    size_t at = str_search(bytes, STR("title: a"));
    copy[at] = 'T';
    test_row("flipped");
    CHECK(!all_reads(str_at(copy, bytes.n)));
    test_row("none");
    CHECK(!all_reads(STR("")));
    CHECK(!all_reads(STR("title: a\n")));
}

/* A locator of ZIP64 before the end of the directory: refused before libzip counts. */
static void refuses_zip64(void)
{
    char storage[FILE_BYTES];
    char copy[FILE_BYTES + 20];
    struct zipfile *file = NULL;
    struct err err = {0};
    struct str bytes = zip_make(good, ARRAY_LEN(good), storage);
    size_t end = bytes.n - 22;
    memcpy(copy, bytes.p, end);
    memset(copy + end, 0, 20);
    memcpy(copy + end, "PK\x06\x07", 4);
    memcpy(copy + end + 20, bytes.p + end, 22);
    CHECK_INT(zipfile_open(str_at(copy, bytes.n + 20), &file, &err), RC_LIMIT);
    CHECK(str_search(str_of(err.text), STR("ZIP64")) < strlen(err.text));
}

static const struct test tests[] = {
    {"entries are read as they stand", reads},
    {"what is cut or altered is refused", refuses},
    {"ZIP64 is refused", refuses_zip64},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
