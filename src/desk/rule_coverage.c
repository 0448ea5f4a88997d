/* rule_coverage.c - the rules on the map of MITRE ATT&CK: for each technique how many are loaded, how many of these can
 * hold on what comes in, and how many did.
 *
 * A rule says its techniques and tactics by tags ("attack.t1078.003", "attack.persistence"). Under which tactics a
 * technique stands is a fact of ATT&CK (data/catalogues/attack.tsv); of one that the table lacks, the tactics that the
 * rules beside it name. A rule counts once for a technique, whatever sub-techniques of it it names; rules that are
 * switched off or drafts do not count: they find nothing. */
#include "base/assert.h"
#include "codec/tsv.h"
#include "desk/rulebook.h"

#include <stdlib.h>
#include <string.h>

#define TECHNIQUES_MAX 2048 /* with sub-techniques */
#define OF_RULE_MAX    64   /* that one rule names */
#define ATTACK_MAX     1024
#define ID_Z           16 /* "T1078.003" and its NUL */

/* In the order of the attack; "defense-evasion" was split in two, older rules name it. */
static const char *const tactic_keys[] = {
    "reconnaissance",     "resource-development", "initial-access", "execution",
    "persistence",        "privilege-escalation", "stealth",        "defense-evasion",
    "defense-impairment", "credential-access",    "discovery",      "lateral-movement",
    "collection",         "command-and-control",  "exfiltration",   "impact",
};

/* The bit of a tactic, also written with underscores; 0: none. */
static uint32_t tactic_bit(struct str name)
{
    char key[32];
    size_t n = MIN(name.n, sizeof key);
    for (size_t i = 0; i < n; i++)
        key[i] = name.p[i] == '_' ? '-' : name.p[i];
    for (uint32_t i = 0; i < ARRAY_LEN(tactic_keys); i++)
        if (str_is(str_at(key, n), tactic_keys[i]) && n == name.n)
            return UINT32_C(1) << i;
    return 0;
}

static uint32_t tactics_of(struct str names)
{
    uint32_t tactics = 0;
    while (names.p)
        tactics |= tactic_bit(str_cut(&names, ' '));
    return tactics;
}

/* --- facts --- */

static bool technique_valid(struct str id)
{
    if (id.n != 5 || id.p[0] != 'T')
        return false;
    for (size_t i = 1; i < id.n; i++)
        if (!char_is_digit(id.p[i]))
            return false;
    return true;
}

enum rc attack_read(struct desk *desk, struct str tsv_text, struct err *err)
{
    static const char *const names[] = {"technique", "tactics", "name"};
    struct tsv tsv;
    int column[ARRAY_LEN(names)];
    struct attack_row *rows = arena_alloc_array(desk->arena, ATTACK_MAX, sizeof *rows);
    size_t count = 0;
    enum rc rc = rows ? tsv_open(&tsv, tsv_text, err) : err_set(err, RC_LIMIT, "out of memory");
    for (size_t i = 0; i < ARRAY_LEN(names) && rc == RC_OK; i++)
        rc = tsv_need(&tsv, names[i], &column[i], err);
    while (rc == RC_OK && (rc = tsv_next(&tsv, err)) == RC_OK) {
        struct str id = tsv.cell[column[0]];
        uint32_t tactics = tactics_of(tsv.cell[column[1]]);
        if (!technique_valid(id) || tactics == 0 || count == ATTACK_MAX ||
            (count && str_compare(rows[count - 1].technique, id) >= 0))
            rc = err_set(err, RC_INVALID, "line %u: no technique with its tactics, not in rising order, or too many",
                         tsv.line);
        else
            rows[count++] =
                (struct attack_row){arena_str(desk->arena, id), tactics, arena_str(desk->arena, tsv.cell[column[2]])};
    }
    if (rc != RC_END)
        return err_wrap(err, "techniques of the desk");
    desk->rulebook->attack = rows;
    desk->rulebook->attack_count = count;
    return RC_OK;
}

