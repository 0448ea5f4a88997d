#define PCRE2_CODE_UNIT_WIDTH 8
#include "rule/regex.h"

#include "base/arena.h"
#include "base/assert.h"

#include <hs.h>
#include <limits.h>
#include <pcre2.h>
#include <string.h>

#define REPEAT_WIDE 64u

struct regex {
    struct str text;
    uint32_t flags;
    pcre2_code *code;
    pcre2_match_context *limits;
    char bytes[];
};

struct scanner {
    hs_database_t *database;
    size_t bytes;
};

struct scanner_scratch {
    hs_scratch_t *scratch;
};

static uint32_t pcre2_flags(uint32_t flags)
{
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
    options |= flags & REGEX_CASELESS ? PCRE2_CASELESS : 0;
    options |= flags & REGEX_MULTILINE ? PCRE2_MULTILINE : 0;
    options |= flags & REGEX_DOTALL ? PCRE2_DOTALL : 0;
    return options;
}

static enum rc compile(struct regex *regex, struct err *err)
{
    int number = 0;
    PCRE2_SIZE at = 0;
    regex->code = pcre2_compile((PCRE2_SPTR)regex->bytes, regex->text.n, pcre2_flags(regex->flags), &number, &at, NULL);
    if (!regex->code) {
        PCRE2_UCHAR reason[160] = {0};
        IGNORE(pcre2_get_error_message(number, reason, sizeof(reason))); /* a cut text still says enough */
        return err_set(err, RC_INVALID, "bad regular expression \"%.*s\": %s (at character %zu)", STR_ARG(regex->text),
                       (const char *)reason, (size_t)at + 1);
    }
    regex->limits = pcre2_match_context_create(NULL);
    if (!regex->limits)
        return err_set(err, RC_LIMIT, "no memory for a regular expression");
    IGNORE(pcre2_set_match_limit(regex->limits, REGEX_MATCH_LIMIT)); /* always 0 */
    IGNORE(pcre2_set_depth_limit(regex->limits, 10000));             /* always 0 */
    IGNORE(pcre2_set_heap_limit(regex->limits, 16384));              /* KiB; always 0 */
    return RC_OK;
}

enum rc regex_new(struct str text, uint32_t flags, struct regex **ret_regex, struct err *err)
{
    if (text.n > REGEX_LENGTH_MAX)
        return err_set(err, RC_INVALID, "regular expression is longer than %u bytes", REGEX_LENGTH_MAX);
    struct regex *regex = memory_new(sizeof(*regex) + text.n + 1);
    if (!regex)
        return err_set(err, RC_LIMIT, "no memory for a regular expression");
    if (text.n)
        memcpy(regex->bytes, text.p, text.n);
    regex->text = str_at(regex->bytes, text.n);
    regex->flags = flags;
    enum rc rc = compile(regex, err);
    if (rc != RC_OK) {
        regex_free(regex);
        return rc;
    }
    *ret_regex = regex;
    return RC_OK;
}

void regex_free(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    pcre2_match_context_free(regex->limits);
    memory_free(regex);
}

struct str regex_text(const struct regex *regex)
{
    return regex->text;
}

uint32_t regex_flags(const struct regex *regex)
{
    return regex->flags;
}

bool regex_search_slow(const struct regex *regex, struct str value)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return false;
    PCRE2_SPTR text = (PCRE2_SPTR)(value.n ? value.p : "");
    int result = pcre2_match(regex->code, text, value.n, 0, 0, data, regex->limits);
    pcre2_match_data_free(data);
    return result >= 0;
}

static enum rc scanner_made(hs_error_t error, hs_compile_error_t *reason, hs_database_t *database,
                            struct scanner **ret_scanner, struct err *err)
{
    if (error != HS_SUCCESS) {
        enum rc rc = err_set(err, error == HS_NOMEM ? RC_LIMIT : RC_INVALID, "could not compile patterns: %s",
                             reason ? reason->message : "no memory");
        IGNORE(hs_free_compile_error(reason)); /* fails only on NULL */
        return rc;
    }
    struct scanner *scanner = memory_new(sizeof(*scanner));
    if (!scanner || hs_database_size(database, &scanner->bytes) != HS_SUCCESS) {
        memory_free(scanner);
        IGNORE(hs_free_database(database));
        return err_set(err, RC_LIMIT, "no memory for patterns");
    }
    scanner->database = database;
    *ret_scanner = scanner;
    return RC_OK;
}

