/* query.c - answers searches from the archive's files, read-only: sealed segments and the log's tail. Killable, and
 * behind all others when processor or disk is short.
 *
 * One question at a time; a search that does not end within its slice answers with what it has found and a token to go
 * on with (query_job.h). */
#include "archive/papers.h"
#include "archive/reader.h"
#include "archive/retention.h"
#include "base/assert.h"
#include "codec/json.h"
#include "event/normalise.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/hit.h"
#include "role/indicator_folder.h"
#include "role/keep.h"
#include "role/log.h"
#include "role/mirror_server.h"
#include "role/parser_folder.h"
#include "role/query_explain.h"
#include "role/query_filter.h"
#include "role/query_job.h"
#include "role/query_paper.h"
#include "role/query_parse.h"
#include "role/query_try.h"
#include "role/roles.h"
#include "role/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHEET_ASKED_MAX 64
#define SHEET_BYTES_MAX ((size_t)3 << 20)
#define SCRATCH         ((size_t)256 << 20)
#define TICK_MS         5000

struct query_role {
    struct process *process;
    int folder;
    struct names *names;
    struct parsers *parsers;
    struct hit_deriver *deriver;
    struct archive_reader *reader; /* NULL while the archive is not there */
    struct mirror_server *mirrors;
    struct retention_law law; /* no rules: it could not be read, and no term is told */
    struct vault *vault;      /* master keys; NULL: encryption is off */
    struct arena *scratch;
    struct query_jobs *jobs;
    struct query_papers *papers;
    struct query_explain *explain;
    struct query_tries *tries;
    struct explainer how;                   /* of both */
    uint64_t version;                       /* of the rules that the desk gave last */
    char rules_told[QUERY_EXPLAIN_TROUBLE]; /* what was said of them */
    struct buf lists_trouble;
    char lists_trouble_text[INDICATORS_TROUBLE];
    struct buf answer;
    bool cosigned_told; /* that it is damaged */
};

/* Nothing is deleted here: without the table the archive page lacks one date, and searches go on. */
static void law_load(struct query_role *role)
{
    struct err err = {0};
    struct str text = STR_NONE;
    enum rc rc = keep_load(role->process->config.share, role->scratch, &text, &err);
    rc = rc == RC_OK ? retention_law_parse(&role->law, text, &err) : rc;
    if (rc != RC_OK)
        log_error("how long the acts want logs kept could not be read: %s", err.text);
    arena_reset(role->scratch);
}

static struct archive_reader_options reader_options(const struct query_role *role)
{
    return (struct archive_reader_options){
        .names = role->names, .derive = hit_derive, .derive_context = role->deriver, .vault = role->vault};
}

/* Without lists rules are explained, and searches go on. */
static enum rc explain_make(struct query_role *role, struct err *err)
{
    struct err unread = {0};
    const struct config *config = &role->process->config;
    struct explainer explainer = {parsers_mapping(role->parsers), role->names, (int32_t)config->zone_offset_s, NULL};
    struct indicators *indicators;
    buf_init_fixed(&role->lists_trouble, role->lists_trouble_text, sizeof role->lists_trouble_text);
    if (indicators_match_configured(config, role->names, &indicators, &explainer.indicators, &role->lists_trouble,
                                    &unread) != RC_OK) {
        log_error("the lists of indicators could not be read, rules are explained without them: %s", unread.text);
        buf_clear(&role->lists_trouble);
        buf_str(&role->lists_trouble, str_slice(str_of(unread.text), 0, INDICATORS_TROUBLE));
    }
    role->explain = query_explain_new(&explainer);
    role->how = explainer;
    return role->explain ? RC_OK : err_set(err, RC_LIMIT, "no memory for explanations");
}

/* When reader and vault are known. */
static enum rc tries_make(struct query_role *role, struct err *err)
{
    const struct query_tries_options options = {role->folder, reader_options(role), role->how};
    role->tries = query_tries_new(&options);
    return role->tries ? RC_OK : err_set(err, RC_LIMIT, "no memory to try rules");
}

