#include "wire/netflow.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "wire/ber.h"
#include "wire/flow_elements.h"
#include "wire/flow_record.h"
#include "wire/record_list.h"

#include <string.h>

#define SET_TEMPLATES_9     0u
#define SET_OPTIONS_9       1u
#define SET_TEMPLATES_IPFIX 2u
#define SET_OPTIONS_IPFIX   3u
#define SET_DATA            256u /* sets from here on are data, and templates have numbers from here on */
#define ENTERPRISE_BIT      0x8000u
#define HEAD_IPFIX          16u
#define SEQUENCE_GAP_MAX    (1u << 24) /* a larger step is a device that began anew */
#define SEQUENCE_LATE_MAX   1000u
#define UPTIME_LATE_MAX_MS  60000u

/* A set whose template is not known yet. */
struct waiting {
    uint16_t template_id;
    uint64_t since_ns;
    struct flow_context context;
    size_t n;
    char *bytes;
};

/* Compared and hashed as bytes: without a hole. */
struct session_key {
    uint32_t domain;
    uint16_t version;
    uint16_t port; /* IPFIX */
    char name[NETFLOW_SENDER_MAX];
};

_Static_assert(sizeof(struct session_key) == 8 + NETFLOW_SENDER_MAX, "a hole would be compared");

struct session {
    uint64_t hash;
    struct session_key key;
    uint64_t heard_ns;
    struct flow_template *templates;
    size_t template_count;
    struct waiting waiting[NETFLOW_WAITING_MAX];
    size_t waiting_count;
    bool sequence_known;
    bool counts_itself; /* a message's number counts what is in it */
    uint32_t sequence;  /* of the last message, and what it counted */
    uint32_t units;
    uint32_t uptime_ms;
    uint64_t sampling;
    uint64_t init_ms;
    struct netflow_losses losses;
};

struct netflow {
    struct session **sessions;
    size_t count;
    size_t sessions_max;
    size_t held;
    size_t held_max;
    uint64_t seed;
    size_t told; /* where netflow_losses_next goes on */
    struct netflow_losses gone;
};

/* One message on its way through. */
struct walk {
    struct netflow *netflow;
    struct session *session;
    struct flow_context context;
    uint64_t now_ns;
    struct buf *list;
    size_t list_end; /* bytes of the list that may not be passed */
    size_t records;  /* put by this message */
    uint32_t units;  /* data records, for IPFIX's sequence */
    bool units_known;
    bool broken;
};

struct netflow *netflow_new(size_t sessions_max, size_t held_max, uint64_t seed)
{
    ASSERT(sessions_max > 0);
    struct netflow *netflow = memory_new(sizeof *netflow);
    if (!netflow)
        return NULL;
    *netflow = (struct netflow){.sessions_max = sessions_max, .held_max = held_max, .seed = seed};
    netflow->sessions = memory_new(sessions_max * sizeof(struct session *));
    if (netflow->sessions)
        return netflow;
    memory_free(netflow);
    return NULL;
}

size_t netflow_held(const struct netflow *netflow)
{
    return netflow->held;
}

/* ---- losses ---- */

static void losses_add(struct netflow_losses *sum, const struct netflow_losses *more)
{
    sum->flows += more->flows;
    sum->messages += more->messages;
    sum->sets += more->sets;
    sum->templates += more->templates;
    sum->broken += more->broken;
    sum->cut += more->cut;
}

static bool losses_any(const struct netflow_losses *losses)
{
    return losses->flows || losses->messages || losses->sets || losses->templates || losses->broken || losses->cut;
}

bool netflow_losses_next(struct netflow *netflow, char ret_sender[NETFLOW_SENDER_MAX],
                         struct netflow_losses *ret_losses)
{
    for (; netflow->told < netflow->count; netflow->told++) {
        struct session *session = netflow->sessions[netflow->told];
        if (!losses_any(&session->losses))
            continue;
        memcpy(ret_sender, session->key.name, sizeof session->key.name);
        *ret_losses = session->losses;
        session->losses = (struct netflow_losses){0};
        return true;
    }
    netflow->told = 0;
    *ret_losses = netflow->gone;
    ret_sender[0] = '\0';
    netflow->gone = (struct netflow_losses){0};
    return losses_any(ret_losses);
}

