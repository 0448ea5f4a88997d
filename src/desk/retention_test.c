/* Deletion as people decide it: who may propose and approve, when a proposal ends, what goes to the keeper. */
#include "desk/desk_testing.h"
#include "desk/schema.h"

#include <unistd.h>

static struct stand stand;
static struct desk_segment segments[4];
static struct desk_retention told;

/* Three that may go, one that may not. */
static void keeper_tells(void)
{
    told = (struct desk_retention){.days = 1096,
                                   .law = STR("abcd"),
                                   .next_ns = T0 + H(24),
                                   .segments = segments,
                                   .segment_count = 4,
                                   .may_count = 3,
                                   .may_bytes = 3000};
    for (uint64_t i = 0; i < 4; i++)
        segments[i] = (struct desk_segment){
            .first = i * 100,
            .end = i * 100 + 100,
            .bytes = 1000,
            .received_max_ns = T0 - H(40000),
            .keep_until_ns = T0 - S((int64_t)i),
            .state = i < 3 ? DESK_SEGMENT_MAY : DESK_SEGMENT_KEPT,
        };
    desk_set_retention(stand.desk, &told);
}

static bool save_user(const char *who, const char *name, const char *role, const char *password)
{
    return stand_ask(&stand, stand_format(&stand,
                                          "{'ask':'user.save','who':'%s','user':{'name':'%s','role':'%s',"
                                          "'password':'%s','enabled':true}}",
                                          who, name, role, password));
}

/* The owner signs in and takes a password of their own. */
static void change_password(const char *name, const char *given)
{
    CHECK(stand_ask(
        &stand, stand_format(&stand, "{'ask':'session.open','user':'%s','password':'%s','address':'x'}", name, given)));
    const char *token = arena_strz(stand.arena, json_str(json_get(stand.json, "token"), STR("")));
    CHECK(stand_ask(&stand,
                    stand_format(&stand, "{'ask':'password.change','token':'%s','old':'%s','new':'second garden 66'}",
                                 token, given)));
}

static void make_user_by(const char *who, const char *name, const char *role)
{
    CHECK(save_user(who, name, role, "first garden 55"));
    change_password(name, "first garden 55");
}

static void make_user(const char *name, const char *role)
{
    make_user_by("admin", name, role);
}

/* To an officer. */
static void give_password(const char *who, const char *name)
{
    CHECK(save_user(who, name, "officer", "third garden 77"));
    change_password(name, "third garden 77");
}

static bool opened(void)
{
    struct err err = {0};
    if (!CHECK_INT(stand_open(&stand, ":memory:", &err), RC_OK)) {
        printf("# %s\n", err.text);
        return false;
    }
    stand_sign_in(&stand);
    make_user("ann", "officer");
    make_user("bob", "officer");
    make_user("eve", "analyst");
    make_user("oto", "auditor");
    keeper_tells();
    return true;
}

static bool propose(const char *who, const char *list, const char *reason)
{
    return stand_ask(&stand, stand_format(&stand, "{'ask':'retention.propose','who':'%s','segments':%s,'reason':'%s'}",
                                          who, list, reason));
}

static bool decide(const char *ask, const char *who, int id)
{
    return stand_ask(
        &stand,
        stand_format(&stand, "{'ask':'retention.%s','who':'%s','id':%d,'reason':'the term is over'}", ask, who, id));
}

/* The proposal's state as anybody sees it. */
static struct str state_of(int id)
{
    CHECK(stand_ask(&stand, "{'ask':'retention.list','who':'oto'}"));
    for (const struct json_value *p = json_first(json_get(stand.json, "proposals")); p; p = p->next)
        if (json_int(json_get(p, "id"), 0) == id)
            return json_str(json_get(p, "state"), STR(""));
    return STR("none");
}

