/* One exported proof, checked offline. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "cmd/qorgan_verify.h"
#include "os/file.h"
#include "paper/evidence.h"
#include "tlog/leaf.h"

#include <inttypes.h>
#include <stdio.h>

#define CONTENT_SHOWN 4096
#define LEAF_SIZE_MAX 65536

struct checked_proof {
    const struct verify_options *options;
    struct tlog_proof proof;
    struct policy policy;
    struct policy_result result;
    struct checkpoint checkpoint;
    struct str leaf_bytes;
    struct leaf leaf;
    struct tlog_hash leaf_hash;
};

enum rc verify_load_policy(const struct verify_options *options, struct arena *arena, struct policy *ret_policy,
                           struct err *err)
{
    struct str text;
    struct note_key key;
    if (options->policy == NULL) {
        enum rc rc = note_key_parse(str_of(options->vkey), &key, err);
        if (rc == RC_OK && key.type != NOTE_ED25519)
            rc = err_set(err, RC_INVALID, "the key is a witness's, not a log's");
        if (rc == RC_OK)
            policy_of_key(&key, ret_policy);
        return rc;
    }
    enum rc rc = file_load_path(options->policy, POLICY_SIZE_MAX, arena, &text, err);
    if (rc == RC_OK)
        rc = policy_parse(text, ret_policy, err);
    if (rc == RC_OK && ret_policy->log_count == 0)
        rc = err_set(err, RC_INVALID, "the policy names no log");
    return rc;
}

static void not_proven(const struct verify_options *options, const char *reason)
{
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 16);
    if (!options->json) {
        text_fill(&out, options->language, TEXT_NOT_PROVEN, reason, "");
        puts(buf_z(&out));
        return;
    }
    buf_text(&out, "{\"proven\":false,\"reason\":");
    json_string(&out, str_of(reason));
    buf_text(&out, "}\n");
    fputs(buf_z(&out), stdout);
}

static const char *number_of(uint64_t number, char text[32])
{
    snprintf(text, 32, "%" PRIu64, number);
    return text;
}

static enum rc refuse(const struct checked_proof *proven, enum text text, const char *first, const char *second,
                      struct err *err)
{
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 4 * ERR_TEXT_MAX);
    text_fill(&out, proven->options->language, text, first, second);
    return err_set(err, RC_DENIED, "%s", buf_z(&out));
}

/* Length and number must agree with the header, so that nothing stands behind the leaf or in another's place. */
static enum rc leaf_check(struct checked_proof *proven, struct err *err)
{
    struct err inner;
    char first[32];
    char second[32];
    enum rc rc = leaf_parse(str_slice(proven->leaf_bytes, 0, LEAF_HEADER_SIZE), &proven->leaf, &inner);
    if (rc != RC_OK)
        return refuse(proven, TEXT_BAD_LEAF, inner.text, "", err);
    size_t raw = proven->leaf.type == LEAF_DIGEST ? TLOG_HASH_SIZE : proven->leaf.raw_length;
    if (proven->leaf_bytes.n != LEAF_HEADER_SIZE + raw)
        return refuse(proven, TEXT_LEAF_LENGTH, "", "", err);
    if (proven->leaf.index != proven->proof.index)
        return refuse(proven, TEXT_LEAF_NUMBER, number_of(proven->leaf.index, first),
                      number_of(proven->proof.index, second), err);
    return RC_OK;
}

static enum rc prove(struct checked_proof *proven, struct arena *arena, struct str text, struct err *err)
{
    enum rc rc = proof_parse(text, arena, &proven->proof, err);
    if (rc != RC_OK)
        return rc;
    if (proven->leaf_bytes.p == NULL && !proven->proof.has_extra)
        return refuse(proven, TEXT_NO_LEAF, "", "", err);
    if (proven->leaf_bytes.p == NULL)
        proven->leaf_bytes = proven->proof.extra;
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    if (hasher == NULL)
        return err_set(err, RC_LIMIT, "out of memory");
    tlog_hash_leaf(hasher, STR_NONE, proven->leaf_bytes, &proven->leaf_hash);
    rc = proof_verify(&proven->proof, &proven->policy, &proven->leaf_hash, &proven->checkpoint, &proven->result, err);
    return rc == RC_OK ? leaf_check(proven, err) : rc;
}

