#include "role/rule_bundle.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "os/proc.h"
#include "tlog/hash.h"

#define RULES_MEMORY ((size_t)1 << 30)

static const struct str head = STR_INIT("qorgan rules 1\n");

void rule_bundle_begin(struct buf *out)
{
    buf_clear(out);
    buf_str(out, head);
}

void rule_bundle_add(struct buf *out, const struct rule_bundle_entry *entry)
{
    uint8_t lengths[9] = {(uint8_t)entry->kind};
    ASSERT(entry->kind < RULE_BUNDLE_KINDS);
    put_be32(lengths + 1, (uint32_t)MIN(entry->path.n, UINT32_MAX));
    put_be32(lengths + 5, (uint32_t)MIN(entry->text.n, UINT32_MAX));
    buf_str(out, str_at(lengths, sizeof lengths));
    buf_str(out, entry->path);
    buf_str(out, entry->text);
}

enum rc rule_bundle_next(struct str *rest, struct rule_bundle_entry *ret_entry, struct err *err)
{
    if (str_starts(*rest, head)) /* no entry begins so: its first byte is a kind */
        *rest = str_skip(*rest, head.n);
    if (rest->n == 0)
        return RC_END;
    struct reader in = reader_of(*rest);
    uint8_t kind = read_u8(&in);
    uint32_t path = read_be32(&in);
    uint32_t text = read_be32(&in);
    ret_entry->path = read_bytes(&in, path);
    ret_entry->text = read_bytes(&in, text);
    if (in.failed || kind >= RULE_BUNDLE_KINDS || path == 0 || path > RULE_BUNDLE_PATH)
        return err_set(err, RC_CORRUPT, "the bundle of rules is damaged");
    ret_entry->kind = (enum rule_bundle_kind)kind;
    *rest = str_skip(*rest, 9 + (size_t)path + text);
    return str_starts(*rest, head) ? err_set(err, RC_CORRUPT, "the bundle of rules begins twice") : RC_OK;
}

static enum rc entry_read(const struct rule_bundle_entry *entry, struct rules *rules, struct err *err)
{
    char reason[256];
    if (entry->kind == RULE_BUNDLE_FILE)
        return rules_add(rules, entry->path, entry->text, err);
    if (entry->kind != RULE_BUNDLE_REFUSED)
        return RC_OK;
    IGNORE(str_copy_z(str_slice(entry->text, 0, sizeof reason - 1), reason, sizeof reason)); /* it fits */
    return rules_refuse(rules, entry->path, reason, err);
}

enum rc rule_bundle_read(struct str bundle, struct rules *rules, struct err *err)
{
    struct rule_bundle_entry entry;
    struct str rest = bundle;
    enum rc rc = str_starts(bundle, head) ? RC_OK : err_set(err, RC_CORRUPT, "this is not a bundle of rules");
    while (rc == RC_OK && (rc = rule_bundle_next(&rest, &entry, err)) == RC_OK)
        rc = entry_read(&entry, rules, err);
    return rc == RC_END ? RC_OK : rc;
}

enum rc rule_bundle_digest(int fd, uint64_t *ret_digest, struct err *err)
{
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct str bytes = STR_NONE;
    struct tlog_hash hash;
    enum rc rc = hasher ? proc_sealed_map(fd, RULE_BUNDLE_BYTES, &bytes, err)
                        : err_set(err, RC_LIMIT, "no memory for a digest of rules");
    if (rc != RC_OK)
        return rc;
    tlog_hash_bytes(hasher, bytes, &hash);
    proc_unmap(bytes);
    *ret_digest = get_be64(hash.bytes);
    return RC_OK;
}

enum rc rule_bundle_load(int fd, struct rules **ret_rules, struct err *err)
{
    struct str bytes = STR_NONE;
    struct rules *rules = rules_new(RULES_MEMORY);
    enum rc rc =
        rules ? proc_sealed_map(fd, RULE_BUNDLE_BYTES, &bytes, err) : err_set(err, RC_LIMIT, "no memory for rules");
    if (rc == RC_OK)
        rc = rule_bundle_read(bytes, rules, err);
    if (rc == RC_OK)
        rc = rules_finish(rules, err);
    proc_unmap(bytes);
    if (rc == RC_OK)
        *ret_rules = rules;
    else
        rules_free(rules);
    return rc;
}