/* State of a part of the proposal that stands first in the list. */
static struct str part_of(int id, int64_t first)
{
    CHECK_INT(state_of(id).n > 0, true);
    const struct json_value *p = json_first(json_get(stand.json, "proposals"));
    for (const struct json_value *s = json_first(json_get(p, "segments")); s; s = s->next)
        if (json_int(json_get(s, "first"), -1) == first)
            return json_str(json_get(s, "state"), STR(""));
    return STR("none");
}

/* What the page of the archive is told. */
static bool waits(void)
{
    CHECK(stand_ask(&stand, "{'ask':'source.list','who':'oto'}"));
    const struct json_value *totals = json_get(stand.json, "totals");
    CHECK_INT(json_int(json_get(totals, "deletion_ns"), 0), told.next_ns);
    return json_bool(json_get(totals, "proposal_waits"), false);
}

static int64_t id_of(void)
{
    return json_int(json_get(stand.json, "id"), 0);
}

/* How many records of this event wait for the archive; the last one's text. */
static size_t records(const char *event, struct str *ret_last)
{
    struct desk_record record;
    struct err err;
    size_t count = 0;
    const char *head = stand_format(&stand, "{\"event\":\"%s\",", event);
    desk_records_rewind(stand.desk);
    while (desk_take_record(stand.desk, stand.arena, &record, &err) == RC_OK)
        if (str_starts(record.body, str_of(head))) {
            *ret_last = record.body;
            count++;
        }
    return count;
}

static void what_is_no_proposal(void)
{
    static const struct {
        const char *who;
        const char *list;
        const char *reason;
        const char *error;
    } rows[] = {
        {"eve", "[0]", "the term is over", "denied"},
        {"oto", "[0]", "the term is over", "denied"},
        {"nobody", "[0]", "the term is over", "denied"},
        {"ann", "[0]", "old", "invalid"},
        {"ann", "[0]", "                    ", "invalid"},
        {"ann", "[]", "the term is over", "invalid"},
        {"ann", "7", "the term is over", "invalid"},
        {"ann", "[300]", "the term is over", "invalid"}, /* too young */
        {"ann", "[50]", "the term is over", "invalid"},
        {"ann", "[-1]", "the term is over", "invalid"},
        {"ann", "[0,0]", "the term is over", "invalid"},
        {"ann", "['0',100]", "the term is over", "invalid"},
    };
    struct str last = STR_NONE;
    if (!opened())
        return;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu", i);
        CHECK(!propose(rows[i].who, rows[i].list, rows[i].reason));
        CHECK_TEXT(stand_error(&stand), rows[i].error);
    }
    told.error = STR("no act is in force");
    desk_set_retention(stand.desk, &told);
    CHECK(!propose("ann", "[0]", "the term is over"));
    CHECK_TEXT(stand_error(&stand), "unavailable");
    CHECK_INT(records("retention.proposed", &last), 0);
    stand_close(&stand);
}

static void two_persons(void)
{
    struct str last = STR_NONE;
    if (!opened())
        return;
    CHECK(propose("ann", "[100,0]", "\xd0\xbc\xd0\xb5\xd1\x80\xd0\xb7\xd1\x96\xd0\xbc\xd1\x96 \xd3\xa9\xd1\x82"));
    CHECK_INT(id_of(), 1);
    CHECK(!propose("bob", "[200]", "the term is over"));
    CHECK_TEXT(stand_error(&stand), "proposal_open");
    CHECK(!decide("approve", "ann", 1));
    CHECK_TEXT(stand_error(&stand), "same_person");
    CHECK(!decide("approve", "admin", 1)); /* who made ann's account */
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(!decide("approve", "eve", 1));
    CHECK_TEXT(stand_error(&stand), "denied");
    CHECK(!decide("approve", "bob", 2));
    CHECK_TEXT(stand_error(&stand), "not_found");
    CHECK_TEXT(state_of(1), "proposed");
    CHECK(waits());
    CHECK(decide("approve", "bob", 1));
    CHECK(!waits());
    CHECK_TEXT(state_of(1), "approved");
    CHECK(!decide("approve", "bob", 1));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK_INT(records("retention.proposed", &last), 1);
    CHECK_INT(records("retention.approved", &last), 1);
    CHECK(str_search(last, STR("\"who\":\"bob\",\"proposal\":1,\"proposer\":\"ann\",\"records\":200,\"bytes\":2000,"
                               "\"first\":0,\"end\":200,\"days\":1096,\"law\":\"abcd\",")) < last.n);
    CHECK(str_search(last, STR("\"segments\":[0,100]")) < last.n);
    stand_close(&stand);
}

