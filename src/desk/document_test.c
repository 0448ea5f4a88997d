/* Documents: how a file comes to be kept, judged and judged again, the term to review, what is missing, and what the
 * desk believes of who judged. */
#include "desk/document.h"

#include "desk/desk_testing.h"
#include "desk/document_inside.h"

#define SHA_A "abababababababababababababababababababababababababababababababab"
#define SHA_B "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
#define NEW   "'object':1,'kind':'1_1','title':'Policy','language':'kk','approved':'2026-01-12','approved_by':'head'"
#define FILE_ "'name':'policy.pdf','bytes':9,'file':77,'sha256':'" SHA_A "'"

#define ANSWER(name, verdict, reason) "\"" name "\":{\"verdict\":\"" verdict "\",\"reason\":\"" reason "\"}"
#define GOOD(name)                    ANSWER(name, "good", "good")
#define SIGNER(verdict, revocation)                                                                                    \
    "{\"verdict\":\"" verdict "\",\"name\":\"Aigul\",\"person\":\"IIN1\",\"from_ns\":1,\"until_ns\":2,"                \
    "\"claimed_ns\":0,\"stamped_ns\":0,\"moment_ns\":5," GOOD("bytes") "," GOOD("path") "," GOOD(                      \
        "period") "," revocation "}"
#define REPORT(verdict, signers) "{\"verdict\":\"" verdict "\",\"signers\":[" signers "]}"
#define REPORT_GOOD              REPORT("good", SIGNER("good", GOOD("revocation")))
#define REPORT_BAD               REPORT("bad", SIGNER("bad", ANSWER("revocation", "bad", "revoked")))
#define REPORT_SILENT            REPORT("unknown", SIGNER("unknown", ANSWER("revocation", "unknown", "silent")))

static struct stand stand;

static bool ask(const char *question)
{
    return stand_ask(&stand, question);
}

static void ready(void)
{
    stand_ready(&stand);
}

static int64_t add(const char *what)
{
    if (!CHECK(ask(stand_format(&stand, "{'ask':'document.add','who':'admin',%s}", what))))
        printf("# %.*s %.*s\n", STR_ARG(stand_error(&stand)), STR_ARG(stand_text(stand.json, "text")));
    return stand_number(stand.json, "document");
}

/* What the role does of one file that came. */
static void keep_one(void)
{
    struct err err = {0};
    struct desk_document_coming coming;
    CHECK_INT(desk_document_next(stand.desk, &coming, &err), RC_OK);
    if (CHECK(coming.id > 0 && coming.file == 77 && coming.bytes == 9))
        CHECK_INT(desk_document_kept(stand.desk, coming.id, stand.now, &err), RC_OK);
}

static int64_t judging(void)
{
    struct err err = {0};
    struct desk_document_judging judging;
    CHECK_INT(desk_document_judging_next(stand.desk, &judging, &err), RC_OK);
    return judging.id;
}

static void judge(const char *report)
{
    struct err err = {0};
    CHECK_INT(desk_document_judged(stand.desk, judging(), str_of(report), stand.now, &err), RC_OK);
}

static const struct json_value *document(int64_t id)
{
    CHECK(ask(stand_format(&stand, "{'ask':'document.get','who':'admin','id':%lld}", (long long)id)));
    return json_get(stand.json, "document");
}

static const struct json_value *item(const struct json_value *list, size_t at)
{
    const struct json_value *row = json_first(list);
    while (row && at-- > 0)
        row = row->next;
    return row;
}

/* File `file` of the newest version. */
static const struct json_value *file_of(int64_t id, size_t file)
{
    return item(json_get(json_first(json_get(document(id), "versions")), "files"), file);
}

static const struct json_value *listed(size_t at)
{
    CHECK(ask("{'ask':'document.list','who':'admin','object':1}"));
    return item(json_get(stand.json, "documents"), at);
}

static bool is_missing(const char *kind)
{
    CHECK(ask("{'ask':'document.list','who':'admin','object':1}"));
    for (const struct json_value *k = json_first(json_get(stand.json, "missing")); k; k = k->next)
        if (str_is(k->text, kind))
            return true;
    return false;
}

