/* How long event logs of single objects are kept: who may say it, what is refused, and what other processes are told.
 */
#include "base/bytes.h"
#include "desk/asset_rules.h"
#include "desk/desk_testing.h"
#include "tlog/hash.h"

#include <unistd.h>

static struct stand stand;

/* As role/keep.h does: 1096 by the acts, 1200 by the setting. */
static enum rc check(void *context, uint32_t days, int64_t now_ns, struct err *err)
{
    CHECK(context == &stand);
    CHECK_INT(now_ns, stand.now);
    if (days < 1096)
        return err_set(err, RC_INVALID, "832 p.38(4) asks for more than %u", days);
    return days < 1200 ? err_set(err, RC_INVALID, "keep-days asks for more than %u", days) : RC_OK;
}

static bool opened_at(const char *path)
{
    struct str calendars[3];
    struct err err = {0};
    stand = (struct stand){.now = T0, .arena = arena_new((size_t)64 << 20)};
    buf_init(&stand.answer, DESK_QUESTION_MAX);
    struct desk_options options = stand_options(stand.arena, calendars);
    options.term_check = check;
    options.term_context = &stand;
    if (!CHECK_INT(db_open(path, &stand.db, &err), RC_OK) ||
        !CHECK_INT(desk_open(stand.db, &options, stand.now, &stand.desk, &stand.first, &err), RC_OK))
        return false;
    if (stand.first.made)
        stand_sign_in(&stand);
    return true;
}

static bool save(const char *object)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'object.save','who':'admin','object':%s}", object));
}

/* -1: there is no such object. */
static int64_t days_of(int64_t id)
{
    CHECK(stand_ask(&stand, "{'ask':'object.list','who':'admin'}"));
    for (const struct json_value *o = json_first(json_get(stand.json, "objects")); o; o = o->next)
        if (json_int(json_get(o, "id"), 0) == id)
            return json_int(json_get(o, "keep_days"), -1);
    return -1;
}

static void what_is_no_term(void)
{
    static const struct {
        const char *days;
        const char *text; /* of the refusal; NULL: it is one */
    } rows[] = {
        {"1200", NULL},
        {"36525", NULL},
        {"0", NULL},
        {"null", NULL},
        {"1", "832 p.38(4) asks for more than 1"},
        {"1095", "832 p.38(4) asks for more than 1095"},
        {"1199", "keep-days asks for more than 1199"},
        {"36526", "event logs are kept for a whole number of days, at most 36525"},
        {"-1", "event logs are kept for a whole number of days, at most 36525"},
        {"1200.5", "event logs are kept for a whole number of days, at most 36525"},
        {"4294968496", "event logs are kept for a whole number of days, at most 36525"},
        {"'1200'", "event logs are kept for a whole number of days, at most 36525"},
        {"[1200]", "event logs are kept for a whole number of days, at most 36525"},
        {"true", "event logs are kept for a whole number of days, at most 36525"},
    };
    if (!opened_at(":memory:"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].days);
        CHECK(save("{'id':1,'keep_days':1300}"));
        CHECK_INT(save(stand_format(&stand, "{'id':1,'keep_days':%s}", rows[i].days)), rows[i].text == NULL);
        if (rows[i].text) {
            CHECK_TEXT(stand_error(&stand), "invalid");
            CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "keep_days");
            CHECK_TEXT(json_str(json_get(stand.json, "text"), STR("")), rows[i].text);
            CHECK_INT(days_of(1), 1300);
        }
    }
    stand_close(&stand);
}

/* A term that was possible once is no reason to refuse another change. */
static void a_term_stays_until_it_is_changed(void)
{
    struct err err;
    if (!opened_at(":memory:"))
        return;
    CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK);
    db_run_i64(stand.db, "UPDATE object SET keep_days = 900 WHERE id = ?1", 1);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    CHECK(save("{'id':1,'owner':'K'}"));
    CHECK(save("{'id':1,'keep_days':900}"));
    CHECK_INT(days_of(1), 900);
    CHECK(!save("{'id':1,'keep_days':901}"));
    CHECK(save("{'id':1,'keep_days':0}"));
    CHECK_INT(days_of(1), 0);
    stand_close(&stand);
}

