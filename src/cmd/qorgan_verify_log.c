/* The write-ahead log behind the segments, read anew from doc/format/wal.md. */
#include "base/bytes.h"
#include "cmd/qorgan_verify_audit.h"
#include "cmd/qorgan_verify_sealed.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE   64
#define FRAME_HEADER  28
#define PAYLOAD_MAX   ((uint32_t)32 << 20)
#define FRAME_MAGIC   UINT32_C(0x51464d31)
#define RAW_MAX       ((uint32_t)8 << 20)
#define FILE_SIZE_MAX ((int64_t)1 << 30)

struct log_file {
    struct audit *audit;
    char file[AUDIT_FILE_MAX];
    uint64_t first;
    bool chained; /* another file was read before */
    uint32_t crc; /* of the last frame */
    uint64_t next;
    size_t at;
    struct sealed_log sealed;
};

static enum rc damage(struct log_file *log, const char *what)
{
    return audit_damage(log->audit, log->file, (int64_t)log->at, "%s", what);
}

static enum rc read_header(struct log_file *log, struct str bytes, struct err *err)
{
    struct reader in = reader_of(bytes);
    struct str magic = read_bytes(&in, 8);
    uint16_t version = read_be16(&in);
    (void)read_be16(&in);
    (void)read_be32(&in); /* compatible features */
    uint32_t incompatible = read_be32(&in);
    struct str uuid = read_bytes(&in, 16);
    uint64_t first = read_be64(&in);
    uint32_t crc = read_be32(&in);
    log->at = 0;
    if (bytes.n < HEADER_SIZE || !str_is(magic, "QORGWAL\n") ||
        get_be32(bytes.p + HEADER_SIZE - 4) != crc32c(0, bytes.p, HEADER_SIZE - 4))
        return damage(log, "the log file's header is damaged");
    if (version != 1 || incompatible > 1)
        return err_set(err, RC_INVALID, "\"%s\" needs a newer qorgan-verify", log->file);
    if (memcmp(uuid.p, log->audit->uuid, 16) != 0 || first != log->first || (log->chained && crc != log->crc))
        return damage(log, "the log file belongs to another archive or another place");
    log->crc = crc;
    log->next = first;
    log->at = incompatible ? SEALED_LOG_HEADER : HEADER_SIZE;
    log->sealed.on = false;
    return incompatible ? sealed_log_open(log->audit, bytes, log->file, first, &log->sealed, err) : RC_OK;
}

/* Records of a frame: header, for digests 32 bytes, raw bytes. Those that a segment held are passed over. */
static enum rc read_records(struct log_file *log, struct str payload, uint32_t count)
{
    struct audit *audit = log->audit;
    struct reader in = reader_of(payload);
    for (uint32_t i = 0; i < count; i++) {
        size_t start = in.at;
        struct leaf leaf;
        if (leaf_parse(read_bytes(&in, LEAF_HEADER_SIZE), &leaf, NULL) != RC_OK || leaf.raw_length > RAW_MAX)
            return damage(log, "a record's header in this frame makes no sense");
        struct str digest = read_bytes(&in, leaf.type == LEAF_DIGEST ? TLOG_HASH_SIZE : 0);
        size_t leaf_end = in.at;
        struct str raw = read_bytes(&in, leaf.raw_length);
        if (in.failed || leaf.index != log->next + i)
            return damage(log, "the records of this frame are not those that it names");
        struct tlog_hash hash;
        if (leaf.type == LEAF_DIGEST) {
            tlog_hash_bytes(audit->hasher, raw, &hash);
            if (!str_eq(digest, str_at(hash.bytes, TLOG_HASH_SIZE)))
                return damage(log, "a large record in this frame does not have its digest");
        } else {
            leaf_end = in.at;
        }
        if (leaf.index < audit->frontier.size)
            continue;
        audit_raw(audit, &leaf, raw);
        tlog_hash_leaf(audit->hasher, STR_NONE, str_slice(payload, start, leaf_end), &hash);
        enum rc rc = audit_record(audit, &leaf, &hash, log->file, (int64_t)log->at);
        if (rc != RC_OK)
            return rc;
    }
    return reader_done(&in) ? RC_OK : damage(log, "a frame has bytes behind its records");
}