static void from_file_to_judgement(void)
{
    struct json_value *record = NULL;
    ready();
    CHECK(is_missing("1_1") && is_missing("4_8") && !is_missing("other"));
    CHECK(ask("{'ask':'document.check','who':'admin'," NEW ",'name':'policy.pdf'}"));
    int64_t id = add(NEW "," FILE_ ",'form':'signed'");
    CHECK_TEXT(stand_text(file_of(id, 0), "state"), "coming");
    CHECK(is_missing("1_1")); /* what is not kept is not there */
    CHECK_INT(stand_records(&stand, "document.added", &record), 0);
    keep_one();
    CHECK(!is_missing("1_1"));
    CHECK_INT(stand_records(&stand, "document.added", &record), 1);
    CHECK_TEXT(stand_text(record, "sha256"), SHA_A);
    CHECK_TEXT(stand_text(record, "file"), "policy.pdf");
    CHECK(stand_number(record, "bytes") == 9 && str_is(stand_text(record, "document"), "D-000001"));
    CHECK_TEXT(stand_text(listed(0), "signatures"), "waits");
    judge(REPORT_SILENT);
    CHECK_TEXT(stand_text(listed(0), "signatures"), "unknown");
    CHECK(ask(stand_format(&stand, "{'ask':'document.judge','who':'admin','file':%lld}",
                           (long long)stand_number(file_of(id, 0), "id"))));
    judge(REPORT_GOOD);
    CHECK_TEXT(stand_text(listed(0), "signatures"), "good");
    const struct json_value *judgements = json_get(file_of(id, 0), "judgements");
    CHECK_INT(judgements->count, 2); /* the one before stays */
    CHECK_TEXT(stand_text(item(judgements, 1), "verdict"), "unknown");
    CHECK_TEXT(stand_text(json_first(json_get(json_get(item(judgements, 0), "report"), "signers")), "person"), "IIN1");
    CHECK_INT(stand_records(&stand, "document.judged", &record), 2);
    CHECK_TEXT(stand_text(record, "verdict"), "good");
    CHECK_INT(stand_text(record, "report_sha256").n, 64);
    stand_close(&stand);
}

static void a_signature_beside(void)
{
    struct err err = {0};
    struct desk_document_judging next;
    ready();
    int64_t id = add(NEW "," FILE_);
    keep_one();
    CHECK_INT(judging(), 0); /* nothing is signed */
    CHECK_TEXT(stand_text(listed(0), "signatures"), "none");
    int64_t version = stand_number(json_first(json_get(document(id), "versions")), "id");
    CHECK(!ask(stand_format(&stand, "{'ask':'document.judge','who':'admin','file':%lld}",
                            (long long)stand_number(file_of(id, 0), "id"))));
    add(stand_format(&stand, "'version':%lld,'name':'policy.p7s','bytes':9,'file':77,'sha256':'" SHA_B "'",
                     (long long)version));
    keep_one();
    CHECK_INT(desk_document_judging_next(stand.desk, &next, &err), RC_OK);
    CHECK_TEXT(str_of(next.document), SHA_A);
    CHECK_TEXT(str_of(next.signature), SHA_B);
    judge(REPORT_BAD);
    CHECK_TEXT(stand_text(listed(0), "signatures"), "bad");
    CHECK_TEXT(stand_text(file_of(id, 1), "form"), "beside");
    stand_close(&stand);
}

/* The file goes along with one answer, to who may read, once it is kept. */
static void given_out(void)
{
    ready();
    add(NEW "," FILE_);
    CHECK(!ask("{'ask':'document.file','who':'admin','file':1}"));
    CHECK_TEXT(stand_error(&stand), "state_refuses");
    CHECK_INT(desk_document_given(stand.desk).n, 0);
    keep_one();
    CHECK(ask("{'ask':'document.file','who':'admin','file':1}"));
    CHECK_TEXT(desk_document_given(stand.desk), SHA_A);
    CHECK_TEXT(stand_text(stand.json, "name"), "policy.pdf");
    CHECK(!ask("{'ask':'document.file','who':'nobody','file':1}"));
    CHECK_INT(desk_document_given(stand.desk).n, 0);
    CHECK(ask("{'ask':'document.list','who':'admin','object':1}"));
    CHECK_INT(desk_document_given(stand.desk).n, 0);
    stand_close(&stand);
}