/* ---- sessions ---- */

static size_t template_size(const struct flow_template *template)
{
    return sizeof *template + template->count * sizeof template->fields[0];
}

static void template_remove(struct netflow *netflow, struct session *session, size_t place)
{
    struct flow_template *template = &session->templates[place];
    netflow->held -= template_size(template);
    memory_free(template->fields);
    *template = session->templates[--session->template_count];
}

static void waiting_remove(struct netflow *netflow, struct session *session, size_t place)
{
    netflow->held -= session->waiting[place].n;
    memory_free(session->waiting[place].bytes);
    session->waiting_count--;
    memmove(&session->waiting[place], &session->waiting[place + 1],
            (session->waiting_count - place) * sizeof session->waiting[0]);
}

static void session_remove(struct netflow *netflow, size_t place)
{
    struct session *session = netflow->sessions[place];
    while (session->template_count)
        template_remove(netflow, session, session->template_count - 1);
    session->losses.sets += session->waiting_count;
    while (session->waiting_count)
        waiting_remove(netflow, session, session->waiting_count - 1);
    losses_add(&netflow->gone, &session->losses);
    netflow->held -= sizeof *session;
    memory_free(session->templates);
    memory_free(session);
    netflow->sessions[place] = netflow->sessions[--netflow->count];
}

void netflow_free(struct netflow *netflow)
{
    if (!netflow)
        return;
    while (netflow->count)
        session_remove(netflow, netflow->count - 1);
    ASSERT(netflow->held == 0);
    memory_free(netflow->sessions);
    memory_free(netflow);
}

/* The session that was silent for longest goes, but not `keep`. False when there is no other. */
static bool oldest_remove(struct netflow *netflow, const struct session *keep)
{
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < netflow->count; i++)
        if (netflow->sessions[i] != keep &&
            (oldest == SIZE_MAX || netflow->sessions[i]->heard_ns < netflow->sessions[oldest]->heard_ns))
            oldest = i;
    if (oldest == SIZE_MAX)
        return false;
    session_remove(netflow, oldest);
    return true;
}

static bool room_make(struct netflow *netflow, size_t n, const struct session *keep)
{
    while (netflow->held + n > netflow->held_max)
        if (!oldest_remove(netflow, keep))
            return false;
    return true;
}

/* NULL without memory. */
static struct session *session_find(struct netflow *netflow, const struct session_key *key)
{
    const uint64_t seed[2] = {netflow->seed, ~netflow->seed};
    uint64_t hash = siphash(seed, key, sizeof *key);
    for (size_t i = 0; i < netflow->count; i++)
        if (netflow->sessions[i]->hash == hash && memcmp(&netflow->sessions[i]->key, key, sizeof *key) == 0)
            return netflow->sessions[i];
    if (netflow->count == netflow->sessions_max)
        IGNORE(!oldest_remove(netflow, NULL));
    struct session *session = room_make(netflow, sizeof *session, NULL) ? memory_new(sizeof *session) : NULL;
    if (!session)
        return NULL;
    session->hash = hash;
    session->key = *key;
    netflow->held += sizeof *session;
    netflow->sessions[netflow->count++] = session;
    return session;
}

/* ---- sequence ---- */

/* What did not come before a message of this number. It counts what was sent before the message; of some exporters of
 * IPFIX (softflowd) what was sent with it. */
static void sequence_check(struct session *session, uint32_t sequence, const struct walk *walk, uint64_t *lost)
{
    uint32_t before = session->sequence + session->units;
    uint32_t with = session->sequence + walk->units;
    if (session->sequence_known && before != with && (sequence == before || sequence == with))
        session->counts_itself = sequence == with;
    uint32_t expected = session->counts_itself ? with : before;
    uint32_t ahead = sequence - expected;
    uint32_t late = expected - sequence;
    if (session->sequence_known && late > 0 && late <= SEQUENCE_LATE_MAX) {
        *lost -= MIN(*lost, (uint64_t)walk->units); /* it was missed when the one behind it came */
        return;
    }
    if (session->sequence_known && ahead < SEQUENCE_GAP_MAX)
        *lost += ahead;
    session->sequence = sequence;
    session->units = walk->units;
    session->sequence_known = walk->units_known;
}

