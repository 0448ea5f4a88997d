/* Objects: their card as Annex 1 asks for it, drafts, versions, two people at one card, export and import, terms, and a
 * database of before. */
#include "desk/desk_testing.h"

#include <unistd.h>

static struct stand stand;

static bool save(const char *rest)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'object.save','who':'admin',%s}", rest));
}

static bool act(const char *name, const char *rest)
{
    return stand_ask(&stand,
                     stand_format(&stand, "{'ask':'object.act','who':'admin','id':1,'act':'%s',%s}", name, rest));
}

static const struct json_value *card(int64_t id)
{
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'object.card','who':'admin','id':%lld}", (long long)id)));
    return json_get(stand.json, "object");
}

/* The newest clock of a rule of object 1. */
static const struct json_value *clock_of(const char *rule)
{
    const struct json_value *found = NULL;
    for (const struct json_value *c = json_first(json_get(card(1), "clocks")); c; c = c->next)
        if (str_is(stand_text(c, "clock"), rule))
            found = c;
    return found;
}

static int64_t clocks(const char *rule, const char *state)
{
    int64_t count = 0;
    for (const struct json_value *c = json_first(json_get(card(1), "clocks")); c; c = c->next)
        count += str_is(stand_text(c, "clock"), rule) && str_is(stand_text(c, "state"), state);
    return count;
}

/* The end of a day at the object, which is five hours ahead. */
static int64_t end_of(int32_t year, int32_t month, int32_t day)
{
    return ((civil_to_days(year, month, day) + 1) * DAY_S - 5 * HOUR_S) * SECOND_NS;
}

/* --- the card --- */

#define WHOLE                                                                                                          \
    "'object':{'id':1,'name':'Portal','owner':'Committee','class':1,'contacts':[{'name':'Ann','post':'officer',"       \
    "'phone':'+7 1','email':'a@b.kz'}],'fields':{'street':'Abay 1','city':'Astana','region':'-','operator':'Firm',"    \
    "'operator_contacts':'Abay 2\\n+7 2','level':'high','transport':'yes','transport_rate':'100 Mbit/s',"              \
    "'internet':'no','collection':'yes','collection_name':'Qorgan','collection_contour':'internal'},"                  \
    "'means':[{'kind':'technical','name':'server','addresses':'192.0.2.1, "                                            \
    "2001:db8::1','domains':'web1','reserve':'yes'"                                                                    \
    "},{'kind':'software','name':'Debian','version':'12'}],'documents':[{'kind':'logical_scheme','title':'Scheme 1',"  \
    "'approved':'2026-01-15','approved_by':'Director'},{'kind':'physical_scheme','title':'Scheme 2'}]}"

static struct str missing_of(int64_t id)
{
    struct buf ids;
    buf_init(&ids, 4096);
    for (const struct json_value *f = json_first(json_get(card(id), "questionnaire")); f; f = f->next)
        if (json_bool(json_get(f, "missing"), false))
            buf_format(&ids, "%.*s ", STR_ARG(stand_text(f, "id")));
    struct str copy = arena_str(stand.arena, buf_view(&ids));
    buf_done(&ids);
    return copy.n ? copy : STR("");
}

static void what_is_missing_is_named(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK_TEXT(missing_of(1), "owner street city region operator operator_contacts level transport internet "
                              "logical_scheme physical_scheme collection contacts means ");
    CHECK(save("'object':{'id':1,'fields':{'transport':'yes','collection':'no'}}"));
    CHECK_TEXT(missing_of(1), "owner street city region operator operator_contacts level transport_rate internet "
                              "logical_scheme physical_scheme contacts means ");
    CHECK(save(WHOLE));
    CHECK_TEXT(missing_of(1), "");
    CHECK(save("'object':{'id':1,'fields':{'internet':'yes'},'documents':[{'kind':'logical_scheme','title':'S'}]}"));
    CHECK_TEXT(missing_of(1), "internet_rate physical_scheme ");
    CHECK(save("'object':{'id':1,'contacts':[{'since':'2026-01-15'}]}"));
    CHECK_TEXT(missing_of(1), "internet_rate physical_scheme contacts ");
    stand_close(&stand);
}