static enum rc query_start(struct process *process, void **ret_self, struct err *err)
{
    struct query_role *role = memory_new(sizeof *role);
    char data[4096];
    if (!role)
        return err_set(err, RC_LIMIT, "no memory");
    role->process = process;
    role->folder = process_handle(process, "archive", -1);
    role->names = names_new(random_u64());
    role->scratch = arena_new(SCRATCH);
    buf_init(&role->answer, (size_t)msg_size_max(MSG_ANSWER));
    role->jobs = query_jobs_new(role->names, (int32_t)process->config.zone_offset_s);
    ASSERT(role->names && role->scratch && role->jobs && role->folder >= 0);
    snprintf(data, sizeof data, "%.*s/data", STR_ARG(process->config.share));
    enum rc rc = parsers_open(&process->config, role->names, &role->parsers, err);
    if (rc != RC_OK)
        return rc;
    struct query_papers_options papers = {data, (int32_t)process->config.zone_offset_s};
    rc = query_papers_new(&papers, &role->papers, err);
    if (rc != RC_OK)
        return rc;
    law_load(role);
    rc = explain_make(role, err);
    if (rc != RC_OK)
        return rc;
    role->deriver =
        hit_deriver_new(parsers_mapping(role->parsers), role->names, (int32_t)process->config.zone_offset_s);
    struct mirror_server_options mirrors = {
        .folder = process_handle(process, MIRROR_FOLDER, -1),
        .rate_bytes = (uint64_t)process->config.mirror_rate_mib << 20,
        .log_file_bytes = (uint64_t)process->config.log_file_mib << 20,
    };
    role->mirrors = mirror_server_new(&mirrors);
    if (!role->deriver || !role->mirrors)
        return err_set(err, RC_LIMIT, "no memory");
    *ret_self = role;
    rc = process_vault(&role->vault, err);
    return rc == RC_OK ? tries_make(role, err) : rc;
}

static void cosigned_look(struct query_role *role)
{
    bool damaged = archive_reader_cosigned_damaged(role->reader);
    if (damaged && !role->cosigned_told)
        log_warning("file \"checkpoints/cosigned\" of the archive is damaged and not used; run qorgan verify");
    role->cosigned_told = damaged;
}

/* A master key was added since this process was given its ring: the parent starts it anew with the present one. */
static void keys_want(const struct query_role *role, enum rc rc)
{
    if (rc == RC_DENIED && role->vault)
        process_stop(EXIT_FAILURE);
}

static enum rc reader_ready(struct query_role *role, struct err *err)
{
    if (role->reader) {
        if (archive_reader_refresh(role->reader, err) == RC_OK) {
            cosigned_look(role);
            return RC_OK;
        }
        query_jobs_drop(role->jobs);
        query_papers_drop(role->papers);
        archive_reader_close(role->reader);
        role->reader = NULL;
    }
    struct archive_reader_options options = reader_options(role);
    enum rc rc = archive_reader_open(&io_kernel, role->folder, &options, &role->reader, err);
    if (rc == RC_OK)
        cosigned_look(role);
    keys_want(role, rc);
    return rc;
}

