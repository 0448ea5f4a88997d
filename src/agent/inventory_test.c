/* What is told of a machine that is made of files, over a clock of the test's own: the first time, when something
 * changes, after a restart, and when it is asked for. */
#include "agent/inventory.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"
#include "codec/json.h"
#include "os/io.h"
#include "wire/delivery_batch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ORIGIN "00000000-0000-0000-0000-000000000001"
#define SECOND UINT64_C(1000000000)

static char folder_path[64];
static int root, data, spool_folder;
static struct loop *loop;
static struct spool *spool;
static struct inventory *inventory;
static struct buf told;
static uint64_t now_ns;
static uint64_t sequence;
static const char *vanishes; /* this file does when the next change is told */

static void file_put(const char *path, struct str text)
{
    char part[512];
    for (size_t i = 0; path[i]; i++)
        if (path[i] == '/' && str_copy_z(str_at(path, i), part, sizeof part))
            IGNORE(mkdirat(root, part, 0755) != 0); /* there already, or the open says it */
    int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, text.p, text.n), (int64_t)text.n);
    close(fd);
}

static void tell_one(void *context, struct str json)
{
    struct arena *arena = arena_new((size_t)4 << 20);
    struct json_value *object = NULL;
    struct buf whole;
    (void)context;
    buf_init(&whole, (size_t)1 << 20);
    buf_char(&whole, '{');
    buf_str(&whole, json);
    buf_char(&whole, '}');
    CHECK_INT(json_parse(arena, buf_view(&whole), 8, &object, NULL), RC_OK);
    CHECK(whole.n < ((size_t)64 << 10));
    const struct spool_record record = {
        .stream = DELIVERY_AGENT, .epoch = 1, .sequence = ++sequence, .name = STR(""), .bytes = buf_view(&whole)};
    CHECK(spool_put(spool, &record, SPOOL_PUSH, now_ns));
    if (vanishes && str_search(json, STR("inventory.added")) < json.n) {
        CHECK_INT(renameat(root, vanishes, root, "vanished"), 0);
        vanishes = NULL;
    }
    buf_str(&told, json);
    buf_char(&told, '\n');
    buf_done(&whole);
    arena_free(arena);
}

static void start(const char *origin)
{
    const struct inventory_options options = {.io = &io_kernel,
                                              .folder = data,
                                              .origin = origin,
                                              .host = "srv-1",
                                              .machine = {.root = root},
                                              .loop = loop,
                                              .spool = spool,
                                              .tell = tell_one};
    struct err err = {0};
    inventory = inventory_new(&options, &err);
    CHECK(inventory != NULL);
    inventory_switch(inventory, true);
}

