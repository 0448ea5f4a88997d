#include "role/rule_pack_facts.h"

#include "base/bytes.h"
#include "role/rule_bundle.h"
#include "role/rule_manifest.h"

#define HEX_SIZE (2 * TLOG_HASH_SIZE)

enum rc rule_pack_facts_tell(struct str bundle, struct desk *desk, int64_t now_ns, struct err *err)
{
    struct desk_rule_pack packs[DESK_RULE_PACKS_MAX];
    char digests[DESK_RULE_PACKS_MAX][HEX_SIZE];
    struct rule_bundle_entry entry;
    struct rule_facts facts;
    size_t count = 0;
    enum rc rc;
    while ((rc = rule_bundle_next(&bundle, &entry, err)) == RC_OK) {
        if (entry.kind != RULE_BUNDLE_FACTS || count == ARRAY_LEN(packs) ||
            rule_facts_read(entry.text, &facts, NULL) != RC_OK)
            continue;
        size_t n = hex_encode(facts.digest.bytes, sizeof facts.digest.bytes, digests[count]);
        packs[count] = (struct desk_rule_pack){.name = facts.name,
                                               .version = facts.version,
                                               .source = facts.source,
                                               .licence = facts.licence,
                                               .signer = facts.signer,
                                               .has_note = facts.has_note,
                                               .imported_ns = facts.imported_ns,
                                               .files = facts.files,
                                               .digest = str_at(digests[count], n)};
        count++;
    }
    return rc == RC_END ? desk_set_rule_packs(desk, packs, count, now_ns, err) : rc;
}