/* Whoever set the other's password could sign in as the other. */
static void who_made_whom(void)
{
    if (!opened())
        return;
    CHECK(propose("admin", "[0]", "the term is over"));
    CHECK(!decide("approve", "ann", 1));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(decide("refuse", "admin", 1));
    CHECK_TEXT(state_of(1), "withdrawn");
    make_user("eva", "administrator");
    CHECK(propose("ann", "[0]", "the term is over"));
    CHECK(save_user("eva", "bob", "officer", "third garden 77"));
    CHECK(!decide("approve", "bob", 2)); /* must change the password first */
    CHECK_TEXT(stand_error(&stand), "must_change");
    CHECK(decide("approve", "eva", 2)); /* an administrator who had nothing to do with ann's account */
    stand_close(&stand);
}

static void a_password_given_counts(void)
{
    if (!opened())
        return;
    make_user("eva", "administrator");
    CHECK(save_user("eva", "ann", "officer", "third garden 77"));
    CHECK(propose("bob", "[0]", "the term is over"));
    CHECK(decide("refuse", "ann", 1) == false); /* must change */
    CHECK(save_user("eva", "bob", "officer", "third garden 78"));
    CHECK(!decide("approve", "eva", 1));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(decide("refuse", "eva", 1));
    CHECK_TEXT(state_of(1), "refused");
    stand_close(&stand);
}

/* admin made eva, eva made ivy: admin could have signed in as ivy. */
static void makers_are_followed(void)
{
    if (!opened())
        return;
    make_user("eva", "administrator");
    make_user_by("eva", "ivy", "administrator");
    make_user_by("ivy", "oli", "officer");
    CHECK(propose("admin", "[0]", "the term is over"));
    CHECK(!decide("approve", "ivy", 1));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(!decide("approve", "oli", 1));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(decide("refuse", "admin", 1));
    CHECK(propose("oli", "[0]", "the term is over"));
    CHECK(!decide("approve", "eva", 2));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(decide("approve", "ann", 2)); /* who has only the first of all in common with oli */
    stand_close(&stand);
}

/* Whoever gives both new passwords can act as both; a later giver does not hide an earlier one. */
static void passwords_given_are_kept(void)
{
    if (!opened())
        return;
    make_user("eva", "administrator");
    give_password("admin", "bob");
    give_password("eva", "bob");
    CHECK(propose("admin", "[0]", "the term is over"));
    CHECK(!decide("approve", "bob", 1));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(decide("refuse", "admin", 1));
    CHECK(propose("ann", "[0]", "the term is over"));
    give_password("eva", "ann");
    CHECK(!decide("approve", "bob", 2));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    make_user("zoe", "officer");
    give_password("admin", "zoe");
    CHECK(!decide("approve", "zoe", 2)); /* eva gave ann's, and admin made eva */
    CHECK_TEXT(stand_error(&stand), "same_hand");
    make_user("oli", "officer");
    CHECK(decide("approve", "oli", 2));
    stand_close(&stand);
}

static void a_password_not_changed_counts(void)
{
    if (!opened())
        return;
    CHECK(propose("ann", "[0]", "the term is over"));
    CHECK(save_user("admin", "ann", "officer", "third garden 77"));
    CHECK(!decide("approve", "bob", 1));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    stand_close(&stand);
}

