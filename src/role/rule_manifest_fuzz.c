#include "role/rule_manifest.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is accepted writes back to something that reads the same. */
static void manifest_check(struct str text)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)16 << 20);
    struct buf again CLEANUP(buf_done) = {0};
    struct rule_pack pack;
    struct rule_pack second;
    struct err err = {0};
    if (rule_manifest_read(text, arena, &pack, &err) != RC_OK)
        return;
    buf_init(&again, RULE_PACK_MANIFEST_MAX);
    rule_manifest_write(&pack, &again);
    ASSERT(rule_manifest_read(buf_view(&again), arena, &second, &err) == RC_OK);
    ASSERT(str_eq(pack.name, second.name) && tlog_hash_eq(&pack.digest, &second.digest));
    for (size_t i = 0; i < pack.file_count; i++)
        ASSERT(rule_pack_path_check(pack.files[i].path, &err) == RC_OK);
}

static void statement_check(struct str text)
{
    struct buf again CLEANUP(buf_done) = {0};
    struct rule_facts facts;
    struct rule_pack pack;
    struct err err = {0};
    buf_init(&again, 8192);
    IGNORE(rule_facts_read(text, &facts, &err));
    if (rule_statement_read(text, &pack, &err) != RC_OK)
        return;
    rule_statement_write(&pack, &again);
    ASSERT(rule_statement_read(buf_view(&again), &pack, &err) == RC_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = str_at(bytes, size);
    struct err err = {0};
    IGNORE(rule_pack_path_check(text, &err));
    manifest_check(text);
    statement_check(text);
    return 0;
}
