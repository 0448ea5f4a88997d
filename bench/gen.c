/* gen.c - made-up logs for measuring: the same kind, seed, hosts and size give the same bytes on every machine.
 *
 * usage: bench-gen syslog|windows SIZE [SEED [HOSTS]]
 *
 * SIZE is bytes with K, M or G (of 1000) behind it; whole lines up to it go to standard output, so that a smaller
 * corpus is the beginning of a larger one. `syslog`: gen_syslog.c; `windows`: gen_windows.c, one JSON object a line.
 * All names, accounts and addresses are invented. What the corpora are tuned to: doc/performance.md. */
#include "bench/gen.h"

#include "base/arena.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BYTES  ((size_t)1 << 20)
#define PIECES_MAX 512

void *gen_memory(size_t size)
{
    void *p = memory_new(size);
    if (p == NULL) {
        fprintf(stderr, "bench-gen: no memory\n");
        exit(1);
    }
    return p;
}

/* ---- random numbers ---- */

static uint64_t splitmix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void gen_random_init(struct gen_random *random, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LEN(random->s); i++)
        random->s[i] = splitmix(seed + i * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

uint64_t gen_random_next(struct gen_random *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t gen_below(struct gen_random *random, uint32_t below)
{
    return (uint32_t)(((gen_random_next(random) >> 32) * below) >> 32);
}

uint32_t gen_between(struct gen_random *random, uint32_t low, uint32_t high)
{
    return low + gen_below(random, high - low + 1);
}

/* The cube of a uniform number: a tenth of the range takes nearly half of the draws. Whole numbers only, so that every
 * machine draws the same. */
uint32_t gen_skewed(struct gen_random *random, uint32_t below)
{
    uint64_t u = gen_random_next(random) >> 44;
    return (uint32_t)(((u * u >> 20) * u >> 20) * below >> 20);
}

uint64_t gen_mix(uint64_t a, uint64_t b)
{
    return splitmix(a ^ splitmix(b));
}

/* ---- output ---- */

void gen_out_init(struct gen_out *out, uint64_t limit)
{
    *out = (struct gen_out){.p = gen_memory(OUT_BYTES + 2 * GEN_LINE_MAX), .limit = limit};
}

static void out_flush(struct gen_out *out)
{
    if (fwrite(out->p, 1, out->n, stdout) != out->n) {
        fprintf(stderr, "bench-gen: could not write\n");
        exit(1);
    }
    out->n = 0;
}

bool gen_line_end(struct gen_out *out)
{
    out->p[out->n++] = '\n';
    size_t length = out->n - out->line_begin;
    if (out->quiet || out->written + length > out->limit) {
        out->n = out->line_begin;
        return out->quiet;
    }
    out->written += length;
    out->lines++;
    if (out->n >= OUT_BYTES)
        out_flush(out);
    out->line_begin = out->n;
    return true;
}

void gen_out_done(struct gen_out *out)
{
    out_flush(out);
    fflush(stdout);
    memory_free(out->p);
}

void gen_put(struct gen_out *out, const char *bytes, size_t n)
{
    memcpy(out->p + out->n, bytes, n);
    out->n += n;
}

void gen_put_digits(struct gen_out *out, uint64_t value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--, value /= 10)
        out->p[out->n + i - 1] = (char)('0' + value % 10);
    out->n += digits;
}

void gen_put_u64(struct gen_out *out, uint64_t value)
{
    unsigned digits = 1;
    for (uint64_t rest = value; rest >= 10; rest /= 10)
        digits++;
    gen_put_digits(out, value, digits);
}

void gen_put_hex(struct gen_out *out, uint64_t value, unsigned digits, bool upper)
{
    const char *signs = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (unsigned i = digits; i > 0; i--, value >>= 4)
        out->p[out->n + i - 1] = signs[value & 15];
    out->n += digits;
}

/* ---- texts ---- */

static const char *translated(const char *const *translate, char sign)
{
    for (size_t i = 0; translate != NULL && translate[i] != NULL; i += 2)
        if (translate[i][0] == sign)
            return translate[i + 1];
    return NULL;
}

void gen_text_compile(const char *source, const char *const *translate, struct gen_text *ret_text)
{
    struct gen_piece pieces[PIECES_MAX];
    size_t count = 0;
    size_t n = 0;
    char *literal = gen_memory(strlen(source) * 4 + 1);
    size_t begin = 0;
    for (const char *p = source; *p != '\0'; p++) {
        const char *other = translated(translate, *p);
        if (*p == '$' && count < PIECES_MAX - 1) {
            pieces[count++] = (struct gen_piece){literal + begin, (uint32_t)(n - begin), p[1]};
            begin = n;
            p++;
        } else if (other != NULL) {
            size_t length = strlen(other); /* at most four */
            memcpy(literal + n, other, length);
            n += length;
        } else {
            literal[n++] = *p;
        }
    }
    pieces[count++] = (struct gen_piece){literal + begin, (uint32_t)(n - begin), 0};
    ret_text->count = count;
    ret_text->pieces = gen_memory(count * sizeof pieces[0]);
    memcpy(ret_text->pieces, pieces, count * sizeof pieces[0]);
}

void gen_text_put(struct gen_out *out, const struct gen_text *text, gen_value value, void *context)
{
    for (size_t i = 0; i < text->count; i++) {
        gen_put(out, text->pieces[i].literal, text->pieces[i].n);
        if (text->pieces[i].variable != 0)
            value(context, out, text->pieces[i].variable);
    }
}

/* ---- order in time ---- */

static bool earlier(const struct gen_queued *a, const struct gen_queued *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void gen_queue_add(struct gen_queue *queue, uint64_t at, uint32_t slot)
{
    if (queue->count == queue->room) {
        queue->room = queue->room * 2 + 1024;
        queue->heap = memory_resize(queue->heap, queue->room * sizeof queue->heap[0]);
        if (queue->heap == NULL) {
            fprintf(stderr, "bench-gen: no memory\n");
            exit(1);
        }
    }
    struct gen_queued added = {.at = at, .order = queue->order++, .slot = slot};
    size_t i = queue->count++;
    for (; i > 0 && earlier(&added, &queue->heap[(i - 1) / 2]); i = (i - 1) / 2)
        queue->heap[i] = queue->heap[(i - 1) / 2];
    queue->heap[i] = added;
}

struct gen_queued gen_queue_first(const struct gen_queue *queue)
{
    return queue->heap[0];
}

static void sink(struct gen_queue *queue, struct gen_queued moved)
{
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && earlier(&queue->heap[child + 1], &queue->heap[child]))
            child++;
        if (!earlier(&queue->heap[child], &moved))
            break;
        queue->heap[i] = queue->heap[child];
        i = child;
    }
    queue->heap[i] = moved;
}