/* What a question has in numbers: nobody's default stands in for what was asked otherwise. */
static bool search_numbers_good(const struct json_value *question, struct err *err)
{
    static const struct {
        const char *name;
        int64_t least;
        int64_t most;
    } rows[] = {
        {"limit", 1, QUERY_LIMIT_MAX}, {"before", 0, INT64_MAX}, {"skip", 0, INT64_MAX}, {"now_ns", 0, INT64_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = json_int(json_get(question, rows[i].name), rows[i].least);
        if (value >= rows[i].least && value <= rows[i].most)
            continue;
        IGNORE(err_set(err, RC_INVALID, "\"%s\" is a number from %lld to %lld", rows[i].name, (long long)rows[i].least,
                       (long long)rows[i].most)); /* told below */
        return false;
    }
    return true;
}

static void ask_search(struct query_role *role, const struct json_value *question)
{
    struct err err = {0};
    if (!search_numbers_good(question, &err)) {
        query_refuse(&role->answer, "question_invalid", &err);
        return;
    }
    enum rc rc = query_jobs_ask(role->jobs, role->reader, question, &role->answer, &err);
    keys_want(role, rc);
    if (rc == RC_OK)
        return;
    if (rc != RC_INVALID && rc != RC_NOT_FOUND && rc != RC_LIMIT)
        log_error("a search failed: %s", err.text);
    query_refuse(&role->answer,
                 rc == RC_INVALID     ? "query_invalid"
                 : rc == RC_NOT_FOUND ? "search_gone"
                 : rc == RC_LIMIT     ? "search_too_large"
                                      : "search_failed",
                 &err);
}

/* ---- one record, its proof, the archive ---- */

/* Why there is no such record: deleted after its term is another thing than never there. */
static const char *missing_key(const struct query_role *role, uint64_t number, const char *otherwise)
{
    struct archive_gone gone;
    return archive_reader_gone(role->reader, number, &gone) && gone.first <= number ? "record_deleted" : otherwise;
}

/* `under` names the record that says of a deletion. */
static void refuse_missing(struct query_role *role, uint64_t number, const char *otherwise, const struct err *err)
{
    struct archive_gone gone = {.record = 0};
    const char *key = missing_key(role, number, otherwise);
    query_refuse_begin(&role->answer, key, err);
    if (strcmp(key, otherwise) != 0 && archive_reader_gone(role->reader, number, &gone))
        json_put_u64(&role->answer, "under", gone.record);
    json_write_object_end(&role->answer);
}

static void ask_record(struct query_role *role, uint64_t number)
{
    struct archive_hit *hit = arena_alloc(role->scratch, sizeof *hit);
    struct err err = {0};
    struct buf leaf;
    struct tlog_hash hash;
    buf_init(&leaf, RECORD_RAW_MAX + 4096);
    enum rc rc = hit ? archive_reader_record(role->reader, number, role->scratch, hit, &err) : RC_LIMIT;
    if (rc == RC_OK)
        rc = archive_reader_leaf(role->reader, number, &leaf, &hash, &err);
    if (rc == RC_NOT_FOUND) {
        refuse_missing(role, number, "record_not_found", &err);
    } else if (rc != RC_OK) {
        query_refuse(&role->answer, "search_failed", &err);
    } else {
        char text[64];
        struct buf *out = &role->answer;
        json_write_object(out);
        json_put_bool(out, "ok", true);
        query_members_write(out, hit, role->names);
        json_put_str(out, "leaf_hash", str_at(text, hex_encode(&hash, sizeof hash, text)));
        json_put_str(out, "source_id", str_at(text, hex_encode(hit->leaf.source, 16, text)));
        json_write_key(out, "epoch");
        json_write_str(out,
                       str_at(text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)hit->leaf.epoch)));
        json_put_u64(out, "sequence", hit->leaf.sequence);
        json_put_u64(out, "received_boot_ns", hit->leaf.received_boot_ns);
        json_put_text(out, "transport", transport_name(hit->leaf.transport));
        json_write_object_end(out);
    }
    buf_done(&leaf);
}

/* "record", "rule". */
static void ask_explain(struct query_role *role, const struct json_value *question, uint64_t number)
{
    struct err err = {0};
    struct str named = json_str(json_get(question, "rule"), STR_NONE);
    const struct rule *rule = query_explain_rule(role->explain, named, &role->answer);
    if (!rule)
        return;
    const struct query_explain_question asked = {
        .reader = role->reader, .record = number, .rule = rule, .arena = role->scratch};
    enum rc rc = query_explain_record(role->explain, &asked, &role->answer, &err);
    keys_want(role, rc);
    if (rc == RC_NOT_FOUND)
        refuse_missing(role, number, "record_not_found", &err);
    else if (rc == RC_LIMIT)
        query_refuse(&role->answer, "explain_long", &err);
    else if (rc != RC_OK)
        query_refuse(&role->answer, "search_failed", &err);
}

/* "text", "rule", "records". */
static void ask_filter_try(struct query_role *role, const struct json_value *question)
{
    struct err err = {0};
    struct filter_try how = {.reader = role->reader,
                             .how = query_explain_how(role->explain),
                             .arena = role->scratch,
                             .clock_ns = clock_boot_ns};
    if (query_explain_rules(role->explain, &how.rules, &err) != RC_OK) {
        query_refuse(&role->answer, "rules_unread", &err);
        return;
    }
    enum rc rc = query_filter_try(&how, question, &role->answer, &err);
    keys_want(role, rc);
    if (rc != RC_OK)
        query_refuse(&role->answer, "search_failed", &err);
}

/* Lines and what patterns make of them. */
static void ask_parse(struct query_role *role, const struct json_value *question)
{
    struct err err = {0};
    const struct query_parse how = {.reader = role->reader,
                                    .mapping = parsers_mapping(role->parsers),
                                    .names = role->names,
                                    .zone_s = (int32_t)role->process->config.zone_offset_s,
                                    .arena = role->scratch,
                                    .clock_ns = clock_boot_ns,
                                    .now_ns = clock_real_ns()};
    enum rc rc = query_parse_ask(&how, question, &role->answer, &err);
    keys_want(role, rc);
    if (rc == RC_OK)
        return;
    log_error("lines could not be looked at: %s", err.text);
    query_refuse(&role->answer, "search_failed", &err);
}

