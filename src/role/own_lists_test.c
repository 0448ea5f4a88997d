/* Lists that people gave, as files: what stands is there, whole, and nothing else is; engines read what was shown. */
#include "role/own_lists.h"

#include "base/civil.h"
#include "desk/desk_testing.h"
#include "desk/own_list.h"
#include "role/config.h"
#include "role/indicator_folder.h"
#include "rule/indicator_write.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA   "abababababababababababababababababababababababababababababababab"
#define NAMES "value,type,note,confidence,valid_from,valid_until,subdomains\n"
#define FIRST NAMES "\"192.0.2.1\",address,\"own\",5,,,\n\"192.0.2.2\",address,,,,,\n"
#define NEXT  NAMES "\"evil.example\",domain,,,,,yes\n"

static struct stand stand;
static struct own_lists *lists;
static struct config config;
static char root[64];
static char folder[80];
static int folder_fd;

static bool begin(void)
{
    snprintf(root, sizeof root, "/tmp/qorgan-own-XXXXXX");
    if (!CHECK(mkdtemp(root) != NULL) || !stand_ready(&stand))
        return false;
    snprintf(folder, sizeof folder, "%s/" OWN_LISTS_FOLDER, root);
    CHECK_INT(mkdir(folder, 0700), 0);
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    config_defaults(&config);
    config.data = str_of(root);
    lists = own_lists_new(stand.desk, folder_fd);
    return CHECK(lists != NULL && folder_fd >= 0);
}

static void end(void)
{
    char command[128];
    own_lists_free(lists);
    close(folder_fd);
    stand_close(&stand);
    snprintf(command, sizeof command, "%s/national.csv", folder);
    unlink(command);
    rmdir(folder);
    rmdir(root);
}

static void look(void)
{
    for (int i = 0; !own_lists_at_rest(lists) && CHECK(i < 1000); i++)
        IGNORE(own_lists_look(lists, stand.now));
}

static const char *path_of(const char *name)
{
    return stand_format(&stand, "%s/%s", folder, name);
}

static struct str file(const char *name)
{
    char *bytes = arena_alloc(stand.arena, 65536);
    int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, bytes, 65536);
    if (fd >= 0)
        close(fd);
    return str_at(bytes, n > 0 ? (size_t)n : 0);
}

static void put(const char *name, const char *text)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* Given, read in two parts, taken. */
static int64_t take(const char *text, const char *more)
{
    struct err err = {0};
    struct own_list_order order;
    const struct own_list_end read = {.kinds = {1}, .preview = STR("{}")};
    size_t half = strlen(NAMES);
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'indicator.add','who':'admin','bytes':9,'file':1,'sha256':'" SHA
                                         "','list':'national','source':'a centre'%s}",
                                         more)));
    int64_t id = stand_number(stand.json, "id");
    CHECK_INT(desk_own_list_next(stand.desk, stand.arena, &order, &err), RC_OK);
    CHECK_INT(desk_own_list_part(stand.desk, id, str_at(text, half), &err), RC_OK);
    CHECK_INT(desk_own_list_part(stand.desk, id, str_of(text + half), &err), RC_OK);
    CHECK_INT(desk_own_list_end(stand.desk, id, &read, stand.now, &err), RC_OK);
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'indicator.take','who':'admin','id':%lld}", (long long)id)));
    return id;
}

static bool act(const char *what, int64_t id, const char *more)
{
    return stand_ask(&stand,
                     stand_format(&stand, "{'ask':'indicator.%s','who':'admin','id':%lld,'reason':'a reason'%s}", what,
                                  (long long)id, more));
}

static void what_stands_is_there(void)
{
    if (!begin())
        return;
    put("stranger.csv", "198.51.100.1\n");
    put("national.csv.new", "half");
    CHECK(indicators_are_there(&config, -1)); /* as the folder is found */
    look();
    CHECK(!indicators_are_there(&config, -1) && indicators_stamp(&config) == 0);
    CHECK(access(path_of("national.csv.new"), F_OK) != 0);
    int64_t one = take(FIRST, ",'confidence':70,'expires_ns':1895215000000000000");
    CHECK(!own_lists_at_rest(lists) && own_lists_timeout_ms(lists) == 0);
    look();
    CHECK_TEXT(file("national.csv"), stand_format(&stand,
                                                  "# desk-list: %lld\n# list-source: a centre\n# list-confidence: 70\n"
                                                  "# expires: 2030-01-21T08:36:40.000000000Z\n" FIRST,
                                                  (long long)one));
    uint64_t stamp = indicators_stamp(&config);
    CHECK(stamp != 0 && own_lists_timeout_ms(lists) == -1);
    int64_t two = take(NEXT, "");
    look();
    CHECK_TEXT(file("national.csv"),
               stand_format(&stand, "# desk-list: %lld\n# list-source: a centre\n" NEXT, (long long)two));
    CHECK(indicators_stamp(&config) != stamp);
    CHECK(act("restore", one, ",'expires_ns':0"));
    look();
    CHECK_TEXT(file("national.csv"), stand_format(&stand,
                                                  "# desk-list: %lld\n# list-source: a centre\n"
                                                  "# list-confidence: 70\n" FIRST,
                                                  (long long)one));
    CHECK(act("end", 1, ""));
    look();
    CHECK(access(path_of("national.csv"), F_OK) != 0 && indicators_stamp(&config) == 0);
    end();
}

