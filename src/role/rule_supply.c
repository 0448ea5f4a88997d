#include "role/rule_supply.h"

#include "base/arena.h"
#include "base/assert.h"
#include "os/clock.h"
#include "os/proc.h"
#include "role/log.h"
#include "role/process.h"
#include "role/rule_bundle.h"
#include "role/rule_pack_facts.h"

#include <unistd.h>

/* One that is given the rules. */
struct receiver {
    uint64_t told;  /* the version that it was given last; 0: none */
    uint64_t taken; /* the version that it works with, or could not */
};

struct rule_supply {
    struct desk *desk;
    int files;
    bool stale;             /* other files came */
    uint64_t texts_version; /* of the desk's texts that the bundle has */
    /* in force */
    int bundle;
    uint64_t digest;
    uint64_t version;
    struct rules *rules;
    struct rules *before;
    /* made, not yet in force */
    int next_bundle;
    uint64_t next_digest;
    struct receiver engines[RULE_SUPPLY_ENGINES];
    struct receiver query;
    struct receiver hunter;
};

static void fd_put(int *place, int fd)
{
    if (*place >= 0)
        close(*place);
    *place = fd;
}

enum rc rule_supply_new(int files, struct desk *desk, struct rule_supply **ret_self, struct err *err)
{
    struct rule_supply *self = memory_new(sizeof *self);
    int fd = dup(files);
    if (!self || fd < 0) {
        if (fd >= 0)
            close(fd);
        memory_free(self);
        return err_set(err, RC_LIMIT, "no memory or no descriptor for rules");
    }
    *self = (struct rule_supply){.desk = desk, .files = fd, .stale = true, .bundle = -1, .next_bundle = -1};
    *ret_self = self;
    return RC_OK;
}

void rule_supply_free(struct rule_supply *self)
{
    if (!self)
        return;
    fd_put(&self->files, -1);
    fd_put(&self->bundle, -1);
    fd_put(&self->next_bundle, -1);
    rules_free(self->rules);
    rules_free(self->before);
    memory_free(self);
}

void rule_supply_files(struct rule_supply *self, int files)
{
    int fd = dup(files);
    if (fd < 0) {
        log_error("no descriptor for the rule files that were read anew");
        return;
    }
    fd_put(&self->files, fd);
    self->stale = true;
}

bool rule_supply_is_due(const struct rule_supply *self)
{
    return !self->before && (self->stale || self->texts_version != desk_rule_texts_version(self->desk));
}

bool rule_supply_is_at_rest(const struct rule_supply *self)
{
    return !self->before && !rule_supply_is_due(self);
}

/* --- making --- */

static void texts_add(const struct rule_supply *self, struct buf *out)
{
    struct desk_rule_text text;
    size_t at = 0;
    while (desk_rule_text_next(self->desk, &at, &text)) {
        char storage[RULE_BUNDLE_PATH];
        struct buf path;
        buf_init_fixed(&path, storage, sizeof storage);
        buf_format(&path, "desk:%.*s/%.*s", STR_ARG(text.kind), STR_ARG(text.name));
        rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_FILE, buf_view(&path), text.text});
    }
}

static enum rc compose(struct rule_supply *self, struct err *err)
{
    struct buf bundle CLEANUP(buf_done) = {0};
    struct str files = STR_NONE;
    int fd = -1;
    enum rc rc = proc_sealed_map(self->files, RULE_BUNDLE_BYTES, &files, err);
    if (rc != RC_OK)
        return rc;
    struct err untold = {0};
    if (rule_pack_facts_tell(files, self->desk, clock_real_ns(), &untold) != RC_OK)
        log_error("what is known of rule packs could not be told: %s", untold.text);
    buf_init(&bundle, RULE_BUNDLE_BYTES);
    buf_str(&bundle, files);
    proc_unmap(files);
    texts_add(self, &bundle);
    if (bundle.overflow)
        return err_set(err, RC_LIMIT, "all rules together are larger than 128 MiB");
    rc = proc_seal("rules", buf_view(&bundle), &fd, err);
    if (rc == RC_OK)
        rc = rule_bundle_digest(fd, &self->next_digest, err);
    if (rc == RC_OK)
        fd_put(&self->next_bundle, fd);
    else if (fd >= 0)
        close(fd);
    return rc;
}

enum rc rule_supply_make(struct rule_supply *self, struct rules **ret_rules, struct err *err)
{
    ASSERT(!self->before);
    *ret_rules = NULL;
    self->stale = false;
    self->texts_version = desk_rule_texts_version(self->desk);
    enum rc rc = compose(self, err);
    if (rc != RC_OK || (self->rules && self->next_digest == self->digest))
        return rc;
    return rule_bundle_load(self->next_bundle, ret_rules, err);
}