/* ---- records ---- */

static bool walk_full(const struct walk *walk)
{
    return walk->records >= NETFLOW_RECORDS_MAX || walk->list->n >= walk->list_end;
}

static void record_put(struct walk *walk, struct reader *reader, const struct flow_template *template,
                       const struct flow_context *context)
{
    size_t before = walk->list->n;
    size_t begin = record_list_begin(walk->list);
    bool good = flow_record_write(reader, template, context, walk->list);
    record_list_end(walk->list, begin);
    if (good && !walk->list->overflow) {
        walk->records++;
        return;
    }
    walk->session->losses.cut += good; /* otherwise it is broken, which is said of the message */
    walk->list->n = before;
    walk->list->overflow = false;
}

/* What options say of all flows of the session. */
static void options_take(struct walk *walk, struct reader *reader, const struct flow_template *template)
{
    uint64_t packets = 0;
    uint64_t space = 0;
    uint64_t init_ms = 0;
    for (size_t i = 0; i < template->count && !reader->failed; i++) {
        struct str value = flow_value_read(reader, &template->fields[i]);
        uint64_t number = 0;
        bool known =
            i >= template->scope && template->fields[i].enterprise == 0 && value.n <= 8 && ber_to_u64(value, &number);
        switch (known ? template->fields[i].id : 0) {
        case FLOW_ID_SAMPLING_INTERVAL:
        case FLOW_ID_SAMPLER_INTERVAL:
            walk->session->sampling = number;
            break;
        case FLOW_ID_SAMPLING_PACKETS:
            packets = number;
            break;
        case FLOW_ID_SAMPLING_SPACE:
            space = number;
            break;
        case FLOW_ID_SYSTEM_INIT:
            init_ms = number;
            break;
        default:
            break;
        }
    }
    if (packets && space < UINT64_MAX - packets) /* so many of so many: RFC 5477 8.2.2 */
        walk->session->sampling = (packets + space) / packets;
    if (init_ms)
        walk->session->init_ms = init_ms;
    walk->context.sampling = walk->session->sampling;
    walk->context.init_ms = walk->session->init_ms;
}

/* The records of one set; what is shorter than a record at its end fills it up. Gives how many. */
static uint32_t records_take(struct walk *walk, struct str set, const struct flow_template *template,
                             const struct flow_context *context)
{
    struct reader reader = reader_of(set);
    uint32_t count = 0;
    ASSERT(template->least > 0);
    for (; reader_left(&reader) >= template->least && !reader.failed; count++) {
        if (template->options)
            options_take(walk, &reader, template);
        else if (walk_full(walk))
            break;
        else
            record_put(walk, &reader, template, context);
    }
    walk->broken |= reader.failed;
    if (!reader.failed && reader_left(&reader) >= template->least) {
        walk->session->losses.cut++;
        walk->units_known = false;
    }
    return count;
}

/* ---- templates ---- */

static struct flow_template *template_find(const struct session *session, uint16_t id)
{
    for (size_t i = 0; i < session->template_count; i++)
        if (session->templates[i].id == id)
            return &session->templates[i];
    return NULL;
}

/* The sets that waited for it, in their order. */
static void waiting_take(struct walk *walk, const struct flow_template *template)
{
    struct session *session = walk->session;
    for (size_t i = 0; i < session->waiting_count;) {
        struct waiting *waiting = &session->waiting[i];
        if (waiting->template_id != template->id) {
            i++;
            continue;
        }
        struct flow_context context = waiting->context;
        context.exporter = session->key.name;
        IGNORE(records_take(walk, str_at(waiting->bytes, waiting->n), template, &context) == 0); /* counted before */
        waiting_remove(walk->netflow, session, i);
    }
}

static bool template_same(const struct flow_template *a, const struct flow_template *b)
{
    return a->count == b->count && a->scope == b->scope && a->options == b->options &&
           memcmp(a->fields, b->fields, a->count * sizeof a->fields[0]) == 0;
}