static void lost(void)
{
    struct err err = {0};
    struct json_value *record = NULL;
    struct desk_document_coming coming;
    ready();
    int64_t id = add(NEW "," FILE_);
    CHECK_INT(desk_document_next(stand.desk, &coming, &err), RC_OK);
    CHECK_INT(desk_document_lost(stand.desk, coming.id, "other", stand.now, &err), RC_OK);
    CHECK_TEXT(stand_text(file_of(id, 0), "state"), "lost");
    CHECK_TEXT(stand_text(file_of(id, 0), "fault"), "other");
    CHECK_INT(desk_document_kept(stand.desk, coming.id, stand.now, &err), RC_OK); /* it is over */
    CHECK_TEXT(stand_text(file_of(id, 0), "state"), "lost");
    CHECK(is_missing("1_1"));
    CHECK_INT(json_get(document(id), "clocks")->count, 0);
    CHECK_INT(stand_records(&stand, "document.lost", &record), 1);
    CHECK_INT(desk_document_next(stand.desk, &coming, &err), RC_OK);
    CHECK(coming.id == 0 && !desk_document_comes(stand.desk));
    stand_close(&stand);
}

static struct str clock_state(int64_t id, size_t at)
{
    return stand_text(item(json_get(document(id), "clocks"), at), "state");
}

static bool reviewed(int64_t id, const char *day, const char *note)
{
    return ask(stand_format(&stand, "{'ask':'document.review','who':'admin','id':%lld,'day':'%s','note':'%s'}",
                            (long long)id, day, note));
}

/* In the register of terms and in the report of what is overdue it has its own number and title. */
static void term_is_named(void)
{
    static const char *const said[] = {"document", "D-000001", "Risks"};
    CHECK(ask("{'ask':'clock.list','who':'admin','subject':'document','state':'overdue'}"));
    const struct json_value *term = json_first(json_get(stand.json, "terms"));
    CHECK_TEXT(stand_text(term, "number"), said[1]);
    CHECK_TEXT(stand_text(term, "title"), said[2]);
    CHECK(ask("{'ask':'report.make','who':'admin','kind':'overdue'}"));
    CHECK(ask("{'ask':'report.get','who':'admin','id':1}"));
    const struct json_value *section = json_first(json_get(json_get(stand.json, "content"), "sections"));
    while (section && !str_is(stand_text(section, "key"), "overdue"))
        section = section->next;
    const struct json_value *cell = json_first(json_first(json_get(section, "rows")));
    CHECK(cell != NULL);
    for (size_t i = 0; cell && i < ARRAY_LEN(said); i++, cell = cell->next)
        CHECK_TEXT(cell->kind == JSON_OBJECT ? stand_text(cell, "en") : cell->text, said[i]);
}

/* Two years from the newest day; a language that comes later with the same day asks for nothing new. */
static void review(void)
{
    ready();
    int64_t id = add("'object':1,'kind':'2_1','title':'Risks','language':'kk','approved':'2024-11-30'," FILE_);
    keep_one();
    CHECK_TEXT(stand_text(json_first(json_get(document(id), "clocks")), "clock"), "U-02");
    CHECK_TEXT(clock_state(id, 0), "running");
    add(stand_format(&stand, "'document':%lld,'language':'ru','approved':'2024-11-30'," FILE_, (long long)id));
    keep_one();
    CHECK_INT(json_get(document(id), "clocks")->count, 1);
    CHECK_INT(json_get(listed(0), "languages_missing")->count, 0);
    stand.now += H(24) * 20;
    struct err err = {0};
    CHECK_INT(desk_tick(stand.desk, stand.now, &err), RC_OK);
    CHECK_TEXT(clock_state(id, 0), "overdue");
    CHECK_TEXT(stand_text(listed(0), "review"), "overdue");
    term_is_named();
    CHECK(!reviewed(id, "2024-11-30", "looked through"));
    CHECK(!reviewed(id, "2030-01-01", "looked through"));
    CHECK(!reviewed(id, "2026-12-09", "x"));
    CHECK(reviewed(id, "2026-12-09", "looked through"));
    CHECK_INT(json_get(document(id), "clocks")->count, 2);
    CHECK_TEXT(stand_text(listed(0), "review"), "running");
    CHECK(
        ask(stand_format(&stand, "{'ask':'document.end','who':'admin','id':%lld,'note':'of no use'}", (long long)id)));
    CHECK_TEXT(stand_text(listed(0), "review"), "");
    CHECK(is_missing("2_1"));
    CHECK(!reviewed(id, "2026-12-10", "looked through"));
    CHECK(ask("{'ask':'clock.list','who':'admin','subject':'document','state':'met'}"));
    CHECK_INT(json_get(stand.json, "terms")->count, 1);
    stand_close(&stand);
}

