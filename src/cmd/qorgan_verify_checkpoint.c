/* One checkpoint by itself, and its RFC 3161 time stamp: what an auditor took away, or scanned from a printed sheet. */
#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "cmd/qorgan_verify.h"
#include "os/file.h"
#include "tlog/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

#define CA_SIZE_MAX ((size_t)1 << 20)

struct judged {
    const struct verify_options *options;
    struct policy policy;
    struct policy_result result;
    struct note note;
    struct checkpoint checkpoint;
    struct str bytes;
    struct str stamp;
    struct str stamp_ca;
    int64_t stamped_s; /* 0: no stamp was given */
};

static enum rc judge(struct judged *judged, struct err *err)
{
    enum rc rc = note_parse(judged->bytes, &judged->note, err);
    rc = rc == RC_OK ? checkpoint_parse(judged->note.text, &judged->checkpoint, err) : rc;
    rc = rc == RC_OK ? policy_check(&judged->policy, &judged->note, &judged->checkpoint, &judged->result, err) : rc;
    if (rc != RC_OK || !judged->options->stamp)
        return rc;
    struct tlog_hash imprint;
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (!hasher)
        return err_set(err, RC_LIMIT, "out of memory");
    tlog_hash_bytes(hasher, judged->note.text, &imprint);
    return timestamp_verify(judged->stamp, &imprint, NULL, judged->stamp_ca, &judged->stamped_s, err);
}

static void time_text(uint64_t time_s, char ret_text[CIVIL_TEXT_MAX])
{
    civil_format((int64_t)MIN(time_s, (uint64_t)INT64_MAX / SECOND_NS) * SECOND_NS, 0, 0, ret_text);
}

static void print_good(const struct judged *judged)
{
    enum language language = judged->options->language;
    char text[NOTE_NAME_MAX + 64];
    char time[CIVIL_TEXT_MAX];
    char root[45] = "";
    base64_encode(judged->checkpoint.head.root.bytes, TLOG_HASH_SIZE, root);
    printf("%s\n\n", text_of(language, TEXT_CHECKPOINT_GOOD));
    print_paper_row(language, PAPER_LOG, judged->policy.log[judged->result.log].name);
    snprintf(text, sizeof(text), "%" PRIu64, judged->checkpoint.head.size);
    print_row(language, TEXT_TREE_SIZE, text);
    print_row(language, TEXT_ROOT, root);
    for (size_t i = 0; i < judged->policy.witness_count; i++) {
        if (((judged->result.witnesses >> i) & 1) == 0)
            continue;
        time_text(judged->result.time_s[i], time);
        snprintf(text, sizeof(text), "%s, %s", judged->policy.witness[i].key.name, time);
        print_row(language, TEXT_WITNESS, text);
    }
    if (judged->result.witnesses == 0)
        printf("  %s\n", text_of(language, TEXT_NO_WITNESS));
    if (judged->stamped_s) {
        time_text((uint64_t)judged->stamped_s, time);
        print_row(language, TEXT_STAMPED, time);
    }
}

static void print_json(const struct judged *judged, const char *reason)
{
    char root[45] = "";
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 16);
    if (reason) {
        buf_text(&out, "{\"proven\":false,\"reason\":");
        json_string(&out, str_of(reason));
    } else {
        base64_encode(judged->checkpoint.head.root.bytes, TLOG_HASH_SIZE, root);
        buf_text(&out, "{\"proven\":true,\"log\":");
        json_string(&out, judged->checkpoint.origin);
        buf_format(&out, ",\"size\":%" PRIu64 ",\"root\":\"%s\",\"witnesses\":%d", judged->checkpoint.head.size, root,
                   __builtin_popcountll(judged->result.witnesses));
        if (judged->stamped_s)
            buf_format(&out, ",\"stamped_s\":%" PRId64, judged->stamped_s);
    }
    buf_text(&out, "}\n");
    fputs(buf_z(&out), stdout);
}

static void print_bad(const struct verify_options *options, const char *reason)
{
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 16);
    text_fill(&out, options->language, TEXT_NOT_PROVEN, reason, "");
    puts(buf_z(&out));
}

int verify_checkpoint_file(const struct verify_options *options, struct arena *arena)
{
    struct err err;
    struct judged *judged = arena_alloc(arena, sizeof(*judged));
    ASSERT(judged != NULL);
    judged->options = options;
    enum rc rc = verify_load_policy(options, arena, &judged->policy, &err);
    if (rc == RC_OK)
        rc = file_load_path(options->checkpoint, NOTE_SIZE_MAX, arena, &judged->bytes, &err);
    if (rc == RC_OK && options->stamp != NULL)
        rc = file_load_path(options->stamp, TIMESTAMP_RESPONSE_MAX, arena, &judged->stamp, &err);
    if (rc == RC_OK && options->stamp != NULL)
        rc = file_load_path(options->stamp_ca, CA_SIZE_MAX, arena, &judged->stamp_ca, &err);
    if (rc != RC_OK) {
        fprintf(stderr, "qorgan-verify: %s\n", err.text);
        return VERIFY_USAGE;
    }
    rc = judge(judged, &err);
    if (rc == RC_LIMIT) { /* out of memory: nothing is judged */
        fprintf(stderr, "qorgan-verify: %s\n", err.text);
        return VERIFY_USAGE;
    }
    bool good = rc == RC_OK;
    if (options->json)
        print_json(judged, good ? NULL : err.text);
    else if (good)
        print_good(judged);
    else
        print_bad(options, err.text);
    return good ? VERIFY_PROVEN : VERIFY_NOT;
}
