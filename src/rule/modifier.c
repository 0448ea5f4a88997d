#include "rule/modifier.h"

#define BIT(name) (UINT64_C(1) << MODIFIER_##name)

#define PLACES    (BIT(CONTAINS) | BIT(STARTSWITH) | BIT(ENDSWITH))
#define ENCODINGS (BIT(WIDE) | BIT(UTF16LE) | BIT(UTF16BE) | BIT(UTF16) | BIT(BASE64) | BIT(BASE64OFFSET))
#define FLAGS     (BIT(I) | BIT(M) | BIT(S))
#define COMPARES  (BIT(GT) | BIT(GTE) | BIT(LT) | BIT(LTE))
#define TIMES     (BIT(MINUTE) | BIT(HOUR) | BIT(DAY) | BIT(WEEK) | BIT(MONTH) | BIT(YEAR))
#define ALWAYS    (BIT(ALL) | BIT(NEQ))

/* What may stand beside a modifier, besides itself and `all`, `neq`. */
static const struct row {
    const char *name;
    uint64_t beside;
} rows[MODIFIER_COUNT] = {
    [MODIFIER_CONTAINS] = {"contains",
                           ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(FIELDREF) | BIT(EXPAND) | BIT(RE) | FLAGS},
    [MODIFIER_STARTSWITH] = {"startswith", ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(FIELDREF) | BIT(EXPAND)},
    [MODIFIER_ENDSWITH] = {"endswith", ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(FIELDREF) | BIT(EXPAND)},
    [MODIFIER_ALL] = {"all", ~UINT64_C(0)},
    [MODIFIER_CASED] = {"cased", PLACES | ENCODINGS | BIT(WINDASH) | BIT(FIELDREF) | BIT(EXPAND)},
    [MODIFIER_NEQ] = {"neq", ~UINT64_C(0)},
    [MODIFIER_WINDASH] = {"windash", PLACES | ENCODINGS | BIT(CASED) | BIT(EXPAND)},
    [MODIFIER_WIDE] = {"wide", PLACES | ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(EXPAND)},
    [MODIFIER_UTF16LE] = {"utf16le", PLACES | ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(EXPAND)},
    [MODIFIER_UTF16BE] = {"utf16be", PLACES | ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(EXPAND)},
    [MODIFIER_UTF16] = {"utf16", PLACES | ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(EXPAND)},
    [MODIFIER_BASE64] = {"base64", PLACES | ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(EXPAND)},
    [MODIFIER_BASE64OFFSET] = {"base64offset", PLACES | ENCODINGS | BIT(CASED) | BIT(WINDASH) | BIT(EXPAND)},
    [MODIFIER_RE] = {"re", FLAGS | BIT(CONTAINS) | BIT(EXPAND)},
    [MODIFIER_I] = {"i", BIT(RE) | FLAGS | BIT(CONTAINS) | BIT(EXPAND)},
    [MODIFIER_M] = {"m", BIT(RE) | FLAGS | BIT(CONTAINS) | BIT(EXPAND)},
    [MODIFIER_S] = {"s", BIT(RE) | FLAGS | BIT(CONTAINS) | BIT(EXPAND)},
    [MODIFIER_CIDR] = {"cidr", BIT(EXPAND)},
    [MODIFIER_EXISTS] = {"exists", 0},
    [MODIFIER_FIELDREF] = {"fieldref", PLACES | BIT(CASED)},
    [MODIFIER_EXPAND] = {"expand", ~UINT64_C(0)},
    [MODIFIER_GT] = {"gt", TIMES},
    [MODIFIER_GTE] = {"gte", TIMES},
    [MODIFIER_LT] = {"lt", TIMES},
    [MODIFIER_LTE] = {"lte", TIMES},
    [MODIFIER_MINUTE] = {"minute", COMPARES},
    [MODIFIER_HOUR] = {"hour", COMPARES},
    [MODIFIER_DAY] = {"day", COMPARES},
    [MODIFIER_WEEK] = {"week", COMPARES},
    [MODIFIER_MONTH] = {"month", COMPARES},
    [MODIFIER_YEAR] = {"year", COMPARES},
};