/* Keeps a template whose fields lie in the caller's memory; false when there is no room. */
static bool template_keep(struct walk *walk, const struct flow_template *template)
{
    struct session *session = walk->session;
    struct flow_template *old = template_find(session, template->id);
    if (old && template_same(old, template))
        return true;
    if (old)
        template_remove(walk->netflow, session, (size_t)(old - session->templates));
    if (session->template_count == NETFLOW_TEMPLATES_MAX || !room_make(walk->netflow, template_size(template), session))
        return false;
    struct flow_template *grown =
        memory_resize(session->templates, (session->template_count + 1) * sizeof *session->templates);
    if (!grown)
        return false;
    session->templates = grown;
    struct flow_template *kept = &grown[session->template_count];
    *kept = *template;
    kept->fields = memory_new(template->count * sizeof kept->fields[0]);
    if (!kept->fields)
        return false;
    memcpy(kept->fields, template->fields, template->count * sizeof kept->fields[0]);
    walk->netflow->held += template_size(kept);
    session->template_count++;
    waiting_take(walk, kept);
    return true;
}

/* The fields; those past the limit are read and forgotten, and the template is then refused. */
static bool fields_read(struct reader *reader, size_t count, bool ipfix, struct flow_field *ret_fields)
{
    bool good = count > 0 && count <= NETFLOW_FIELDS_MAX;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        struct flow_field field = {.id = read_be16(reader)}; /* one read each: C leaves their order in here open */
        field.length = read_be16(reader);
        if (ipfix && field.id & ENTERPRISE_BIT) {
            field.id &= ENTERPRISE_BIT - 1;
            field.enterprise = read_be32(reader);
        }
        good = good && (ipfix || field.length != FLOW_VARIABLE);
        if (i < NETFLOW_FIELDS_MAX)
            ret_fields[i] = field;
    }
    return good && !reader->failed;
}

static void templates_withdraw(struct walk *walk, uint16_t id, bool options)
{
    struct session *session = walk->session;
    for (size_t i = session->template_count; i-- > 0;)
        if (session->templates[i].options == options && (session->templates[i].id == id || id < SET_DATA))
            template_remove(walk->netflow, session, i);
}

static void template_end(struct walk *walk, struct flow_template *template, bool good)
{
    if (!good || template->id < SET_DATA || !flow_template_finish(template) || !template_keep(walk, template))
        walk->session->losses.templates++;
}

static void templates_read(struct walk *walk, struct str set, bool ipfix)
{
    struct reader reader = reader_of(set);
    struct flow_field fields[NETFLOW_FIELDS_MAX];
    while (reader_left(&reader) >= 4 && !reader.failed) {
        struct flow_template template = {.id = read_be16(&reader), .fields = fields};
        template.count = read_be16(&reader);
        if (template.id == 0 && template.count == 0) /* the set is filled up with zeroes */
            break;
        if (ipfix && template.count == 0) {
            templates_withdraw(walk, template.id, false);
            continue;
        }
        bool good = fields_read(&reader, template.count, ipfix, fields);
        if (!reader.failed)
            template_end(walk, &template, good);
    }
    walk->broken |= reader.failed;
}

/* NetFlow 9 tells bytes of the fields' descriptions, IPFIX how many fields there are. */
static void options_read(struct walk *walk, struct str set, bool ipfix)
{
    struct reader reader = reader_of(set);
    struct flow_field fields[NETFLOW_FIELDS_MAX];
    while (reader_left(&reader) >= (ipfix ? 4u : 6u) && !reader.failed) {
        struct flow_template template = {.id = read_be16(&reader), .options = true, .fields = fields};
        size_t first = read_be16(&reader);
        if (template.id == 0 && first == 0)
            break;
        if (ipfix && first == 0) {
            templates_withdraw(walk, template.id, true);
            continue;
        }
        size_t second = read_be16(&reader);
        size_t count = ipfix ? first : (first + second) / 4;
        template.scope = (uint16_t)(ipfix ? second : first / 4);
        template.count = (uint16_t)count;
        bool good = fields_read(&reader, count, ipfix, fields) && template.scope <= count;
        if (!reader.failed)
            template_end(walk, &template, good);
    }
    walk->broken |= reader.failed;
}

