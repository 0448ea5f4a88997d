#include "role/rule_pack_facts.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "role/rule_bundle.h"
#include "role/rule_manifest.h"

#define HEX_SIZE  (2 * TLOG_HASH_SIZE)
#define PACKS_MAX (2 * (size_t)DESK_RULE_PACKS_MAX) /* those that hold, and those that wait */

enum rc rule_pack_facts_tell(struct str bundle, struct desk *desk, int64_t now_ns, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 17);
    struct desk_rule_pack *packs = arena ? arena_alloc_array(arena, PACKS_MAX, sizeof *packs) : NULL;
    char *digests = arena ? arena_alloc_array(arena, PACKS_MAX, HEX_SIZE) : NULL;
    struct rule_bundle_entry entry;
    struct rule_facts facts;
    size_t count = 0;
    enum rc rc;
    if (!packs || !digests)
        return err_set(err, RC_LIMIT, "no memory for what is known of packs");
    while ((rc = rule_bundle_next(&bundle, &entry, err)) == RC_OK) {
        bool waits = entry.kind == RULE_BUNDLE_NEXT_FACTS;
        if ((entry.kind != RULE_BUNDLE_FACTS && !waits) || count == PACKS_MAX ||
            rule_facts_read(entry.text, &facts, NULL) != RC_OK)
            continue;
        char *digest = digests + count * HEX_SIZE;
        size_t n = hex_encode(facts.digest.bytes, sizeof facts.digest.bytes, digest);
        packs[count] = (struct desk_rule_pack){.name = facts.name,
                                               .version = facts.version,
                                               .source = facts.source,
                                               .licence = facts.licence,
                                               .signer = facts.signer,
                                               .has_note = facts.has_note,
                                               .imported_ns = facts.imported_ns,
                                               .files = facts.files,
                                               .digest = str_at(digest, n),
                                               .waits = waits};
        count++;
    }
    return rc == RC_END ? desk_set_rule_packs(desk, packs, count, now_ns, err) : rc;
}
