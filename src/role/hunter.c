/* hunter.c - runs rules over what the archive holds already, when the desk orders it: rules that were switched on, and
 * what people ask for. One hunt at a time, a unit of the archive a step (hunt.h), behind all others when processor or
 * disk is short.
 *
 *   idle ──MSG_HUNT──► ordered ──rules, lists read, archive opened──► at work ──report: done──► idle
 *                         │ nothing is new in the lists: report: done ──► idle
 *                         └────────────── report: failed, MSG_HUNT_STOP, the desk is gone ──────────► idle
 *                                                                            └── the same ──────────► idle
 *
 * It holds no rules while it is idle but the descriptor of those that the desk gave, and no lists of indicators. It may
 * be killed at any time: the desk orders again what was not reported as done, and counts that hunt anew. */
#include "archive/reader.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/io.h"
#include "os/proc.h"
#include "os/random.h"
#include "role/hunt.h"
#include "role/hunt_lists.h"
#include "role/hunt_report.h"
#include "role/hunt_update.h"
#include "role/indicator_folder.h"
#include "role/log.h"
#include "role/parser_folder.h"
#include "role/roles.h"
#include "role/rule_bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORDER_MEMORY ((size_t)4 << 20)
#define REPORT_NS    UINT64_C(500000000) /* between two reports */
#define TICK_MS      1000

struct found {
    uint64_t hash;
    uint32_t rule; /* its index */
    uint64_t record;
    int64_t time_ns;
    uint64_t turn;                      /* rises */
    char text[4][HUNT_REPORT_TEXT + 1]; /* one more, by which hunt_report_write sees where a character is cut */
    uint16_t n[4];
};

/* What the next report tells. */
struct tally {
    struct found *found; /* DESK_HUNT_HITS */
    size_t count;
    size_t share; /* of them one rule may have */
    uint64_t turns;
    uint64_t *hits;  /* by index of the rule: until now */
    bool *changed;   /* since the last report */
    size_t *waiting; /* how many of `found` are its own */
};

struct hunter {
    const struct config *config;
    int archive;
    int bundle;       /* of rules, as the desk gave it; -1: not yet */
    uint64_t version; /* of them */
    uint64_t folders; /* of lists, as they were at the start */
    int own;          /* the folder of those that people gave */
    struct indicator_fields *fields;
    int32_t zone_s;
    struct vault *vault;
    struct names *names;
    struct parsers *parsers;
    bool patterns_wait; /* these came and are not taken yet: not while a hunt is open */
    uint64_t patterns_id;
    struct buf patterns;
    /* of the order at hand */
    struct arena *arena; /* NULL: there is none */
    struct desk_hunt_order order;
    int known;                /* that came with it: what was looked for of the lists; -1: nothing */
    bool listed;              /* there are lists of indicators */
    struct hunt_lists *lists; /* NULL: none are wanted */
    struct hunt_rules rules;
    struct archive_reader *reader;
    struct hunt hunt;
    struct hunting *hunting;    /* NULL: not begun, or */
    struct hunt_update *update; /* it is one that compares */
    struct tally tally;
    uint64_t passed;
    uint64_t told_ns;
    struct buf report;
};

static enum rc fields_read(struct hunter *h, struct err *err)
{
    char data[4096];
    int n = snprintf(data, sizeof data, "%.*s/data", STR_ARG(h->config->share));
    ASSERT(n >= 0 && (size_t)n < sizeof data);
    return indicator_fields_read(data, &h->fields, err);
}

static enum rc hunter_start(struct process *process, void **ret_self, struct err *err)
{
    static struct hunter hunter;
    hunter.config = &process->config;
    hunter.folders = indicators_folders_stamp(&process->config);
    hunter.known = -1;
    hunter.archive = process_handle(process, "archive", -1);
    hunter.own = process_handle(process, OWN_LISTS_FOLDER, -1);
    hunter.bundle = -1;
    hunter.zone_s = (int32_t)process->config.zone_offset_s;
    hunter.names = names_new(random_u64());
    if (hunter.archive < 0 || !hunter.names)
        return err_set(err, RC_INVALID, "the hunter was given no archive, or no memory");
    enum rc rc = parsers_open(&process->config, hunter.names, &hunter.parsers, err);
    if (rc != RC_OK)
        return rc;
    rc = fields_read(&hunter, err);
    if (rc != RC_OK)
        return rc;
    buf_init(&hunter.report, HUNT_REPORT_BYTES);
    buf_init(&hunter.patterns, PARSERS_OWN_MAX);
    *ret_self = &hunter;
    return process_vault(&hunter.vault, err);
}

