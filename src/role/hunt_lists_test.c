/* The lists of a hunt: which entries are new, what has ended, what is known behind it, also when a list cannot be read.
 */
#include "role/hunt_lists.h"

#include "base/test.h"
#include "os/proc.h"
#include "role/hunt_known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_NS (INT64_C(1795158000) * 1000000000)

static char folder[64];
static struct config config;
static struct arena *arena;
static struct hunt_lists *lists;
static struct desk_lists said;

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!CHECK(file != NULL))
        return;
    fputs(text, file);
    CHECK_INT(fclose(file), 0);
}

static void drop(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK_INT(remove(path), 0);
}

static bool begin(void)
{
    struct err err = {0};
    arena = arena_new((size_t)4 << 20);
    config_defaults(&config);
    snprintf(folder, sizeof folder, "/tmp/qorgan-hunt-lists-XXXXXX");
    return CHECK(mkdtemp(folder) != NULL) &&
           CHECK_INT(config_set(&config, STR("indicators"), str_of(folder), arena, &err), RC_OK);
}

static void end(void)
{
    hunt_lists_close(lists);
    lists = NULL;
    arena_free(arena);
    CHECK_INT(rmdir(folder), 0);
}

/* Reads the lists after those of before, which go. */
static enum rc read_again(bool only_new)
{
    struct err err = {0};
    struct hunt_lists *next = NULL;
    const struct hunt_lists_options options = {.config = &config,
                                               .own = -1,
                                               .only_new = only_new,
                                               .known = lists ? hunt_lists_known(lists) : -1,
                                               .now_ns = NOW_NS};
    enum rc rc = hunt_lists_open(&options, &next, &err);
    hunt_lists_close(lists);
    lists = next;
    if (lists)
        CHECK(hunt_lists_say(lists, arena, &said));
    return rc;
}

static bool sought(const char *value)
{
    struct indicator_key key;
    CHECK(indicator_guess_key(str_of(value), &key) == NULL);
    const struct indicators *indicators = hunt_lists_indicators(lists);
    uint32_t entry = indicators_find(indicators, &key, INDICATOR_NONE);
    return entry != INDICATOR_NONE && indicators_holds(indicators, entry, NOW_NS - 1, true);
}

static void what_is_new_is_sought(void)
{
    if (!begin())
        return;
    put("a.csv", "value,expires\n192.0.2.1,\nevil.example,2020-01-01\nx y,\n");
    CHECK_INT(read_again(true), RC_OK);
    CHECK(hunt_lists_fresh(lists) == 1 && sought("192.0.2.1") && !sought("evil.example"));
    CHECK_INT(said.count, 1);
    CHECK_TEXT(said.rows[0].name, "a.csv");
    CHECK(said.rows[0].entries == 2 && said.rows[0].fresh == 1 && said.rows[0].expired == 1);
    CHECK(said.rows[0].refused == 1 && said.rows[0].line == 4 && said.trouble.n == 0);
    CHECK_TEXT(said.rows[0].reason, "of no known kind");
    CHECK_TEXT(said.rows[0].example, "x y");
    CHECK_INT(read_again(true), RC_OK);
    CHECK(hunt_lists_fresh(lists) == 0 && !sought("192.0.2.1"));
    put("a.csv", "value,expires\n192.0.2.2,\n192.0.2.1,2999-01-01\nevil.example,2999-01-01\n");
    put("b.csv", "192.0.2.1\n"); /* another list: its rules may be others */
    CHECK_INT(read_again(true), RC_OK);
    CHECK_INT(hunt_lists_fresh(lists), 3);
    CHECK(sought("192.0.2.2") && sought("evil.example")); /* it has another end now */
    CHECK(said.rows[0].fresh == 2 && said.rows[1].fresh == 1);
    put("a.csv", "192.0.2.1\n"); /* what was taken out is new when it comes again */
    CHECK_INT(read_again(true), RC_OK);
    CHECK_INT(hunt_lists_fresh(lists), 0);
    put("a.csv", "192.0.2.1\n192.0.2.2\n");
    CHECK_INT(read_again(true), RC_OK);
    CHECK(hunt_lists_fresh(lists) == 1 && sought("192.0.2.2"));
    drop("a.csv");
    drop("b.csv");
    CHECK_INT(read_again(true), RC_OK);
    CHECK(hunt_lists_fresh(lists) == 0 && said.count == 0);
    end();
}