/* ---- sets ---- */

static void set_hold(struct walk *walk, uint16_t id, struct str set)
{
    struct session *session = walk->session;
    walk->units_known = false;
    char *bytes = NULL;
    if (set.n && session->waiting_count < NETFLOW_WAITING_MAX && room_make(walk->netflow, set.n, session))
        bytes = memory_new(set.n);
    if (!bytes) {
        session->losses.sets++;
        return;
    }
    memcpy(bytes, set.p, set.n);
    session->waiting[session->waiting_count++] = (struct waiting){
        .template_id = id, .since_ns = walk->now_ns, .context = walk->context, .n = set.n, .bytes = bytes};
    walk->netflow->held += set.n;
}

static void set_take(struct walk *walk, uint16_t id, struct str set)
{
    bool ipfix = walk->session->key.version == 10;
    if (id == (ipfix ? SET_TEMPLATES_IPFIX : SET_TEMPLATES_9)) {
        templates_read(walk, set, ipfix);
        return;
    }
    if (id == (ipfix ? SET_OPTIONS_IPFIX : SET_OPTIONS_9)) {
        options_read(walk, set, ipfix);
        return;
    }
    if (id < SET_DATA) /* kept for later versions: RFC 7011 3.3.2 */
        return;
    const struct flow_template *template = template_find(walk->session, id);
    if (template)
        walk->units += records_take(walk, set, template, &walk->context);
    else
        set_hold(walk, id, set);
}

static void sets_take(struct walk *walk, struct reader *reader)
{
    while (reader_left(reader) >= 4 && !walk->broken) {
        uint16_t id = read_be16(reader);
        uint16_t length = read_be16(reader);
        struct str set = length >= 4 ? read_bytes(reader, length - 4u) : STR_NONE;
        walk->broken |= reader->failed || length < 4;
        if (!walk->broken)
            set_take(walk, id, set);
    }
}

/* ---- messages ---- */

static bool session_begin(struct walk *walk, const struct session_key *key)
{
    struct session *session = session_find(walk->netflow, key);
    if (!session)
        return false;
    session->heard_ns = walk->now_ns;
    walk->session = session;
    walk->context.exporter = session->key.name;
    walk->context.domain = session->key.domain;
    walk->context.sampling = session->sampling;
    walk->context.init_ms = session->init_ms;
    return true;
}

/* A device that began anew counts anew; a message that only came late is none. */
static void uptime_note(struct session *session, uint32_t uptime_ms)
{
    uint32_t back = session->uptime_ms - uptime_ms;
    if (back > 0 && back <= UPTIME_LATE_MAX_MS)
        return;
    if (back > 0 && back < UINT32_MAX / 2)
        session->sequence_known = false;
    session->uptime_ms = uptime_ms;
}

static enum rc version_5_take(struct walk *walk, struct reader *reader, struct session_key *key)
{
    static struct flow_field fields[] = {
        {8, 4, 0, 1},  {12, 4, 0, 1}, {15, 4, 0, 1}, {10, 2, 0, 1}, {14, 2, 0, 1},  {2, 4, 0, 1},   {1, 4, 0, 1},
        {22, 4, 0, 1}, {21, 4, 0, 1}, {7, 2, 0, 1},  {11, 2, 0, 1}, {210, 1, 0, 1}, {6, 1, 0, 1},   {4, 1, 0, 1},
        {5, 1, 0, 1},  {16, 2, 0, 1}, {17, 2, 0, 1}, {9, 1, 0, 1},  {13, 1, 0, 1},  {210, 2, 0, 2},
    };
    static const struct flow_template template = {.count = ARRAY_LEN(fields), .least = 48, .fields = fields};
    uint16_t count = read_be16(reader);
    uint32_t uptime_ms = read_be32(reader);
    int64_t seconds = read_be32(reader);
    int64_t nanoseconds = read_be32(reader);
    uint32_t sequence = read_be32(reader);
    key->domain = read_be16(reader);
    uint16_t sampling = read_be16(reader) & 0x3fff; /* two bits before it are its mode */
    if (reader->failed || count == 0 || reader_left(reader) != count * template.least || nanoseconds >= SECOND_NS)
        return RC_INVALID;
    walk->context = (struct flow_context){.version = "netflow5",
                                          .export_ns = seconds * SECOND_NS + nanoseconds,
                                          .digits = 9,
                                          .has_uptime = true,
                                          .uptime_ms = uptime_ms};
    if (!session_begin(walk, key))
        return RC_LIMIT;
    walk->context.sampling = sampling > 1 ? sampling : 0;
    uptime_note(walk->session, uptime_ms);
    struct str set = read_bytes(reader, reader_left(reader));
    IGNORE(records_take(walk, set, &template, &walk->context) == count); /* cut ones were sent too */
    walk->units = count;
    sequence_check(walk->session, sequence, walk, &walk->session->losses.flows);
    return RC_OK;
}