static void what_is_refused(void)
{
    static const struct {
        const char *object;
        const char *field;
    } rows[] = {
        {"'fields':{'nothing':'x'}", "fields"},
        {"'fields':{'name':'x'}", "fields"},
        {"'fields':{'contacts':'x'}", "fields"},
        {"'fields':[]", "fields"},
        {"'fields':{'city':'a\\u0001b'}", "city"},
        {"'fields':{'city':'a\\nb'}", "city"},
        {"'fields':{'city':7}", "city"},
        {"'fields':{'level':'highest'}", "level"},
        {"'fields':{'transport':'maybe'}", "transport"},
        {"'format':'qorgan.object/2'", "format"},
        {"'name':''", "name"},
        {"'class':4", "class"},
        {"'class':'x'", "class"},
        {"'zone_offset_s':99999", "zone_offset_s"},
        {"'industrial_day':'2026-11-22'", "industrial_day"}, /* tomorrow */
        {"'industrial_day':'2026-13-01'", "industrial_day"},
        {"'industrial_day':'20.11.2026'", "industrial_day"},
        {"'industrial_day':'1990-01-01'", "industrial_day"},
        {"'industrial_day':'2026-11-02','discontinued_day':'2026-11-01'", "discontinued_day"},
        {"'trial_day':'2026-11-02','trial_end_day':'2026-11-01'", "trial_end_day"},
        {"'trial_end_day':'2026-11-01'", "trial_end_day"},
        {"'trial_day':'2026-11-02','discontinued_day':'2026-11-01'", "discontinued_day"},
        {"'trial_day':'2026-10-01','trial_end_day':'2026-11-02','industrial_day':'2026-11-01'", "industrial_day"},
        {"'trial_day':'2026-10-01','trial_end_day':'2026-11-02','discontinued_day':'2026-11-01'", "discontinued_day"},
        {"'industrial_day':20261101", "industrial_day"}, /* no text: it would take the day away */
        {"'owner':7", "owner"},
        {"'critical':'yes'", "critical"},
        {"'critical_day':'2026-11-01'", "critical_day"},
        {"'means':{}", "means"},
        {"'means':[{'kind':'technical'}]", "means"}, /* no name */
        {"'means':[{'kind':'other','name':'x'}]", "means"},
        {"'means':[{'name':'x','addresses':'192.0.2.300'}]", "means"},
        {"'means':[{'name':'x','addresses':'192.0.2.1,'}]", "means"},
        {"'means':[{'name':'x','reserve':'maybe'}]", "means"},
        {"'means':['x']", "means"},
        {"'means':[{'name':'x','version':12}]", "means"},
        {"'means':[{'name':'x','reserve':true}]", "means"},
        {"'documents':[{'kind':'other'}]", "documents"},
        {"'documents':[{'title':'x','approved':'soon'}]", "documents"},
        {"'documents':[{'title':'x','sha256':'00'}]", "documents"},
        {"'contacts':[{'name':'a\\nb'}]", "contacts"},
        {"'contacts':[{'name':'a','since':'x'}]", "contacts"},
        {"'contacts':[{'name':'a','phone':77172}]", "contacts"},
        {"'assets':[{'kind':'address','pattern':'x'}]", "assets"},
    };
    if (!stand_opened(&stand, ":memory:"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i].object);
        CHECK(!save(stand_format(&stand, "'object':{'id':1,%s}", rows[i].object)));
        CHECK_TEXT(stand_error(&stand), "invalid");
        CHECK_TEXT(stand_text(stand.json, "field"), rows[i].field);
    }
    CHECK_INT(stand_number(card(1), "version"), 0);
    CHECK(!save("'object':{'id':99}"));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK(!save("'object':{'id':1},'reason':'a\\u0001'"));
    CHECK(!save("'object':{'id':1},'contacts_changed_ns':1"));
    CHECK(!save("'object':{'id':0,'name':'New'},'draft':true"));
    stand_close(&stand);
}