/* Without the rules in force a text that names none of them can be tried as well. */
static void ask_try(struct query_role *role, const struct json_value *question)
{
    const struct rules *whole = NULL;
    struct err err = {0};
    if (query_explain_rules(role->explain, &whole, &err) != RC_OK)
        whole = NULL;
    enum rc rc = query_tries_ask(role->tries, whole, question, &role->answer, &err);
    keys_want(role, rc);
    if (rc == RC_OK)
        return;
    if (rc != RC_INVALID && rc != RC_NOT_FOUND && rc != RC_LIMIT)
        log_error("a rule could not be tried: %s", err.text);
    query_refuse(&role->answer,
                 rc == RC_INVALID     ? "question_invalid"
                 : rc == RC_NOT_FOUND ? "try_gone"
                 : rc == RC_LIMIT     ? "try_too_large"
                                      : "search_failed",
                 &err);
}

static void ask_proof(struct query_role *role, uint64_t number)
{
    struct err err = {0};
    struct buf proof;
    struct buf leaf;
    struct tlog_hash hash;
    struct tlog_hash root;
    buf_init(&proof, 65536);
    buf_init(&leaf, RECORD_RAW_MAX + 4096);
    enum rc rc = archive_reader_proof(role->reader, number, &proof, &err);
    if (rc == RC_OK)
        rc = archive_reader_leaf(role->reader, number, &leaf, &hash, &err);
    struct str rest = str_skip(buf_view(&proof), str_search(buf_view(&proof), STR("\n\n")) + 2); /* its checkpoint */
    IGNORE(str_cut(&rest, '\n').n == 0);                                                         /* the origin */
    uint64_t size = 0;
    if (rc == RC_OK && !str_to_u64(str_cut(&rest, '\n'), &size))
        rc = err_set(&err, RC_CORRUPT, "the proof's checkpoint does not read");
    if (rc == RC_OK)
        rc = archive_reader_root(role->reader, size, &root, &err);
    char *leaf_text = rc == RC_OK ? arena_alloc(role->scratch, leaf.n / 3 * 4 + 8) : NULL;
    if (rc == RC_NOT_FOUND) {
        refuse_missing(role, number, "proof_not_yet", &err);
    } else if (rc != RC_OK || !leaf_text) {
        query_refuse(&role->answer, "search_failed", &err);
    } else {
        char text[64];
        struct buf *out = &role->answer;
        json_write_object(out);
        json_put_bool(out, "ok", true);
        json_put_str(out, "proof", buf_view(&proof));
        json_put_str(out, "leaf", str_at(leaf_text, base64_encode(leaf.p, leaf.n, leaf_text)));
        json_put_u64(out, "checkpoint_size", size);
        json_put_str(out, "root", str_at(text, hex_encode(&root, sizeof root, text)));
        json_write_object_end(out);
    }
    buf_done(&proof);
    buf_done(&leaf);
}

/* When the last of the first `size` records was received; 0 when it cannot be told. */
static int64_t time_of_record(struct query_role *role, uint64_t size)
{
    struct archive_hit *hit = arena_alloc(role->scratch, sizeof *hit);
    if (!hit || size == 0)
        return 0;
    return archive_reader_record(role->reader, size - 1, role->scratch, hit, NULL) == RC_OK ? hit->leaf.received_ns : 0;
}

/* The same of the records that a checkpoint covers. */
static int64_t time_of_note(struct query_role *role, struct str note)
{
    uint64_t size = 0;
    IGNORE(str_cut(&note, '\n').n == 0); /* the origin */
    return str_to_u64(str_cut(&note, '\n'), &size) ? time_of_record(role, size) : 0;
}

/* "records": numbers with commas between them; "lang". */
static void ask_sheet(struct query_role *role, const struct json_value *question)
{
    struct err err = {0};
    struct buf sheet;
    uint64_t records[SHEET_ASKED_MAX];
    size_t count = 0;
    struct papers_form form = {.zone_s = (int32_t)role->process->config.zone_offset_s};
    struct str rest = json_str(json_get(question, "records"), STR_NONE);
    bool good = paper_language_find(json_str(json_get(question, "lang"), STR("kk")), &form.language);
    while (rest.p && good)
        good = count < SHEET_ASKED_MAX && str_to_u64(str_cut(&rest, ','), &records[count++]);
    if (!good) {
        IGNORE(err_set(&err, RC_INVALID, "records are numbers, %d at most", SHEET_ASKED_MAX)); /* told below */
        query_refuse(&role->answer, "question_invalid", &err);
        return;
    }
    buf_init(&sheet, SHEET_BYTES_MAX);
    enum rc rc = papers_sheet(role->reader, records, count, form, &sheet, &err);
    if (rc != RC_OK) {
        query_refuse(&role->answer, rc == RC_NOT_FOUND ? "proof_not_yet" : "search_failed", &err);
    } else {
        json_write_object(&role->answer);
        json_put_bool(&role->answer, "ok", true);
        json_put_str(&role->answer, "sheet", buf_view(&sheet));
        json_write_object_end(&role->answer);
    }
    buf_done(&sheet);
}

