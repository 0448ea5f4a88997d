/* regex.h - the only place that knows PCRE2 and Vectorscan.
 *
 * A regular expression of a rule is checked with PCRE2 when the rule is read (the Sigma standard: a subset of PCRE) and
 * searched with Vectorscan, whose time is linear in the value; what Vectorscan cannot compile (look-around,
 * back-references) or compiles too slowly (repeats of 64 and more) is searched with PCRE2 under a match limit: past it
 * there is no match.
 * Unanchored search; `.` is a character of UTF-8 and no line end; `$` matches before a last line end too. */
#ifndef RULE_REGEX_H
#define RULE_REGEX_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGEX_LENGTH_MAX  16384u
#define REGEX_MATCH_LIMIT 1000000u

enum regex_flags { REGEX_CASELESS = 1, REGEX_MULTILINE = 2, REGEX_DOTALL = 4 };

struct regex;

/* RC_INVALID with the reason and place; RC_LIMIT without memory. The text is copied. */
enum rc regex_new(struct str text, uint32_t flags, struct regex **ret_regex, struct err *err) MUST_USE;
void regex_free(struct regex *regex);
struct str regex_text(const struct regex *regex);
uint32_t regex_flags(const struct regex *regex);
/* With PCRE2, under the limit. `value` must be valid UTF-8, else there is no match. */
bool regex_search_slow(const struct regex *regex, struct str value);

/* Vectorscan databases: literals of one field, or one regular expression. */
struct scanner;
struct scanner_scratch;

struct literal {
    struct str text; /* never empty */
    uint32_t id;
};

/* Exact bytes, any place. */
enum rc scanner_literals(const struct literal *literals, size_t count, struct scanner **ret_scanner,
                         struct err *err) MUST_USE;
/* RC_INVALID when Vectorscan cannot compile it. */
enum rc scanner_regex(const struct regex *regex, struct scanner **ret_scanner, struct err *err) MUST_USE;
void scanner_free(struct scanner *scanner);
size_t scanner_bytes(const struct scanner *scanner);

struct scanner_scratch *scanner_scratch_new(void);
void scanner_scratch_free(struct scanner_scratch *scratch);
/* Makes the scratch large enough; call for every scanner before scanning. */
enum rc scanner_scratch_fit(struct scanner_scratch *scratch, const struct scanner *scanner, struct err *err) MUST_USE;

/* Called for every literal at every place; several times for one id. */
typedef void (*scanner_sink)(void *context, uint32_t id);
void scanner_scan(const struct scanner *scanner, struct scanner_scratch *scratch, struct str text, scanner_sink sink,
                  void *context);
/* Is there any match? Stops at the first. */
bool scanner_search(const struct scanner *scanner, struct scanner_scratch *scratch, struct str text);

#endif
