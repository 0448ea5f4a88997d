#include "desk/asset_rules.h"

#include "base/bytes.h"
#include "desk/inside.h"

#include <string.h>

_Static_assert(ASSET_PATTERN_MAX == DESK_FIELD_MAX, "a rule sees of a host what an incident keeps of it");

/* '*' stands for any characters; ASCII case does not matter. Without recursion: the last star is the only one that
 * ever has to give up characters. */
static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && char_lower(pattern.p[p]) == char_lower(text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool in_network(const uint8_t address[16], const uint8_t network[16], unsigned bits)
{
    size_t whole = bits / 8;
    if (memcmp(address, network, whole) != 0)
        return false;
    unsigned rest = bits % 8;
    return rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0;
}

bool asset_rule_read(struct str pattern, bool is_address, int64_t object, struct asset_rule *ret_rule)
{
    *ret_rule = (struct asset_rule){.object = object, .is_address = is_address, .pattern = pattern};
    return pattern.n > 0 && pattern.n <= ASSET_PATTERN_MAX &&
           (!is_address || address_read(pattern, ret_rule->address, &ret_rule->bits));
}

/* How well a rule fits, 0 when it does not: an exact host, then the longest pattern, then the narrowest network. */
static size_t fitness(const struct asset_rule *rule, struct str host, const uint8_t *address)
{
    if (rule->is_address)
        return address && in_network(address, rule->address, rule->bits) ? 1 + rule->bits : 0;
    if (host.n == 0 || !glob(rule->pattern, host))
        return 0;
    return str_find(rule->pattern, '*') == rule->pattern.n ? SIZE_MAX : 1000 + rule->pattern.n;
}

int64_t asset_rules_object(const struct asset_rules *rules, struct str host, struct str address)
{
    uint8_t bytes[16];
    unsigned bits;
    host = desk_cut(host, ASSET_PATTERN_MAX);
    bool has_address = address_read(address, bytes, &bits) && bits == 128;
    int64_t object = rules->fallback;
    size_t best = 0;
    for (size_t i = 0; i < rules->count; i++) {
        size_t fit = fitness(&rules->rule[i], host, has_address ? bytes : NULL);
        if (fit > best) {
            best = fit;
            object = rules->rule[i].object;
        }
    }
    return object;
}

void asset_rules_write(const struct asset_rules *rules, struct buf *out)
{
    buf_be64(out, (uint64_t)rules->fallback);
    buf_be32(out, (uint32_t)rules->count);
    for (size_t i = 0; i < rules->count; i++) {
        const struct asset_rule *rule = &rules->rule[i];
        buf_be64(out, (uint64_t)rule->object);
        buf_char(out, rule->is_address ? '\1' : '\0');
        buf_be16(out, (uint16_t)rule->pattern.n);
        buf_str(out, rule->pattern);
    }
}

static enum rc damaged(struct err *err)
{
    return err_set(err, RC_INVALID, "the objects' rules are damaged");
}

enum rc asset_rules_read(struct str bytes, struct arena *arena, struct asset_rules *ret_rules, struct err *err)
{
    struct str copy = arena_str(arena, bytes);
    struct reader in = reader_of(copy);
    *ret_rules = (struct asset_rules){.fallback = (int64_t)read_be64(&in)};
    size_t count = read_be32(&in);
    if (bytes.n && !copy.p)
        return err_set(err, RC_LIMIT, "no memory for the objects' rules");
    if (in.failed || count > ASSET_RULES_MAX)
        return damaged(err);
    struct asset_rule *rule = arena_alloc_array(arena, count + 1, sizeof *rule);
    if (!rule)
        return err_set(err, RC_LIMIT, "no memory for the objects' rules");
    for (size_t i = 0; i < count; i++) {
        int64_t object = (int64_t)read_be64(&in);
        unsigned kind = read_u8(&in);
        struct str pattern = read_bytes(&in, read_be16(&in));
        if (in.failed || kind > 1 || !asset_rule_read(pattern, kind == 1, object, &rule[i]))
            return damaged(err);
    }
    if (!reader_done(&in))
        return damaged(err);
    ret_rules->rule = rule;
    ret_rules->count = count;
    return RC_OK;
}
