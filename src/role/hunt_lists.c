#include "role/hunt_lists.h"

#include "base/assert.h"
#include "os/proc.h"
#include "os/random.h"
#include "role/hunt_known.h"
#include "role/indicator_folder.h"

#include <unistd.h>

struct hunt_lists {
    struct indicators *indicators;
    struct hunt_lists_options options;
    struct str before_bytes;  /* of what is known; mapped */
    struct hunt_known before; /* nothing, when nothing is known */
    uint64_t *fresh;          /* by list */
    uint64_t *expired;
    uint64_t fresh_total;
    uint64_t *marks; /* of what holds, new or not */
    size_t mark_count;
    int known;
    struct buf trouble;
    char trouble_text[INDICATORS_TROUBLE];
};

/* A set that does not read is none: everything is looked for once more. */
static enum rc before_open(struct hunt_lists *lists, struct err *err)
{
    random_bytes(lists->before.key, sizeof lists->before.key);
    if (lists->options.known < 0)
        return RC_OK;
    enum rc rc = proc_sealed_map(lists->options.known, DESK_LISTS_KNOWN_BYTES, &lists->before_bytes, err);
    if (rc == RC_OK)
        IGNORE(!hunt_known_read(lists->before_bytes, &lists->before));
    return rc;
}

static void entry_look(struct hunt_lists *lists, size_t list, uint32_t entry)
{
    if (indicators_ended(lists->indicators, entry, lists->options.now_ns)) {
        lists->expired[list]++;
        indicators_leave(lists->indicators, entry);
        return;
    }
    uint64_t mark = indicators_mark(lists->indicators, entry, lists->before.key);
    lists->marks[lists->mark_count++] = mark;
    if (lists->options.only_new && hunt_known_has(&lists->before, mark)) {
        indicators_leave(lists->indicators, entry);
        return;
    }
    lists->fresh[list]++;
    lists->fresh_total++;
}

static enum rc entries_look(struct hunt_lists *lists, struct err *err)
{
    size_t count = indicators_list_count(lists->indicators);
    lists->fresh = memory_new((count + 1) * sizeof *lists->fresh);
    lists->expired = memory_new((count + 1) * sizeof *lists->expired);
    lists->marks = memory_new((indicators_count(lists->indicators) + 1) * sizeof *lists->marks);
    if (!lists->fresh || !lists->expired || !lists->marks)
        return err_set(err, RC_LIMIT, "no memory for lists of indicators");
    for (size_t list = 0; list < count; list++) {
        uint32_t first;
        uint32_t end;
        indicators_list_entries(lists->indicators, list, &first, &end);
        for (uint32_t entry = first; entry < end; entry++)
            entry_look(lists, list, entry);
    }
    return RC_OK;
}

/* What could not be read this time was looked for, and is not new when it comes again. */
static enum rc before_keep(struct hunt_lists *lists, struct err *err)
{
    size_t total = lists->mark_count + lists->before.count;
    if (!lists->trouble.n || lists->before.count == 0 || total > DESK_LISTS_KNOWN)
        return RC_OK;
    uint64_t *marks = memory_resize(lists->marks, total * sizeof *marks);
    if (!marks)
        return err_set(err, RC_LIMIT, "no memory for what is known of lists of indicators");
    lists->marks = marks;
    for (size_t i = 0; i < lists->before.count; i++)
        marks[lists->mark_count++] = hunt_known_at(&lists->before, i);
    return RC_OK;
}

static enum rc known_make(struct hunt_lists *lists, struct err *err)
{
    struct buf out CLEANUP(buf_done) = {0};
    enum rc rc = before_keep(lists, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&out, DESK_LISTS_KNOWN_BYTES);
    hunt_known_write(lists->before.key, lists->marks, lists->mark_count, &out);
    if (out.overflow)
        return err_set(err, RC_LIMIT, "no memory for what is known of lists of indicators");
    return proc_seal("indicators", buf_view(&out), &lists->known, err);
}

static enum rc read_all(struct hunt_lists *lists, struct err *err)
{
    enum rc rc =
        indicators_load_configured(lists->options.config, lists->options.own, &lists->indicators, &lists->trouble, err);
    if (rc == RC_OK && !lists->indicators)
        rc = err_set(err, RC_NOT_FOUND, "no lists of indicators are configured");
    rc = rc == RC_OK ? before_open(lists, err) : rc;
    rc = rc == RC_OK ? entries_look(lists, err) : rc;
    return rc == RC_OK && lists->options.only_new ? known_make(lists, err) : rc;
}

enum rc hunt_lists_open(const struct hunt_lists_options *options, struct hunt_lists **ret_lists, struct err *err)
{
    struct hunt_lists *lists = memory_new(sizeof *lists);
    *ret_lists = NULL;
    if (!lists)
        return err_set(err, RC_LIMIT, "no memory for lists of indicators");
    lists->options = *options;
    lists->known = -1;
    buf_init_fixed(&lists->trouble, lists->trouble_text, sizeof lists->trouble_text);
    enum rc rc = read_all(lists, err);
    proc_unmap(lists->before_bytes);
    lists->before = (struct hunt_known){.count = 0};
    memory_free(lists->marks);
    lists->marks = NULL;
    if (rc == RC_OK)
        *ret_lists = lists;
    else
        hunt_lists_close(lists);
    return rc;
}

void hunt_lists_close(struct hunt_lists *lists)
{
    if (!lists)
        return;
    if (lists->known >= 0)
        close(lists->known);
    indicators_free(lists->indicators);
    memory_free(lists->fresh);
    memory_free(lists->expired);
    memory_free(lists);
}

const struct indicators *hunt_lists_indicators(const struct hunt_lists *lists)
{
    return lists->indicators;
}

uint64_t hunt_lists_fresh(const struct hunt_lists *lists)
{
    return lists->fresh_total;
}

int hunt_lists_known(const struct hunt_lists *lists)
{
    return lists->known;
}

bool hunt_lists_say(const struct hunt_lists *lists, struct arena *arena, struct desk_lists *ret_lists)
{
    size_t count = MIN(indicators_list_count(lists->indicators), (size_t)DESK_LISTS_MAX);
    struct desk_list *rows = arena_alloc_array(arena, count + 1, sizeof *rows);
    for (size_t i = 0; rows && i < count; i++) {
        struct indicator_list list = indicators_list_at(lists->indicators, i);
        uint64_t entries = 0;
        for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
            entries += list.kinds[kind];
        rows[i] = (struct desk_list){.name = list.name,
                                     .entries = entries,
                                     .fresh = lists->fresh[i],
                                     .expired = lists->expired[i],
                                     .refused = list.refused};
        if (list.reason_count == 0)
            continue;
        rows[i].line = list.reasons[0].line;
        rows[i].reason = str_of(list.reasons[0].text);
        rows[i].example = str_of(list.reasons[0].example);
    }
    *ret_lists = (struct desk_lists){.trouble = buf_view(&lists->trouble), .rows = rows, .count = count};
    return rows != NULL;
}