static void a_change_says_what_was_and_is(void)
{
    struct json_value *record = NULL;
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save(WHOLE));
    CHECK(save(
        "'object':{'id':1,'fields':{'city':'Almaty'},'means':[{'kind':'software','name':'Debian','version':'12'}]},"
        "'reason':'it moved'"));
    CHECK_INT(stand_records(&stand, "object.saved", &record), 2);
    const struct json_value *change = json_first(json_get(record, "changes"));
    CHECK_TEXT(stand_text(record, "detail"), "it moved");
    CHECK_TEXT(stand_text(record, "who"), "admin");
    CHECK_TEXT(stand_text(change, "field"), "city");
    CHECK_TEXT(stand_text(change, "was"), "Astana");
    CHECK_TEXT(stand_text(change, "now"), "Almaty");
    change = change ? change->next : NULL;
    CHECK_TEXT(stand_text(change, "field"), "means");
    CHECK_TEXT(stand_text(change, "was"), "technical; server; 192.0.2.1, 2001:db8::1; web1; yes");
    CHECK_TEXT(stand_text(change, "now"), "");
    CHECK_INT(stand_number(record, "changes_count"), 2);
    CHECK_INT(stand_number(record, "version"), 2);
    struct str digest = stand_text(record, "sha256");
    CHECK(stand_ask(&stand, "{'ask':'object.export','who':'admin','id':1}"));
    CHECK(str_eq(stand_text(stand.json, "sha256"), digest));
    CHECK(stand_ask(&stand, "{'ask':'object.versions','who':'admin','id':1}"));
    const struct json_value *version = json_first(json_get(stand.json, "versions"));
    CHECK_INT(stand_number(version, "version"), 2);
    CHECK_TEXT(stand_text(version, "reason"), "it moved");
    CHECK_INT(stand_number(version, "changes"), 2);
    CHECK(stand_ask(&stand, "{'ask':'object.version','who':'admin','id':1,'version':1}"));
    CHECK_TEXT(stand_text(json_get(json_get(stand.json, "object"), "fields"), "city"), "Astana");
    CHECK(stand_ask(&stand, "{'ask':'object.version','who':'admin','id':1,'version':2}"));
    CHECK_INT(json_get(stand.json, "changes")->count, 2);
    CHECK_TEXT(stand_text(json_first(json_get(stand.json, "changes")), "was"), "Astana");
    CHECK_TEXT(stand_text(stand.json, "reason"), "it moved");
    CHECK(!stand_ask(&stand, "{'ask':'object.version','who':'admin','id':1,'version':9}"));
    CHECK_TEXT(stand_text(json_first(json_get(card(1), "history")), "what"), "object.saved");
    stand_close(&stand);
}

/* The oldest versions go, and no other object's. */
static void so_many_versions(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save("'object':{'id':0,'name':'Other'}"));
    for (int i = 0; i < 60; i++)
        CHECK(save(stand_format(&stand, "'object':{'id':1,'owner':'O%d'}", i)));
    CHECK(stand_ask(&stand, "{'ask':'object.version','who':'admin','id':1,'version':11}"));
    CHECK(!stand_ask(&stand, "{'ask':'object.version','who':'admin','id':1,'version':10}"));
    CHECK(stand_ask(&stand, "{'ask':'object.version','who':'admin','id':2,'version':1}"));
    stand_close(&stand);
}

/* --- drafts, and two people --- */

static void a_draft_holds_nothing(void)
{
    struct json_value *record = NULL;
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save("'object':{'id':1,'owner':'Before'}"));
    CHECK(save("'object':{'id':1,'owner':'After','industrial_day':'2026-11-20'},'draft':true,'draft_ns':0"));
    CHECK_TEXT(stand_text(card(1), "owner"), "Before");
    CHECK_INT(stand_records(&stand, "object.saved", &record), 1);
    CHECK(!clock_of("M-01"));
    const struct json_value *draft = json_get(card(1), "draft");
    CHECK_TEXT(stand_text(json_get(draft, "card"), "owner"), "After");
    CHECK_TEXT(stand_text(draft, "who"), "admin");
    int64_t seen = stand_number(draft, "time_ns");
    stand.now += S(1);
    CHECK(!save("'object':{'id':1,'owner':'Other'},'draft':true,'draft_ns':0")); /* it saw none */
    CHECK_TEXT(stand_error(&stand), "object_changed");
    CHECK(
        save(stand_format(&stand, "'object':{'id':1,'owner':'Third'},'draft':true,'draft_ns':%lld", (long long)seen)));
    CHECK(!stand_ask(&stand, stand_format(&stand, "{'ask':'object.draft_end','who':'admin','id':1,'draft_ns':%lld}",
                                          (long long)seen)));
    CHECK(save("'object':{'id':1,'contour':'external'}")); /* somebody else's change loses nobody's draft */
    draft = json_get(card(1), "draft");
    CHECK_TEXT(stand_text(json_get(draft, "card"), "owner"), "Third");
    CHECK_INT(stand_number(draft, "version"), stand_number(card(1), "version") - 1);
    seen = stand_number(json_get(card(1), "draft"), "time_ns");
    CHECK(save(stand_format(&stand, "'object':{'id':1,'owner':'Third'},'draft_ns':%lld", (long long)seen)));
    CHECK_INT(json_get(card(1), "draft")->kind, JSON_NULL);
    stand_close(&stand);
}