void rule_supply_set(struct rule_supply *self, struct rules *rules)
{
    ASSERT(!self->before && self->next_bundle >= 0);
    self->before = self->rules;
    self->rules = rules;
    fd_put(&self->bundle, self->next_bundle);
    self->next_bundle = -1;
    self->digest = self->next_digest;
    self->version++;
    rule_supply_send(self);
}

bool rule_supply_text(const struct rule_supply *self, struct str path, struct arena *arena, struct str *ret_text)
{
    struct rule_bundle_entry entry;
    struct str bytes = STR_NONE;
    struct err err;
    bool found = false;
    if (self->bundle < 0 || proc_sealed_map(self->bundle, RULE_BUNDLE_BYTES, &bytes, &err) != RC_OK)
        return false;
    struct str rest = bytes;
    while (!found && rule_bundle_next(&rest, &entry, &err) == RC_OK)
        found = entry.kind == RULE_BUNDLE_FILE && str_eq(entry.path, path);
    if (found)
        *ret_text = arena_str(arena, entry.text);
    proc_unmap(bytes);
    return found && ret_text->p;
}

const struct rules *rule_supply_rules(const struct rule_supply *self)
{
    return self->rules;
}

const struct rule *rule_supply_find(const struct rule_supply *self, uint64_t hash, bool *ret_old)
{
    const struct rule *rule = rules_find_hash(self->rules, hash);
    *ret_old = !rule && self->before;
    return *ret_old ? rules_find_hash(self->before, hash) : rule;
}

/* --- giving --- */

static void give(struct rule_supply *self, struct receiver *to, struct channel *channel)
{
    if (!channel || self->bundle < 0 || to->told == self->version)
        return;
    if (channel_send_fd(channel, MSG_RULES, self->version, STR_NONE, self->bundle))
        to->told = self->version;
}

void rule_supply_send(struct rule_supply *self)
{
    for (unsigned i = 0; i < RULE_SUPPLY_ENGINES; i++)
        if (self->engines[i].told != self->version)
            give(self, &self->engines[i], process_peer(ROLE_ENGINE, i));
    if (self->query.told != self->version)
        give(self, &self->query, process_peer(ROLE_QUERY, 0));
    if (self->hunter.told != self->version)
        give(self, &self->hunter, process_peer(ROLE_HUNTER, 0));
}

void rule_supply_peer_up(struct rule_supply *self, enum role role, unsigned instance)
{
    if (role == ROLE_ENGINE && instance < RULE_SUPPLY_ENGINES)
        self->engines[instance] = (struct receiver){0};
    if (role == ROLE_QUERY)
        self->query = (struct receiver){0};
    if (role == ROLE_HUNTER)
        self->hunter = (struct receiver){0};
    rule_supply_send(self);
}

bool rule_supply_taker(const struct channel *channel, size_t *ret_who)
{
    unsigned instance = channel_instance(channel);
    if (channel_peer(channel) == ROLE_QUERY)
        *ret_who = DESK_RULES_QUERY;
    else if (channel_peer(channel) == ROLE_HUNTER)
        *ret_who = DESK_RULES_HUNTER;
    else
        *ret_who = instance;
    return channel_peer(channel) != ROLE_ENGINE || instance < RULE_SUPPLY_ENGINES;
}

void rule_supply_taken(struct rule_supply *self, const struct channel *channel, const struct msg *msg)
{
    const char *name = msg_role_name(channel_peer(channel));
    unsigned instance = channel_instance(channel);
    struct err err = {0};
    size_t who;
    if (!rule_supply_taker(channel, &who))
        return;
    if (channel_peer(channel) == ROLE_ENGINE)
        self->engines[instance].taken = msg->id;
    if (msg->body.n)
        log_error("%s %u works with the rules of before: %.*s", name, instance, STR_ARG(msg->body));
    if (desk_rules_taken(self->desk, who, msg->body, clock_real_ns(), &err) != RC_OK)
        log_error("what %s %u says of the rules could not be stored: %s", name, instance, err.text);
}

void rule_supply_lists_taken(struct rule_supply *self, const struct channel *channel, const struct msg *msg)
{
    struct err err = {0};
    size_t who;
    if (rule_supply_taker(channel, &who) &&
        desk_lists_taken(self->desk, who, msg->body, clock_real_ns(), &err) != RC_OK)
        log_error("what %s %u says of lists of indicators could not be stored: %s",
                  msg_role_name(channel_peer(channel)), channel_instance(channel), err.text);
}

void rule_supply_settle(struct rule_supply *self)
{
    for (unsigned i = 0; i < RULE_SUPPLY_ENGINES && self->before; i++)
        if (self->engines[i].taken != self->version && process_peer(ROLE_ENGINE, i))
            return;
    rules_free(self->before);
    self->before = NULL;
}