static void have_factors(void)
{
    struct err err;
    CHECK_INT(db_begin(stand.db, DB_WRITE, &err), RC_OK);
    db_run_i64(stand.db,
               "INSERT OR REPLACE INTO factor (user, secret, step, since_ns, next, next_ns, reset_ns, reset_by,"
               " reset_why) SELECT id, randomblob(20), 0, ?1, X'', 0, 0, '', '' FROM user",
               stand.now);
    CHECK_INT(db_end(stand.db, true, &err), RC_OK);
}

static void take_factor(const char *who, const char *name)
{
    test_row("%s takes the second factor of %s", who, name);
    CHECK(stand_ask(&stand, stand_format(&stand,
                                         "{'ask':'factor.reset','who':'%s','user':'%s',"
                                         "'reason':'the phone was lost'}",
                                         who, name)));
}

/* Whoever took a second factor away counts as who gave a password. */
static void a_second_factor_taken_counts(void)
{
    for (int both = 0; both < 2; both++) {
        if (!opened())
            return;
        make_user("eva", "administrator");
        have_factors();
        CHECK(propose("ann", "[0]", "the term is over"));
        take_factor("eva", "bob");
        if (both) {
            take_factor("eva", "ann");
            CHECK(!decide("approve", "eva", 1)); /* she could have signed in as ann */
            CHECK_TEXT(stand_error(&stand), "same_hand");
        }
        CHECK_INT(decide("approve", "bob", 1), !both); /* one hand at both */
        CHECK_TEXT(stand_error(&stand), both ? "same_hand" : "");
        stand_close(&stand);
    }
}

static void watch(int64_t after_ns)
{
    struct err err;
    stand.now += after_ns;
    CHECK_INT(desk_watch_retention(stand.desk, stand.now, &err), RC_OK);
}

static void it_ends_by_itself(void)
{
    struct str last = STR_NONE;
    if (!opened())
        return;
    CHECK(propose("ann", "[0]", "the term is over"));
    watch(H(72) - S(1));
    CHECK_TEXT(state_of(1), "proposed");
    stand.now += S(1);
    CHECK(!decide("approve", "bob", 1));
    CHECK_TEXT(stand_error(&stand), "proposal_expired");
    CHECK_TEXT(state_of(1), "expired");
    CHECK_INT(records("retention.expired", &last), 1);
    CHECK(propose("bob", "[0]", "the term is over"));
    watch(H(72));
    CHECK_TEXT(state_of(2), "expired");
    CHECK(propose("bob", "[0]", "the term is over")); /* what is over does not stand in the way */
    stand.now += H(73);
    CHECK(propose("bob", "[0]", "the term is over"));
    CHECK_TEXT(state_of(3), "expired");
    CHECK_TEXT(state_of(4), "proposed");
    CHECK_INT(records("retention.expired", &last), 3);
    stand_close(&stand);
}

static void change(int row)
{
    if (row == 0)
        told.days = 1097;
    else if (row == 1)
        told.law = STR("abce");
    else if (row == 2)
        segments[0].bytes++;
    else if (row == 3)
        segments[1].end--;
    else if (row == 4)
        segments[1].keep_until_ns++;
    else if (row == 5)
        segments[1].state = DESK_SEGMENT_HELD;
    else if (row == 6)
        segments[1].first++;
    else
        CHECK(stand_ask(&stand, "{'ask':'user.save','who':'admin','user':{'name':'ann','role':'analyst'}}"));
    desk_set_retention(stand.desk, &told);
}

