#include "agent/inventory_state.h"

#include "base/arena.h"
#include "base/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN  "00000000-0000-0000-0000-000000000001"
#define ANOTHER "00000000-0000-0000-0000-000000000002"
#define SEED    7u

static char folder_path[64];
static int folder;
static struct inventory_place place;
static char heard_bytes[4096];
static struct buf heard;

static bool remove_one(void *context, const char *name)
{
    (void)context;
    return unlinkat(folder, name, 0) == 0;
}

static void folder_make(void)
{
    snprintf(folder_path, sizeof folder_path, "/tmp/qorgan-inventory-XXXXXX");
    CHECK(mkdtemp(folder_path) != NULL);
    folder = io_open_folder(folder_path);
    inventory_place_init(&place, &io_kernel, folder, "port", ORIGIN);
}

static void folder_remove(void)
{
    IGNORE(io_kernel.list(NULL, folder, remove_one, NULL));
    close(folder);
    rmdir(folder_path);
}

static void differs(void *context, enum inventory_change change, const struct inventory_item *item, struct str before)
{
    (void)context;
    buf_char(&heard, "+~-"[change]);
    buf_str(&heard, item->key);
    if (before.n)
        buf_str(&heard, before);
    if (item->value.n) {
        buf_char(&heard, '>');
        buf_str(&heard, item->value);
    }
    buf_char(&heard, ' ');
}

/* Items as "key=value" with blanks; a value is {"v":VALUE}. Keeps what was told when it may. */
static enum rc look(const char *items, bool keep)
{
    struct inventory_compare *compare = NULL;
    struct inventory_digest digest = {0};
    struct str rest = str_of(items);
    struct err err = {0};
    buf_init_fixed(&heard, heard_bytes, sizeof heard_bytes);
    enum rc rc = inventory_compare_new(&place, SEED, 8, (struct inventory_listener){differs, NULL}, &compare, &err);
    while (rc == RC_OK && rest.n) {
        char bytes[64];
        struct buf value;
        struct str text = str_cut(&rest, ' ');
        struct str key = str_cut(&text, '=');
        buf_init_fixed(&value, bytes, sizeof bytes);
        buf_format(&value, "{\"v\":%.*s}", STR_ARG(text));
        const struct inventory_item item = {.key = key, .value = buf_view(&value), .now = STR("{\"n\":1}")};
        CHECK(inventory_compare_item(compare, &item));
    }
    if (rc == RC_OK)
        rc = inventory_compare_end(compare, &digest, &err);
    inventory_compare_free(compare);
    if (rc == RC_OK && keep)
        rc = inventory_place_keep(&place, &err);
    return rc;
}

static void only_what_differs_is_told(void)
{
    static const struct {
        const char *items;
        const char *heard;
    } rows[] = {
        {"a=1 b=2 c=3", ""}, /* the first time nothing is a change */
        {"a=1 b=2 c=3", ""},
        {"c=3 a=1 b=2", ""}, /* nor is another order */
        {"a=1 b=9 c=3", "~b{\"v\":2}>{\"v\":9} "},
        {"a=1 c=3", "-b{\"v\":9} "},
        {"a=1 c=3 d=4", "+d>{\"v\":4} "},
        {"d=4 e=5 a=2", "+e>{\"v\":5} ~a{\"v\":1}>{\"v\":2} -c{\"v\":3} "},
        {"d=4 d=7 e=5 a=2 a=2", ""}, /* what comes twice counts once */
        {"", "-d{\"v\":4} -e{\"v\":5} -a{\"v\":2} "},
        {"", ""},
        {"z=1", "+z>{\"v\":1} "},
    };
    folder_make();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu: %s", i, rows[i].items);
        CHECK_INT(look(rows[i].items, true), RC_OK);
        CHECK_TEXT(buf_view(&heard), rows[i].heard);
    }
    folder_remove();
}

static void what_is_not_kept_is_told_again(void)
{
    folder_make();
    CHECK_INT(look("a=1", true), RC_OK);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_INT(look("a=1 b=2", false), RC_OK);
        CHECK_TEXT(buf_view(&heard), "+b>{\"v\":2} ");
    }
    CHECK_INT(inventory_place_keep(&place, NULL), RC_OK);
    CHECK_INT(look("a=1 b=2", true), RC_OK);
    CHECK_TEXT(buf_view(&heard), "");
    folder_remove();
}

static void the_digest_is_that_of_the_items(void)
{
    struct inventory_digest kept, counted = {0};
    const struct inventory_item a = {STR("a"), STR("{\"v\":1}"), STR_NONE};
    const struct inventory_item b = {STR("b"), STR("{\"v\":2}"), STR("{\"n\":77}")};
    const struct inventory_item other = {STR("b"), STR("{\"v\":3}"), STR_NONE};
    folder_make();
    CHECK_INT(inventory_place_digest(&place, SEED, &kept, NULL), RC_NOT_FOUND);
    CHECK_INT(look("a=1 b=2", true), RC_OK);
    CHECK_INT(inventory_place_digest(&place, SEED, &kept, NULL), RC_OK);
    inventory_digest_add(&counted, SEED, &b);
    CHECK(!inventory_digest_eq(&kept, &counted));
    inventory_digest_add(&counted, SEED, &a);
    CHECK(inventory_digest_eq(&kept, &counted)); /* whatever the order, whatever changes all the time */
    counted = (struct inventory_digest){0};
    inventory_digest_add(&counted, SEED, &a);
    inventory_digest_add(&counted, SEED, &other);
    CHECK(!inventory_digest_eq(&kept, &counted));
    folder_remove();
}

