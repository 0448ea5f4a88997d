#include "event/pick.h"

#include <string.h>

#define NO_ANCHOR 256 /* the list of those that begin with a capture */

static uint32_t slot_of(const char *p)
{
    uint32_t pair = (uint32_t)(uint8_t)p[0] << 8 | (uint8_t)p[1];
    return (pair * UINT32_C(0x9e3779b1)) >> 22; /* the upper ten bits are the well mixed ones */
}

_Static_assert(PICK_SLOTS == 1u << 10, "slot_of gives ten bits");

/* --- at load --- */

static void pairs_count(const struct pattern *pattern, uint16_t counts[PICK_SLOTS])
{
    for (uint32_t i = 0; i < pattern->template.count; i++) {
        struct str literal = pattern->template.capture[i].literal;
        for (size_t at = 0; at + 1 < literal.n; at++) {
            uint16_t *count = &counts[slot_of(literal.p + at)];
            *count = (uint16_t)MIN(*count + 1, UINT16_MAX);
        }
    }
}

/* Keeps the rarest, sorted from the rarest on. */
static void pair_offer(struct candidate *candidate, uint16_t slot, const uint16_t counts[PICK_SLOTS])
{
    size_t at = candidate->pair_count;
    for (size_t i = 0; i < candidate->pair_count; i++)
        if (candidate->pair[i] == slot)
            return;
    while (at > 0 && counts[candidate->pair[at - 1]] > counts[slot])
        at--;
    if (at == CANDIDATE_PAIRS)
        return;
    size_t kept = MIN(candidate->pair_count, CANDIDATE_PAIRS - 1u);
    memmove(candidate->pair + at + 1, candidate->pair + at, (kept - at) * sizeof candidate->pair[0]);
    candidate->pair[at] = slot;
    candidate->pair_count = (uint16_t)(kept + 1);
}

void candidates_prepare(struct candidate *candidates, size_t count)
{
    uint16_t counts[PICK_SLOTS] = {0};
    for (size_t i = 0; i < count; i++)
        pairs_count(candidates[i].pattern, counts);
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &candidates[i];
        const struct template *template = &candidate->pattern->template;
        size_t head = MIN(template->anchor.n, sizeof candidate->head);
        candidate->head = 0;
        candidate->mask = 0;
        candidate->pair_count = 0;
        if (head) {
            memcpy(&candidate->head, template->anchor.p, head);
            memset(&candidate->mask, 0xff, head);
        }
        for (uint32_t c = 0; c < template->count; c++) {
            struct str literal = template->capture[c].literal;
            for (size_t at = 0; at + 1 < literal.n; at++)
                pair_offer(candidate, (uint16_t)slot_of(literal.p + at), counts);
        }
    }
}

/* --- for each message --- */

void picker_begin(struct picker *picker, struct str message)
{
    picker->message = message;
    picker->noted = false;
    picker->head = 0;
    if (message.n)
        memcpy(&picker->head, message.p, MIN(message.n, sizeof picker->head));
}

static void pairs_note(struct picker *picker)
{
    struct str text = picker->message;
    picker->noted = true;
    if (++picker->stamp == 0) {
        memset(picker->seen, 0, sizeof picker->seen);
        picker->stamp = 1;
    }
    for (size_t i = 0; i + 1 < text.n; i++)
        picker->seen[slot_of(text.p + i)] = picker->stamp;
}

static bool pairs_there(const struct picker *picker, const struct candidate *candidate)
{
    for (size_t i = 0; i < candidate->pair_count; i++)
        if (picker->seen[candidate->pair[i]] != picker->stamp)
            return false;
    return true;
}

static bool anchor_fits(const struct candidate *candidate, const struct picker *picker)
{
    struct str anchor = candidate->pattern->template.anchor;
    return (picker->head & candidate->mask) == candidate->head &&
           (anchor.n <= sizeof picker->head || str_starts(picker->message, anchor));
}

/* Pairs are noted when a second pattern comes into question: often the first one fits. */
static const struct pattern *list_pick(const struct program *program, uint32_t byte, struct picker *picker,
                                       struct str ret_value[TEMPLATE_CAPTURES])
{
    bool tried = false;
    for (uint32_t i = program->start[byte]; i < program->start[byte + 1]; i++) {
        const struct candidate *candidate = &program->candidate[i];
        if (!anchor_fits(candidate, picker))
            continue;
        if (tried && !picker->noted)
            pairs_note(picker);
        if (picker->noted && !pairs_there(picker, candidate))
            continue;
        tried = true;
        if (template_match(&candidate->pattern->template, picker->message, ret_value))
            return candidate->pattern;
    }
    return NULL;
}

const struct pattern *program_pick(const struct program *program, struct picker *picker,
                                   struct str ret_value[TEMPLATE_CAPTURES])
{
    if (!picker->message.n)
        return NULL;
    const struct pattern *found = list_pick(program, (unsigned char)picker->message.p[0], picker, ret_value);
    return found ? found : list_pick(program, NO_ANCHOR, picker, ret_value);
}

const struct pattern *program_pick_plain(const struct program *program, struct str message,
                                         struct str ret_value[TEMPLATE_CAPTURES])
{
    const uint32_t lists[] = {message.n ? (unsigned char)message.p[0] : NO_ANCHOR, NO_ANCHOR};
    for (size_t l = 0; l < ARRAY_LEN(lists) && message.n; l++)
        for (uint32_t i = program->start[lists[l]]; i < program->start[lists[l] + 1]; i++)
            if (template_match(&program->candidate[i].pattern->template, message, ret_value))
                return program->candidate[i].pattern;
    return NULL;
}
