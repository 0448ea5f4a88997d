#include "desk/duty.h"

#include "base/assert.h"
#include "desk/inside.h"

static const char *const parties[] = {
    [PARTY_OWNER] = "owner", [PARTY_CENTRE] = "centre", [PARTY_NATIONAL] = "national"};
static const char *const origins[] = {[ORIGIN_OWN] = "own", [ORIGIN_STS] = "sts", [ORIGIN_UNIT] = "unit"};

static bool word_find(const char *const words[], size_t count, struct str name, size_t *ret_at)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(name, words[i])) {
            *ret_at = i;
            return true;
        }
    return false;
}

bool duty_party_find(struct str name, enum duty_party *ret_party)
{
    size_t at = PARTY_OWNER;
    bool found = name.n == 0 || word_find(parties, ARRAY_LEN(parties), name, &at);
    *ret_party = (enum duty_party)at;
    return found;
}

bool desk_party_known(struct str party)
{
    enum duty_party known;
    return party.n > 0 && duty_party_find(party, &known);
}

const char *duty_party_name(enum duty_party party)
{
    ASSERT(party < PARTY_COUNT);
    return parties[party];
}

bool duty_origin_find(struct str name, enum duty_origin *ret_origin)
{
    size_t at = ORIGIN_OWN;
    bool found = word_find(origins, ARRAY_LEN(origins), name, &at);
    *ret_origin = (enum duty_origin)at;
    return found;
}

const char *duty_origin_name(enum duty_origin origin)
{
    ASSERT(origin < ORIGIN_COUNT);
    return origins[origin];
}

bool duty_origin_fits(enum duty_party party, enum duty_origin origin)
{
    return origin == ORIGIN_OWN ||
           (party == PARTY_NATIONAL ? origin == ORIGIN_UNIT : origin == ORIGIN_STS || party == PARTY_CENTRE);
}

/* One row a word of data/clocks.tsv: whom it binds, on which objects, known from whom, and from when it runs. */
enum from { FROM_DETECTED, FROM_TOLD, FROM_CONFIRMED };

#define BIT(n) (1U << (n))
#define OBJECT BIT(0)
#define VITAL  BIT(1) /* a critical object */
#define ANY    (OBJECT | VITAL)

static const struct duty {
    const char *start;
    enum duty_party party;
    unsigned objects, origins;
    enum from from;
} duties[] = {
    {"detected_national", PARTY_NATIONAL, ANY, BIT(ORIGIN_OWN), FROM_DETECTED},
    {"confirmed_national", PARTY_NATIONAL, ANY, BIT(ORIGIN_OWN) | BIT(ORIGIN_UNIT), FROM_CONFIRMED},
    {"confirmed", PARTY_OWNER, OBJECT, BIT(ORIGIN_OWN), FROM_CONFIRMED},
    {"confirmed", PARTY_CENTRE, OBJECT, BIT(ORIGIN_OWN) | BIT(ORIGIN_UNIT), FROM_CONFIRMED},
    {"confirmed_by_centre", PARTY_CENTRE, VITAL, BIT(ORIGIN_OWN), FROM_CONFIRMED},
    {"confirmed_by_unit", PARTY_OWNER, VITAL, BIT(ORIGIN_OWN), FROM_CONFIRMED},
    {"confirmed_of_unit", PARTY_OWNER, VITAL, BIT(ORIGIN_OWN), FROM_CONFIRMED},
    {"confirmed_of_unit", PARTY_CENTRE, VITAL, BIT(ORIGIN_UNIT), FROM_CONFIRMED},
    {"told", PARTY_OWNER, ANY, BIT(ORIGIN_STS), FROM_TOLD},
    {"told", PARTY_CENTRE, ANY, BIT(ORIGIN_STS), FROM_TOLD},
    {"told_confirmed", PARTY_OWNER, ANY, BIT(ORIGIN_STS), FROM_TOLD},
    {"told_confirmed", PARTY_CENTRE, ANY, BIT(ORIGIN_STS), FROM_TOLD},
};

static int64_t duty_from(const struct duty_facts *facts, const struct duty *duty)
{
    bool confirmed = facts->confirmed_ns > 0;
    switch (duty->from) {
    case FROM_DETECTED:
        return facts->detected_ns;
    case FROM_CONFIRMED:
        return facts->confirmed_ns;
    case FROM_TOLD:
        return confirmed == str_is(str_of(duty->start), "told_confirmed") ? facts->told_ns : 0;
    }
    return 0;
}

int64_t duty_trigger(const struct duty_facts *facts, struct str start)
{
    unsigned object = facts->critical ? VITAL : OBJECT;
    for (size_t i = 0; i < ARRAY_LEN(duties); i++)
        if (str_is(start, duties[i].start) && duties[i].party == facts->party && (duties[i].objects & object) &&
            (duties[i].origins & BIT(facts->origin)))
            return duty_from(facts, &duties[i]);
    return 0;
}

static bool object_critical(struct desk *desk, int64_t object)
{
    struct db_query q = db_query(desk->db, "SELECT critical FROM object WHERE id = ?1");
    db_put_i64(&q, object);
    return db_one_i64(&q, 0) > 0;
}

void duties_settle(struct desk *desk, const struct incident *incident, struct str who, int64_t now_ns)
{
    const struct subject subject = incident_subject(incident);
    const struct duty_facts facts = {.party = desk->party,
                                     .origin = incident->origin,
                                     .critical = object_critical(desk, incident->object),
                                     .detected_ns = incident->detected_ns,
                                     .told_ns = incident->told_ns,
                                     .confirmed_ns = incident->confirmed_ns};
    for (size_t i = 0; i < ARRAY_LEN(duties); i++) {
        struct str start = str_of(duties[i].start);
        bool twice = i > 0 && str_eq(start, str_of(duties[i - 1].start)); /* rows of a word stand together */
        struct clock_settling settling = {
            .start = duties[i].start,
            .trigger_ns = duty_trigger(&facts, start),
            .since_ns = incident->confirmed_ns,
            .again = duties[i].party != PARTY_NATIONAL,
        };
        if (!twice)
            clocks_settle(desk, &subject, &settling, who, now_ns);
    }
}

void duties_put(const struct desk *desk, struct buf *json, const struct incident *incident)
{
    json_put_text(json, "party", duty_party_name(desk->party));
    json_put_text(json, "origin", duty_origin_name(incident->origin));
    json_put_int(json, "told_ns", incident->told_ns);
}

void duties_put_origins(const struct desk *desk, struct buf *json)
{
    json_write_key(json, "origins");
    json_write_array(json);
    for (enum duty_origin origin = 0; origin < ORIGIN_COUNT; origin++)
        if (duty_origin_fits(desk->party, origin))
            json_write_text(json, duty_origin_name(origin));
    json_write_array_end(json);
}