static void another_origin_has_told_nothing(void)
{
    struct inventory_digest digest;
    folder_make();
    CHECK_INT(look("a=1", true), RC_OK);
    inventory_place_init(&place, &io_kernel, folder, "port", ANOTHER);
    CHECK_INT(inventory_place_digest(&place, SEED, &digest, NULL), RC_NOT_FOUND);
    CHECK_INT(look("b=1", true), RC_OK);
    CHECK_TEXT(buf_view(&heard), "");
    inventory_place_forget(&place);
    CHECK(faccessat(folder, "inventory.port", F_OK, 0) != 0);
    folder_remove();
}

/* Every cut and every byte that is another: nothing was told, and the next look says so by telling nothing. */
static void a_damaged_file_counts_as_none(void)
{
    char bytes[512];
    struct inventory_digest digest;
    folder_make();
    CHECK_INT(look("a=1 b=2 c=3", true), RC_OK);
    int fd = openat(folder, "inventory.port", O_RDWR);
    ssize_t size = pread(fd, bytes, sizeof bytes, 0);
    CHECK(fd >= 0 && size > 0 && size < (ssize_t)sizeof bytes);
    for (ssize_t at = 0; at < size; at++) {
        char other = (char)(bytes[at] ^ 1);
        test_row("byte %zd", at);
        CHECK_INT(pwrite(fd, &other, 1, at), 1);
        CHECK_INT(inventory_place_digest(&place, SEED, &digest, NULL), RC_NOT_FOUND);
        CHECK_INT(look("a=1 x=9", false), RC_OK);
        CHECK_TEXT(buf_view(&heard), "");
        CHECK_INT(pwrite(fd, &bytes[at], 1, at), 1);
    }
    CHECK_INT(inventory_place_digest(&place, SEED, &digest, NULL), RC_OK);
    for (ssize_t n = size - 1; n >= 0; n--) {
        test_row("cut at %zd", n);
        CHECK_INT(ftruncate(fd, n), 0);
        CHECK_INT(inventory_place_digest(&place, SEED, &digest, NULL), RC_NOT_FOUND);
    }
    close(fd);
    folder_remove();
}

static void parts_are_whole_lines_and_all_of_them(void)
{
    static const char whole[] = "[\"a\",{\"v\":1},{\"n\":1}],[\"b\",{\"v\":2},{\"n\":1}],[\"c\",{\"v\":3},{\"n\":1}]";
    folder_make();
    CHECK_INT(look("a=1 b=2 c=3", true), RC_OK);
    for (size_t most = 24; most < 100; most++) {
        char bytes[256];
        struct buf out;
        uint64_t offset = 0;
        bool last = false;
        unsigned parts = 0;
        test_row("at most %zu", most);
        buf_init_fixed(&out, bytes, sizeof bytes);
        while (!last && parts++ < 10) {
            char piece[128];
            struct buf part;
            buf_init_fixed(&part, piece, sizeof piece);
            CHECK_INT(inventory_place_part(&place, &offset, most, &part, &last, NULL), RC_OK);
            CHECK(part.n < most + 2);
            if (part.n && out.n)
                buf_char(&out, ',');
            buf_str(&out, buf_view(&part));
        }
        CHECK(last);
        CHECK_TEXT(buf_view(&out), whole);
    }
    inventory_place_forget(&place);
    uint64_t offset = 0;
    bool last = false;
    CHECK(inventory_place_part(&place, &offset, 100, &heard, &last, NULL) != RC_OK);
    folder_remove();
}

/* Each call that fails once: an error is said, what was kept before still is. */
static unsigned fail_at;
static unsigned calls;

static bool fails(void)
{
    return ++calls == fail_at;
}

static int failing_open(void *self, int at, const char *name, unsigned flags)
{
    return fails() ? -5 : io_kernel.open(self, at, name, flags);
}

static ssize_t failing_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    return fails() ? -5 : io_kernel.pread(self, fd, bytes, n, offset);
}

static ssize_t failing_pwrite(void *self, int fd, const void *bytes, size_t n, int64_t offset)
{
    return fails() ? -28 : io_kernel.pwrite(self, fd, bytes, n, offset);
}

static int failing_sync(void *self, int fd)
{
    return fails() ? -5 : io_kernel.sync(self, fd);
}

static int failing_rename(void *self, int at, const char *from, const char *to)
{
    return fails() ? -5 : io_kernel.rename(self, at, from, to);
}

static void a_call_that_fails_spoils_nothing(void)
{
    struct io failing = io_kernel;
    failing.open = failing_open;
    failing.pread = failing_pread;
    failing.pwrite = failing_pwrite;
    failing.sync = failing_sync;
    failing.rename = failing_rename;
    for (unsigned at = 1; at < 40; at++) {
        test_row("call %u", at);
        folder_make();
        CHECK_INT(look("a=1 b=2", true), RC_OK);
        place.io = &failing;
        calls = 0;
        fail_at = at;
        enum rc rc = look("a=1 c=3", true);
        bool told = heard.n > 0;
        fail_at = 0;
        place.io = &io_kernel;
        CHECK_INT(look("a=1 c=3", true), RC_OK);
        /* Either it was kept, or it is told again; that nothing was kept before may be believed once. */
        CHECK(rc == RC_OK ? heard.n == 0 : heard.n > 0);
        CHECK(rc != RC_OK || told || at <= 6);
        folder_remove();
        if (calls < at)
            return;
    }
    CHECK(false);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"only what differs is told", only_what_differs_is_told},
        {"what is not kept is told again", what_is_not_kept_is_told_again},
        {"the digest is that of the items", the_digest_is_that_of_the_items},
        {"another origin has told nothing", another_origin_has_told_nothing},
        {"a damaged file counts as none", a_damaged_file_counts_as_none},
        {"parts are whole lines and all of them", parts_are_whole_lines_and_all_of_them},
        {"a call that fails spoils nothing", a_call_that_fails_spoils_nothing},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
