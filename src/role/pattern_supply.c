#include "role/pattern_supply.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "event/normalise.h"
#include "os/clock.h"
#include "os/random.h"
#include "role/log.h"
#include "role/parser_folder.h"
#include "role/process.h"
#include "role/rule_supply.h"

#include <string.h>

struct pattern_supply {
    struct names *names;
    struct parsers *parsers;
    uint64_t engines[RULE_SUPPLY_ENGINES]; /* the version that each was given last; 0: none */
    uint64_t query;
    uint64_t hunter;
    uint64_t failed; /* the version that could not be read, told once */
    struct buf table;
    uint64_t version; /* of it; 0: it is not read */
};

enum rc pattern_supply_new(const struct config *config, struct pattern_supply **ret_self, struct err *err)
{
    struct pattern_supply *self = memory_new(sizeof *self);
    if (!self)
        return err_set(err, RC_LIMIT, "no memory for patterns");
    buf_init(&self->table, PARSERS_OWN_MAX);
    self->names = names_new(random_u64());
    enum rc rc = self->names ? parsers_open(config, self->names, &self->parsers, err)
                             : err_set(err, RC_LIMIT, "no memory for patterns");
    if (rc == RC_OK)
        *ret_self = self;
    else
        pattern_supply_free(self);
    return rc;
}

void pattern_supply_free(struct pattern_supply *self)
{
    if (!self)
        return;
    parsers_free(self->parsers);
    names_free(self->names);
    buf_done(&self->table);
    memory_free(self);
}

/* --- checking --- */

/* Columns of a table, as the questions name them. */
static const char *cell_of(const char *column)
{
    static const char *const cells[] = {"program", "pattern", "kind", "outcome", "set"};
    if (column && strcmp(column, "id") == 0)
        return "name";
    for (size_t i = 0; column && i < ARRAY_LEN(cells); i++)
        if (strcmp(column, cells[i]) == 0)
            return cells[i];
    return "pattern"; /* it fits what another fits */
}

enum rc pattern_supply_row_check(const struct desk_pattern *pattern, const char **ret_cell, struct err *err)
{
    const struct pattern_text text = {pattern->name, pattern->program, pattern->pattern, pattern->set};
    enum rc rc = pattern_text_check(&text, ret_cell, err);
    *ret_cell = cell_of(*ret_cell);
    return rc;
}

enum rc pattern_supply_check(void *self, struct str table, const char **ret_cell, struct err *err)
{
    struct pattern_supply *supply = self;
    const char *column = NULL;
    enum rc rc = parsers_check(supply->parsers, table, &column, err);
    *ret_cell = cell_of(column);
    return rc;
}

/* --- giving --- */

static bool table_read(struct pattern_supply *self, struct desk *desk, uint64_t version)
{
    struct err err = {0};
    if (self->version == version)
        return true;
    buf_clear(&self->table);
    self->table.overflow = false;
    enum rc rc = desk_patterns_write(desk, &self->table, &err);
    if (rc == RC_OK && self->table.overflow)
        rc = err_set(&err, RC_LIMIT, "they are larger than %zu KiB, or there is no memory", PARSERS_OWN_MAX >> 10);
    self->version = rc == RC_OK ? version : 0;
    if (rc != RC_OK && self->failed != version)
        log_error("the patterns that people put into use cannot be read: %s", err.text);
    self->failed = rc == RC_OK ? 0 : version;
    return rc == RC_OK;
}

static void give(struct pattern_supply *self, struct desk *desk, uint64_t *told, struct channel *channel)
{
    uint64_t version = desk_patterns_version(desk);
    ASSERT(version > 0);
    if (!channel || *told == version || !table_read(self, desk, version))
        return;
    if (channel_send(channel, MSG_PATTERNS, version, buf_view(&self->table)))
        *told = version;
}

void pattern_supply_send(struct pattern_supply *self, struct desk *desk)
{
    uint64_t version = desk_patterns_version(desk);
    for (unsigned i = 0; i < RULE_SUPPLY_ENGINES; i++)
        if (self->engines[i] != version)
            give(self, desk, &self->engines[i], process_peer(ROLE_ENGINE, i));
    if (self->query != version)
        give(self, desk, &self->query, process_peer(ROLE_QUERY, 0));
    if (self->hunter != version)
        give(self, desk, &self->hunter, process_peer(ROLE_HUNTER, 0));
}

void pattern_supply_peer_up(struct pattern_supply *self, struct desk *desk, const struct channel *channel)
{
    enum role role = channel_peer(channel);
    if (role == ROLE_ENGINE && channel_instance(channel) < RULE_SUPPLY_ENGINES)
        self->engines[channel_instance(channel)] = 0;
    if (role == ROLE_QUERY)
        self->query = 0;
    if (role == ROLE_HUNTER)
        self->hunter = 0;
    pattern_supply_send(self, desk);
}

void pattern_supply_taken(struct desk *desk, const struct channel *channel, const struct msg *msg)
{
    struct err err = {0};
    const char *name = msg_role_name(channel_peer(channel));
    unsigned instance = channel_instance(channel);
    size_t who;
    if (!rule_supply_taker(channel, &who))
        return;
    if (msg->body.n)
        log_error("%s %u could not take all patterns: %.*s", name, instance, STR_ARG(msg->body));
    if (desk_patterns_taken(desk, who, msg->body, clock_real_ns(), &err) != RC_OK)
        log_error("what %s %u says of the patterns could not be stored: %s", name, instance, err.text);
}
