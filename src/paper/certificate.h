/* certificate.h - the completeness certificate of one source and one day.
 *
 * What it claims. The window is the records A to B-1 of the archive's tree: A is the first record received at or after
 * the day's beginning (in the paper's zone), B the first received at or after its end; the records A-1 and B are
 * attached with their proofs. Within the window
 *   - every record of the source belongs to one of the runs: one epoch, sequences without a hole, first and last named;
 *   - sequences between two runs of an epoch are missing, and named;
 *   - every gap leaf of the source (a loss that was noticed before it was acknowledged) is named with its reason;
 *   - every time longer than CERTIFICATE_SILENCE_NS between two records of the archive is named (a heartbeat comes at
 *     least every 10 seconds, so that the archive was not running then, or its clock was set).
 * All is counted in the tree of one signed checkpoint. Inclusion proofs are attached of the first and last record of
 * each run, of each gap leaf, of both sides of each silence and of the window's edges.
 *
 * What it does not claim. That nothing was lost before the agent, or before reception without being noticed; anything
 * of sequences before the first of an epoch in the window (the certificate of the day before ends there); that what the
 * source wrote is true; that the clock was right (proofs hold the times, the window is numbers).
 *
 * Who trusts what: edges, ends, losses and silences are proven by inclusion. That the window holds no other record of
 * the source is stated by who ran the archive: the seal (seal.h) proves that it was stated and when, and anyone with
 * the archive or a mirror recounts it (certificate_counter). Format: doc/format/paper.md. */
#ifndef PAPER_CERTIFICATE_H
#define PAPER_CERTIFICATE_H

#include "base/map.h"
#include "paper/evidence.h"
#include "paper/paper_text.h"

#define CERTIFICATE_FIRST      "qorgan completeness certificate 1"
#define CERTIFICATE_RUNS_MAX   4096
#define CERTIFICATE_NAMED_MAX  1024 /* losses; silences */
#define CERTIFICATE_PROOFS_MAX (2 * CERTIFICATE_RUNS_MAX + 3 * CERTIFICATE_NAMED_MAX + 2)
#define CERTIFICATE_SILENCE_NS INT64_C(30000000000)

struct certificate_run {
    uint64_t epoch;
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t first_record;
    uint64_t last_record;
};

/* What is counted; the part that a recount must give again. */
struct certificate_count {
    size_t run_count; /* by rising first_record */
    size_t loss_count;
    size_t silence_count;
    struct certificate_run run[CERTIFICATE_RUNS_MAX];
    uint64_t loss[CERTIFICATE_NAMED_MAX];    /* numbers of gap leaves */
    uint64_t silence[CERTIFICATE_NAMED_MAX]; /* the record before; the next one is after it */
};

struct certificate {
    enum paper_language language;
    int32_t zone_s;
    int64_t from_ns; /* the day */
    int64_t to_ns;
    uint8_t source[16];
    struct str kind; /* left out when the source's number is not made of kind and name */
    struct str name;
    uint64_t first; /* the window, [first, end) */
    uint64_t end;
    struct certificate_count *count;
    size_t proof_count; /* by rising record number, none twice */
    struct str *proof;
    struct proven *proven; /* filled by write and check */
};

/* The day "2026-11-27" in a zone. */
enum rc certificate_day(struct str text, int32_t zone_s, int64_t *ret_from_ns, int64_t *ret_to_ns,
                        struct err *err) MUST_USE;

/* Counts headers, given in order from the record before the window (when there is one) to the one behind it. */
struct certificate_counter {
    const struct certificate *certificate; /* source and window */
    struct certificate_count *count;
    struct map *open; /* epoch -> position of its newest run, plus 1 */
    int64_t previous_ns;
    bool has_previous;
};
/* RC_LIMIT without memory. */
enum rc certificate_counter_init(struct certificate_counter *counter, const struct certificate *certificate,
                                 struct certificate_count *count, struct err *err) MUST_USE;
void certificate_counter_done(struct certificate_counter *counter);
/* RC_LIMIT: more runs, losses or silences than a certificate names. Other records are passed over. */
enum rc certificate_counter_add(struct certificate_counter *counter, const struct leaf *leaf, struct err *err) MUST_USE;
/* RC_DENIED naming the first difference. */
enum rc certificate_count_compare(const struct certificate_count *said, const struct certificate_count *found,
                                  struct err *err) MUST_USE;

/* The records whose proofs the certificate must carry in a tree of `size` records, rising; at most
 * CERTIFICATE_PROOFS_MAX. Their count. */
size_t certificate_needs(const struct certificate *certificate, uint64_t size, uint64_t *ret_records);

/* Reads the proofs, checks that they show what is claimed, and writes the paper without a seal. */
enum rc certificate_write(struct certificate *certificate, struct arena *arena, struct buf *ret_text,
                          struct err *err) MUST_USE;
enum rc certificate_parse(struct str body, struct arena *arena, struct certificate *ret_certificate,
                          struct err *err) MUST_USE;
/* RC_DENIED unless every proof holds under the policy, and every line follows from them and from the counts. */
enum rc certificate_check(struct str body, const struct policy *policy, struct arena *arena,
                          struct certificate *ret_certificate, struct policy_result *ret_result,
                          struct err *err) MUST_USE;

#endif