/* ---- what was found ---- */

static bool tally_make(struct hunter *h)
{
    size_t count = rules_count(h->rules.rules) + 1;
    struct tally *t = &h->tally;
    t->found = arena_alloc_array(h->arena, DESK_HUNT_HITS, sizeof *t->found);
    t->hits = arena_alloc_array(h->arena, count, sizeof *t->hits);
    t->changed = arena_alloc_array(h->arena, count, sizeof *t->changed);
    t->waiting = arena_alloc_array(h->arena, count, sizeof *t->waiting);
    t->share = h->order.count > 1 ? DESK_HUNT_SHARE : DESK_HUNT_HITS;
    return t->found && t->hits && t->changed && t->waiting;
}

static void text_keep(struct found *found, size_t i, struct str text)
{
    found->n[i] = (uint16_t)MIN(text.n, sizeof found->text[i]);
    if (found->n[i])
        memcpy(found->text[i], text.p, found->n[i]);
}

/* Where the next hit goes: a free place, else that of the oldest of the rule, or of all. */
static struct found *place_of(struct tally *t, const struct rule *rule)
{
    bool own = t->waiting[rule->index] >= t->share;
    struct found *oldest = NULL;
    if (!own && t->count < DESK_HUNT_HITS)
        return &t->found[t->count++];
    for (size_t i = 0; i < t->count; i++)
        if ((!own || t->found[i].rule == rule->index) && (!oldest || t->found[i].turn < oldest->turn))
            oldest = &t->found[i];
    return oldest;
}

static void on_found(void *context, const struct hunt_found *found)
{
    struct hunter *h = context;
    struct tally *t = &h->tally;
    const struct rule *rule = found->rule;
    t->hits[rule->index]++;
    t->changed[rule->index] = true;
    struct found *place = place_of(t, rule);
    ASSERT(place != NULL);
    if (place->turn)
        t->waiting[place->rule]--;
    t->waiting[rule->index]++;
    place->hash = rule->hash;
    place->rule = rule->index;
    place->record = found->record;
    place->time_ns = found->time_ns;
    place->turn = ++t->turns;
    text_keep(place, 0, found->host);
    text_keep(place, 1, found->account);
    text_keep(place, 2, found->address);
    text_keep(place, 3, found->description);
}

static int by_turn(const void *a, const void *b)
{
    const struct found *x = a;
    const struct found *y = b;
    return x->turn < y->turn ? -1 : x->turn > y->turn;
}

/* ---- reports ---- */

static struct desk_hunt_hit hit_of(const struct found *found)
{
    return (struct desk_hunt_hit){.hash = found->hash,
                                  .record = found->record,
                                  .time_ns = found->time_ns,
                                  .host = str_at(found->text[0], found->n[0]),
                                  .account = str_at(found->text[1], found->n[1]),
                                  .address = str_at(found->text[2], found->n[2]),
                                  .text = str_at(found->text[3], found->n[3])};
}

static void hits_list(struct hunter *h, struct desk_hunt_report *report, struct arena *arena)
{
    struct tally *t = &h->tally;
    size_t count = t->found ? rules_count(h->rules.rules) : 0;
    struct desk_hunt_count *counts = arena_alloc_array(arena, count + 1, sizeof *counts);
    struct desk_hunt_hit *hits = arena_alloc_array(arena, t->count + 1, sizeof *hits);
    if (!counts || !hits)
        return; /* they are told with the next one */
    for (size_t i = 0; i < count; i++)
        if (t->changed[i])
            counts[report->count_count++] = (struct desk_hunt_count){rules_at(h->rules.rules, i)->hash, t->hits[i]};
    if (t->count)
        qsort(t->found, t->count, sizeof *t->found, by_turn);
    for (size_t i = 0; i < t->count; i++)
        hits[report->hit_count++] = hit_of(&t->found[i]);
    report->counts = counts;
    report->hits = hits;
}

static void told(struct hunter *h)
{
    struct tally *t = &h->tally;
    size_t count = t->found ? rules_count(h->rules.rules) : 0;
    for (size_t i = 0; i < count; i++) {
        t->changed[i] = false;
        t->waiting[i] = 0;
    }
    for (size_t i = 0; i < t->count; i++)
        t->found[i].turn = 0;
    t->count = 0;
}

