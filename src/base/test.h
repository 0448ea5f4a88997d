/* test.h - unit tests: rows of checks, printed as TAP so that the build counts them.
 *
 * static void parses_good_lines(void) { CHECK_INT(f(1), 2); }
 * static const struct test tests[] = {{"parses good lines", parses_good_lines}};
 * int main(int argc, char **argv) { return test_run(tests, ARRAY_LEN(tests), argc, argv); } */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct test {
    const char *name;
    void (*run)(void);
};

/* Runs all, or those whose name contains argv[1], or with "2/3" every third from the second on, for a long test that is
 * shared out to three processes; prints TAP; 0 when all passed. */
int test_run(const struct test *tests, size_t count, int argc, char **argv);
/* The running test is skipped, saying why (a corpus that is absent, a kernel that lacks something). */
void test_skip(const char *reason);
/* Where the project's sources are, for golden files: the build passes it. */
const char *test_source_dir(void);
/* The shared data folder, or NULL when absent. */
const char *test_shared_data(void);

#define CHECK(condition)        test_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(got, want)    test_check_int((int64_t)(got), (int64_t)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want)    test_check_str((got), (want), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, want_z) test_check_str((got), str_of(want_z), #got, __FILE__, __LINE__)

/* Each returns whether it held, so that a test may stop early. */
bool test_check(bool held, const char *text, const char *file, int line);
bool test_check_int(int64_t got, int64_t want, const char *text, const char *file, int line);
bool test_check_str(struct str got, struct str want, const char *text, const char *file, int line);
/* Printed with a failure until changed: which row of a table is being checked. */
void test_row(const char *format, ...) PRINTF(1, 2);

#endif