static void it_is_void_when_something_changed(void)
{
    struct str last = STR_NONE;
    for (int row = 0; row < 8; row++) {
        test_row("%d", row);
        if (!opened())
            return;
        CHECK(propose("ann", "[0,100]", "the term is over"));
        segments[2].bytes = 7; /* not of the proposal: does not matter */
        desk_set_retention(stand.desk, &told);
        watch(S(11));
        CHECK_TEXT(state_of(1), "proposed");
        change(row);
        CHECK(!decide("approve", "bob", 1));
        CHECK_TEXT(stand_error(&stand), "proposal_void");
        CHECK_TEXT(state_of(1), "void");
        CHECK_INT(records("retention.void", &last), 1);
        stand_close(&stand);
    }
    if (!opened())
        return;
    CHECK(propose("ann", "[0,100]", "the term is over"));
    told.error = STR("the clock is off");
    told.segment_count = 0;
    desk_set_retention(stand.desk, &told);
    watch(S(11)); /* nothing is known: it waits */
    desk_retire_rewind(stand.desk);
    watch(S(11));
    CHECK_TEXT(state_of(1), "proposed");
    CHECK(!decide("approve", "bob", 1));
    CHECK_TEXT(stand_error(&stand), "unavailable");
    stand_close(&stand);
}

static bool retire_taken(const char *want)
{
    struct buf out;
    struct err err;
    int64_t id = 0;
    buf_init(&out, 1 << 16);
    enum rc rc = desk_take_retire(stand.desk, &out, &id, &err);
    bool taken = rc == RC_OK;
    CHECK(taken || rc == RC_END);
    if (want && CHECK(taken)) {
        struct str rest = buf_view(&out); /* the proposal's name begins with what is random */
        CHECK(str_starts(rest, STR("{\"proposal\":\"")));
        CHECK_TEXT(str_skip(rest, 13 + 16), want);
    }
    buf_done(&out);
    return taken;
}

/* ---- terms of objects ---- */

/* After a start the keeper does not know yet whose records segments have: nothing is decided on that, neither that a
 * proposal is void nor that it is approved. */
static void what_is_undecided_waits(void)
{
    if (!opened())
        return;
    CHECK(propose("ann", "[0,100]", "the term is over"));
    segments[1].state = DESK_SEGMENT_KEPT;
    segments[1].keep_until_ns = T0 + H(9000);
    segments[1].why = DESK_WHY_OBJECT;
    segments[1].undecided = true;
    told.undecided = 1;
    desk_set_retention(stand.desk, &told);
    watch(S(11));
    CHECK_TEXT(state_of(1), "proposed");
    CHECK(!decide("approve", "bob", 1));
    CHECK_TEXT(stand_error(&stand), "unavailable");
    segments[1].first = 150; /* it is behind others, and not listed */
    desk_set_retention(stand.desk, &told);
    watch(S(11));
    CHECK_TEXT(state_of(1), "proposed");
    keeper_tells();
    CHECK(decide("approve", "bob", 1));
    segments[0].state = DESK_SEGMENT_KEPT;
    segments[0].undecided = true;
    told.undecided = 1;
    desk_set_retention(stand.desk, &told);
    CHECK(!retire_taken(NULL)); /* it could only be refused now */
    keeper_tells();
    CHECK(retire_taken(NULL));
    CHECK(!retire_taken(NULL));
    stand_close(&stand);
}

/* An object's longer term keeps a segment: the proposal is void. */
static void a_term_makes_it_void(void)
{
    if (!opened())
        return;
    CHECK(propose("ann", "[0,100]", "the term is over"));
    CHECK(stand_ask(&stand, "{'ask':'object.save','who':'admin','object':{'id':1,'keep_days':2000}}"));
    segments[1].state = DESK_SEGMENT_KEPT;
    segments[1].keep_until_ns = T0 + H(9000);
    segments[1].why = DESK_WHY_OBJECT;
    segments[1].object = 1;
    desk_set_retention(stand.desk, &told);
    CHECK(stand_ask(&stand, "{'ask':'retention.list','who':'oto'}"));
    const struct json_value *s = json_first(json_get(stand.json, "segments"));
    CHECK_TEXT(json_str(json_get(s, "why"), STR("")), "law");
    CHECK(!json_get(s, "object"));
    s = s->next;
    CHECK_TEXT(json_str(json_get(s, "why"), STR("")), "object");
    CHECK_INT(json_int(json_get(s, "object_id"), 0), 1);
    CHECK_INT(json_int(json_get(s, "object_days"), 0), 2000);
    CHECK(json_str(json_get(s, "object"), STR("")).n > 0);
    watch(S(11));
    CHECK_TEXT(state_of(1), "void");
    stand_close(&stand);
}