/* False: the desk does not take it. */
static bool report_send(struct hunter *h, struct desk_hunt_report report)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(ORDER_MEMORY);
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (!desk || !arena)
        return false;
    report.records = h->hunt.counts.records;
    report.too_large = h->hunt.counts.too_large;
    report.evicted = h->hunt.counts.evicted;
    report.gone = h->hunt.swept.gone_records + h->hunt.counts.lost;
    report.passed = h->passed;
    hits_list(h, &report, arena);
    if (h->update)
        hunt_update_numbers(h->update, &report);
    if (h->update && report.state == DESK_HUNT_DONE && !hunt_update_changes(h->update, arena, &report))
        return false;
    buf_clear(&h->report);
    hunt_report_write(&report, &h->report);
    bool sent = channel_send(desk, MSG_HUNT_PROGRESS, (uint64_t)h->order.id, buf_view(&h->report));
    if (sent)
        told(h);
    h->told_ns = clock_boot_ns();
    return sent;
}

/* ---- beginning and end ---- */

static void work_end(struct hunter *h)
{
    bool worked = h->arena != NULL;
    hunt_close(h->hunting);
    hunt_update_close(h->update);
    archive_reader_close(h->reader);
    hunt_rules_done(&h->rules);
    hunt_lists_close(h->lists);
    arena_free(h->arena);
    if (h->known >= 0)
        close(h->known);
    buf_done(&h->report);
    buf_init(&h->report, HUNT_REPORT_BYTES);
    h->hunting = NULL;
    h->update = NULL;
    h->reader = NULL;
    h->lists = NULL;
    h->known = -1;
    h->arena = NULL;
    h->hunt = (struct hunt){.jobs = 1};
    h->tally = (struct tally){.count = 0};
    h->order = (struct desk_hunt_order){0};
    h->passed = 0;
    if (worked)
        memory_trim(); /* the rules of a large hunt were some hundred megabytes in pieces */
}

static void work_fail(struct hunter *h, enum desk_hunt_trouble trouble, const struct err *err)
{
    if (err->code == RC_DENIED && h->vault) { /* a master key was added: the parent starts us anew with all of them */
        process_stop(EXIT_FAILURE);
        return;
    }
    log_warning("hunt %lld failed: %s", (long long)h->order.id, err->text);
    hunt_close(h->hunting);
    h->hunting = NULL;
    struct desk_hunt_report report = {.state = DESK_HUNT_FAILED,
                                      .trouble = err->code == RC_LIMIT ? DESK_HUNT_NARROW : trouble,
                                      .text = str_of(err->text)};
    if (!report_send(h, report))
        process_stop(EXIT_FAILURE); /* the desk orders it again, or says that it cannot be done */
    work_end(h);
}

/* The documents of the bundle. */
struct documents {
    struct hunter *hunter;
    struct str bytes;
};

static enum rc documents_all(void *context, struct rules *rules, struct err *err)
{
    const struct documents *d = context;
    return rule_bundle_read(d->bytes, rules, err);
}

static enum rc documents_again(void *context, struct str file, struct rules *rules, struct err *err)
{
    const struct documents *d = context;
    struct str rest = d->bytes;
    struct rule_bundle_entry entry;
    enum rc rc;
    while ((rc = rule_bundle_next(&rest, &entry, err)) == RC_OK)
        if (entry.kind == RULE_BUNDLE_FILE && str_eq(entry.path, file)) {
            rc = rules_add(rules, entry.path, entry.text, err);
            if (rc != RC_OK)
                return rc;
        }
    return rc == RC_END ? RC_OK : rc;
}

static enum rc documents_choose(void *context, const struct rules *all, bool *wanted, struct err *err)
{
    const struct documents *d = context;
    struct hunter *h = d->hunter;
    for (size_t i = 0; i < h->order.count; i++) {
        const struct rule *rule = rules_find_hash(all, h->order.hashes[i]);
        bool of_lists = rule && hunt_rules_of_indicators(all, rule);
        if (rule && rule->kind != RULE_FILTER && (h->listed || !of_lists))
            wanted[rule->index] = true;
        else
            h->passed++;
    }
    return h->passed < h->order.count ? RC_OK : err_set(err, RC_NOT_FOUND, "none of its rules is loaded");
}