static const char *base64_of(const struct tlog_hash *hash, char text[45])
{
    size_t n = base64_encode(hash->bytes, TLOG_HASH_SIZE, text);
    ASSERT(n == 44);
    text[n] = '\0';
    return text;
}

static const char *source_of(const uint8_t source[16], char text[33])
{
    size_t n = hex_encode(source, 16, text);
    ASSERT(n == 32);
    text[n] = '\0';
    return text;
}

static void print_content(const struct checked_proof *proven)
{
    enum language language = proven->options->language;
    struct str raw = str_skip(proven->leaf_bytes, LEAF_HEADER_SIZE);
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 8 * CONTENT_SHOWN);
    if (proven->leaf.type == LEAF_DIGEST) {
        buf_hex(&out, raw.p, raw.n);
        print_paper_row(language, PAPER_DIGEST, buf_z(&out));
        return;
    }
    safe_text(&out, str_slice(raw, 0, CONTENT_SHOWN));
    printf("\n  %s\n  %s\n", text_of(language, TEXT_CONTENT), buf_z(&out));
    if (raw.n > CONTENT_SHOWN) {
        char more[32];
        buf_clear(&out);
        text_fill(&out, language, TEXT_CUT, number_of(raw.n - CONTENT_SHOWN, more), "");
        printf("  %s\n", buf_z(&out));
    }
}

static void print_leaf(const struct checked_proof *proven)
{
    enum language language = proven->options->language;
    const struct leaf *leaf = &proven->leaf;
    char text[128];
    char time[CIVIL_TEXT_MAX];
    print_paper_row(language, PAPER_RECORD, number_of(leaf->index, text));
    print_paper_row(language, PAPER_TYPE, leaf_type_name(leaf->type));
    civil_format(leaf->received_ns, 0, 9, time);
    print_paper_row(language, PAPER_RECEIVED, time);
    if (leaf->source_ns != 0) {
        civil_format(leaf->source_ns, 0, 9, time);
        print_paper_row(language, PAPER_SOURCE_TIME, time);
        snprintf(text, sizeof(text), "%" PRIu32 " µs", leaf->clock_error_us);
        print_paper_row(language, PAPER_CLOCK_ERROR, text);
    }
    print_paper_row(language, PAPER_SOURCE, source_of(leaf->source, text));
    snprintf(text, sizeof(text), "%016" PRIx64 " / %" PRIu64, leaf->epoch, leaf->sequence);
    print_row(language, TEXT_SEQUENCE, text);
    print_paper_row(language, PAPER_LENGTH, number_of(leaf->raw_length, text));
    print_row(language, TEXT_LEAF_HASH, base64_of(&proven->leaf_hash, text));
    print_content(proven);
}

static void print_proven(const struct checked_proof *proven)
{
    enum language language = proven->options->language;
    const struct note_key *key = &proven->policy.log[proven->result.log];
    char text[NOTE_NAME_MAX + 64];
    struct buf line CLEANUP(buf_done);
    buf_init(&line, 4096);
    text_fill(&line, language, TEXT_PROVEN, number_of(proven->proof.index, text), "");
    printf("%s\n\n", buf_z(&line));
    print_paper_row(language, PAPER_LOG, key->name);
    print_row(language, TEXT_TREE_SIZE, number_of(proven->checkpoint.head.size, text));
    print_row(language, TEXT_ROOT, base64_of(&proven->checkpoint.head.root, text));
    snprintf(text, sizeof(text), "%s+%08" PRIx32, key->name, key->id);
    print_row(language, TEXT_KEY, text);
    for (size_t i = 0; i < proven->policy.witness_count; i++) {
        if (((proven->result.witnesses >> i) & 1) == 0)
            continue;
        char time[CIVIL_TEXT_MAX];
        uint64_t time_s = MIN(proven->result.time_s[i], (uint64_t)INT64_MAX / SECOND_NS);
        civil_format((int64_t)time_s * SECOND_NS, 0, 0, time);
        snprintf(text, sizeof(text), "%s, %s", proven->policy.witness[i].key.name, time);
        print_row(language, TEXT_WITNESS, text);
    }
    if (proven->result.witnesses == 0)
        printf("  %s\n", text_of(language, TEXT_NO_WITNESS));
    putchar('\n');
    print_leaf(proven);
}