/* Before this the acts let nothing of the oldest segment be deleted, or of the log while no segment is there; 0: not
 * known. The policy of the owner may ask for more. */
static int64_t keep_until(const struct query_role *role, const struct archive_totals *totals)
{
    int64_t now_ns = clock_real_ns();
    struct retention_question question = {
        .received_max_ns = totals->oldest_max_ns ? totals->oldest_max_ns : totals->oldest_ns,
        .signed_max_ns = now_ns,
        .wall_ns = now_ns,
    };
    return question.received_max_ns > 0 ? retention_may_delete(&role->law, &question).keep_until_ns : 0;
}

static void ask_archive(struct query_role *role)
{
    struct err err = {0};
    if (archive_reader_follow(role->reader, &err) != RC_OK)
        log_error("what the archive's files are now cannot be read: %s", err.text); /* the totals are older */
    struct archive_totals totals = archive_reader_totals(role->reader);
    struct buf *out = &role->answer;
    json_write_object(out);
    json_put_bool(out, "ok", true);
    json_put_u64(out, "records", archive_reader_size(role->reader));
    json_put_u64(out, "durable", archive_reader_size(role->reader));
    json_put_u64(out, "segments", totals.segments);
    json_put_u64(out, "cold_segments", totals.cold_segments);
    json_put_u64(out, "bytes_raw", totals.bytes_raw);
    json_put_u64(out, "bytes_stored", totals.bytes_stored);
    struct str note = archive_reader_cosigned(role->reader);
    note = note.n ? note : archive_reader_checkpoint(role->reader);
    json_put_str(out, "checkpoint", note);
    json_put_int(out, "checkpoint_ns", time_of_note(role, note));
    json_put_text(out, "origin", archive_reader_origin(role->reader));
    json_put_int(out, "oldest_ns", totals.oldest_ns);
    json_put_int(out, "keep_until_ns", keep_until(role, &totals));
    json_put_int(out, "newest_ns", time_of_record(role, archive_reader_size(role->reader)));
    json_write_object_end(out);
}

/* A mirror's token is looked at before the archive is. */
static void ask_mirror(struct query_role *role, const struct json_value *question)
{
    struct err err = {0};
    if (!mirror_server_enter(role->mirrors, question, clock_real_ns(), &role->answer))
        return;
    if (reader_ready(role, &err) == RC_OK) {
        mirror_server_answer(role->mirrors, role->reader, question, &role->answer);
        return;
    }
    log_error("the archive could not be read: %s", err.text);
    query_refuse(&role->answer, "unavailable", &err);
}

static void answer_make(struct query_role *role, struct str question_json)
{
    struct err err = {0};
    struct json_value *question = NULL;
    if (json_parse(role->scratch, question_json, 8, &question, &err) != RC_OK) {
        query_refuse(&role->answer, "question_invalid", &err);
        return;
    }
    if (str_starts(json_str(json_get(question, "ask"), STR_NONE), STR("mirror."))) {
        ask_mirror(role, question);
        return;
    }
    if (reader_ready(role, &err) != RC_OK) {
        log_error("the archive could not be read: %s", err.text);
        query_refuse(&role->answer, "search_failed", &err);
        return;
    }
    struct str ask = json_str(json_get(question, "ask"), STR_NONE);
    uint64_t record = (uint64_t)MAX(json_int(json_get(question, "record"), 0), 0);
    if (str_is(ask, "search")) {
        ask_search(role, question);
    } else if (str_is(ask, "record")) {
        ask_record(role, record);
    } else if (str_is(ask, "explain")) {
        ask_explain(role, question, record);
    } else if (str_is(ask, "filter_try")) {
        ask_filter_try(role, question);
    } else if (str_is(ask, "rule.try")) {
        ask_try(role, question);
    } else if (str_is(ask, "parse.lines")) {
        ask_parse(role, question);
    } else if (str_is(ask, "proof")) {
        ask_proof(role, record);
    } else if (str_is(ask, "sheet")) {
        ask_sheet(role, question);
    } else if (str_is(ask, "archive")) {
        ask_archive(role);
    } else if (!query_papers_ask(role->papers, role->reader, question, &role->answer)) {
        IGNORE(err_set(&err, RC_INVALID, "there is no question \"%.*s\"",
                       STR_ARG(str_slice(ask, 0, 40)))); /* told below */
        query_refuse(&role->answer, "question_invalid", &err);
    }
}