/* Gone: the next desk gives the rules anew, and orders again. */
static void desk_tell(enum msg_type type, uint64_t id, struct str reason)
{
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (desk)
        IGNORE(!channel_send(desk, type, id, reason));
}

/* How it went with the rules that the desk gave: that none is meant is no fault of theirs. */
static void rules_tell(const struct hunter *h, enum rc rc, const struct err *err)
{
    if (rc != RC_NOT_FOUND)
        desk_tell(MSG_RULES_TAKEN, h->version, rc == RC_OK ? STR("") : str_of(err->text));
}

static enum rc rules_read(struct hunter *h, struct err *err)
{
    struct documents documents = {.hunter = h};
    const struct hunt_texts texts = {.all = documents_all,
                                     .again = documents_again,
                                     .choose = documents_choose,
                                     .context = &documents,
                                     .lists = h->listed};
    enum rc rc = proc_sealed_map(h->bundle, RULE_BUNDLE_BYTES, &documents.bytes, err);
    if (rc != RC_OK)
        return rc;
    rc = hunt_rules_load(&texts, h->names, parsers_mapping(h->parsers), &h->rules, err);
    proc_unmap(documents.bytes);
    return rc;
}

static enum rc rules_make(struct hunter *h, struct err *err)
{
    if (h->bundle < 0)
        return err_set(err, RC_NOT_FOUND, "the desk has not given the rules");
    enum rc rc = rules_read(h, err);
    rules_tell(h, rc, err);
    if (rc == RC_OK && !tally_make(h))
        rc = err_set(err, RC_LIMIT, "no memory for what is found");
    return rc;
}

/* ---- lists of indicators ---- */

static enum rc lists_tell(struct hunter *h, struct err *err)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(ORDER_MEMORY);
    struct buf body CLEANUP(buf_done) = {0};
    struct channel *desk = process_peer(ROLE_DESK, 0);
    struct desk_lists said;
    int known = hunt_lists_known(h->lists);
    if (!desk || !arena || !hunt_lists_say(h->lists, arena, &said))
        return err_set(err, RC_LIMIT, "no memory for what is said of lists of indicators");
    desk_tell(MSG_LISTS_TAKEN, 0, said.trouble);
    buf_init(&body, HUNT_LISTS_BYTES);
    hunt_lists_write(&said, &body);
    uint64_t id = (uint64_t)h->order.id;
    bool sent = known >= 0 ? channel_send_fd(desk, MSG_HUNT_LISTS, id, buf_view(&body), known)
                           : channel_send(desk, MSG_HUNT_LISTS, id, buf_view(&body));
    return sent ? RC_OK : err_set(err, RC_LIMIT, "the desk does not take what is said of lists of indicators");
}

static enum rc lists_read(struct hunter *h, struct err *err)
{
    const struct hunt_lists_options options = {.config = h->config,
                                               .own = h->own,
                                               .only_new = h->order.lists == DESK_LISTS_NEW,
                                               .known = h->known,
                                               .now_ns = clock_real_ns()};
    enum rc rc = hunt_lists_open(&options, &h->lists, err);
    return rc == RC_OK ? lists_tell(h, err) : rc;
}

/* They are read when the order is for them, or one of its rules asks for them. */
static bool rules_want_lists(const struct hunter *h)
{
    for (size_t i = 0; i < rules_count(h->rules.rules) && h->listed; i++)
        if (h->rules.needed[i] && hunt_rules_of_indicators(h->rules.rules, rules_at(h->rules.rules, i)))
            return true;
    return false;
}

/* The sandbox lets it read the folders that were there when it started: when they are others now it starts anew, and
 * the desk orders again. */
static bool folders_moved(const struct hunter *h)
{
    if (h->folders == indicators_folders_stamp(h->config))
        return false;
    log_info("a folder of lists of indicators is another one now: it is opened anew");
    process_stop(EXIT_FAILURE);
    return true;
}

static enum rc reader_open(struct hunter *h, struct err *err)
{
    const struct archive_reader_options options = {.names = h->names, .vault = h->vault};
    return archive_reader_open(&io_kernel, h->archive, &options, &h->reader, err);
}