static void the_second_is_told(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    int64_t version = stand_number(card(1), "version");
    CHECK(save(stand_format(&stand, "'version':%lld,'object':{'id':1,'owner':'First'}", (long long)version)));
    CHECK(!save(stand_format(&stand, "'version':%lld,'object':{'id':1,'contour':'external'}", (long long)version)));
    CHECK_TEXT(stand_error(&stand), "object_changed");
    CHECK_TEXT(stand_text(card(1), "owner"), "First");
    CHECK_TEXT(stand_text(card(1), "contour"), "internal");
    CHECK(
        save(stand_format(&stand, "'dry':true,'version':%lld,'object':{'id':1,'owner':'Second'}", (long long)version)));
    CHECK_INT(stand_number(stand.json, "version"), version + 1); /* what he has to have seen */
    CHECK_TEXT(stand_text(json_first(json_get(stand.json, "changes")), "was"), "First");
    CHECK_TEXT(stand_text(card(1), "owner"), "First");
    CHECK(save(stand_format(&stand, "'version':%lld,'object':{'id':1,'owner':'Second'}", (long long)version + 1)));
    stand_close(&stand);
}

/* --- export and import --- */

static const char *exported(int64_t id)
{
    CHECK(stand_ask(&stand, stand_format(&stand, "{'ask':'object.export','who':'admin','id':%lld}", (long long)id)));
    const struct json_value *object = json_get(stand.json, "object");
    return object ? arena_strz(stand.arena, object->text) : "{}";
}

/* The question with the card in it, which is as long as a card may be. */
static bool import(const char *text, int64_t id, const char *rest)
{
    struct buf question;
    buf_init(&question, DESK_QUESTION_MAX);
    buf_format(&question, "{\"ask\":\"object.save\",\"who\":\"admin\",%s\"object\":{\"id\":%lld,%s}", rest,
               (long long)id, text + 1);
    bool ok = stand_ask(&stand, arena_strz(stand.arena, buf_view(&question)));
    buf_done(&question);
    return ok;
}

static uint32_t next(uint32_t below)
{
    uint32_t n;
    stand_random(&n, sizeof n);
    return n % below;
}

static struct str word(struct buf *buf)
{
    static const char *const pieces[] = {"a", "Қ", "Ж", " ", ";", ",", "<b>", "\\\"", "\\\\", "1", "=", "\xe2\x80\x8b"};
    buf_clear(buf);
    buf_char(buf, 'w');
    for (uint32_t n = next(12); n > 0; n--)
        buf_text(buf, pieces[next(ARRAY_LEN(pieces))]);
    buf_char(buf, 'w');
    return buf_view(buf);
}

static void word_put(struct buf *text, const char *before, const char *name, struct buf *piece)
{
    struct str made = word(piece);
    buf_format(text, "%s\"%s\":\"%.*s\"", before, name, STR_ARG(made));
}

static const char *random_object(const char *name)
{
    static const char *const fields[] = {"street", "city", "operator", "holder", "collection_name"};
    char storage[256];
    struct buf piece;
    struct buf text;
    buf_init_fixed(&piece, storage, sizeof storage);
    buf_init(&text, 1u << 18);
    buf_format(&text, "{\"name\":\"%s\",\"class\":%u", name, 1 + next(3));
    buf_format(&text, ",\"critical\":%s", next(2) ? "true" : "false");
    word_put(&text, ",", "owner", &piece);
    buf_text(&text, ",\"fields\":{");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        word_put(&text, i ? "," : "", fields[i], &piece);
    buf_text(&text, "},\"means\":[");
    for (uint32_t n = next(30), i = 0; i < n; i++) {
        word_put(&text, i ? ",{" : "{", "name", &piece);
        buf_format(&text, ",\"kind\":\"%s\"", next(2) ? "software" : "technical");
        buf_format(&text, ",\"addresses\":\"192.0.2.%u\"}", next(256));
    }
    buf_text(&text, "],\"contacts\":[");
    for (uint32_t n = next(5), i = 0; i < n; i++) {
        word_put(&text, i ? ",{" : "{", "name", &piece);
        buf_format(&text, ",\"since\":\"2025-01-1%u\"}", next(9));
    }
    buf_text(&text, "],\"documents\":[{\"title\":\"t\"}],\"assets\":[{\"kind\":\"host\",\"pattern\":\"w*\"}]}");
    const char *copy = arena_strz(stand.arena, buf_view(&text));
    buf_done(&text);
    return copy;
}