static void stand_make(void)
{
    const struct spool_options options = {.size_max = 16 << 20, .file_size = 4 << 20, .number = 1};
    snprintf(folder_path, sizeof folder_path, "/tmp/qorgan-inventory-XXXXXX");
    CHECK(mkdtemp(folder_path) != NULL);
    int folder = open(folder_path, O_RDONLY | O_DIRECTORY);
    for (const char *const *name = (const char *const[]){"root", "data", "spool", NULL}; *name; name++)
        CHECK_INT(mkdirat(folder, *name, 0700), 0);
    root = openat(folder, "root", O_RDONLY | O_DIRECTORY);
    data = openat(folder, "data", O_RDONLY | O_DIRECTORY);
    spool_folder = openat(folder, "spool", O_RDONLY | O_DIRECTORY);
    close(folder);
    buf_init(&told, (size_t)16 << 20);
    now_ns = 1000 * SECOND;
    sequence = 0;
    loop = loop_new();
    CHECK_INT(spool_open(&io_kernel, spool_folder, &options, &spool, NULL), RC_OK);
    file_put("etc/passwd", STR("root:x:0:0::/root:/bin/sh\n"));
    file_put("etc/group", STR("root:x:0:\nsudo:x:27:\n"));
    file_put("var/lib/dpkg/status",
             STR("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1.2\n\n"));
    start(ORIGIN);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

static void stand_remove(void)
{
    inventory_free(inventory);
    spool_close(spool);
    loop_free(loop);
    buf_done(&told);
    close(root);
    close(data);
    close(spool_folder);
    CHECK_INT(nftw(folder_path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Time goes by in steps of 200 ms; what was told before is forgotten. */
static void pass(unsigned seconds)
{
    buf_clear(&told);
    for (unsigned i = 0; i < 5 * seconds; i++) {
        now_ns += SECOND / 5;
        while (inventory_step(inventory, now_ns))
            continue;
        CHECK_INT(spool_step(spool, now_ns, false, NULL), RC_OK);
    }
}

static unsigned count_of(const char *text)
{
    unsigned count = 0;
    struct str rest = buf_view(&told);
    for (size_t at; (at = str_search(rest, str_of(text))) < rest.n; rest = str_skip(rest, at + 1))
        count++;
    return count;
}

static void the_first_time_all_is_told_and_then_nothing(void)
{
    stand_make();
    pass(20);
    CHECK(count_of("inventory.added") == 0);
    CHECK_INT(count_of("\"kind\":\"user\",\"snapshot\":"), 1);
    CHECK_INT(
        count_of("[\"root\",{\"uid\":0,\"gid\":0,\"home\":\"/root\",\"shell\":\"/bin/sh\",\"password\":\"unknown\"}]"),
        1);
    CHECK_INT(count_of("[\"a:all\",{\"name\":\"a\",\"version\":\"1.2\"}]"), 1);
    CHECK_INT(count_of("\"kind\":\"usb\""), 1);                     /* that there is none is told as well */
    CHECK_INT(count_of("\"last\":true"), INVENTORY_KIND_COUNT - 3); /* ports, mounts and interfaces cannot be seen */
    CHECK_TEXT(str_of(inventory_trouble(inventory)),
               "port: cannot be read, mount: cannot be read, interface: cannot be read");
    pass(1800);
    CHECK_INT(told.n, 0);
    stand_remove();
}

static void what_changes_is_told_once(void)
{
    stand_make();
    pass(20);
    file_put("etc/group", STR("root:x:0:\nsudo:x:27:eve\n"));
    pass(90);
    CHECK_INT(count_of("\n"), 1);
    CHECK_INT(count_of("\"event\":\"inventory.added\",\"host\":\"srv-1\",\"kind\":\"member\",\"key\":\"sudo/"
                       "eve\",\"value\":{\"group\":\"sudo\","
                       "\"user\":\"eve\",\"gid\":27}"),
              1);
    file_put("var/lib/dpkg/status",
             STR("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1.3\n\n"));
    pass(310);
    CHECK_INT(count_of("\n"), 1);
    CHECK_INT(count_of("\"event\":\"inventory.changed\",\"host\":\"srv-1\",\"kind\":\"package\",\"key\":\"a:all\","
                       "\"value\":{\"name\":\"a\","
                       "\"version\":\"1.3\"},\"before\":{\"name\":\"a\",\"version\":\"1.2\"}"),
              1);
    file_put("etc/group", STR("root:x:0:\n"));
    pass(90);
    CHECK_INT(count_of("\n"), 2);
    CHECK_INT(
        count_of(
            "\"event\":\"inventory.removed\",\"host\":\"srv-1\",\"kind\":\"member\",\"key\":\"sudo/eve\",\"before\":{"),
        1);
    CHECK_INT(count_of("\"event\":\"inventory.removed\",\"host\":\"srv-1\",\"kind\":\"group\",\"key\":\"sudo\","
                       "\"before\":{\"gid\":27}"),
              1);
    stand_remove();
}

static void a_device_is_told_within_seconds(void)
{
    stand_make();
    pass(20);
    file_put("sys/bus/usb/devices/1-2/idVendor", STR("0781\n"));
    file_put("sys/bus/usb/devices/1-2/idProduct", STR("5581\n"));
    pass(9); /* the look, and what the one before waits for */
    CHECK_INT(count_of("\"event\":\"inventory.added\",\"host\":\"srv-1\",\"kind\":\"usb\",\"key\":\"1-2 0781:5581\""),
              1);
    stand_remove();
}

static void a_restart_tells_nothing_again_but_what_changed_meanwhile(void)
{
    stand_make();
    pass(20);
    inventory_free(inventory);
    start(ORIGIN);
    pass(300);
    CHECK_INT(told.n, 0);
    inventory_free(inventory);
    file_put("etc/passwd", STR("root:x:0:0::/root:/bin/sh\neve:x:5:5::/:/bin/sh\n"));
    start(ORIGIN);
    pass(20);
    CHECK_INT(count_of("\n"), 1);
    CHECK_INT(count_of("\"event\":\"inventory.added\",\"host\":\"srv-1\",\"kind\":\"user\",\"key\":\"eve\""), 1);
    stand_remove();
}

/* Killed between the telling and the spool's sync: told again, not lost. */
static void what_was_not_safe_yet_is_told_again(void)
{
    stand_make();
    pass(20);
    file_put("etc/passwd", STR("eve:x:5:5::/:/bin/sh\n"));
    for (unsigned i = 0; i < 100 && count_of("\"key\":\"eve\"") == 0; i++)
        pass(1);
    CHECK_INT(count_of("\"key\":\"eve\""), 1);
    inventory_free(inventory); /* nothing is saved */
    start(ORIGIN);
    pass(20);
    CHECK_INT(count_of("\"event\":\"inventory.added\",\"host\":\"srv-1\",\"kind\":\"user\",\"key\":\"eve\""), 1);
    CHECK_INT(count_of("\"event\":\"inventory.removed\",\"host\":\"srv-1\",\"kind\":\"user\",\"key\":\"root\""), 1);
    pass(70);
    inventory_save(inventory); /* an orderly end */
    inventory_free(inventory);
    start(ORIGIN);
    pass(20);
    CHECK_INT(told.n, 0);
    stand_remove();
}

static void asked_or_enrolled_anew_or_daily_all_is_told(void)
{
    stand_make();
    pass(20);
    inventory_ask(inventory);
    pass(20);
    CHECK_INT(count_of("\"last\":true"), INVENTORY_KIND_COUNT - 3);
    CHECK_INT(count_of("\"event\":\"inventory.snapshot\""), INVENTORY_KIND_COUNT - 3);
    inventory_free(inventory);
    start("00000000-0000-0000-0000-000000000002");
    pass(20);
    CHECK_INT(count_of("\"last\":true"), INVENTORY_KIND_COUNT - 3);
    unsigned days = 0;
    for (unsigned i = 0; i < 49; i++) {
        pass(3600);
        days += count_of("\"kind\":\"user\",\"snapshot\"");
    }
    CHECK_INT(days, 2); /* the first one comes in the second half of a day */
    inventory_switch(inventory, false);
    file_put("etc/passwd", STR("eve:x:5:5::/:/bin/sh\n"));
    pass(600);
    CHECK_INT(told.n, 0);
    stand_remove();
}

static void packages_put(unsigned from, unsigned past, unsigned version)
{
    struct buf text;
    buf_init(&text, (size_t)8 << 20);
    for (unsigned i = from; i < past; i++)
        buf_format(&text,
                   "Package: package-%u\nStatus: install ok installed\nArchitecture: amd64\nVersion: %u\n"
                   "Description: x\n\n",
                   i, version);
    file_put("var/lib/dpkg/status", buf_view(&text));
    buf_done(&text);
}

static void twenty_thousand_packages(void)
{
    stand_make();
    packages_put(0, 20000, 1);
    pass(20);
    CHECK_INT(count_of("[\"package-"), 20000);
    CHECK_INT(count_of("\"last\":true,\"count\":20000"), 1);
    packages_put(0, 19999, 1);
    pass(310);
    CHECK_INT(count_of("\n"), 1);
    CHECK_INT(
        count_of(
            "\"event\":\"inventory.removed\",\"host\":\"srv-1\",\"kind\":\"package\",\"key\":\"package-19999:amd64\""),
        1);
    packages_put(0, 21000, 1); /* past the limit: it is said */
    pass(320);
    CHECK_INT(count_of("inventory.added"), 1);
    CHECK(strstr(inventory_trouble(inventory), "package: more than are told") != NULL);
    packages_put(0, 20000, 2); /* all of them at once: a part by itself, and then all */
    pass(320);
    CHECK_INT(count_of("inventory.changed"), 2000);
    CHECK_INT(count_of("\"last\":true,\"count\":20000"), 1);
    CHECK(strstr(inventory_trouble(inventory), "package") == NULL);
    stand_remove();
}

/* A sample of rpm_database_test.c: u32 size of the file | the file. */
static void rpm_put(const char *path)
{
    char from[512];
    static char bytes[32768];
    snprintf(from, sizeof from, "%s/fuzz/agent_rpm_database/berkeley", test_source_dir());
    FILE *file = fopen(from, "rb");
    size_t n = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (CHECK(n > 1024))
        fclose(file);
    file_put(path, str_skip(str_at(bytes, n), 4));
}

/* A look that fails when it told something already: what holds is told, as the next look may find nothing new. */
static void what_a_failed_look_told_is_taken_back(void)
{
    static const char *const database = "var/lib/rpm/Packages";
    stand_make();
    rpm_put(database);
    pass(310); /* the first look, and one of a database that was not written just now */
    CHECK(strstr(inventory_trouble(inventory), "package") == NULL);
    packages_put(0, 1, 1);
    vanishes = database; /* which is read behind dpkg's list */
    for (unsigned i = 0; i < 400 && vanishes; i++)
        pass(1);
    CHECK(!vanishes && count_of("\"key\":\"package-0:amd64\"") == 1);
    CHECK(strstr(inventory_trouble(inventory), "package: cannot be read") != NULL);
    unsigned all = count_of("[\"alpha:x86_64\",");
    CHECK_INT(renameat(root, "vanished", root, database), 0);
    file_put("var/lib/dpkg/status",
             STR("Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1.2\n\n"));
    pass(130);
    CHECK_INT(all + count_of("[\"alpha:x86_64\","), 1);
    CHECK_INT(count_of("package-0"), 0);
    CHECK(strstr(inventory_trouble(inventory), "package") == NULL);
    stand_remove();
}

/* The file of what was told is damaged: all is told again, and nothing is taken for a change. */
static void damage_is_healed(void)
{
    stand_make();
    pass(20);
    int fd = openat(data, "inventory.user", O_WRONLY);
    CHECK_INT(pwrite(fd, "X", 1, 70), 1);
    close(fd);
    inventory_free(inventory);
    start(ORIGIN);
    pass(20);
    CHECK_INT(count_of("\n"), 1);
    CHECK_INT(count_of("\"kind\":\"user\",\"snapshot\""), 1);
    stand_remove();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"the first time all is told and then nothing", the_first_time_all_is_told_and_then_nothing},
        {"what changes is told once", what_changes_is_told_once},
        {"a device is told within seconds", a_device_is_told_within_seconds},
        {"a restart tells nothing again but what changed meanwhile",
         a_restart_tells_nothing_again_but_what_changed_meanwhile},
        {"what was not safe yet is told again", what_was_not_safe_yet_is_told_again},
        {"asked, or enrolled anew, or daily, all is told", asked_or_enrolled_anew_or_daily_all_is_told},
        {"twenty thousand packages", twenty_thousand_packages},
        {"what a failed look told is taken back", what_a_failed_look_told_is_taken_back},
        {"damage is healed", damage_is_healed},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