void gen_queue_take(struct gen_queue *queue)
{
    struct gen_queued last = queue->heap[--queue->count];
    if (queue->count > 0)
        sink(queue, last);
}

void gen_queue_again(struct gen_queue *queue, uint64_t at)
{
    sink(queue, (struct gen_queued){.at = at, .order = queue->order++, .slot = queue->heap[0].slot});
}

/* ---- the program ---- */

static bool size_parse(const char *text, uint64_t *ret_size)
{
    static const struct {
        char unit;
        uint64_t bytes;
    } units[] = {{'K', 1000}, {'M', 1000000}, {'G', 1000000000}};
    struct str rest = str_of(text);
    uint64_t scale = 1;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (rest.n > 1 && rest.p[rest.n - 1] == units[i].unit) {
            scale = units[i].bytes;
            rest.n--;
        }
    }
    return str_to_u64(rest, ret_size) && *ret_size > 0 && !__builtin_mul_overflow(*ret_size, scale, ret_size);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*make)(struct gen_out *out, uint64_t seed, uint32_t hosts);
        uint32_t hosts;
    } kinds[] = {{"syslog", gen_syslog, 144}, {"windows", gen_windows, 8}};
    uint64_t size = 0;
    uint64_t seed = 832;
    uint64_t hosts = 0;
    bool good = argc >= 3 && argc <= 5 && size_parse(argv[2], &size);
    good = good && (argc < 4 || str_to_u64(str_of(argv[3]), &seed));
    good = good && (argc < 5 || (str_to_u64(str_of(argv[4]), &hosts) && hosts > 0 && hosts <= 4096));
    for (size_t i = 0; good && i < ARRAY_LEN(kinds); i++) {
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        struct gen_out out;
        gen_out_init(&out, size);
        kinds[i].make(&out, seed, hosts > 0 ? (uint32_t)hosts : kinds[i].hosts);
        gen_out_done(&out);
        fprintf(stderr, "%" PRIu64 " lines, %" PRIu64 " bytes\n", out.lines, out.written);
        return 0;
    }
    fprintf(stderr, "usage: bench-gen syslog|windows SIZE[K|M|G] [SEED [HOSTS]] > FILE\n");
    return 2;
}
