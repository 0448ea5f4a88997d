#include "cmd/junit.h"

#include "base/arena.h"
#include "codec/utf8.h"

#include <errno.h>
#include <stdio.h>

void junit_begin(struct junit *junit)
{
    *junit = (struct junit){.count = 0};
    buf_init(&junit->cases, JUNIT_MAX);
}

static void put_char(struct buf *out, char c)
{
    switch (c) {
    case '&':
        buf_text(out, "&amp;");
        break;
    case '<':
        buf_text(out, "&lt;");
        break;
    case '>':
        buf_text(out, "&gt;");
        break;
    case '"':
        buf_text(out, "&quot;");
        break;
    default:
        if ((unsigned char)c < ' ')
            buf_text(out, c == '\t' || c == '\n' ? " " : "\xef\xbf\xbd");
        else
            buf_char(out, c);
    }
}

static void put_attribute(struct buf *out, const char *name, struct str value)
{
    struct arena *arena = arena_new((size_t)16 << 20);
    struct str valid = arena ? utf8_make_valid(arena, value) : STR_NONE;
    buf_format(out, " %s=\"", name);
    for (size_t i = 0; i < valid.n; i++) {
        bool none = valid.n - i >= 3 && (unsigned char)valid.p[i] == 0xef && (unsigned char)valid.p[i + 1] == 0xbf &&
                    (unsigned char)valid.p[i + 2] >= 0xbe; /* U+FFFE and U+FFFF are no characters of XML */
        if (none)
            buf_text(out, "\xef\xbf\xbd");
        else
            put_char(out, valid.p[i]);
        i += none ? 2 : 0;
    }
    buf_char(out, '"');
    arena_free(arena);
}

void junit_case(struct junit *junit, const struct rule_case *taken)
{
    struct buf *out = &junit->cases;
    junit->count++;
    junit->failed += taken->verdict == CASE_FAILED;
    junit->skipped += taken->verdict == CASE_SKIPPED;
    buf_text(out, "  <testcase");
    put_attribute(out, "classname", taken->title.n ? taken->title : STR("unknown rule"));
    put_attribute(out, "name", str_of(taken->file));
    buf_format(out, " time=\"%.6f\"", (double)taken->took_ns / 1e9);
    if (taken->verdict == CASE_PASSED) {
        buf_text(out, "/>\n");
        return;
    }
    buf_format(out, ">\n    <%s", taken->verdict == CASE_FAILED ? "failure" : "skipped");
    put_attribute(out, "message", str_of(taken->why));
    buf_text(out, "/>\n  </testcase>\n");
}

enum rc junit_write(struct junit *junit, const char *path, struct err *err)
{
    char head[256];
    FILE *file = junit->cases.overflow ? NULL : fopen(path, "we");
    enum rc rc = file ? RC_OK : err_errno(err, junit->cases.overflow ? EFBIG : errno, "could not write \"%s\"", path);
    if (file) {
        snprintf(head, sizeof head, "tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"", junit->count,
                 junit->failed, junit->skipped);
        fprintf(file,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites %s>\n<testsuite name=\"qorgan rules test\" "
                "%s>\n",
                head, head);
        fwrite(junit->cases.n ? buf_z(&junit->cases) : "", 1, junit->cases.n, file);
        fprintf(file, "</testsuite>\n</testsuites>\n");
        bool failed = ferror(file) != 0;
        if (fclose(file) != 0 || failed)
            rc = err_errno(err, errno, "could not write \"%s\"", path);
    }
    buf_done(&junit->cases);
    return rc;
}