static enum rc version_9_take(struct walk *walk, struct reader *reader, struct session_key *key)
{
    read_be16(reader); /* how many records: devices count differently, and the sets' lengths say it */
    uint32_t uptime_ms = read_be32(reader);
    int64_t seconds = read_be32(reader);
    uint32_t sequence = read_be32(reader);
    key->domain = read_be32(reader);
    if (reader->failed)
        return RC_INVALID;
    walk->context = (struct flow_context){
        .version = "netflow9", .export_ns = seconds * SECOND_NS, .has_uptime = true, .uptime_ms = uptime_ms};
    if (!session_begin(walk, key))
        return RC_LIMIT;
    uptime_note(walk->session, uptime_ms);
    sets_take(walk, reader);
    walk->units = 1;
    walk->units_known = true;
    sequence_check(walk->session, sequence, walk, &walk->session->losses.messages);
    return RC_OK;
}

static enum rc ipfix_take(struct walk *walk, struct reader *reader, struct session_key *key, uint16_t port)
{
    uint16_t length = read_be16(reader);
    int64_t seconds = read_be32(reader);
    uint32_t sequence = read_be32(reader);
    key->domain = read_be32(reader);
    key->port = port;
    if (reader->failed || length != reader->in.n)
        return RC_INVALID;
    walk->context = (struct flow_context){.version = "ipfix", .export_ns = seconds * SECOND_NS};
    if (!session_begin(walk, key))
        return RC_LIMIT;
    sets_take(walk, reader);
    walk->units_known &= !walk->broken;
    sequence_check(walk->session, sequence, walk, &walk->session->losses.flows);
    return RC_OK;
}

enum rc netflow_take(struct netflow *netflow, const char *sender, uint16_t port, struct str message, uint64_t now_ns,
                     struct buf *list)
{
    struct reader reader = reader_of(message);
    struct walk walk = {.netflow = netflow, .now_ns = now_ns, .list = list, .units_known = true};
    struct session_key key = {.version = read_be16(&reader)};
    enum rc rc = RC_DENIED;
    walk.list_end = list->n + NETFLOW_LIST_MAX;
    if (!str_copy_z(str_of(sender), key.name, sizeof key.name))
        return RC_INVALID;
    if (key.version == 5)
        rc = version_5_take(&walk, &reader, &key);
    else if (key.version == 9)
        rc = version_9_take(&walk, &reader, &key);
    else if (key.version == 10)
        rc = ipfix_take(&walk, &reader, &key, port);
    if (rc == RC_OK && walk.broken)
        rc = RC_INVALID;
    if (rc == RC_INVALID || rc == RC_LIMIT) {
        struct netflow_losses *losses = walk.session ? &walk.session->losses : &netflow->gone;
        losses->broken++;
    }
    return rc;
}

void netflow_tick(struct netflow *netflow, uint64_t now_ns)
{
    for (size_t i = 0; i < netflow->count; i++) {
        struct session *session = netflow->sessions[i];
        while (session->waiting_count && now_ns - session->waiting[0].since_ns > NETFLOW_WAIT_NS) {
            waiting_remove(netflow, session, 0);
            session->losses.sets++;
        }
    }
}

size_t netflow_message_length(struct str bytes)
{
    if (bytes.n < 4)
        return 0;
    size_t length = get_be16(bytes.p + 2);
    return get_be16(bytes.p) != 10 || length < HEAD_IPFIX ? SIZE_MAX : length;
}