static const struct attack_row *attack_find(const struct rulebook *book, struct str technique)
{
    size_t low = 0;
    size_t high = book->attack_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(book->attack[middle].technique, technique);
        if (order == 0)
            return &book->attack[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- counting --- */

struct technique {
    char id[ID_Z];
    uint32_t tactics; /* that rules name beside it */
    int64_t loaded, telemetry, fired, hits;
};

struct coverage {
    struct map *index; /* id -> place */
    struct technique *technique;
    size_t count;
    int64_t rules;    /* that run */
    int64_t unmapped; /* of these, without a technique */
    uint64_t past;    /* techniques past the limit */
};

/* "attack.t1078.003" gives "T1078.003". False when the tag names no technique. */
static bool technique_of_tag(struct str tag, char ret_id[ID_Z])
{
    struct str id = str_starts(tag, STR("attack.")) ? str_skip(tag, 7) : STR_NONE;
    if ((id.n != 5 && id.n != 9) || char_lower(id.p[0]) != 't' || (id.n == 9 && id.p[5] != '.'))
        return false;
    for (size_t i = 1; i < id.n; i++)
        if (i != 5 && !char_is_digit(id.p[i]))
            return false;
    memcpy(ret_id, id.p, id.n);
    ret_id[0] = 'T';
    ret_id[id.n] = '\0';
    return true;
}

static size_t id_add(char (*ids)[ID_Z], size_t count, struct str id)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(id, ids[i]))
            return count;
    if (count == OF_RULE_MAX || !str_copy_z(id, ids[count], ID_Z))
        return count;
    return count + 1;
}

/* The techniques and sub-techniques that a rule names, each once, those above its sub-techniques too. */
static size_t techniques_of(const struct desk_rule *rule, char (*ids)[ID_Z])
{
    size_t count = 0;
    char id[ID_Z];
    for (size_t i = 0; i < rule->tag_count; i++) {
        if (!technique_of_tag(rule->tags[i], id))
            continue;
        count = id_add(ids, count, str_slice(str_of(id), 0, 5));
        count = id_add(ids, count, str_of(id));
    }
    return count;
}

static uint32_t tactics_of_rule(const struct desk_rule *rule)
{
    uint32_t tactics = 0;
    for (size_t i = 0; i < rule->tag_count; i++)
        if (str_starts(rule->tags[i], STR("attack.")))
            tactics |= tactic_bit(str_skip(rule->tags[i], 7));
    return tactics;
}

static struct technique *technique_place(struct coverage *coverage, const char *id)
{
    uint64_t *place = map_get(coverage->index, str_of(id));
    if (place)
        return &coverage->technique[*place];
    place = coverage->count < TECHNIQUES_MAX ? map_put(coverage->index, str_of(id)) : NULL;
    if (!place) {
        coverage->past++;
        return NULL;
    }
    *place = coverage->count;
    struct technique *technique = &coverage->technique[coverage->count++];
    memcpy(technique->id, id, strlen(id) + 1);
    return technique;
}

static void rule_cover(struct coverage *coverage, const struct rule_entry *entry, bool telemetry)
{
    char ids[OF_RULE_MAX][ID_Z];
    size_t count = techniques_of(entry->rule, ids);
    uint32_t tactics = tactics_of_rule(entry->rule);
    coverage->rules++;
    coverage->unmapped += count == 0;
    for (size_t i = 0; i < count; i++) {
        struct technique *technique = technique_place(coverage, ids[i]);
        if (!technique)
            continue;
        technique->tactics |= tactics;
        technique->loaded++;
        technique->telemetry += telemetry;
        technique->fired += entry->hits > 0;
        technique->hits += MIN(entry->hits, INT64_MAX - technique->hits);
    }
}

static int technique_compare(const void *a, const void *b)
{
    return strcmp(((const struct technique *)a)->id, ((const struct technique *)b)->id);
}

/* --- the answer --- */

