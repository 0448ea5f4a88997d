/* rule_samples.h - the files that `rules test` may ask for, before anything looks into them: which these are is told by
 * names alone, so that whoever judges them (rule_cases.h) needs to open none.
 *
 * Beside a rule file: NAME.must.EXT, NAME.not.EXT and NAME.indicators.csv. Below a folder: every info.yml, and all that
 * lies beside one, for what it says of them is not known yet. Samples are mapped until the program ends; they must not
 * be cut meanwhile. */
#ifndef CMD_RULE_SAMPLES_H
#define CMD_RULE_SAMPLES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "cmd/confined_command.h"
#include "role/indicator_folder.h"

#include <stddef.h>
#include <stdint.h>

#define RULE_SAMPLES_MAX      32768u              /* files: the kernel lets a process map 65530 */
#define RULE_SAMPLE_BYTES_MAX ((uint64_t)4 << 30) /* of all samples */
#define RULE_SAMPLE_DEPTH_MAX 32u                 /* folders below the first */
#define RULE_SAMPLE_INFO_MAX  (1u << 20)          /* bytes of an info.yml */
#define RULE_SAMPLE_PATH_MAX  4096u

struct rule_sample {
    struct str text;
    struct indicator_texts lists; /* of a list of indicators, which has no text */
    const char *why;              /* it cannot be read; NULL: it was */
};

struct rule_info {
    const char *path;
    struct str text;
    const char *why; /* as above */
    struct rule_info *next;
};

struct rule_samples {
    struct arena *arena;
    struct map *places; /* path: its number in all[] and one */
    struct rule_sample *all;
    size_t room;
    uint64_t bytes; /* mapped, of lists too */
    size_t list_count;
    struct rule_info *infos;
    struct rule_info *last_info;
    const char *broken; /* why folders were not walked to their end; NULL: they were */
};

/* RC_LIMIT without memory. Call rule_samples_done in any case. */
enum rc rule_samples_init(struct rule_samples *samples, struct err *err) MUST_USE;
/* RC_LIMIT when there are too many, or without memory; what cannot be read says so itself. */
enum rc rule_samples_beside(struct rule_samples *samples, const struct rule_texts *rules, struct err *err) MUST_USE;
enum rc rule_samples_below(struct rule_samples *samples, const char *const *folders, size_t folder_count,
                           struct err *err) MUST_USE;
/* NULL: there is no such file. */
const struct rule_sample *rule_samples_find(const struct rule_samples *samples, const char *path);
void rule_samples_done(struct rule_samples *samples);

/* ---- names ---- */

enum rule_sample_kind { RULE_SAMPLE_MUST, RULE_SAMPLE_NOT, RULE_SAMPLE_KINDS };
#define RULE_SAMPLE_ENDINGS 4u
/* Of the rule's file `path`; false when it is too long. */
bool rule_sample_name(struct str path, enum rule_sample_kind kind, size_t ending,
                      char ret_name[RULE_SAMPLE_PATH_MAX]) MUST_USE;
bool rule_sample_list_name(struct str path, char ret_name[RULE_SAMPLE_PATH_MAX]) MUST_USE;

#endif