enum rc scanner_literals(const struct literal *literals, size_t count, struct scanner **ret_scanner, struct err *err)
{
    ASSERT(count > 0 && count <= UINT_MAX);
    const char **texts = memory_new(count * sizeof(*texts));
    unsigned *flags = memory_new(count * sizeof(*flags));
    unsigned *ids = memory_new(count * sizeof(*ids));
    size_t *lengths = memory_new(count * sizeof(*lengths));
    enum rc rc = RC_LIMIT;
    if (texts && flags && ids && lengths) {
        for (size_t i = 0; i < count; i++) {
            ASSERT(literals[i].text.n > 0);
            texts[i] = literals[i].text.p;
            lengths[i] = literals[i].text.n;
            ids[i] = literals[i].id;
        }
        hs_database_t *database = NULL;
        hs_compile_error_t *reason = NULL;
        hs_error_t error =
            hs_compile_lit_multi(texts, flags, ids, lengths, (unsigned)count, HS_MODE_BLOCK, NULL, &database, &reason);
        rc = scanner_made(error, reason, database, ret_scanner, err);
    } else {
        IGNORE(err_set(err, RC_LIMIT, "no memory for patterns"));
    }
    memory_free(texts);
    memory_free(flags);
    memory_free(ids);
    memory_free(lengths);
    return rc;
}

/* A repeat of REPEAT_WIDE or more: Vectorscan unrolls it, for up to a second of compiling. */
static bool repeats_widely(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint64_t number = 0;
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == '{') {
            for (i++; i < text.n && (char_is_digit(text.p[i]) || text.p[i] == ','); i++) {
                number = text.p[i] == ',' ? 0 : MIN(number * 10 + (uint64_t)(text.p[i] - '0'), REGEX_LENGTH_MAX);
                if (number >= REPEAT_WIDE)
                    return true;
            }
        }
    }
    return false;
}

enum rc scanner_regex(const struct regex *regex, struct scanner **ret_scanner, struct err *err)
{
    if (memchr(regex->bytes, '\0', regex->text.n))
        return err_set(err, RC_INVALID, "a NUL in the regular expression");
    if (repeats_widely(regex->text))
        return err_set(err, RC_INVALID, "a wide repeat in the regular expression");
    unsigned flags = HS_FLAG_UTF8 | HS_FLAG_ALLOWEMPTY | HS_FLAG_SINGLEMATCH;
    flags |= regex->flags & REGEX_CASELESS ? HS_FLAG_CASELESS : 0;
    flags |= regex->flags & REGEX_MULTILINE ? HS_FLAG_MULTILINE : 0;
    flags |= regex->flags & REGEX_DOTALL ? HS_FLAG_DOTALL : 0;
    hs_database_t *database = NULL;
    hs_compile_error_t *reason = NULL;
    hs_error_t error = hs_compile(regex->bytes, flags, HS_MODE_BLOCK, NULL, &database, &reason);
    return scanner_made(error, reason, database, ret_scanner, err);
}

void scanner_free(struct scanner *scanner)
{
    if (!scanner)
        return;
    IGNORE(hs_free_database(scanner->database)); /* fails only on a broken database */
    memory_free(scanner);
}

size_t scanner_bytes(const struct scanner *scanner)
{
    return scanner->bytes;
}

struct scanner_scratch *scanner_scratch_new(void)
{
    return memory_new(sizeof(struct scanner_scratch));
}

void scanner_scratch_free(struct scanner_scratch *scratch)
{
    if (!scratch)
        return;
    IGNORE(hs_free_scratch(scratch->scratch)); /* fails only while in use */
    memory_free(scratch);
}

enum rc scanner_scratch_fit(struct scanner_scratch *scratch, const struct scanner *scanner, struct err *err)
{
    if (hs_alloc_scratch(scanner->database, &scratch->scratch) != HS_SUCCESS)
        return err_set(err, RC_LIMIT, "no memory for scanning");
    return RC_OK;
}

struct scan {
    scanner_sink sink;
    void *context;
};

static int on_literal(unsigned id, unsigned long long UNUSED(from), unsigned long long UNUSED(to),
                      unsigned UNUSED(flags), void *context)
{
    const struct scan *scan = context;
    scan->sink(scan->context, id);
    return 0;
}

static int on_any(unsigned UNUSED(id), unsigned long long UNUSED(from), unsigned long long UNUSED(to),
                  unsigned UNUSED(flags), void *context)
{
    bool *found = context;
    *found = true;
    return 1;
}

void scanner_scan(const struct scanner *scanner, struct scanner_scratch *scratch, struct str text, scanner_sink sink,
                  void *context)
{
    struct scan scan = {sink, context};
    ASSERT(text.n <= UINT_MAX);
    hs_error_t error =
        hs_scan(scanner->database, text.n ? text.p : "", (unsigned)text.n, 0, scratch->scratch, on_literal, &scan);
    ASSERT(error == HS_SUCCESS);
}

bool scanner_search(const struct scanner *scanner, struct scanner_scratch *scratch, struct str text)
{
    bool found = false;
    ASSERT(text.n <= UINT_MAX);
    hs_error_t error =
        hs_scan(scanner->database, text.n ? text.p : "", (unsigned)text.n, 0, scratch->scratch, on_any, &found);
    ASSERT(error == HS_SUCCESS || error == HS_SCAN_TERMINATED);
    return found;
}
