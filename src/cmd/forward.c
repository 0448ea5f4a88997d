/* forward.c - `qorgan forward`: reads its files and opens the archive, then gives records on. */
#include "role/forward.h"

#include "base/arena.h"
#include "cmd/archive_open.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "os/clock.h"
#include "os/file.h"
#include "role/nats_creds.h"

#include <stdio.h>
#include <string.h>

#define FILES_ARENA ((size_t)4 << 20)
#define PEM_MAX     ((size_t)512 << 10)
#define TOKEN_MAX   ((size_t)512)
#define CREDS_MAX   ((size_t)64 << 10)
#define ZONE_S      18000 /* of times without a zone in a query: the objects', as qorgan-search(1) */

struct given {
    struct arena *arena;
    struct reading reading;
    struct query *query;
    char archive[4096];
    struct forward_options forward;
    struct err err;
};

/* What each way takes: the rest is refused, for it would be left out in silence. */
static const struct {
    const char *option;
    bool ways[4]; /* by enum forward_way */
    const char *why;
} way_rows[] = {
    {"certificate", {false, true, true, true}, "over https it is --token-file that says who sends"},
    {"token-file", {true, false, false, true}, "--token-file is for https and nats"},
    {"creds-file", {false, false, false, true}, "--creds-file is for nats"},
    {"user", {false, false, true, true}, "--user is for kafka and nats"},
    {"sasl", {false, false, true, false}, "--sasl is for kafka"},
};

static const char *const mechanisms[] = {"SCRAM-SHA-512", "SCRAM-SHA-256"};