static enum rc answered_of(int64_t id, uint64_t first, uint64_t end, const char *state, uint64_t record)
{
    struct err err;
    struct desk_retired retired = {first, end, str_of(state), record, STR("why")};
    return desk_retired(stand.desk, id, &retired, stand.now, &err);
}

static enum rc answered(uint64_t first, uint64_t end, const char *state, uint64_t record)
{
    return answered_of(1, first, end, state, record);
}

static void the_keeper_carries_it_out(void)
{
    struct err err;
    struct str last = STR_NONE;
    if (!opened())
        return;
    CHECK(!retire_taken(NULL));
    CHECK(propose("ann", "[100,0]", "the term is over"));
    CHECK(!retire_taken(NULL));
    stand.now += S(5);
    CHECK(decide("approve", "bob", 1));
    CHECK(retire_taken(stand_format(&stand,
                                    "-1\",\"days\":1096,\"law\":\"abcd\",\"proposer\":\"ann\",\"approver\":\"bob\","
                                    "\"proposed_ns\":%lld,\"approved_ns\":%lld,\"firsts\":[0,100]}",
                                    (long long)T0, (long long)(T0 + S(5)))));
    CHECK(!retire_taken(NULL)); /* once */
    CHECK_INT(answered(0, 100, "recorded", 900), RC_OK);
    CHECK_INT(answered(100, 0, "refused", 0), RC_OK); /* of one that is not there */
    CHECK_TEXT(part_of(1, 100), "refused");
    CHECK_TEXT(part_of(1, 0), "recorded");
    CHECK_INT(answered(100, 200, "recorded", 901), RC_OK);
    CHECK_INT(answered(0, 100, "deleted", 0), RC_OK);
    CHECK_INT(answered(0, 100, "refused", 0), RC_OK); /* late */
    CHECK_INT(answered(0, 100, "eaten", 0), RC_INVALID);
    CHECK_INT(answered(0, 0, "deleted", 0), RC_INVALID);
    CHECK_INT(answered(UINT64_MAX, 1, "deleted", 0), RC_INVALID);
    CHECK_INT(answered(777, 800, "deleted", 0), RC_OK); /* not of it */
    CHECK_TEXT(part_of(1, 0), "deleted");
    CHECK_TEXT(part_of(1, 100), "recorded");
    CHECK_TEXT(state_of(1), "approved");
    desk_retire_rewind(stand.desk); /* the keeper was restarted */
    CHECK(!retire_taken(NULL));     /* and does not know yet how old anything is */
    told.error = STR("nothing is signed yet");
    desk_set_retention(stand.desk, &told);
    CHECK(!retire_taken(NULL));
    keeper_tells();
    CHECK(retire_taken(stand_format(&stand,
                                    "-1\",\"days\":1096,\"law\":\"abcd\",\"proposer\":\"ann\",\"approver\":\"bob\","
                                    "\"proposed_ns\":%lld,\"approved_ns\":%lld,\"firsts\":[100]}",
                                    (long long)T0, (long long)(T0 + S(5)))));
    CHECK_INT(answered(0, 0, "refused", 0), RC_OK); /* as a whole */
    CHECK_TEXT(part_of(1, 100), "refused");
    CHECK_TEXT(part_of(1, 0), "deleted");
    CHECK_TEXT(state_of(1), "done");
    CHECK_INT(records("retention.done", &last), 1);
    CHECK(str_search(last, STR("some segments were refused")) < last.n);
    struct desk_retired late = {100, 200, STR("deleted"), 901, STR("")};
    struct desk_retired nothing = {0, 0, STR("refused"), 0, STR("")};
    CHECK_INT(desk_retired(stand.desk, 0, &late, stand.now, &err), RC_OK); /* the reaper came round */
    CHECK_TEXT(part_of(1, 100), "deleted");
    CHECK_INT(desk_retired(stand.desk, 0, &nothing, stand.now, &err), RC_INVALID);
    desk_retire_rewind(stand.desk);
    keeper_tells();
    CHECK(!retire_taken(NULL));
    stand_close(&stand);
}

