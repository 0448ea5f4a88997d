/* Frames, file headers, the walk through a whole file, keys of encrypted ones. */
#include "os/io_input.h"
#include "wal/frame.h"
#include "wal/scan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char ring[] = "qorgan-master-key 1 25aac1b8a5f4a682 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    static struct vault *vault;
    struct str input = str_at(bytes, size);
    struct io io = io_input(&input);
    struct wal_header header;
    struct frame_header frame;
    struct str payload;
    struct scan scan;
    uint64_t tail;
    struct wal_lock *lock = NULL;
    const struct wal_lock_frame place = {.offset = 4096, .first = 3, .count = 1};
    static char plain[4096];
    scan_init(&scan, &io);
    scan_file(&scan, 0);
    IGNORE(scan_header(&scan, &header, NULL));
    IGNORE(frame_decode(input, &frame, &payload));
    while (scan_frame(&scan, &frame, &payload, NULL) == RC_OK)
        scan_pass(&scan, &frame);
    IGNORE(scan_tail(&scan, &tail, NULL));
    scan_done(&scan);
    if (!vault && vault_new(str_of(ring), &vault, NULL) != RC_OK)
        return 0;
    if (wal_lock_find(&io, 0, vault, &lock, NULL) == RC_OK && lock)
        IGNORE(wal_lock_open(lock, &place, str_slice(input, 0, sizeof plain), plain, NULL) != RC_OK);
    wal_lock_free(lock);
    return 0;
}
