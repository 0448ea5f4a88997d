#include "base/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures;
static const char *skipped;
static char row[256];

/* Is row `at` wanted: by its name, or by its share "2/3". */
static bool wanted(size_t at, const char *name, const char *argument)
{
    struct str rest = str_of(argument);
    uint64_t share = 0;
    uint64_t shares = 0;
    if (str_to_u64(str_cut(&rest, '/'), &share) && str_to_u64(rest, &shares) && shares > 0)
        return at % shares + 1 == share;
    return strstr(name, argument) != NULL;
}

int test_run(const struct test *tests, size_t count, int argc, char **argv)
{
    int failed = 0;
    size_t shown = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && !wanted(i, tests[i].name, argv[1]))
            continue;
        failures = 0;
        skipped = NULL;
        row[0] = '\0';
        tests[i].run();
        shown++;
        failed += failures != 0;
        if (skipped)
            printf("ok %zu - %s # SKIP %s\n", shown, tests[i].name, skipped);
        else
            printf("%s %zu - %s\n", failures ? "not ok" : "ok", shown, tests[i].name);
    }
    printf("1..%zu\n", shown);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void test_skip(const char *reason)
{
    skipped = reason;
}

const char *test_source_dir(void)
{
    const char *dir = getenv("QORGAN_SOURCE");
    return dir ? dir : ".";
}

const char *test_shared_data(void)
{
    static char path[4096];
    const char *given = getenv("QORGAN_SHARED");
    snprintf(path, sizeof path, "%s", given ? given : "");
    if (!given)
        snprintf(path, sizeof path, "%s/../shared/data", test_source_dir());
    return access(path, R_OK) == 0 ? path : NULL;
}

void test_row(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(row, sizeof row, format, args);
    va_end(args);
}

static void report(const char *file, int line)
{
    failures++;
    printf("# %s:%d: ", file, line);
    if (row[0])
        printf("[%s] ", row);
}

bool test_check(bool held, const char *text, const char *file, int line)
{
    if (!held) {
        report(file, line);
        printf("%s does not hold\n", text);
    }
    return held;
}

bool test_check_int(int64_t got, int64_t want, const char *text, const char *file, int line)
{
    if (got != want) {
        report(file, line);
        printf("%s is %lld, wanted %lld\n", text, (long long)got, (long long)want);
    }
    return got == want;
}

bool test_check_str(struct str got, struct str want, const char *text, const char *file, int line)
{
    bool same = str_eq(got, want);
    if (!same) {
        report(file, line);
        printf("%s is \"%.*s\", wanted \"%.*s\"\n", text, STR_ARG(got), STR_ARG(want));
    }
    return same;
}