/* What the keeper did not begin can be stopped by anybody with the right; what it began goes on. */
static void an_approval_is_withdrawn(void)
{
    struct str last = STR_NONE;
    if (!opened())
        return;
    CHECK(propose("ann", "[0,100]", "the term is over"));
    CHECK(decide("approve", "bob", 1));
    CHECK(retire_taken(NULL));
    CHECK(!decide("refuse", "eve", 1));
    CHECK_TEXT(stand_error(&stand), "denied");
    CHECK(decide("refuse", "admin", 1));
    CHECK_TEXT(state_of(1), "withdrawn");
    CHECK_TEXT(part_of(1, 0), "refused");
    CHECK_INT(records("retention.withdrawn", &last), 1);
    desk_retire_rewind(stand.desk);
    keeper_tells();
    CHECK(!retire_taken(NULL));
    CHECK_INT(answered(0, 100, "recorded", 5), RC_OK); /* it was on its way */
    CHECK_INT(answered_of(0, 0, 100, "deleted", 0), RC_OK);
    CHECK_INT(answered_of(0, 100, 200, "deleted", 0), RC_OK); /* not under this one */
    CHECK_TEXT(part_of(1, 0), "deleted");
    CHECK_TEXT(part_of(1, 100), "refused");
    CHECK(propose("ann", "[100,200]", "the term is over"));
    CHECK(decide("approve", "bob", 2));
    CHECK_INT(answered_of(2, 100, 200, "recorded", 6), RC_OK);
    CHECK(decide("refuse", "ann", 2));
    CHECK_TEXT(state_of(2), "approved");
    CHECK_TEXT(part_of(2, 200), "refused");
    CHECK_INT(records("retention.withdrawn", &last), 2);
    CHECK(!decide("refuse", "ann", 2)); /* there is nothing left to stop */
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK_INT(answered_of(2, 100, 200, "deleted", 6), RC_OK);
    CHECK_TEXT(state_of(2), "done");
    CHECK(!decide("refuse", "ann", 2));
    stand_close(&stand);
}

static void an_approval_lapses(void)
{
    struct str last = STR_NONE;
    if (!opened())
        return;
    CHECK(propose("ann", "[0,100]", "the term is over"));
    stand.now += H(70);
    CHECK(decide("approve", "bob", 1));
    watch(H(72) - S(1));
    CHECK_TEXT(state_of(1), "approved");
    watch(S(11));
    CHECK_TEXT(state_of(1), "expired");
    CHECK_TEXT(part_of(1, 0), "refused");
    CHECK(!retire_taken(NULL));
    CHECK_INT(records("retention.expired", &last), 1);
    CHECK(propose("ann", "[0,100]", "the term is over"));
    CHECK(decide("approve", "bob", 2));
    CHECK_INT(answered_of(2, 0, 100, "recorded", 6), RC_OK);
    watch(H(72));
    CHECK_TEXT(state_of(2), "approved"); /* begun: it goes on */
    CHECK_TEXT(part_of(2, 100), "refused");
    CHECK_INT(answered_of(2, 0, 100, "deleted", 6), RC_OK);
    CHECK_TEXT(state_of(2), "done");
    keeper_tells();
    CHECK(propose("ann", "[100]", "the term is over"));
    CHECK(decide("approve", "bob", 3));
    stand.now += H(73);
    CHECK(!decide("refuse", "ann", 3));
    CHECK_TEXT(stand_error(&stand), "proposal_expired");
    CHECK_TEXT(state_of(3), "expired");
    stand_close(&stand);
}