/* Long names of the flags of a regular expression. */
static const struct {
    const char *name;
    enum modifier modifier;
} aliases[] = {
    {"ignorecase", MODIFIER_I},
    {"multiline", MODIFIER_M},
    {"dotall", MODIFIER_S},
};

bool modifiers_have(const struct modifiers *modifiers, enum modifier modifier)
{
    return modifiers->set >> modifier & 1;
}

const char *modifier_name(enum modifier modifier)
{
    return rows[modifier].name;
}

static bool find(struct str word, enum modifier *ret_modifier)
{
    for (size_t i = 0; i < MODIFIER_COUNT; i++) {
        if (str_is(word, rows[i].name)) {
            *ret_modifier = (enum modifier)i;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (str_is(word, aliases[i].name)) {
            *ret_modifier = aliases[i].modifier;
            return true;
        }
    }
    return false;
}

static enum rc add(struct modifiers *modifiers, enum modifier modifier, struct err *err)
{
    uint64_t bit = UINT64_C(1) << modifier;
    if (modifiers->set & bit)
        return err_set(err, RC_INVALID, "modifier \"%s\" stands twice", modifier_name(modifier));
    if (bit & ENCODINGS) {
        if (modifiers->set & PLACES)
            return err_set(err, RC_INVALID, "modifier \"%s\" must stand before contains, startswith or endswith",
                           modifier_name(modifier));
        if (modifiers->set & (BIT(BASE64) | BIT(BASE64OFFSET)))
            return err_set(err, RC_INVALID, "modifier \"%s\" cannot follow base64", modifier_name(modifier));
        if (modifiers->encoding_count == ENCODINGS_MAX)
            return err_set(err, RC_INVALID, "too many encodings");
        modifiers->encodings[modifiers->encoding_count++] = modifier;
    }
    modifiers->set |= bit;
    return RC_OK;
}

static enum rc check(const struct modifiers *modifiers, struct err *err)
{
    for (size_t a = 0; a < MODIFIER_COUNT; a++) {
        if (!modifiers_have(modifiers, (enum modifier)a))
            continue;
        uint64_t strange = modifiers->set & ~(rows[a].beside | ALWAYS | BIT(EXPAND) | UINT64_C(1) << a);
        for (size_t b = 0; b < MODIFIER_COUNT; b++) {
            if (strange >> b & 1)
                return err_set(err, RC_INVALID, "modifiers \"%s\" and \"%s\" exclude each other", rows[a].name,
                               rows[b].name);
        }
    }
    if ((modifiers->set & FLAGS) && !(modifiers->set & BIT(RE)))
        return err_set(err, RC_INVALID, "modifiers \"i\", \"m\" and \"s\" belong to \"re\"");
    return RC_OK;
}

enum rc modifiers_parse(struct str key, struct str *ret_field, struct modifiers *ret_modifiers, struct err *err)
{
    struct str rest = key;
    *ret_modifiers = (struct modifiers){0};
    *ret_field = str_cut(&rest, '|');
    while (rest.p) {
        struct str word = str_cut(&rest, '|');
        enum modifier modifier;
        if (!find(word, &modifier))
            return err_set(err, RC_INVALID, "unknown modifier \"%.*s\"", STR_ARG(str_slice(word, 0, 64)));
        enum rc rc = add(ret_modifiers, modifier, err);
        if (rc != RC_OK)
            return rc;
    }
    return check(ret_modifiers, err);
}

enum compare modifiers_compare(const struct modifiers *modifiers)
{
    static const struct {
        enum modifier modifier;
        enum compare compare;
    } pairs[] = {
        {MODIFIER_GT, COMPARE_GT},
        {MODIFIER_GTE, COMPARE_GTE},
        {MODIFIER_LT, COMPARE_LT},
        {MODIFIER_LTE, COMPARE_LTE},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (modifiers_have(modifiers, pairs[i].modifier))
            return pairs[i].compare;
    }
    return COMPARE_EQ;
}

bool modifiers_time(const struct modifiers *modifiers, enum time_part *ret_part)
{
    for (size_t i = MODIFIER_MINUTE; i <= MODIFIER_YEAR; i++) {
        if (modifiers_have(modifiers, (enum modifier)i)) {
            *ret_part = (enum time_part)(i - MODIFIER_MINUTE);
            return true;
        }
    }
    return false;
}