/* Who saves again with the version that he was answered is not told that somebody was faster. */
static void the_version_answered_stands(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save("'object':{'id':1,'owner':'A'}"));
    for (int i = 0; i < 3; i++) {
        int64_t version = stand_number(stand.json, "version");
        CHECK(save(stand_format(&stand, "'version':%lld,'object':{'id':1,'owner':'B%d'}", (long long)version, i)));
    }
    int64_t stands = stand_number(stand.json, "version");
    CHECK_INT(stand_number(card(1), "version"), stands);
    CHECK(save("'dry':true,'object':{'id':1,'owner':'C'}"));
    CHECK_INT(stand_number(stand.json, "version"), stands);
    stand_close(&stand);
}

/* Of a long history the end is shown, in its order. */
static void the_end_of_a_long_history(void)
{
    struct err err;
    int64_t last = 0, count = 0, newest = 0;
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK);
    db_run_i64(stand.db,
               "INSERT INTO history (subject, item, time_ns, who, what, detail, outgoing) WITH RECURSIVE n(i) AS"
               " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1300) SELECT 3, ?1, i, 'a', 'object.saved', '', 0"
               " FROM n",
               1);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    for (const struct json_value *h = json_first(json_get(card(1), "history")); h; h = h->next, count++) {
        newest = stand_number(h, "time_ns");
        CHECK(newest > last);
        last = newest;
    }
    CHECK_INT(count, 1000);
    CHECK_INT(newest, 1300);
    stand_close(&stand);
}

static void what_goes_out_comes_in(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    for (int i = 0; i < 60; i++) {
        test_row("round %d", i);
        if (!CHECK(import(random_object("One"), 1, "")))
            break;
        const char *whole = exported(1);
        CHECK(import(whole, 1, "\"dry\":true,"));
        CHECK_INT(stand_number(stand.json, "changes_count"), 0);
        CHECK(import(random_object("One"), 1, ""));
        CHECK(import(whole, 1, ""));
        CHECK_TEXT(str_of(exported(1)), whole);
    }
    /* and as another object, but for the name */
    const char *whole = exported(1);
    size_t at = str_search(str_of(whole), STR("\"One\""));
    char *other = arena_strz(stand.arena, str_of(whole));
    memcpy(other + at, "\"Two\"", 5);
    CHECK(import(other, 0, ""));
    CHECK_TEXT(str_of(exported(stand_number(stand.json, "id"))), other);
    stand_close(&stand);
}

/* What is too long for an answer is refused before it stands. */
static void a_card_has_a_size(void)
{
    struct buf text;
    if (!stand_opened(&stand, ":memory:"))
        return;
    buf_init(&text, DESK_QUESTION_MAX);
    buf_text(&text, "{\"means\":[");
    for (int i = 0; i < 500; i++) {
        buf_format(&text, "%s{\"name\":\"%d\",\"purpose\":\"", i ? "," : "", i);
        for (int k = 0; k < 490; k++)
            buf_char(&text, 'p');
        buf_text(&text, "\"}");
    }
    buf_text(&text, "]}");
    CHECK(!import(arena_strz(stand.arena, buf_view(&text)), 1, ""));
    CHECK_TEXT(stand_text(stand.json, "field"), "means");
    buf_done(&text);
    stand_close(&stand);
}

/* What a record names of a change is bounded as it is written: quotes are two bytes there. */
static void a_record_has_a_size(void)
{
    struct json_value *record = NULL;
    struct buf text;
    if (!stand_opened(&stand, ":memory:"))
        return;
    buf_init(&text, DESK_QUESTION_MAX);
    for (int i = 0; i < 100; i++) {
        buf_format(&text, "%s{\"name\":\"%d\",\"purpose\":\"", i ? "," : "{\"means\":[", i);
        for (int k = 0; k < 490; k++)
            buf_text(&text, "\\\"");
        buf_text(&text, "\"}");
    }
    buf_text(&text, "]}");
    CHECK(import(arena_strz(stand.arena, buf_view(&text)), 1, ""));
    CHECK_INT(stand_records(&stand, "object.saved", &record), 1);
    CHECK_INT(stand_number(record, "changes_count"), 100);
    const struct json_value *changes = json_get(record, "changes");
    CHECK(changes && changes->count > 30 && changes->count < 41); /* of about 1,000 bytes each */
    CHECK(changes && changes->text.n <= 40000);
    buf_done(&text);
    stand_close(&stand);
}

/* --- terms --- */