static void so_many_objects_have_one(void)
{
    if (!opened_at(":memory:"))
        return;
    for (unsigned i = 0; i < DESK_TERMS_MAX; i++)
        CHECK(save(stand_format(&stand, "{'id':0,'name':'o%u','keep_days':1200}", i)));
    CHECK(!save("{'id':0,'name':'x','keep_days':1200}"));
    CHECK_TEXT(json_str(json_get(stand.json, "field"), STR("")), "keep_days");
    CHECK(save("{'id':0,'name':'x'}"));
    CHECK(save("{'id':2,'keep_days':1201}")); /* one that has a term may get another */
    CHECK(save("{'id':2,'keep_days':0}"));
    CHECK(save("{'id':1,'keep_days':1200}"));
    stand_close(&stand);
}

static void a_change_is_a_record(void)
{
    struct desk_record record;
    struct arena *arena = arena_new((size_t)1 << 20);
    bool found = false;
    if (!opened_at(":memory:"))
        return;
    CHECK(save("{'id':1,'keep_days':1300,'assets':[{'kind':'host','pattern':'web*'},"
               "{'kind':'address','pattern':'10.0.0.0/8'}]}"));
    while (desk_take_record(stand.desk, arena, &record, NULL) == RC_OK)
        found = found || (str_search(record.body, STR("\"event\":\"object.saved\"")) < record.body.n &&
                          str_search(record.body,
                                     STR("\"keep_days\":1300,\"critical\":false,\"assets\":[\"web*\",\"10.0.0.0/8\"],"
                                         "\"assets_count\":2,\"version\":1,")) < record.body.n);
    CHECK(found);
    arena_free(arena);
    stand_close(&stand);
}

/* However many hosts an object has, the record of it is one that the archive takes. */
static void a_record_has_room(void)
{
    struct desk_record record;
    struct arena *arena = arena_new((size_t)4 << 20);
    struct buf text CLEANUP(buf_done) = {0};
    size_t longest = 0;
    if (!opened_at(":memory:"))
        return;
    buf_init(&text, DESK_QUESTION_MAX);
    buf_text(&text, "{'ask':'object.save','who':'admin','object':{'id':1,'assets':[");
    for (int i = 0; i < 500; i++) {
        buf_format(&text, "%s{'kind':'host','pattern':'%03d", i ? "," : "", i);
        for (int k = 0; k < 250; k++)
            buf_char(&text, 'h');
        buf_text(&text, "'}");
    }
    buf_text(&text, "]}}");
    CHECK(stand_ask(&stand, arena_strz(stand.arena, buf_view(&text))));
    while (desk_take_record(stand.desk, arena, &record, NULL) == RC_OK)
        longest = MAX(longest, record.body.n);
    CHECK(longest > 50000 && longest < 60000);
    arena_free(arena);
    stand_close(&stand);
}

/* The keeper's text and the packer's; they name each other, and rules say of a host what the desk says of a match. */
static void others_are_told(void)
{
    struct buf rules;
    struct buf terms;
    struct err err = {0};
    struct asset_rules back;
    struct tlog_hash digest;
    char want[256];
    char hex[2 * TLOG_HASH_SIZE + 1] = "";
    if (!opened_at(":memory:"))
        return;
    uint64_t version = desk_objects_version(stand.desk);
    CHECK(version != 0);
    CHECK(!save("{'id':1,'keep_days':1}"));
    CHECK_INT(desk_objects_version(stand.desk), version);
    CHECK(save("{'id':0,'name':'Por\\\"tal','keep_days':1300,'assets':[{'kind':'host','pattern':'web*'}]}"));
    CHECK(save("{'id':0,'name':'Base','assets':[{'kind':'address','pattern':'10.0.0.0/8'}]}"));
    CHECK(desk_objects_version(stand.desk) != version);
    buf_init(&rules, ASSET_RULES_BYTES);
    buf_init(&terms, DESK_TERMS_BYTES);
    CHECK_INT(desk_object_rules(stand.desk, &rules, &err), RC_OK);
    CHECK_INT(desk_object_terms(stand.desk, &terms, &err), RC_OK);
    struct tlog_hasher *hasher = tlog_hasher_new();
    tlog_hash_bytes(hasher, buf_view(&rules), &digest);
    tlog_hasher_free(hasher);
    hex_encode(digest.bytes, TLOG_HASH_SIZE, hex);
    snprintf(want, sizeof want, "{\"rules\":\"%s\",\"objects\":[{\"id\":2,\"name\":\"Por\\\"tal\",\"days\":1300}]}",
             hex);
    CHECK_TEXT(buf_view(&terms), want);
    if (CHECK_INT(asset_rules_read(buf_view(&rules), stand.arena, &back, &err), RC_OK)) {
        CHECK_INT(asset_rules_object(&back, STR("WEB1"), STR("10.1.1.1")), 2);
        CHECK_INT(asset_rules_object(&back, STR("db"), STR("10.1.1.1")), 3);
        CHECK_INT(asset_rules_object(&back, STR("db"), STR("11.1.1.1")), 1);
        CHECK_INT(asset_rules_object(&back, STR(""), STR("")), 1);
    }
    buf_done(&rules);
    buf_done(&terms);
    stand_close(&stand);
}