static void technique_put(struct buf *out, const struct technique *technique)
{
    json_put_text(out, "id", technique->id);
    json_put_int(out, "loaded", technique->loaded);
    json_put_int(out, "telemetry", technique->telemetry);
    json_put_int(out, "fired", technique->fired);
    json_put_int(out, "hits", technique->hits);
}

static bool is_below(const char *sub, const char *technique)
{
    return strncmp(sub, technique, 5) == 0 && sub[5] == '.';
}

/* Techniques are in rising order: those below one stand behind it. */
static void tactic_put(struct ask *ask, const struct coverage *coverage, uint32_t bit)
{
    const struct rulebook *book = ask->desk->rulebook;
    json_write_key(ask->out, "techniques");
    json_write_array(ask->out);
    for (size_t i = 0; i < coverage->count; i++) {
        const struct technique *technique = &coverage->technique[i];
        const struct attack_row *fact = attack_find(book, str_of(technique->id));
        if (technique->id[5] == '.' || !((fact ? fact->tactics : technique->tactics) & bit))
            continue;
        json_write_object(ask->out);
        technique_put(ask->out, technique);
        json_put_str(ask->out, "name", fact ? fact->name : STR(""));
        json_write_key(ask->out, "subs");
        json_write_array(ask->out);
        for (size_t k = i + 1; k < coverage->count && is_below(coverage->technique[k].id, technique->id); k++) {
            json_write_object(ask->out);
            technique_put(ask->out, &coverage->technique[k]);
            json_write_object_end(ask->out);
        }
        json_write_array_end(ask->out);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

static void totals_put(struct ask *ask, const struct coverage *coverage)
{
    int64_t techniques = 0, telemetry = 0, fired = 0, subs = 0;
    for (size_t i = 0; i < coverage->count; i++) {
        const struct technique *technique = &coverage->technique[i];
        if (technique->id[5] == '.') {
            subs++;
            continue;
        }
        techniques++;
        telemetry += technique->telemetry > 0;
        fired += technique->fired > 0;
    }
    json_write_key(ask->out, "totals");
    json_write_object(ask->out);
    json_put_int(ask->out, "techniques", techniques);
    json_put_int(ask->out, "subs", subs);
    json_put_int(ask->out, "telemetry", telemetry);
    json_put_int(ask->out, "fired", fired);
    json_put_int(ask->out, "rules", coverage->rules);
    json_put_int(ask->out, "unmapped", coverage->unmapped);
    json_put_u64(ask->out, "past", coverage->past);
    json_write_object_end(ask->out);
}

static void coverage_put(struct ask *ask, const struct coverage *coverage)
{
    totals_put(ask, coverage);
    json_write_key(ask->out, "tactics");
    json_write_array(ask->out);
    for (uint32_t i = 0; i < ARRAY_LEN(tactic_keys); i++) {
        json_write_object(ask->out);
        json_put_text(ask->out, "key", tactic_keys[i]);
        tactic_put(ask, coverage, UINT32_C(1) << i);
        json_write_object_end(ask->out);
    }
    json_write_array_end(ask->out);
}

void ask_rule_coverage(struct ask *ask)
{
    struct rulebook *book = ask->desk->rulebook;
    struct coverage coverage = {
        .index = map_new(TECHNIQUES_MAX, 1),
        .technique = arena_alloc_array(ask->arena, TECHNIQUES_MAX, sizeof(struct technique)),
    };
    if (!coverage.index || !coverage.technique) {
        map_free(coverage.index);
        ask_refuse(ask, "too_large", "no memory for the techniques");
        return;
    }
    rulebook_reach(book, ask->now_ns);
    for (size_t i = 0; i < book->now.count; i++) {
        const struct rule_entry *entry = &book->entry[i];
        if (entry->rule->kind != DESK_RULE_FILTER && rule_entry_runs(entry))
            rule_cover(&coverage, entry, entry->reach == REACH_HOLDS);
    }
    map_free(coverage.index);
    qsort(coverage.technique, coverage.count, sizeof *coverage.technique, technique_compare);
    coverage_put(ask, &coverage);
}
