/* Rules are read twice: first all, to learn which are meant and what they need; then the files of those alone, so that
 * a hunt for one rule does not pay for the others. */
#include "role/hunt_rules.h"

#include "base/arena.h"
#include "rule/clue.h"
#include "rule/correlate.h"

#define RULES_MEMORY ((size_t)1 << 30)
#define CLUES_MAX    SWEEP_WORDS_MAX

struct loading {
    const struct hunt_texts *texts;
    struct rules *all;
    bool *wanted; /* of all */
    struct hunt_rules *out;
};

/* ---- which are meant ---- */

static enum rc choose(struct loading *l, struct err *err)
{
    l->wanted = memory_new(rules_count(l->all) + 1);
    return l->wanted ? l->texts->choose(l->texts->context, l->all, l->wanted, err)
                     : err_set(err, RC_LIMIT, "no memory for rules");
}

/* Whether a wanted rule is this one, or counts it. */
static bool is_needed(const struct rules *rules, const bool *wanted, const struct rule *rule)
{
    if (wanted[rule->index])
        return true;
    for (size_t i = 0; i < rules_count(rules); i++) {
        const struct rule *other = rules_at(rules, i);
        if (wanted[i] && other->kind == RULE_CORRELATION && correlation_names(other, rule))
            return true;
    }
    return false;
}

static void needs_make(struct hunt_rules *out)
{
    for (size_t i = 0; i < rules_count(out->rules); i++)
        out->needed[i] = is_needed(out->rules, out->wanted, rules_at(out->rules, i));
}

/* ---- those alone ---- */

/* A correlation that only stands between a wanted one and its detections is in the file of neither: all correlations
 * and filters are read, they cost nothing until something matches. */
static bool is_read_again(const struct loading *l, const struct rule *rule)
{
    return rule->kind != RULE_DETECTION || is_needed(l->all, l->wanted, rule);
}

static bool read_before(const struct loading *l, size_t index)
{
    for (size_t i = index; i-- > 0;)
        if (str_eq(rules_at(l->all, i)->path, rules_at(l->all, index)->path) && is_read_again(l, rules_at(l->all, i)))
            return true;
    return false;
}

static enum rc read_needed(struct loading *l, struct err *err)
{
    enum rc rc = RC_OK;
    rules_part_of(l->out->rules, l->all);
    for (size_t i = 0; i < rules_count(l->all) && rc == RC_OK; i++) {
        const struct rule *rule = rules_at(l->all, i);
        if (!is_read_again(l, rule) || read_before(l, i))
            continue;
        rc = l->texts->again(l->texts->context, rule->path, l->out->rules, err);
    }
    return rc == RC_OK ? rules_finish(l->out->rules, err) : rc;
}

/* A file that changed between the two readings, for one: the hunt would be silent about its rules. */
static enum rc check_all_read(const struct loading *l, struct err *err)
{
    for (size_t i = 0; i < rules_count(l->all); i++) {
        const struct rule *rule = rules_at(l->all, i);
        bool needed = rule->kind == RULE_FILTER || is_needed(l->all, l->wanted, rule);
        if (needed && !rules_find_hash(l->out->rules, rule->hash))
            return err_set(err, RC_INVALID, "a rule of \"%.*s\" did not load again, line %u: has the file changed?",
                           STR_ARG(rule->path), rule->line);
    }
    return RC_OK;
}

static enum rc mark(struct loading *l, struct err *err)
{
    struct hunt_rules *out = l->out;
    size_t count = rules_count(out->rules);
    out->wanted = memory_new(count + 1);
    out->needed = memory_new(count + 1);
    if (!out->wanted || !out->needed)
        return err_set(err, RC_LIMIT, "no memory for rules");
    for (size_t i = 0; i < count; i++) {
        const struct rule *before = rules_find_hash(l->all, rules_at(out->rules, i)->hash);
        out->wanted[i] = before && l->wanted[before->index];
        out->wanted_count += out->wanted[i];
    }
    needs_make(out);
    return check_all_read(l, err);
}

/* ---- words ---- */

