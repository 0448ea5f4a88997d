/* junit.h - cases as a JUnit report (the XML that CI systems read): testsuites, one testsuite, its testcases. */
#ifndef CMD_JUNIT_H
#define CMD_JUNIT_H

#include "base/buf.h"
#include "base/err.h"
#include "cmd/rule_case.h"

#define JUNIT_MAX ((size_t)1 << 30) /* bytes of a report */

struct junit {
    struct buf cases;
    size_t count;
    size_t failed;
    size_t skipped;
};

void junit_begin(struct junit *junit);
/* What XML cannot hold (control characters, bytes that are not UTF-8) becomes U+FFFD. */
void junit_case(struct junit *junit, const struct rule_case *taken);
/* Writes the file anew and ends the report. */
enum rc junit_write(struct junit *junit, const char *path, struct err *err) MUST_USE;

#endif