/* They are read when somebody asks: what is wrong with them may show then. */
static void rules_tell(struct query_role *role)
{
    const char *trouble = query_explain_trouble(role->explain);
    struct channel *desk = process_peer(ROLE_DESK, 0);
    if (!desk || !channel_send(desk, MSG_RULES_TAKEN, role->version, str_of(trouble)))
        return;                                                                      /* the next desk gives them anew */
    IGNORE(!str_copy_z(str_of(trouble), role->rules_told, sizeof role->rules_told)); /* they are as long */
}

static void on_rules(struct query_role *role, struct channel *desk, const struct msg *msg)
{
    query_explain_take(role->explain, msg->fd_count == 1 ? msg->fds[0] : -1);
    role->version = msg->id;
    rules_tell(role);
    IGNORE(!channel_send(desk, MSG_LISTS_TAKEN, 0, buf_view(&role->lists_trouble))); /* as above */
}

/* Between two questions. What is sealed keeps the columns that it has. */
static void on_patterns(struct query_role *role, struct channel *desk, const struct msg *msg)
{
    struct mapping *next = NULL;
    struct err err = {0};
    enum rc rc = parsers_make(role->parsers, msg->body, &next, &err);
    if (next && !hit_deriver_remap(role->deriver, next)) {
        mapping_free(next);
        next = NULL;
        rc = err_set(&err, RC_LIMIT, "no memory for patterns");
    }
    if (next) {
        query_explain_remap(role->explain, next);
        query_tries_remap(role->tries, next);
        role->how.mapping = next;
        parsers_set(role->parsers, next);
    }
    struct str why = rc == RC_OK ? STR("") : str_of(err.text);
    IGNORE(!channel_send(desk, MSG_PATTERNS_TAKEN, msg->id, why)); /* the next desk gives them anew */
}

static void query_message(void *self, struct channel *channel, struct msg *msg)
{
    struct query_role *role = self;
    if (msg->type == MSG_RULES)
        on_rules(role, channel, msg);
    if (msg->type == MSG_PATTERNS)
        on_patterns(role, channel, msg);
    if (msg->type != MSG_ASK)
        return;
    arena_reset(role->scratch);
    buf_clear(&role->answer);
    answer_make(role, msg->body);
    if (role->answer.overflow) {
        struct err err = {.text = "the answer is too long"};
        role->answer.overflow = false;
        query_refuse(&role->answer, "search_failed", &err);
    }
    if (!channel_send(channel, MSG_ANSWER, msg->id, buf_view(&role->answer)))
        log_warning("web does not take its answers");
    if (strcmp(role->rules_told, query_explain_trouble(role->explain)) != 0)
        rules_tell(role);
}

static void query_tick(void *self, int64_t now_ns)
{
    const struct query_role *role = self;
    (void)now_ns;
    query_jobs_tick(role->jobs, clock_boot_ns());
    query_papers_tick(role->papers, clock_boot_ns());
    query_tries_tick(role->tries, clock_boot_ns());
}

static size_t query_paths(const struct config *config, struct arena *arena, struct sandbox_path *ret, size_t size)
{
    static const char *const names[] = {"archive", MIRROR_FOLDER};
    ASSERT(size >= ARRAY_LEN(names));
    struct buf path;
    buf_init(&path, 4096);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        buf_clear(&path);
        buf_format(&path, "%.*s/%s", STR_ARG(config->data), names[i]);
        ret[i] = (struct sandbox_path){.path = arena_strz(arena, buf_view(&path)), .access = SANDBOX_READ};
    }
    buf_done(&path);
    return ARRAY_LEN(names);
}

const struct role_driver query_driver = {
    .role = ROLE_QUERY,
    .calls = SANDBOX_OPEN,
    .memory_max = (uint64_t)8 << 30,
    .files_max = 4096,
    .background = true,
    .tick_ms = TICK_MS,
    .paths = query_paths,
    .start = query_start,
    .message = query_message,
    .tick = query_tick,
};