static void industrial_operation(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save("'object':{'id':1,'class':2,'industrial_day':'2026-11-20'}"));
    CHECK_INT(stand_number(clock_of("M-01"), "due_ns"), end_of(2026, 12, 4));  /* ten working days after a Friday */
    CHECK_INT(stand_number(clock_of("U-08"), "due_ns"), end_of(2027, 11, 22)); /* a Saturday, so on Monday */
    CHECK_TEXT(stand_text(json_get(clock_of("M-01"), "paragraph"), "ru"), "п. 8");
    CHECK_TEXT(stand_text(json_get(clock_of("U-08"), "paragraph"), "kk"), "50-тармақ");
    CHECK_TEXT(json_str(json_first(json_get(card(1), "acts")), STR("")), "told_operation");
    CHECK(!act("told_operation", "'note':'a'"));
    CHECK_TEXT(stand_text(stand.json, "field"), "note");
    CHECK(!act("told_discontinued", "'note':'letter 12'")); /* no such term runs */
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK(!act("fly", "'note':'letter 12'"));
    stand.now += H(24);
    CHECK(!act("told_operation", stand_format(&stand, "'note':'letter 12','at_ns':%lld", (long long)(stand.now + 1))));
    CHECK(!act("told_operation", stand_format(&stand, "'note':'letter 12','at_ns':%lld", (long long)(T0 - H(48)))));
    CHECK_TEXT(stand_error(&stand), "state_refuses"); /* before the day that it tells of */
    CHECK_INT(clocks("M-01", "running"), 1);
    CHECK(act("told_operation", stand_format(&stand, "'note':'letter 12','at_ns':%lld", (long long)T0)));
    CHECK_TEXT(stand_text(clock_of("M-01"), "state"), "met");
    CHECK_INT(stand_number(clock_of("M-01"), "met_ns"), T0);
    CHECK_TEXT(stand_text(clock_of("U-08"), "state"), "running");
    /* another class takes the term away, and brings it back; the day that is corrected begins anew */
    CHECK(save("'object':{'id':1,'class':3}"));
    CHECK_TEXT(stand_text(clock_of("U-08"), "state"), "cancelled");
    CHECK(save("'object':{'id':1,'class':1}"));
    CHECK_TEXT(stand_text(clock_of("U-08"), "state"), "running");
    CHECK(act("connected", "'note':'connected by act 3'"));
    CHECK(save("'object':{'id':1,'class':3}"));
    CHECK(save("'object':{'id':1,'class':1}"));
    CHECK_INT(clocks("U-08", "running"), 0); /* it was done */
    CHECK(save("'object':{'id':1,'industrial_day':'2026-11-19'}"));
    CHECK_INT(stand_number(clock_of("M-01"), "due_ns"), end_of(2026, 12, 3));
    CHECK_INT(clocks("M-01", "met"), 1);
    CHECK_INT(clocks("M-01", "running"), 1);
    CHECK(save("'object':{'id':1,'industrial_day':''}"));
    CHECK_INT(clocks("M-01", "running"), 0);
    stand_close(&stand);
}

static void discontinued_and_trial(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save("'object':{'id':1,'class':1,'trial_day':'2026-03-02'}"));
    CHECK_INT(stand_number(clock_of("U-15"), "due_ns"), end_of(2027, 3, 2));
    CHECK(save("'object':{'id':1,'trial_end_day':'2026-11-10'}"));
    CHECK_TEXT(stand_text(clock_of("U-15"), "state"), "met");
    CHECK_INT(stand_number(clock_of("U-15"), "met_ns"), end_of(2026, 11, 9));
    CHECK(save("'object':{'id':1,'industrial_day':'2026-11-12','critical':true,'critical_day':'2026-11-13'}"));
    CHECK_INT(clocks("U-08", "running") + clocks("M-27", "running"), 2);
    CHECK(save("'object':{'id':1,'discontinued_day':'2026-11-19'}"));
    CHECK_INT(stand_number(clock_of("M-02"), "due_ns"), end_of(2026, 12, 3));
    CHECK_INT(clocks("M-01", "running"), 1); /* that it began must still be told */
    CHECK_INT(clocks("U-08", "running") + clocks("M-27", "running"), 0);
    CHECK(act("told_discontinued", "'note':'letter 13'"));
    CHECK_TEXT(stand_text(clock_of("M-02"), "state"), "met");
    stand_close(&stand);
}

static void critical_objects(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save("'object':{'id':1,'critical':true}"));
    CHECK(!clock_of("M-27"));
    CHECK(save("'object':{'id':1,'critical_day':'2026-11-20'}"));
    CHECK_INT(stand_number(clock_of("M-27"), "due_ns"), end_of(2027, 2, 18)); /* ninety days */
    CHECK(!clock_of("U-09"));
    CHECK(save("'object':{'id':1,'private':true}"));
    CHECK_INT(stand_number(clock_of("U-09"), "due_ns"), end_of(2027, 11, 22));
    CHECK_INT(clocks("M-27", "running"), 1);
    CHECK(act("connected_center", "'note':'contract 4, Ann is responsible'"));
    CHECK_TEXT(stand_text(clock_of("M-27"), "state"), "met");
    CHECK(act("center", "'note':'contract 5'"));
    CHECK_TEXT(stand_text(clock_of("U-09"), "state"), "met");
    CHECK(save("'object':{'id':1,'critical':false,'critical_day':''}"));
    CHECK_TEXT(stand_text(clock_of("M-27"), "state"), "met");
    stand_close(&stand);
}

