/* document.h - one YAML document becomes one struct rule. Inside this room. */
#ifndef RULE_DOCUMENT_H
#define RULE_DOCUMENT_H

#include "rule/lower.h"
#include "rule/rule.h"

/* What a filter document names. */
struct rule_filter {
    bool any;
    const struct str *rule_names;
    size_t rule_count;
};

struct reading {
    struct arena *arena; /* where the rule lives */
    struct regexes *regexes;
    struct str warning; /* empty, or what is odd */
    struct rule_filter filter;
    const struct placeholders *placeholders; /* NULL: not known yet; a document that has one gives RC_AGAIN */
    uint64_t digest;                         /* of the values of its placeholders; 0 when it has none */
};

/* Fills all of ret_rule but index, hash, path. The title and id are filled even when the document is refused. */
enum rc document_read(struct reading *reading, const struct yaml_node *document, struct rule *ret_rule,
                      struct err *err) MUST_USE;

#endif