static void all_are_sought(void)
{
    if (!begin())
        return;
    put("a.csv", "value,expires\n192.0.2.1,\nevil.example,2020-01-01\n");
    CHECK_INT(read_again(true), RC_OK);
    CHECK_INT(read_again(false), RC_OK);
    CHECK(hunt_lists_fresh(lists) == 1 && sought("192.0.2.1") && !sought("evil.example"));
    CHECK_INT(hunt_lists_known(lists), -1);
    drop("a.csv");
    end();
}

/* What cannot be read for a while is not new when it comes again. */
static void a_list_that_cannot_be_read(void)
{
    char path[128];
    if (!begin())
        return;
    put("a.csv", "192.0.2.1\n");
    put("b.csv", "192.0.2.2\n");
    CHECK_INT(read_again(true), RC_OK);
    CHECK_INT(hunt_lists_fresh(lists), 2);
    drop("b.csv");
    snprintf(path, sizeof path, "%s/b.csv", folder);
    CHECK_INT(mkdir(path, 0700), 0);
    put("c.csv", "192.0.2.3\n");
    CHECK_INT(read_again(true), RC_OK);
    CHECK_TEXT(said.trouble, "list \"b.csv\": it is not a file");
    CHECK(hunt_lists_fresh(lists) == 1 && said.count == 3 && said.rows[1].refused == 1 && said.rows[1].line == 0);
    drop("b.csv");
    put("b.csv", "192.0.2.2\n192.0.2.4\n");
    CHECK_INT(read_again(true), RC_OK);
    CHECK(hunt_lists_fresh(lists) == 1 && sought("192.0.2.4") && !sought("192.0.2.2") && said.trouble.n == 0);
    drop("a.csv");
    drop("b.csv");
    drop("c.csv");
    end();
}

static void what_is_known_does_not_read(void)
{
    struct err err = {0};
    struct hunt_lists *again = NULL;
    int fd = -1;
    if (!begin())
        return;
    put("a.csv", "192.0.2.1\n");
    CHECK_INT(proc_seal("x", STR("nonsense"), &fd, &err), RC_OK);
    struct hunt_lists_options options = {.config = &config, .own = -1, .only_new = true, .known = fd, .now_ns = NOW_NS};
    CHECK_INT(hunt_lists_open(&options, &again, &err), RC_OK); /* all is looked for once more */
    CHECK(again && hunt_lists_fresh(again) == 1);
    hunt_lists_close(again);
    close(fd);
    CHECK_INT(config_set(&config, STR("indicators"), STR(" "), arena, &err), RC_OK);
    CHECK_INT(hunt_lists_open(&options, &again, &err), RC_NOT_FOUND);
    CHECK(again == NULL);
    drop("a.csv");
    end();
}

static void memory_runs_out(void)
{
    if (!begin())
        return;
    put("a.csv", "192.0.2.1\nevil.example\n");
    uint64_t fail = 1;
    for (; fail < 200; fail++) {
        struct err err = {0};
        struct hunt_lists *again = NULL;
        const struct hunt_lists_options options = {
            .config = &config, .own = -1, .only_new = true, .known = -1, .now_ns = NOW_NS};
        memory_fail_at(fail);
        enum rc rc = hunt_lists_open(&options, &again, &err);
        memory_fail_at(0);
        bool whole = rc == RC_OK && hunt_lists_fresh(again) == 2;
        CHECK((rc == RC_OK) == (again != NULL));
        hunt_lists_close(again);
        if (whole)
            break;
    }
    CHECK(fail > 3 && fail < 200);
    drop("a.csv");
    end();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is new is sought, what has ended is not", what_is_new_is_sought},
        {"a hunt for all", all_are_sought},
        {"a list that cannot be read for a while", a_list_that_cannot_be_read},
        {"what is known does not read, nothing is configured", what_is_known_does_not_read},
        {"memory runs out", memory_runs_out},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