/* A database of before has no such tables; what is open outlives a restart. */
static void it_outlives_a_restart(void)
{
    char path[] = "/tmp/qorgan-retention-XXXXXX";
    struct err err;
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0) || !CHECK_INT(stand_open(&stand, path, &err), RC_OK))
        return;
    stand_sign_in(&stand);
    make_user("ann", "officer");
    make_user("bob", "officer");
    make_user("oto", "auditor");
    keeper_tells();
    CHECK(propose("ann", "[0]", "the term is over"));
    CHECK(decide("approve", "bob", 1));
    CHECK(retire_taken(NULL));
    stand_close(&stand);
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    CHECK(!retire_taken(NULL));
    keeper_tells();
    CHECK(retire_taken(NULL));
    CHECK_INT(answered(0, 100, "deleted", 5), RC_OK);
    CHECK_TEXT(state_of(1), "done");
    stand_close(&stand);
    close(fd);
    unlink(path);
}

/* Of accounts made before makers were written down any administrator may have made each. */
static void makers_not_known(void)
{
    char path[] = "/tmp/qorgan-retention-XXXXXX";
    struct err err;
    struct db *db;
    size_t steps = 0;
    int fd = mkstemp(path);
    if (!CHECK(fd >= 0) || !CHECK_INT(db_open(path, &db, &err), RC_OK))
        return;
    while (steps < desk_schema_count && !strstr(desk_schema[steps], "CREATE TABLE handed"))
        steps++;
    CHECK_INT(db_migrate(db, desk_schema, steps, &err), RC_OK);
    CHECK_INT(db_begin(db, DB_WRITE, &err), RC_OK);
    struct db_query q = db_query(db, "INSERT INTO user (name, role, language, hash, enabled, must_change, created_ns,"
                                     " last_ns, made_by) VALUES ('admin', 0, 'en', '', 1, 0, 1, 0, ''),"
                                     " ('ann', 2, 'en', '', 1, 0, 1, 0, ''), ('bob', 2, 'en', '', 1, 0, 1, 0, ''),"
                                     " ('oto', 3, 'en', '', 1, 0, 1, 0, ''), ('kim', 2, 'en', '', 1, 0, 1, 0, 'bob')");
    CHECK_INT(db_run(&q), 5);
    CHECK_INT(db_end(db, true, &err), RC_OK);
    db_close(db);
    CHECK_INT(stand_open(&stand, path, &err), RC_OK);
    keeper_tells();
    CHECK(propose("ann", "[0]", "the term is over"));
    CHECK(!decide("approve", "admin", 1));
    CHECK_TEXT(stand_error(&stand), "same_hand");
    CHECK(decide("refuse", "ann", 1));
    CHECK(propose("kim", "[0]", "the term is over"));
    CHECK(!decide("approve", "bob", 2));
    CHECK(!decide("approve", "admin", 2));
    CHECK(decide("approve", "ann", 2));
    stand_close(&stand);
    close(fd);
    unlink(path);
}

static const struct test tests[] = {
    {"what is no proposal", what_is_no_proposal},
    {"two persons decide", two_persons},
    {"who made whom", who_made_whom},
    {"a password that was given counts", a_password_given_counts},
    {"makers are followed", makers_are_followed},
    {"passwords given are kept", passwords_given_are_kept},
    {"a password that was not changed counts", a_password_not_changed_counts},
    {"a second factor that was taken away counts", a_second_factor_taken_counts},
    {"makers that are not known", makers_not_known},
    {"it ends by itself", it_ends_by_itself},
    {"it is void when something changed", it_is_void_when_something_changed},
    {"what is undecided waits", what_is_undecided_waits},
    {"a term makes it void", a_term_makes_it_void},
    {"the keeper carries it out", the_keeper_carries_it_out},
    {"an approval is withdrawn", an_approval_is_withdrawn},
    {"an approval lapses", an_approval_lapses},
    {"it outlives a restart", it_outlives_a_restart},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
