/* The table of Annex 1: what is one, what is none, and that ours is the annex. */
#include "desk/questionnaire.h"

#include "desk/desk_testing.h"

#define HEAD "id\tpoint\tkind\tvalues\tlimit\trequired\tkk\tru\ten\n"

static struct arena *arena;

static enum rc reads(const char *text, struct questionnaire *ret)
{
    struct err err = {0};
    return questionnaire_read(arena, str_of(text), ret, &err);
}

static void what_is_no_table(void)
{
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {"", RC_OK},
        {HEAD, RC_OK},
        {HEAD "a\t1\tline\t\t200\tyes\tk\tr\te\n", RC_OK},
        {HEAD "a\t1\tchoice\tyes,no\t\tyes\tk\tr\te\nb\t2\ttext\t\t8000\ta=yes\tk\tr\te\n", RC_OK},
        {HEAD "a\t1\tdocument\t\t\tno\tk\tr\te\n", RC_OK},
        {"id\tpoint\tkind\tvalues\tlimit\trequired\tkk\tru\n", RC_INVALID}, /* no English */
        {HEAD "A\t1\tline\t\t200\tyes\tk\tr\te\n", RC_INVALID},
        {HEAD "\t1\tline\t\t200\tyes\tk\tr\te\n", RC_INVALID},
        {HEAD "a b\t1\tline\t\t200\tyes\tk\tr\te\n", RC_INVALID},
        {HEAD "a\tone\tline\t\t200\tyes\tk\tr\te\n", RC_INVALID},
        {HEAD "a\t1\tnumber\t\t200\tyes\tk\tr\te\n", RC_INVALID},
        {HEAD "a\t1\tline\t\t\tyes\tk\tr\te\n", RC_INVALID}, /* no limit */
        {HEAD "a\t1\tline\t\t0\tyes\tk\tr\te\n", RC_INVALID},
        {HEAD "a\t1\tline\t\t8001\tyes\tk\tr\te\n", RC_INVALID},
        {HEAD "a\t1\tline\tx,y\t200\tyes\tk\tr\te\n", RC_INVALID}, /* values of a line */
        {HEAD "a\t1\tchoice\t\t\tyes\tk\tr\te\n", RC_INVALID},     /* none to choose from */
        {HEAD "a\t1\tline\t\t200\tperhaps\tk\tr\te\n", RC_INVALID},
        {HEAD "a\t1\tline\t\t200\tb=yes\tk\tr\te\n", RC_INVALID}, /* no such field above */
        {HEAD "a\t1\tchoice\tyes,no\t\ta=yes\tk\tr\te\n", RC_INVALID},
        {HEAD "a\t1\tchoice\tyes,no\t\tyes\tk\tr\te\nb\t2\tline\t\t9\ta=maybe\tk\tr\te\n", RC_INVALID},
        {HEAD "a\t1\tline\t\t200\tyes\tk\tr\t\n", RC_INVALID}, /* a name is empty */
        {HEAD "a\t1\tline\t\t200\tyes\tk\tr\te\na\t2\tline\t\t200\tyes\tk\tr\te\n", RC_INVALID},
    };
    arena = arena_new((size_t)4 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct questionnaire q;
        test_row("%zu", i);
        CHECK_INT(reads(rows[i].text, &q), rows[i].rc);
    }
    struct buf many CLEANUP(buf_done) = {0};
    buf_init(&many, 1u << 16);
    buf_text(&many, HEAD);
    for (unsigned i = 0; i <= QUESTIONNAIRE_MAX; i++)
        buf_format(&many, "f%u\t1\tline\t\t9\tno\tk\tr\te\n", i);
    struct questionnaire q;
    CHECK_INT(reads(arena_strz(arena, buf_view(&many)), &q), RC_LIMIT);
    arena_free(arena);
}

/* Every cut of the table that is shipped is refused or shorter, and none is anything else. */
static void cuts(void)
{
    arena = arena_new((size_t)64 << 20);
    struct str whole = stand_file(arena, "annex1.tsv");
    for (size_t n = 0; n < whole.n; n++) {
        struct questionnaire q = {0};
        struct err err = {0};
        struct arena *own = arena_new(1u << 20);
        enum rc rc = questionnaire_read(own, str_slice(whole, 0, n), &q, &err);
        CHECK(rc == RC_OK || rc == RC_INVALID);
        CHECK(q.count <= 20);
        arena_free(own);
    }
    arena_free(arena);
}

/* Its twelve points, in order, with all that each asks for. */
static void the_annex(void)
{
    static const struct {
        const char *point;
        const char *ids;
    } rows[] = {
        {"1", "name"},
        {"2", "owner"},
        {"3", "holder"},
        {"4", "street city region"},
        {"5", "operator operator_contacts"},
        {"6", "level"},
        {"7", "transport transport_rate"},
        {"8", "internet internet_rate"},
        {"9", "logical_scheme physical_scheme"},
        {"10", "collection collection_name collection_contour"},
        {"11", "contacts"},
        {"12", "means"},
    };
    struct questionnaire q;
    struct err err = {0};
    arena = arena_new((size_t)4 << 20);
    CHECK_INT(questionnaire_read(arena, stand_file(arena, "annex1.tsv"), &q, &err), RC_OK);
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str ids = str_of(rows[i].ids);
        test_row("point %s", rows[i].point);
        while (ids.p && at < q.count) {
            CHECK(str_eq(q.field[at].id, str_cut(&ids, ' ')));
            CHECK_TEXT(q.field[at].point, rows[i].point);
            CHECK(q.field[at].required || q.field[at].if_id.n || str_is(q.field[at].id, "holder"));
            at++;
        }
    }
    CHECK_INT(at, q.count);
    CHECK_INT(q.count, 20);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is no table", what_is_no_table}, {"cuts", cuts}, {"the annex", the_annex}};
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