static enum rc update_begin(struct hunter *h, struct err *err)
{
    const struct hunt_update_options options = {.bundle = h->bundle,
                                                .pack = h->order.pack,
                                                .names = h->names,
                                                .mapping = parsers_mapping(h->parsers),
                                                .reader = h->reader,
                                                .from_ns = h->order.from_ns,
                                                .to_ns = h->order.to_ns,
                                                .zone_s = h->zone_s};
    return hunt_update_open(&options, &h->update, err);
}

static enum rc archive_begin(struct hunter *h, struct err *err)
{
    enum rc rc = reader_open(h, err);
    if (rc != RC_OK)
        return rc;
    h->hunt = (struct hunt){.rules = &h->rules,
                            .reader = h->reader,
                            .from_ns = h->order.from_ns,
                            .to_ns = h->order.to_ns,
                            .zone_s = h->zone_s,
                            .jobs = 1,
                            .indicators = h->lists ? hunt_lists_indicators(h->lists) : NULL,
                            .fields = h->fields,
                            .found = on_found,
                            .context = h};
    return hunt_open(&h->hunt, &h->hunting, err);
}

/* Of one that compares; *ret_trouble when it fails. */
static enum rc comparison_begin(struct hunter *h, enum desk_hunt_trouble *ret_trouble, struct err *err)
{
    *ret_trouble = DESK_HUNT_UNREAD;
    enum rc rc = h->bundle >= 0 ? reader_open(h, err) : err_set(err, RC_NOT_FOUND, "the desk has not given the rules");
    if (rc != RC_OK)
        return rc;
    rc = update_begin(h, err);
    rules_tell(h, rc, err);
    *ret_trouble = rc == RC_NOT_FOUND ? DESK_HUNT_GONE : DESK_HUNT_UNRULED;
    return rc;
}

/* RC_END: nothing is new in the lists. */
static enum rc hunt_begin(struct hunter *h, enum desk_hunt_trouble *ret_trouble, struct err *err)
{
    enum rc rc = RC_OK;
    *ret_trouble = DESK_HUNT_UNLISTED;
    h->listed = indicators_are_there(h->config, h->own);
    if (h->order.lists)
        rc = lists_read(h, err);
    if (rc != RC_OK)
        return rc;
    if (h->lists && h->order.lists == DESK_LISTS_NEW && hunt_lists_fresh(h->lists) == 0)
        return RC_END;
    *ret_trouble = DESK_HUNT_UNRULED;
    rc = rules_make(h, err);
    if (rc != RC_OK)
        return rc;
    *ret_trouble = DESK_HUNT_UNLISTED;
    if (!h->lists && rules_want_lists(h))
        rc = lists_read(h, err);
    if (rc != RC_OK)
        return rc;
    *ret_trouble = DESK_HUNT_UNREAD;
    return archive_begin(h, err);
}

static void work_done(struct hunter *h)
{
    hunt_close(h->hunting);
    h->hunting = NULL;
    if (!report_send(h, (struct desk_hunt_report){.state = DESK_HUNT_DONE, .permille = 1000}))
        process_stop(EXIT_FAILURE); /* else the desk would wait for ever */
    work_end(h);
}

static void work_begin(struct hunter *h)
{
    struct err err = {0};
    enum desk_hunt_trouble trouble;
    if (folders_moved(h))
        return;
    enum rc rc = h->order.pack.n ? comparison_begin(h, &trouble, &err) : hunt_begin(h, &trouble, &err);
    if (rc == RC_END) {
        work_done(h);
    } else if (rc != RC_OK) {
        err.code = rc;
        work_fail(h, trouble, &err);
    }
}

static void work_step(struct hunter *h)
{
    struct err err = {0};
    enum rc rc = h->update ? hunt_update_step(h->update, &err) : hunt_step(h->hunting, &err);
    if (rc == RC_AGAIN) {
        const struct desk_hunt_report report = {.state = DESK_HUNT_RUNNING,
                                                .permille = h->update ? hunt_update_permille(h->update)
                                                                      : hunt_permille(h->hunting)};
        if (clock_boot_ns() - h->told_ns >= REPORT_NS)
            IGNORE(!report_send(h, report)); /* the next one tells it */
        return;
    }
    if (rc != RC_OK) {
        err.code = rc;
        work_fail(h, DESK_HUNT_UNREAD, &err);
        return;
    }
    work_done(h);
}

