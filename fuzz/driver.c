/* driver.c - the main of a fuzz target that is not linked with libFuzzer, so that gcc builds and tests run it too.
 *
 * usage: ROOM_x_fuzz [-seconds=N] [-seed=N] [-round=N] [FILE|FOLDER]...
 *
 * Runs every file whole, then every truncation of it (evenly chosen ones past TRUNCATIONS_MAX), then random changes of
 * random files for N seconds (default 1; 0 = none). Each round is drawn from seed and round number alone: a crash
 * prints both, and -seed=S -round=R repeats it. Inputs are copied into blocks of their exact size, so that a sanitizer
 * sees the first byte read past the end. */
#include "base/arena.h"
#include "base/macros.h"
#include "base/str.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX       4096
#define FILE_BYTES_MAX  (1024u * 1024u)
#define TRUNCATIONS_MAX 4096u
#define CHANGES_MAX     8u
#define GROWTH_MAX      64u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct str files[FILES_MAX];
static size_t file_count;
static char place[256]; /* what is being run now: printed by the signal handler */

static void say_place(int number)
{
    ssize_t ignored = write(STDERR_FILENO, place, strlen(place));
    (void)ignored; /* we are dying; nobody else could be told */
    signal(number, SIG_DFL);
    raise(number);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = (*state += 0x9e3779b97f4a7c15u); /* splitmix64, Vigna, public domain */
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static size_t random_below(uint64_t *state, size_t bound)
{
    return bound == 0 ? 0 : (size_t)(next_random(state) % bound);
}

static void run_bytes(const char *bytes, size_t size)
{
    char *copy = memory_new(size == 0 ? 1 : size);
    if (copy == NULL) {
        fprintf(stderr, "fuzz driver: out of memory\n");
        exit(1);
    }
    if (size > 0)
        memcpy(copy, bytes, size);
    if (LLVMFuzzerTestOneInput((const uint8_t *)copy, size) != 0) {
        fprintf(stderr, "%sfuzz driver: the target refused to return 0\n", place);
        exit(1);
    }
    memory_free(copy);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = memory_new(FILE_BYTES_MAX);
    if (file == NULL || bytes == NULL || file_count == FILES_MAX) {
        fprintf(stderr, "fuzz driver: could not read \"%s\"\n", path);
        exit(1);
    }
    size_t size = fread(bytes, 1, FILE_BYTES_MAX, file);
    fclose(file);
    files[file_count++] = str_at(bytes, size);
    snprintf(place, sizeof(place), "# died in file %s\n", path);
    run_bytes(bytes, size);
    size_t step = size / TRUNCATIONS_MAX + 1;
    for (size_t length = 0; length < size; length += step) {
        snprintf(place, sizeof(place), "# died in the first %zu bytes of %s\n", length, path);
        run_bytes(bytes, length);
    }
}

static void run_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "fuzz driver: could not open \"%s\"\n", path);
        exit(1);
    }
    if (!S_ISDIR(status.st_mode)) {
        run_file(path);
        return;
    }
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char whole[4096];
        int length = snprintf(whole, sizeof(whole), "%s/%s", path, names[i]->d_name);
        if (length < (int)sizeof(whole) && stat(whole, &status) == 0 && S_ISREG(status.st_mode))
            run_file(whole);
        free(names[i]);
    }
    free(names);
}

static size_t change(uint64_t *state, char *bytes, size_t size)
{
    static const char edges[] = {0,   1,   '"', '\\', '<', '>',  '[', ']',  '{',
                                 '}', '=', ',', ':',  ' ', '\n', 127, -128, -1};
    size_t at = random_below(state, size);
    size_t run = 1 + random_below(state, GROWTH_MAX);
    switch (next_random(state) % 6) {
    case 0: /* one bit */
        if (size > 0)
            bytes[at] = (char)((unsigned char)bytes[at] ^ (1u << (next_random(state) & 7)));
        return size;
    case 1: /* any byte */
        if (size > 0)
            bytes[at] = (char)(next_random(state) & 0xff);
        return size;
    case 2: /* a byte that formats care about */
        if (size > 0)
            bytes[at] = edges[random_below(state, sizeof(edges))];
        return size;
    case 3: /* remove a run */
        run = MIN(run, size - at);
        memmove(bytes + at, bytes + at + run, size - at - run);
        return size - run;
    case 4: /* repeat a run */
        run = MIN(run, size - at);
        memmove(bytes + at + run, bytes + at, size - at);
        return size + run;
    default: /* cut the end */
        return at;
    }
}

static void run_round(uint64_t seed, uint64_t round)
{
    static char bytes[FILE_BYTES_MAX + CHANGES_MAX * GROWTH_MAX];
    uint64_t state = seed + round * 0xd1342543de82ef95u;
    struct str file = file_count == 0 ? STR("") : files[random_below(&state, file_count)];
    size_t size = file.n;
    snprintf(place, sizeof(place), "# died in round: repeat with -seed=%llu -round=%llu and the same files\n",
             (unsigned long long)seed, (unsigned long long)round);
    memcpy(bytes, file.p, size);
    size_t changes = 1 + random_below(&state, CHANGES_MAX);
    for (size_t i = 0; i < changes; i++)
        size = change(&state, bytes, size);
    run_bytes(bytes, size);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool option(const char *argument, const char *name, uint64_t *ret_value)
{
    struct str text = str_of(argument);
    struct str prefix = str_of(name);
    return text.n > prefix.n && memcmp(text.p, prefix.p, prefix.n) == 0 &&
           str_to_u64(str_slice(text, prefix.n, text.n), ret_value);
}

int main(int argc, char **argv)
{
    uint64_t seconds = 1;
    uint64_t seed = (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    uint64_t round = UINT64_MAX;
    static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
        signal(deadly[i], say_place);
    for (int i = 1; i < argc; i++) {
        if (option(argv[i], "-seconds=", &seconds) || option(argv[i], "-seed=", &seed) ||
            option(argv[i], "-round=", &round))
            continue;
        if (argv[i][0] == '-') {
            fprintf(stderr, "usage: %s [-seconds=N] [-seed=N] [-round=N] [FILE|FOLDER]...\n", argv[0]);
            return 2;
        }
        run_path(argv[i]);
    }
    printf("# seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    if (round != UINT64_MAX) {
        run_round(seed, round);
        return 0;
    }
    int64_t end = now_ms() + (int64_t)seconds * 1000;
    for (round = 0; seconds > 0 && now_ms() < end; round++)
        run_round(seed, round);
    printf("# %zu files, %llu rounds\n", file_count, (unsigned long long)round);
    return 0;
}