/* Whatever fails, all of it is stored or nothing, and doing it again comes to the same end. */
static void every_query_fails_once(void)
{
    struct err err = {0};
    struct json_value *record = NULL;
    struct desk_document_coming coming = {0};
    ready();
    int64_t id = add(NEW "," FILE_ ",'form':'signed'");
    CHECK_INT(desk_document_next(stand.desk, &coming, &err), RC_OK);
    for (int step = 0; step < 2; step++) {
        bool reached = true;
        for (uint64_t n = 1; reached && CHECK(n < 200); n++) {
            int64_t judgement = step ? judging() : 0;
            db_fail_at(stand.db, n);
            enum rc rc = step ? desk_document_judged(stand.desk, judgement, STR(REPORT_GOOD), stand.now, &err)
                              : desk_document_kept(stand.desk, coming.id, stand.now, &err);
            reached = db_fail_at(stand.db, 0);
            test_row("step %d, query %d", step, (int)n);
            CHECK(reached ? rc != RC_OK : rc == RC_OK);
            CHECK_TEXT(stand_text(listed(0), "signatures"), reached && !step   ? "none"
                                                            : reached || !step ? "waits"
                                                                               : "good");
        }
    }
    CHECK_INT(stand_records(&stand, "document.added", &record), 1);
    CHECK_INT(stand_records(&stand, "document.judged", &record), 1);
    CHECK_INT(json_get(document(id), "clocks")->count, 1);
    stand_close(&stand);
}

static const struct json_value *violation(void)
{
    CHECK(ask("{'ask':'document.list','who':'admin','object':1}"));
    return json_first(json_get(stand.json, "violations"));
}

/* Found, and mended once, not before it was found. */
static void violations(void)
{
    static const char *const wrong[] = {
        "'object':2,'requirement':'832 p.38','day':'2026-11-01','note':'no log'",
        "'object':1,'document':9,'requirement':'832 p.38','day':'2026-11-01','note':'no log'",
        "'object':1,'requirement':'','day':'2026-11-01','note':'no log'",
        "'object':1,'requirement':'832 p.38','day':'','note':'no log'",
        "'object':1,'requirement':'832 p.38','day':'2999-01-01','note':'no log'",
        "'object':1,'requirement':'832 p.38','day':'2026-11-01','note':'x'",
    };
    struct json_value *record = NULL;
    ready();
    add(NEW "," FILE_);
    keep_one();
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK(!ask(stand_format(&stand, "{'ask':'document.violation','who':'admin',%s}", wrong[i])));
    }
    CHECK(ask("{'ask':'document.violation','who':'admin','object':1,'document':1,'requirement':'832 p.38',"
              "'day':'2026-11-01','note':'no log is kept'}"));
    CHECK(str_is(stand_text(violation(), "title"), "Policy") && stand_number(stand.json, "violations_open") == 1);
    CHECK_INT(stand_records(&stand, "document.violated", &record), 1);
    CHECK_TEXT(stand_text(record, "document"), "D-000001");
    const char *const days[] = {"2026-10-31", "2999-01-01", ""};
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        CHECK(!ask(
            stand_format(&stand, "{'ask':'document.mend','who':'admin','id':1,'day':'%s','note':'done'}", days[i])));
    CHECK(ask("{'ask':'document.mend','who':'admin','id':1,'day':'2026-11-02','note':'logs are kept'}"));
    CHECK(!ask("{'ask':'document.mend','who':'admin','id':1,'day':'2026-11-03','note':'again'}"));
    CHECK(!ask("{'ask':'document.mend','who':'admin','id':2,'day':'2026-11-03','note':'again'}"));
    CHECK(str_is(stand_text(violation(), "mended"), "2026-11-02") && stand_number(stand.json, "violations_open") == 0);
    CHECK_INT(stand_records(&stand, "document.mended", &record), 1);
    stand_close(&stand);
}

