/* The RFC 3161 time stamps that stand beside an archive's retained checkpoints. */
#include "base/arena.h"
#include "cmd/qorgan_verify_audit.h"
#include "os/file.h"
#include "tlog/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

static enum rc check_stamp(struct audit *audit, int folder, uint64_t size, struct err *err)
{
    char name[32];
    char file[AUDIT_FILE_MAX];
    struct str note;
    struct str stamp;
    struct note parsed;
    struct tlog_hash imprint;
    struct err inner = {0};
    int64_t time_s = 0;
    arena_reset(audit->scratch);
    snprintf(name, sizeof(name), "%016" PRIx64, size);
    enum rc rc = file_load(&io_kernel, folder, name, NOTE_SIZE_MAX, audit->scratch, &note, &inner);
    snprintf(name, sizeof(name), "%016" PRIx64 ".tsr", size);
    snprintf(file, sizeof(file), "checkpoints/%s", name);
    rc = rc == RC_OK ? file_load(&io_kernel, folder, name, TIMESTAMP_RESPONSE_MAX, audit->scratch, &stamp, &inner) : rc;
    if (rc == RC_IO)
        return err_set(err, rc, "%s", inner.text);
    rc = rc == RC_OK ? note_parse(note, &parsed, &inner) : rc;
    if (rc != RC_OK)
        return audit_damage(audit, file, -1, "the stamp's checkpoint: %s", inner.text);
    tlog_hash_bytes(audit->hasher, parsed.text, &imprint);
    if (timestamp_verify(stamp, &imprint, NULL, audit->stamp_ca, &time_s, &inner) != RC_OK)
        return audit_damage(audit, file, -1, "%s", inner.text);
    audit->stamps++;
    audit->stamped_s = time_s;
    return RC_OK;
}

enum rc audit_stamps(struct audit *audit, int folder, struct err *err)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    if (audit->stamp_ca.n == 0)
        return RC_OK;
    enum rc rc = audit_list(audit, folder, ".tsr", &numbers, &count, err);
    for (size_t i = 0; i < count && rc == RC_OK; i++)
        rc = check_stamp(audit, folder, numbers[i], err);
    return rc;
}
