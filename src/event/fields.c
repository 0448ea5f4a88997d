/* CEF and LEEF: a header and named fields. */
#include "codec/cef.h"
#include "codec/leef.h"
#include "event/normaliser.h"

#include <string.h>

static void cef_header(struct normaliser *normaliser, const struct cef *cef)
{
    struct arena *arena = normaliser->draft.arena;
    say(normaliser, WORD_VENDOR, cef_text(arena, cef->vendor));
    say(normaliser, WORD_PRODUCT, cef_text(arena, cef->product));
    say(normaliser, WORD_VERSION, cef_text(arena, cef->device_version));
    say(normaliser, WORD_CLASS_ID, cef_text(arena, cef->class_id));
    say(normaliser, WORD_NAME, cef_text(arena, cef->name));
    say(normaliser, WORD_CEF_SEVERITY, cef_text(arena, cef->severity));
}

/* cs1Label=Rule cs1=drop also gives Rule=drop. */
static void cef_labels(struct normaliser *normaliser, struct str extension)
{
    struct str rest = extension;
    struct str key;
    struct str label;
    while (cef_next(&rest, &key, &label)) {
        if (key.n < 6 || !str_ends(key, STR("Label")) || !label.n)
            continue;
        struct str inner = extension;
        struct str name;
        struct str value;
        struct str want = str_slice(key, 0, key.n - 5);
        while (cef_next(&inner, &name, &value))
            if (str_eq(name, want))
                draft_say(&normaliser->draft, label, cef_text(normaliser->draft.arena, value));
    }
}

bool cef_line(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    struct cef cef;
    if (!cef_parse(text, &cef))
        return false;
    draft->event.parser = "cef";
    cef_header(normaliser, &cef);
    struct str rest = cef.extension;
    struct str key;
    struct str value;
    uint32_t count = 0;
    uint32_t labels = 0;
    while (cef_next(&rest, &key, &value)) {
        draft_say(draft, key, cef_text(draft->arena, value));
        labels += str_ends(key, STR("Label"));
        count++;
    }
    if (labels && count <= 128)
        cef_labels(normaliser, cef.extension);
    draft_apply_list(draft, rows_for(normaliser, STR("cef"), cef.vendor, cef.product));
    draft_apply_list(draft, rows_for(normaliser, STR("cef"), cef.vendor, STR_NONE));
    draft_apply_list(draft, normaliser->cef_rows);
    draft_statutory(draft, STATUTORY_SERVICE, cef_text(draft->arena, cef.product));
    draft_statutory(draft, STATUTORY_DESCRIPTION, cef_text(draft->arena, cef.name));
    return true;
}

bool leef_line(struct normaliser *normaliser, struct str text)
{
    struct draft *draft = &normaliser->draft;
    struct leef leef;
    if (!leef_parse(text, &leef))
        return false;
    draft->event.parser = "leef";
    say(normaliser, WORD_VENDOR, leef.vendor);
    say(normaliser, WORD_PRODUCT, leef.product);
    say(normaliser, WORD_VERSION, leef.product_version);
    say(normaliser, WORD_CLASS_ID, leef.event_id);
    struct str rest = leef.attributes;
    struct str key;
    struct str value;
    while (leef_next(&rest, leef.delimiter, &key, &value))
        draft_say(draft, key, value);
    draft_apply_list(draft, rows_for(normaliser, STR("leef"), leef.vendor, leef.product));
    draft_apply_list(draft, rows_for(normaliser, STR("leef"), leef.vendor, STR_NONE));
    draft_apply_list(draft, normaliser->leef_rows);
    draft_statutory(draft, STATUTORY_SERVICE, leef.product);
    draft_statutory(draft, STATUTORY_DESCRIPTION, leef.event_id);
    return true;
}