static void refused(void)
{
    static const char *const rows[][2] = {
        {"'object':2,'kind':'1_1','title':'P','language':'kk'," FILE_, "not_found"},
        {"'document':1,'language':'kk'," FILE_, "not_found"},
        {"'version':1," FILE_, "not_found"},
        {FILE_, "invalid"},
        {"'object':1,'document':1,'kind':'1_1','title':'P','language':'kk'," FILE_, "invalid"},
        {"'object':1,'kind':'1_2','title':'P','language':'kk'," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':' ','language':'kk'," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'a\\nb','language':'kk'," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'P','language':'de'," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'P','language':'kk','pages':-1," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'P','language':'kk','pages':100001," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'P','language':'kk','approved':'2026-02-30'," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'P','language':'kk','approved':'2999-01-01'," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'P','language':'kk','approved':'1990-12-31'," FILE_, "invalid"},
        {"'object':1,'kind':'1_1','title':'P','language':'kk','form':'beside'," FILE_, "invalid"},
        {NEW ",'name':'','bytes':9,'file':77,'sha256':'" SHA_A "'", "invalid"},
        {NEW ",'name':'p','bytes':0,'file':77,'sha256':'" SHA_A "'", "invalid"},
        {NEW ",'name':'p','bytes':67108865,'file':77,'sha256':'" SHA_A "'", "invalid"},
        {NEW ",'name':'p','bytes':9,'file':77,'sha256':'ab'", "invalid"},
        {NEW ",'name':'p','bytes':60000000,'file':77,'sha256':'" SHA_A "'", "documents_full"},
    };
    ready();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%s", rows[i][0]);
        CHECK(!ask(stand_format(&stand, "{'ask':'document.add','who':'admin',%s}", rows[i][0])));
        CHECK_TEXT(stand_error(&stand), rows[i][1]);
    }
    CHECK_INT(json_get(stand.json, "document") != NULL, 0);
    for (unsigned i = 0; i < DESK_DOCUMENTS_COMING; i++)
        add(NEW "," FILE_);
    CHECK(!ask("{'ask':'document.check','who':'admin'," NEW ",'name':'p'}"));
    CHECK_TEXT(stand_error(&stand), "documents_coming");
    stand_close(&stand);
}

/* Good is only what every answer says good. */
static void believed(void)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        REPORT("good", ""),
        REPORT("fine", SIGNER("good", GOOD("revocation"))),
        REPORT("unknown", SIGNER("good", GOOD("revocation"))),
        REPORT("good", SIGNER("bad", GOOD("revocation"))),
        REPORT("good", SIGNER("good", ANSWER("revocation", "unknown", "silent"))),
        REPORT("good", SIGNER("unknown", ANSWER("revocation", "unknown", "silent"))),
        REPORT("good", SIGNER("good", ANSWER("revocation", "good", "silent"))),
        REPORT("unknown", SIGNER("unknown", ANSWER("revocation", "unknown", "good"))),
        REPORT("unknown", SIGNER("unknown", ANSWER("revocation", "unknown", "Sil ent"))),
        REPORT("good", SIGNER("good", "\"x\":1")),
        REPORT("good", SIGNER("good", GOOD("revocation")) ",7"),
        REPORT("good", SIGNER("good", GOOD("revocation") ",\"stamp\":{\"verdict\":\"good\"}")),
    };
    struct err err = {0};
    ready();
    int64_t id = add(NEW "," FILE_ ",'form':'signed'");
    keep_one();
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_row("%s", wrong[i]);
        CHECK_INT(desk_document_judged(stand.desk, judging(), str_of(wrong[i]), stand.now, &err), RC_INVALID);
    }
    for (size_t n = 0; n < strlen(REPORT_GOOD); n++)
        CHECK_INT(desk_document_judged(stand.desk, judging(), str_at(REPORT_GOOD, n), stand.now, &err), RC_INVALID);
    CHECK_TEXT(stand_text(listed(0), "signatures"), "waits");
    CHECK_INT(desk_document_unjudged(stand.desk, judging(), "died", stand.now, &err), RC_OK);
    CHECK_TEXT(stand_text(json_first(json_get(file_of(id, 0), "judgements")), "fault"), "died");
    CHECK_TEXT(stand_text(listed(0), "signatures"), "unknown");
    CHECK_INT(judging(), 0);
    stand_close(&stand);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"from a file to a judgement", from_file_to_judgement},
        {"a signature beside", a_signature_beside},
        {"a file given out", given_out},
        {"a file lost", lost},
        {"the term to review", review},
        {"every query fails once", every_query_fails_once},
        {"violations", violations},
        {"refused", refused},
        {"what is believed", believed},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