/* Every truncation, and every byte another: either refused, or rules all the same. */
static void damaged_rules_are_refused(void)
{
    static struct asset_rule rule[3];
    struct asset_rules rules = {.rule = rule, .count = 3, .fallback = 7};
    struct asset_rules back;
    struct buf whole;
    struct err err = {0};
    struct arena *arena = arena_new((size_t)1 << 20);
    CHECK(asset_rule_read(STR("web*"), false, 4, &rule[0]) && asset_rule_read(STR("10.0.0.0/8"), true, 5, &rule[1]) &&
          asset_rule_read(STR("::1"), true, 6, &rule[2]));
    CHECK(!asset_rule_read(STR("web*"), true, 4, &rule[2]) && !asset_rule_read(STR(""), false, 4, &rule[2]));
    CHECK(asset_rule_read(STR("::1"), true, 6, &rule[2]));
    buf_init(&whole, ASSET_RULES_BYTES);
    asset_rules_write(&rules, &whole);
    CHECK_INT(asset_rules_read(buf_view(&whole), arena, &back, &err), RC_OK);
    CHECK_INT(back.count, 3);
    CHECK_INT(asset_rules_object(&back, STR("x"), STR("::1")), 6);
    CHECK_INT(asset_rules_object(&back, STR("x"), STR("")), 7);
    for (size_t n = 0; n < whole.n; n++) {
        test_row("%zu bytes", n);
        arena_reset(arena);
        CHECK_INT(asset_rules_read(str_slice(buf_view(&whole), 0, n), arena, &back, &err), RC_INVALID);
        char kept = whole.p[n];
        whole.p[n] = (char)(kept ^ 0x41);
        arena_reset(arena);
        enum rc rc = asset_rules_read(buf_view(&whole), arena, &back, &err);
        CHECK(rc == RC_INVALID || (rc == RC_OK && back.count <= 3));
        whole.p[n] = kept;
    }
    buf_u8(&whole, 0);
    arena_reset(arena);
    CHECK_INT(asset_rules_read(buf_view(&whole), arena, &back, &err), RC_INVALID);
    buf_done(&whole);
    arena_free(arena);
}

/* A desk of before: its objects are kept as everything is. */
static void an_older_database(void)
{
    static const char *const rows[] = {"INSERT INTO object (id, name, class, contour, owner, zone_offset_s)"
                                       " VALUES (?1, 'Portal', 1, 'internal', 'K', 18000)"};
    char path[] = "/tmp/qorgan-terms-XXXXXX";
    if (!stand_older(path, "keep_days", rows, ARRAY_LEN(rows), 1))
        return;
    if (opened_at(path)) {
        CHECK_INT(days_of(1), 0);
        CHECK(save("{'id':1,'keep_days':1300}"));
        stand_close(&stand);
        CHECK(opened_at(path));
        CHECK_INT(days_of(1), 1300);
        stand_close(&stand);
    }
    unlink(path);
}

static const struct test tests[] = {
    {"what is no term", what_is_no_term},
    {"a term stays until it is changed", a_term_stays_until_it_is_changed},
    {"so many objects have one", so_many_objects_have_one},
    {"a change is a record", a_change_is_a_record},
    {"a record has room", a_record_has_room},
    {"others are told", others_are_told},
    {"damaged rules are refused", damaged_rules_are_refused},
    {"an older database", an_older_database},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