/* What a hunt began with holds for all of it. */
static void patterns_take(struct hunter *h)
{
    struct mapping *next = NULL;
    struct err err = {0};
    ASSERT(!h->hunting && !h->update);
    enum rc rc = h->patterns.overflow ? err_set(&err, RC_LIMIT, "no memory for patterns")
                                      : parsers_make(h->parsers, buf_view(&h->patterns), &next, &err);
    if (next)
        parsers_set(h->parsers, next);
    h->patterns_wait = false;
    desk_tell(MSG_PATTERNS_TAKEN, h->patterns_id, rc == RC_OK ? STR("") : str_of(err.text));
}

static void hunter_tick(void *self, int64_t now_ns)
{
    struct hunter *h = self;
    (void)now_ns;
    if (h->patterns_wait && !h->hunting && !h->update)
        patterns_take(h);
    if (h->arena && !h->hunting && !h->update)
        work_begin(h);
    else if (h->arena)
        work_step(h);
}

static int hunter_timeout_ms(void *self)
{
    const struct hunter *h = self;
    return h->arena ? 0 : -1;
}

/* ---- messages ---- */

static void on_rules(struct hunter *h, struct msg *msg)
{
    h->version = msg->id;
    if (msg->fd_count != 1) {
        desk_tell(MSG_RULES_TAKEN, msg->id, STR("no rules came with it"));
        return;
    }
    if (h->bundle >= 0)
        close(h->bundle);
    h->bundle = msg->fds[0];
    msg->fd_count = 0;
    desk_tell(MSG_RULES_TAKEN, msg->id,
              STR("")); /* they are read when they are hunted: what is wrong with them shows then */
}

static void on_patterns(struct hunter *h, const struct msg *msg)
{
    buf_clear(&h->patterns);
    h->patterns.overflow = false;
    buf_str(&h->patterns, msg->body);
    h->patterns_id = msg->id;
    h->patterns_wait = true;
}

static void on_hunt(struct hunter *h, struct msg *msg)
{
    work_end(h); /* the desk says what is wanted now */
    if (msg->fd_count == 1) {
        h->known = msg->fds[0];
        msg->fd_count = 0;
    }
    h->arena = arena_new((size_t)16 << 20);
    if (!h->arena || !hunt_order_read(msg->body, h->arena, &h->order)) {
        log_error("an order of the desk does not read, or there is no memory for it");
        process_stop(EXIT_FAILURE);
        return;
    }
    h->order.id = (int64_t)msg->id;
}

static void hunter_message(void *self, struct channel *channel, struct msg *msg)
{
    struct hunter *h = self;
    (void)channel;
    if (msg->type == MSG_RULES)
        on_rules(h, msg);
    else if (msg->type == MSG_PATTERNS)
        on_patterns(h, msg);
    else if (msg->type == MSG_HUNT)
        on_hunt(h, msg);
    else if (msg->type == MSG_HUNT_STOP && h->order.id == (int64_t)msg->id)
        work_end(h);
}

static void hunter_peer_down(void *self, enum role role, unsigned instance)
{
    (void)instance;
    if (role == ROLE_DESK)
        work_end(self); /* its successor orders again */
}

/* The archive, and lists of indicators where they lie: they are read when a hunt wants them. */
static size_t hunter_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    struct str rest = config->indicators;
    char list[INDICATORS_PATH];
    struct buf path;
    size_t count = 0;
    ASSERT(size >= 2);
    buf_init(&path, 4096);
    buf_format(&path, "%.*s/archive", STR_ARG(config->data));
    ret[count++] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ};
    buf_clear(&path);
    buf_format(&path, "%.*s/" OWN_LISTS_FOLDER, STR_ARG(config->data));
    ret[count++] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ};
    buf_done(&path);
    while (count < size && indicators_folder_next(&rest, list))
        ret[count++] = (struct sandbox_path){.path = arena_strz(arena, str_of(list)), .access = SANDBOX_READ};
    return count;
}

const struct role_driver hunter_driver = {
    .role = ROLE_HUNTER,
    .calls = SANDBOX_OPEN | SANDBOX_SEAL,
    .memory_max = (uint64_t)16 << 30,
    .files_max = 4096,
    .background = true,
    .tick_ms = TICK_MS,
    .paths = hunter_paths,
    .start = hunter_start,
    .message = hunter_message,
    .peer_down = hunter_peer_down,
    .tick = hunter_tick,
    .timeout_ms = hunter_timeout_ms,
};
