/* Frames, file headers and the walk through a whole file. */
#include "wal/frame.h"
#include "wal/scan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static ssize_t input_pread(void *self, int fd, void *bytes, size_t n, int64_t offset)
{
    const struct str *input = self;
    struct str part = str_slice(*input, (size_t)offset, (size_t)offset + n);
    (void)fd;
    if (part.n)
        memcpy(bytes, part.p, part.n);
    return (ssize_t)part.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = str_at(bytes, size);
    struct io io = {.self = &input, .pread = input_pread};
    struct wal_header header;
    struct frame_header frame;
    struct str payload;
    struct scan scan;
    uint64_t tail;
    scan_init(&scan, &io);
    scan_file(&scan, 0);
    IGNORE(scan_header(&scan, &header, NULL));
    IGNORE(frame_decode(input, &frame, &payload));
    while (scan_frame(&scan, &frame, &payload, NULL) == RC_OK)
        scan_pass(&scan, &frame);
    IGNORE(scan_tail(&scan, &tail, NULL));
    scan_done(&scan);
    return 0;
}