/* RC_END: no good frame follows. */
static enum rc read_frame(struct log_file *log, struct str bytes)
{
    struct reader in = reader_of(str_skip(bytes, log->at));
    uint32_t magic = read_be32(&in);
    uint32_t length = read_be32(&in);
    uint32_t crc = read_be32(&in);
    uint64_t first = read_be64(&in);
    uint32_t count = read_be32(&in);
    uint32_t previous = read_be32(&in);
    if (in.failed || magic != FRAME_MAGIC || length == 0 || length > PAYLOAD_MAX || length > reader_left(&in) ||
        count == 0 || first != log->next || previous != log->crc)
        return RC_END;
    const char *frame = bytes.p + log->at;
    uint32_t sum = crc32c(crc32c(0, frame + 4, 4), frame + 12, FRAME_HEADER - 12 + (size_t)length);
    if (sum != crc)
        return RC_END;
    struct str payload = read_bytes(&in, length);
    if (log->sealed.on && !sealed_log_payload(log->audit, &log->sealed, bytes, log->at, &payload))
        return damage(log, "a frame is not the one that was encrypted there");
    enum rc rc = read_records(log, payload, count);
    if (rc != RC_OK)
        return rc;
    log->at += FRAME_HEADER + (size_t)length;
    log->crc = crc;
    log->next = first + count;
    return RC_OK;
}

static bool only_zeros(struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != 0)
            return false;
    }
    return true;
}

/* `next_first` is where the next file begins, UINT64_MAX behind the last. */
static enum rc read_log(struct log_file *log, struct str bytes, uint64_t next_first, struct err *err)
{
    enum rc rc = read_header(log, bytes, err);
    while (rc == RC_OK)
        rc = read_frame(log, bytes);
    if (rc != RC_END)
        return rc;
    if (next_first != UINT64_MAX && log->next != next_first)
        return audit_damage(log->audit, log->file, (int64_t)log->at,
                            "the frame of record %" PRIu64 " is damaged; the next file begins at %" PRIu64, log->next,
                            next_first);
    bool torn = !only_zeros(str_skip(bytes, log->at));
    snprintf(log->audit->torn_file, sizeof(log->audit->torn_file), "%s", torn ? log->file : "");
    log->audit->torn_offset = (int64_t)log->at;
    if (torn)
        audit_warn(log->audit, "%s has bytes behind its last whole frame, at %zu: a write that was never acknowledged",
                   log->file, log->at);
    return RC_OK;
}

static enum rc load_log(struct log_file *log, int folder, uint64_t next_first, struct err *err)
{
    int64_t size = 0;
    int fd = io_kernel.open(io_kernel.self, folder, log->file + 4, IO_READ);
    if (fd < 0)
        return err_errno(err, -fd, "could not open \"%s\"", log->file);
    int result = io_kernel.size(io_kernel.self, fd, &size);
    char *bytes = result == 0 && size <= FILE_SIZE_MAX ? memory_new((size_t)size + 1) : NULL;
    enum rc rc = bytes == NULL ? err_set(err, RC_LIMIT, "could not read \"%s\": it is too large", log->file)
                               : file_read_at(&io_kernel, fd, bytes, (size_t)size, 0, err);
    IGNORE(io_kernel.close(io_kernel.self, fd)); /* only read */
    if (rc == RC_OK && bytes != NULL)
        rc = read_log(log, str_at(bytes, (size_t)size), next_first, err);
    memory_free(bytes);
    return rc;
}

enum rc audit_log(struct audit *audit, struct err *err)
{
    int folder = -1;
    uint64_t *numbers = NULL;
    size_t count = 0;
    struct log_file log = {.audit = audit};
    enum rc rc = folder_open(&io_kernel, audit->folder, "wal", false, &folder, err);
    rc = rc == RC_OK ? audit_list(audit, folder, ".wal", &numbers, &count, err) : rc;
    for (size_t i = 0; i < count && rc == RC_OK; i++) {
        log.first = numbers[i];
        snprintf(log.file, sizeof(log.file), "wal/%016" PRIx64 ".wal", numbers[i]);
        if (numbers[i] > (log.chained ? log.next : audit->frontier.size)) {
            rc = audit_damage(audit, log.file, -1, "the log file should begin at record %" PRIu64,
                              log.chained ? log.next : audit->frontier.size);
            break;
        }
        rc = load_log(&log, folder, i + 1 < count ? numbers[i + 1] : UINT64_MAX, err);
        log.chained = true;
        audit->log_files += rc == RC_OK;
    }
    secret_wipe(&log.sealed, sizeof(log.sealed));
    if (folder >= 0)
        IGNORE(io_kernel.close(io_kernel.self, folder)); /* only read */
    return rc;
}
