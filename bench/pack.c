/* pack.c - what packing old segments anew costs and spares.
 *
 * usage: bench-pack FOLDER
 * FOLDER is a data folder. Every segment is packed into its .cold file and compared with it, as packer and judge do;
 * the files stay beside the segments, not in a folder of their own. Prints one line, tab-separated: raw bytes, bytes of
 * the segments, bytes of the packed ones, CPU seconds to pack, CPU seconds to compare. */
#include "archive/reader_state.h"
#include "archive/repack.h"
#include "bench/common.h"
#include "event/names.h"
#include "os/clock.h"
#include "os/io.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct packing {
    struct archive_reader *reader;
    uint64_t raw;
    struct repack_sizes sizes;
    uint64_t pack_ns;
    uint64_t check_ns;
};

static void pack_one(struct packing *p, const struct segment *segment)
{
    struct repack *repack = NULL;
    struct err err = {0};
    uint64_t begun = clock_cpu_ns();
    enum rc rc = repack_new(p->reader, p->reader->folders.seg, segment->first, &repack, &err);
    if (rc == RC_OK)
        do
            rc = repack_step(repack, &err);
        while (rc == RC_AGAIN);
    if (rc != RC_OK)
        bench_die("a segment could not be packed", &err);
    p->raw += segment->bytes_raw;
    p->sizes.hot += repack_sizes(repack).hot;
    p->sizes.cold += repack_sizes(repack).cold;
    repack_free(repack);
    p->pack_ns += clock_cpu_ns() - begun;
}

static void check_one(struct packing *p, uint64_t first)
{
    struct repack_check *check = NULL;
    struct err err = {0};
    uint64_t begun = clock_cpu_ns();
    enum rc rc = repack_check_new(p->reader, first, &check, &err);
    if (rc == RC_OK)
        do
            rc = repack_check_step(check, &err);
        while (rc == RC_AGAIN);
    if (rc != RC_OK)
        bench_die("a packed segment is not the same", &err);
    repack_check_free(check);
    p->check_ns += clock_cpu_ns() - begun;
}

int main(int argc, char **argv)
{
    struct packing p = {0};
    struct err err = {.text = "no memory"};
    char path[4096];
    struct archive_reader_options options = {.names = names_new(1)};
    if (argc != 2) {
        fprintf(stderr, "usage: bench-pack FOLDER\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/archive", argv[1]);
    int folder = io_open_folder(path);
    if (folder < 0 || archive_reader_open(&io_kernel, folder, &options, &p.reader, &err) != RC_OK)
        bench_die(path, &err);
    for (size_t i = 0; i < p.reader->catalog.count; i++) {
        pack_one(&p, p.reader->catalog.segments[i]);
        check_one(&p, p.reader->catalog.segments[i]->first);
    }
    printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%.3f\t%.3f\n", p.raw, p.sizes.hot, p.sizes.cold,
           (double)p.pack_ns / 1e9, (double)p.check_ns / 1e9);
    archive_reader_close(p.reader);
    names_free(options.names);
    return 0;
}