static void json_leaf(const struct checked_proof *proven, struct buf *out)
{
    const struct leaf *leaf = &proven->leaf;
    char text[64];
    buf_format(out, "\"record\":{\"number\":%" PRIu64 ",\"type\":", leaf->index);
    json_string(out, str_of(leaf_type_name(leaf->type)));
    buf_format(out, ",\"received_ns\":%" PRId64 ",\"received_boot_ns\":%" PRIu64, leaf->received_ns,
               leaf->received_boot_ns);
    buf_format(out, ",\"source\":\"%s\",\"epoch\":%" PRIu64 ",\"sequence\":%" PRIu64, source_of(leaf->source, text),
               leaf->epoch, leaf->sequence);
    buf_format(out,
               ",\"source_ns\":%" PRId64 ",\"clock_error_us\":%" PRIu32 ",\"transport\":%u,\"raw_length\":%" PRIu32,
               leaf->source_ns, leaf->clock_error_us, (unsigned)leaf->transport, leaf->raw_length);
    buf_format(out, ",\"leaf_hash\":\"%s\"}", base64_of(&proven->leaf_hash, text));
}

static void json_proven(const struct checked_proof *proven)
{
    const struct note_key *key = &proven->policy.log[proven->result.log];
    char text[64];
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 18);
    buf_text(&out, "{\"proven\":true,\"log\":");
    json_string(&out, str_of(key->name));
    buf_format(&out, ",\"key_hash\":\"%08" PRIx32 "\",\"size\":%" PRIu64, key->id, proven->checkpoint.head.size);
    buf_format(&out, ",\"root\":\"%s\",\"witnesses\":[", base64_of(&proven->checkpoint.head.root, text));
    bool first = true;
    for (size_t i = 0; i < proven->policy.witness_count; i++) {
        if (((proven->result.witnesses >> i) & 1) == 0)
            continue;
        buf_text(&out, first ? "{\"name\":" : ",{\"name\":");
        json_string(&out, str_of(proven->policy.witness[i].key.name));
        buf_format(&out, ",\"time_s\":%" PRIu64 "}", proven->result.time_s[i]);
        first = false;
    }
    buf_text(&out, "],");
    json_leaf(proven, &out);
    buf_text(&out, "}\n");
    ASSERT(!out.overflow);
    fputs(buf_z(&out), stdout);
}

int verify_proof_file(const struct verify_options *options, struct arena *arena)
{
    struct err err;
    struct str text;
    struct checked_proof *proven = arena_alloc(arena, sizeof(*proven));
    ASSERT(proven != NULL);
    proven->options = options;
    enum rc rc = verify_load_policy(options, arena, &proven->policy, &err);
    if (rc == RC_OK)
        rc = file_load_path(options->proof, PAPER_SIZE_MAX, arena, &text, &err);
    if (rc == RC_OK && options->leaf == NULL && verify_is_sheet(text))
        return verify_sheet(options, arena);
    if (rc == RC_OK && options->leaf != NULL)
        rc = file_load_path(options->leaf, LEAF_SIZE_MAX, arena, &proven->leaf_bytes, &err);
    if (rc != RC_OK) {
        fprintf(stderr, "qorgan-verify: %s\n", err.text);
        return VERIFY_USAGE;
    }
    rc = prove(proven, arena, text, &err);
    if (rc == RC_LIMIT) { /* out of memory: nothing is judged */
        fprintf(stderr, "qorgan-verify: %s\n", err.text);
        return VERIFY_USAGE;
    }
    if (rc != RC_OK) {
        not_proven(options, err.text);
        return VERIFY_NOT;
    }
    if (options->json)
        json_proven(proven);
    else
        print_proven(proven);
    return VERIFY_PROVEN;
}