static void requests(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(act("requested", "'note':'letter 77 of STS'"));
    CHECK_INT(stand_number(clock_of("M-23"), "due_ns"), end_of(2026, 12, 4));
    CHECK(act("told_data", "'note':'sent by mail'"));
    CHECK_TEXT(stand_text(clock_of("M-23"), "state"), "met");
    for (int i = 0; i < 16; i++)
        CHECK(act("requested", "'note':'again'"));
    CHECK(!act("requested", "'note':'again'"));
    CHECK(act("told_data", "'note':'sent by mail'"));
    CHECK_INT(clocks("M-23", "met"), 17);
    stand_close(&stand);
}

static void contacts(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(save("'object':{'id':1,'contacts':[{'name':'Ann','phone':'1'}]}"));
    CHECK(!clock_of("M-24")); /* the first are no change */
    CHECK_TEXT(stand_text(json_first(json_get(card(1), "contacts")), "since"), "");
    CHECK(save("'object':{'id':1,'owner':'O','contacts':[{'name':'Ann','phone':'1'}]}"));
    CHECK(!clock_of("M-24"));
    CHECK(save(stand_format(&stand,
                            "'object':{'id':1,'contacts':[{'name':'Ann','phone':'1'},{'name':'Bob'}]},"
                            "'contacts_changed_ns':%lld",
                            (long long)(T0 - H(2)))));
    CHECK_INT(stand_number(clock_of("M-24"), "trigger_ns"), T0 - H(2));
    CHECK_INT(stand_number(clock_of("M-24"), "due_ns"), T0 + H(46));
    const struct json_value *ann = json_first(json_get(card(1), "contacts"));
    CHECK_TEXT(stand_text(ann, "since"), "");
    CHECK_TEXT(stand_text(ann ? ann->next : NULL, "since"), "2026-11-21");
    stand.now += H(1);
    CHECK(save("'object':{'id':1,'contacts':[{'name':'Ann','phone':'2'},{'name':'Bob'}]}"));
    CHECK_INT(clocks("M-24", "running"), 2);
    CHECK(act("told_contacts", "'note':'mail to STS'"));
    CHECK_INT(clocks("M-24", "met"), 2);
    CHECK(save("'object':{'id':1,'contacts':[]}"));
    CHECK_INT(clocks("M-24", "running"), 1);
    stand.now += H(49);
    struct err err;
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_INT(clocks("M-24", "overdue"), 1);
    CHECK(
        act("told_contacts", stand_format(&stand, "'note':'mail to STS','at_ns':%lld", (long long)(stand.now - H(3)))));
    struct json_value *record = NULL;
    CHECK_INT(stand_records(&stand, "clock.met", &record), 3);
    CHECK(!json_bool(json_get(record, "late"), true)); /* it was told in time, only written down later */
    CHECK_TEXT(stand_text(record, "object_number"), "O-000001");
    stand_close(&stand);
}

