/* gen.h - what the makers of corpora share: random numbers, texts with variables, output that ends at a size.
 *
 * A text is compiled once: `$x` is the variable x, everything else stands for itself but for the signs that a maker has
 * translated (JSON escapes, say). One thread; exits on a full disk or without memory, as a program of its own may. */
#ifndef BENCH_GEN_H
#define BENCH_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEN_START_S UINT64_C(1795132800) /* 2026-11-20T00:00:00Z */

/* ---- random numbers: xoshiro256**, seeded by splitmix64 ---- */

struct gen_random {
    uint64_t s[4];
};
void gen_random_init(struct gen_random *random, uint64_t seed);
uint64_t gen_random_next(struct gen_random *random);
/* 0..below-1; below > 0. */
uint32_t gen_below(struct gen_random *random, uint32_t below);
uint32_t gen_between(struct gen_random *random, uint32_t low, uint32_t high);
/* Low numbers often, high ones seldom: the power-law that users, paths and clients follow. `below` at most 2^20. */
uint32_t gen_skewed(struct gen_random *random, uint32_t below);
/* A number that belongs to (a, b): the same each time. */
uint64_t gen_mix(uint64_t a, uint64_t b);

/* ---- output ---- */

struct gen_out {
    char *p; /* room for GEN_LINE_MAX behind n at all times between lines */
    size_t n;
    uint64_t written; /* bytes, those in the buffer too */
    uint64_t limit;   /* bytes; the line that would pass it is not written */
    uint64_t lines;
    size_t line_begin;
    bool quiet; /* counts nothing and keeps nothing: warming up */
};
#define GEN_LINE_MAX 65536

void gen_out_init(struct gen_out *out, uint64_t limit);
/* False at the limit: the line is taken back. */
bool gen_line_end(struct gen_out *out);
void gen_out_done(struct gen_out *out);
void gen_put(struct gen_out *out, const char *bytes, size_t n);
void gen_put_u64(struct gen_out *out, uint64_t value);
void gen_put_digits(struct gen_out *out, uint64_t value, unsigned digits); /* leading zeros */
void gen_put_hex(struct gen_out *out, uint64_t value, unsigned digits, bool upper);

/* ---- texts ---- */

struct gen_piece {
    const char *literal;
    uint32_t n;
    char variable; /* behind the literal; 0 = none */
};
struct gen_text {
    struct gen_piece *pieces;
    size_t count;
};
/* `translate` holds pairs: a sign, then the text that stands for it; NULL ends it. NULL: nothing is translated. */
void gen_text_compile(const char *source, const char *const *translate, struct gen_text *ret_text);
/* Puts the text; `value` puts what each variable stands for. */
typedef void (*gen_value)(void *context, struct gen_out *out, char variable);
void gen_text_put(struct gen_out *out, const struct gen_text *text, gen_value value, void *context);

/* ---- order in time ---- */

/* A heap of (time, slot): the earliest first, of equal times the one that came first. */
struct gen_queue {
    struct gen_queued *heap;
    size_t count;
    size_t room;
    uint64_t order;
};
struct gen_queued {
    uint64_t at;
    uint64_t order;
    uint32_t slot;
};
void gen_queue_add(struct gen_queue *queue, uint64_t at, uint32_t slot);
/* The earliest; the queue must hold one. Put it back with gen_queue_again, which is quicker than take and add. */
struct gen_queued gen_queue_first(const struct gen_queue *queue);
void gen_queue_take(struct gen_queue *queue);
void gen_queue_again(struct gen_queue *queue, uint64_t at);

void *gen_memory(size_t size); /* zeroed; never NULL */

/* ---- the makers: fill `out` to its limit ---- */

void gen_syslog(struct gen_out *out, uint64_t seed, uint32_t hosts);
void gen_windows(struct gen_out *out, uint64_t seed, uint32_t hosts);

#endif