static void engines_read_what_was_shown(void)
{
    struct indicators *indicators = NULL;
    struct indicator one;
    struct err err = {0};
    if (!begin())
        return;
    CHECK_INT(indicators_load_configured(&config, -1, &indicators, NULL, &err), RC_OK);
    CHECK(indicators == NULL);
    IGNORE(take(FIRST, ",'confidence':70,'expires_ns':1895215000000000000") == 0);
    look();
    CHECK_INT(indicators_load_configured(&config, -1, &indicators, NULL, &err), RC_OK);
    if (CHECK(indicators != NULL) && CHECK_INT(indicators_count(indicators), 2)) {
        indicators_at(indicators, 0, &one);
        CHECK_TEXT(one.list, "national.csv");
        CHECK_TEXT(one.note, "own");
        CHECK(one.confidence == 5 && one.until_ns == INT64_C(1895215000000000000) / SECOND_NS * SECOND_NS);
        indicators_at(indicators, 1, &one);
        CHECK_TEXT(one.note, "a centre");
        CHECK(one.confidence == 70);
        CHECK(indicators_list_at(indicators, 0).refused == 0);
    }
    indicators_free(indicators);
    CHECK(indicators_are_there(&config, folder_fd)); /* by the open folder, wherever it lies */
    config.data = STR("/nonexistent");
    CHECK(!indicators_are_there(&config, -1));
    CHECK_INT(indicators_load_configured(&config, folder_fd, &indicators, NULL, &err), RC_OK);
    CHECK(indicators != NULL && indicators_count(indicators) == 2);
    indicators_free(indicators);
    end();
}

/* Whoever begins anew writes nothing that is there, and what is not whole once more. */
static void begun_anew(void)
{
    struct stat before;
    struct stat after;
    if (!begin())
        return;
    int64_t id = take(FIRST, "");
    look();
    CHECK_INT(stat(path_of("national.csv"), &before), 0);
    own_lists_free(lists);
    lists = own_lists_new(stand.desk, folder_fd);
    look();
    CHECK_INT(stat(path_of("national.csv"), &after), 0);
    CHECK(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    put("national.csv", stand_format(&stand, "# desk-list: %lld9\n", (long long)id));
    own_lists_free(lists);
    lists = own_lists_new(stand.desk, folder_fd);
    look();
    CHECK_TEXT(file("national.csv"),
               stand_format(&stand, "# desk-list: %lld\n# list-source: a centre\n" FIRST, (long long)id));
    int fd = own_lists_open(lists, STR("national.csv"));
    CHECK(fd >= 0);
    close(fd);
    CHECK(own_lists_open(lists, STR("other.csv")) < 0);
    end();
}

/* What cannot be written is told, as a list that could not be read is. */
static void what_cannot_be_written(void)
{
    if (!begin())
        return;
    CHECK_INT(mkdir(path_of("national.csv.new"), 0700), 0);
    IGNORE(take(FIRST, "") == 0);
    for (int i = 0; i < 10; i++)
        IGNORE(own_lists_look(lists, stand.now));
    CHECK(!own_lists_at_rest(lists) && own_lists_timeout_ms(lists) == -1); /* it waits to try again */
    CHECK(stand_ask(&stand, "{'ask':'indicator.list','who':'admin'}"));
    const struct json_value *behind = json_first(json_get(stand.json, "lists_behind"));
    CHECK_TEXT(stand_text(behind, "process"), "desk");
    CHECK(str_search(stand_text(behind, "reason"), STR("national.csv.new")) < stand_text(behind, "reason").n);
    CHECK_INT(rmdir(path_of("national.csv.new")), 0);
    end();
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what stands is there", what_stands_is_there},
        {"engines read what was shown", engines_read_what_was_shown},
        {"begun anew", begun_anew},
        {"what cannot be written", what_cannot_be_written},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