/* Who has the duty is told in his language before it is late, and when it is. */
static void notices(void)
{
    static const struct {
        const char *language;
        const char *what;
    } rows[] = {
        {"kk", "өзекті байланыс деректерін «МТҚ» АҚ-ға жолдау"},
        {"ru", "Направить в АО «ГТС» актуальные контактные данные"},
        {"en", "Send STS the current contact data"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        if (!stand_opened(&stand, ":memory:"))
            return;
        test_row("%s", rows[i].language);
        CHECK(stand_ask(&stand, stand_format(&stand,
                                             "{'ask':'channel.save','who':'admin','channel':{'kind':'mail','to':"
                                             "'a@b.kz','server':'smtp.kz','from':'q@b.kz','language':'%s'}}",
                                             rows[i].language)));
        CHECK(save("'object':{'id':1,'name':'Portal','contacts':[{'name':'Ann'}]}"));
        CHECK(save("'object':{'id':1,'contacts':[{'name':'Bob'}]}"));
        stand.now += H(25); /* half of the term */
        CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
        stand.now += H(24);
        CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
        CHECK_INT(db_begin(stand.db, DB_READ, &err), RC_OK);
        struct db_query q = db_query(stand.db, "SELECT title, body FROM outbox ORDER BY id");
        int64_t count = 0;
        for (; db_next(&q); count++) {
            struct str title = db_text(&q), body = db_text(&q);
            CHECK(str_search(title, STR("[O-000001]")) < title.n && str_search(title, STR("M-24")) < title.n);
            CHECK(str_search(body, str_of(rows[i].what)) < body.n && str_search(body, STR("Portal")) < body.n);
        }
        CHECK_INT(db_end(stand.db, true, &err), RC_OK);
        CHECK_INT(count, 2); /* a warning, and that it is over */
        stand_close(&stand);
    }
}

/* --- a database of before --- */

static void an_older_database(void)
{
    char path[] = "/tmp/qorgan-desk-XXXXXX";
    static const char *const rows[] = {
        "INSERT INTO object VALUES (?1, 'Old', 1, 'external', 'Owner', 21600, 1500, 1)",
        "INSERT INTO contact (object, place, name, email, phone) VALUES (?1, 0, 'Ann', 'a@b', '1')",
        "INSERT INTO asset (object, place, kind, pattern) VALUES (?1, 0, 'host', 'web*')",
    };
    if (!stand_older(path, "CREATE TABLE object_version", rows, ARRAY_LEN(rows), 1) || !stand_opened(&stand, path))
        return;
    const struct json_value *object = card(1);
    CHECK_TEXT(stand_text(object, "name"), "Old");
    CHECK_INT(stand_number(object, "zone_offset_s"), 21600);
    CHECK_INT(stand_number(object, "keep_days"), 1500);
    CHECK(json_bool(json_get(object, "critical"), false));
    CHECK_INT(stand_number(object, "version"), 0);
    CHECK_TEXT(stand_text(json_first(json_get(object, "contacts")), "email"), "a@b");
    CHECK_TEXT(stand_text(json_first(json_get(object, "assets")), "pattern"), "web*");
    CHECK_INT(json_get(object, "clocks")->count, 0); /* no term begins because the product is newer */
    CHECK(save("'version':0,'object':{'id':1,'fields':{'city':'Astana'}}"));
    CHECK_TEXT(stand_text(json_first(json_get(card(1), "contacts")), "email"), "a@b");
    stand_close(&stand);
    unlink(path);
}

static void who_may(void)
{
    if (!stand_opened(&stand, ":memory:"))
        return;
    CHECK(stand_ask(&stand, "{'ask':'user.save','who':'admin','user':{'name':'eve','role':'auditor','password':"
                            "'first garden 1234'}}"));
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK);
    db_run_i64(stand.db, "UPDATE user SET must_change = ?1", 0);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
    CHECK(stand_ask(&stand, "{'ask':'object.card','who':'eve','id':1}"));
    CHECK(!json_bool(json_get(stand.json, "may_change"), true));
    CHECK_INT(json_get(json_get(stand.json, "object"), "acts")->count, 0);
    CHECK(stand_ask(&stand, "{'ask':'object.export','who':'eve','id':1}"));
    CHECK(!stand_ask(&stand, "{'ask':'object.act','who':'eve','id':1,'act':'requested','note':'abc'}"));
    CHECK(!stand_ask(&stand, "{'ask':'object.draft_end','who':'eve','id':1,'draft_ns':0}"));
    CHECK(!stand_ask(&stand, "{'ask':'object.save','who':'eve','object':{'id':1},'dry':true}"));
    CHECK(!stand_ask(&stand, "{'ask':'object.card','who':'eve','id':0}"));
    CHECK(!stand_ask(&stand, "{'ask':'object.card','who':'eve','id':7}"));
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is missing is named", what_is_missing_is_named},
        {"what is refused", what_is_refused},
        {"a change says what was and is", a_change_says_what_was_and_is},
        {"so many versions", so_many_versions},
        {"a draft holds nothing", a_draft_holds_nothing},
        {"the second is told", the_second_is_told},
        {"the version answered stands", the_version_answered_stands},
        {"the end of a long history", the_end_of_a_long_history},
        {"what goes out comes in", what_goes_out_comes_in},
        {"a card has a size", a_card_has_a_size},
        {"a record has a size", a_record_has_a_size},
        {"industrial operation", industrial_operation},
        {"discontinued and trial", discontinued_and_trial},
        {"critical objects", critical_objects},
        {"requests", requests},
        {"contacts", contacts},
        {"notices", notices},
        {"an older database", an_older_database},
        {"who may", who_may},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