static int usage_secrets(struct given *g, const struct options *options)
{
    struct forward_options *f = &g->forward;
    const char *sasl = options_text(options, "sasl");
    static const char *const pairs[][2] = {{"certificate", "key"}, {"user", "password-file"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (options_given(options, pairs[i][0]) != options_given(options, pairs[i][1]))
            return cmd_usage("forward", "--%s and --%s belong together", pairs[i][0], pairs[i][1]);
    for (size_t i = 0; i < ARRAY_LEN(way_rows); i++) {
        if (!options_given(options, way_rows[i].option))
            continue;
        if (!way_rows[i].ways[f->address.way])
            return cmd_usage("forward", "%s", way_rows[i].why);
        if (!f->address.tls)
            return cmd_usage("forward", "--%s goes over TLS only", way_rows[i].option);
    }
    if (options_given(options, "user") + options_given(options, "token-file") + options_given(options, "creds-file") >
        1)
        return cmd_usage("forward", "it is --user, --token-file or --creds-file");
    if (sasl && !options_given(options, "user"))
        return cmd_usage("forward", "--sasl says how a --user is proven");
    f->user = options_text(options, "user");
    f->mechanism = mechanisms[0];
    for (size_t i = 0; i < ARRAY_LEN(mechanisms) && sasl; i++)
        if (str_eq_nocase(str_of(sasl), str_of(mechanisms[i]))) {
            f->mechanism = mechanisms[i];
            return OPTIONS_GO;
        }
    return sasl ? cmd_usage("forward", "--sasl is scram-sha-512 or scram-sha-256, not \"%s\"", sasl) : OPTIONS_GO;
}

static int usage(struct given *g, const struct options *options)
{
    struct forward_options *f = &g->forward;
    const char *format = options_text(options, "format");
    struct str from = str_of(options_text(options, "from"));
    if (forward_address_parse(&f->address, str_of(options_text(options, "to")), &g->err) != RC_OK)
        return cmd_usage("forward", "%s", g->err.text);
    enum forward_way way = f->address.way;
    f->format = way == FORWARD_SYSLOG ? FORWARD_RFC5424 : FORWARD_JSON;
    if (format && !forward_format_find(str_of(format), &f->format))
        return cmd_usage("forward", "--format is rfc5424, cef or json, not \"%s\"", format);
    if (!forward_way_is_queue(way) && (way == FORWARD_HTTPS) != (f->format == FORWARD_JSON))
        return cmd_usage("forward", "json goes over https, rfc5424 and cef go over syslog");
    if (str_is(from, "start"))
        f->from = FORWARD_FROM_START;
    else if (str_is(from, "end"))
        f->from = FORWARD_FROM_END;
    else if (!str_to_u64(from, &f->from))
        return cmd_usage("forward", "--from is a record's number, start or end");
    return usage_secrets(g, options);
}

/* A file of one word. */
static enum rc word_take(struct given *g, struct str *word, const char *what)
{
    *word = str_trim(*word);
    for (size_t i = 0; i < word->n; i++)
        if (word->p[i] <= ' ' || word->p[i] >= 0x7f)
            return err_set(&g->err, RC_INVALID, "the file of the %s holds more than one word", what);
    return RC_OK;
}

static enum rc file_take(struct given *g, const struct options *options, const char *name, size_t limit,
                         struct str *ret_text)
{
    const char *path = options_text(options, name);
    return path ? file_load_path(path, limit, g->arena, ret_text, &g->err) : RC_OK;
}

static enum rc given_load(struct given *g, const struct options *options)
{
    struct forward_options *f = &g->forward;
    const char *query = options_text(options, "query");
    struct nats_creds creds;
    enum rc rc = file_take(g, options, "ca", PEM_MAX, &f->ca_pem);
    rc = rc == RC_OK ? file_take(g, options, "certificate", PEM_MAX, &f->certificate) : rc;
    rc = rc == RC_OK ? file_take(g, options, "key", PEM_MAX, &f->key) : rc;
    rc = rc == RC_OK ? file_take(g, options, "token-file", TOKEN_MAX, &f->token) : rc;
    rc = rc == RC_OK ? file_take(g, options, "password-file", TOKEN_MAX, &f->password) : rc;
    rc = rc == RC_OK ? file_take(g, options, "creds-file", CREDS_MAX, &f->creds) : rc;
    if (rc == RC_OK && options_given(options, "creds-file"))
        rc = nats_creds_parse(f->creds, &creds, &g->err);
    rc = rc == RC_OK ? word_take(g, &f->token, "token") : rc;
    rc = rc == RC_OK ? word_take(g, &f->password, "password") : rc;
    if (rc == RC_OK && f->user && !f->password.n)
        return err_set(&g->err, RC_INVALID, "the file of the password is empty");
    if (rc == RC_OK && query)
        rc = query_parse(str_of(query), clock_real_ns(), ZONE_S, g->arena, &g->query, &g->err);
    if (rc == RC_OK && g->query && !query_is_filter(g->query))
        return err_set(&g->err, RC_INVALID, "a query of forward chooses records: it has no \"|\"");
    f->query = g->query;
    return rc == RC_OK ? reading_open(&g->reading, options_text(options, "data"), true, &g->err) : rc;
}

int cmd_forward(int argc, char **argv)
{
    struct options options;
    int status = options_parse("forward", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    forward_begin();
    struct given g = {.arena = arena_new(FILES_ARENA)};
    status = g.arena ? usage(&g, &options) : CMD_FAILED;
    if (status != OPTIONS_GO) {
        arena_free(g.arena);
        return status;
    }
    g.reading.folder = -1;
    if (given_load(&g, &options) != RC_OK) {
        status = cmd_fail("forward", &g.err);
    } else {
        snprintf(g.archive, sizeof g.archive, "%s/archive", options_text(&options, "data"));
        g.forward.reader = g.reading.reader;
        g.forward.names = g.reading.names;
        g.forward.archive = g.archive;
        g.forward.state = options_text(&options, "state");
        g.forward.query_text = options_text(&options, "query");
        g.forward.own = options_flag(&options, "all");
        g.forward.json = options_flag(&options, "json");
        g.forward.once = options_flag(&options, "once");
        g.forward.sandbox = !options_flag(&options, "no-sandbox");
        status = forward_run(&g.forward);
    }
    reading_close(&g.reading);
    const struct str secrets[] = {g.forward.key, g.forward.token, g.forward.password, g.forward.creds};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (secrets[i].n)
            explicit_bzero((void *)(uintptr_t)secrets[i].p, secrets[i].n);
    arena_free(g.arena);
    return status;
}