/* Long words are rare ones, and whole ones better than parts: filters know them. */
static double clue_cost(void *context, const struct rule_clue *clue)
{
    struct sweep_word word = sweep_word_of(clue->text, clue->begins, clue->ends);
    double cost = word.n < 4 ? 20 : word.n < 6 ? 6 : word.n < 9 ? 2 : 1;
    (void)context;
    return word.n == 0 ? -1 : sweep_word_is_whole(&word) ? cost : 100 * cost;
}

static bool is_of_indicators(const struct rule *rule)
{
    return rule->kind == RULE_DETECTION && str_eq_nocase(rule->logsource.category, STR("indicator"));
}

/* What a rule about indicators asks for stands in no record; without lists it matches none. */
static bool words_of(struct hunt_rules *out, const struct rule *rule)
{
    struct rule_clue clues[CLUES_MAX];
    size_t count;
    if (is_of_indicators(rule))
        return !out->lists;
    if (!rule_clues(rule, clue_cost, NULL, clues, ARRAY_LEN(clues), &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct sweep_word word = sweep_word_of(clues[i].text, clues[i].begins, clues[i].ends);
        if (!sweep_words_add(&out->words, &word))
            return false;
    }
    return true;
}

/* What an event that spans records says together may stand in none of them so: each piece is looked at. */
static void words_make(struct hunt_rules *out)
{
    const char *word;
    out->has_words = true;
    out->words.count = 0;
    for (size_t i = 0; (word = normaliser_piece_word(i)); i++) {
        struct sweep_word whole = sweep_word_of(str_of(word), true, true);
        out->has_words = out->has_words && sweep_words_add(&out->words, &whole);
    }
    for (size_t i = 0; i < rules_count(out->rules) && out->has_words; i++)
        if (out->needed[i] && rules_at(out->rules, i)->kind == RULE_DETECTION)
            out->has_words = words_of(out, rules_at(out->rules, i));
}

enum rc hunt_rules_load(const struct hunt_texts *texts, struct names *names, struct mapping *mapping,
                        struct hunt_rules *ret_rules, struct err *err)
{
    struct loading l = {.texts = texts, .out = ret_rules};
    *ret_rules = (struct hunt_rules){.names = names, .mapping = mapping, .lists = texts->lists};
    l.all = rules_new(RULES_MEMORY);
    ret_rules->rules = rules_new(RULES_MEMORY);
    enum rc rc = l.all && ret_rules->rules ? RC_OK : err_set(err, RC_LIMIT, "no memory for rules");
    rc = rc == RC_OK ? texts->all(texts->context, l.all, err) : rc;
    rc = rc == RC_OK ? rules_finish(l.all, err) : rc;
    rc = rc == RC_OK ? choose(&l, err) : rc;
    rc = rc == RC_OK ? read_needed(&l, err) : rc;
    rc = rc == RC_OK ? mark(&l, err) : rc;
    rc = rc == RC_OK ? rule_set_compile(ret_rules->rules, names, &ret_rules->set, err) : rc;
    if (rc == RC_OK)
        words_make(ret_rules);
    memory_free(l.wanted);
    rules_free(l.all);
    return rc;
}

void hunt_rules_narrow(struct hunt_rules *rules, const bool *keep)
{
    rules->wanted_count = 0;
    for (size_t i = 0; i < rules_count(rules->rules); i++) {
        rules->wanted[i] = rules->wanted[i] && keep[i];
        rules->wanted_count += rules->wanted[i];
    }
    needs_make(rules);
    words_make(rules);
}

bool hunt_rules_of_indicators(const struct rules *rules, const struct rule *rule)
{
    if (rule->kind != RULE_CORRELATION)
        return is_of_indicators(rule);
    for (size_t i = 0; i < rules_count(rules); i++)
        if (is_of_indicators(rules_at(rules, i)) && correlation_names(rule, rules_at(rules, i)))
            return true;
    return false;
}

void hunt_rules_done(struct hunt_rules *rules)
{
    rule_set_free(rules->set);
    rules_free(rules->rules);
    memory_free(rules->wanted);
    memory_free(rules->needed);
    if (rules->own) {
        mapping_free(rules->mapping);
        names_free(rules->names);
    }
    *rules = (struct hunt_rules){.wanted_count = 0};
}
