/* What JetStream answers: taken, not taken, and what is neither. */
#include "role/forward_ack.h"

#include "base/test.h"

#include <string.h>

static const char taken[] = "{\"stream\":\"RECORDS\",\"domain\":\"hub\",\"seq\":12,\"duplicate\":true}";

static void answers(void)
{
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    struct forward_ack ack;
    struct err err;
    CHECK_INT(forward_ack_read(arena, str_of(taken), &ack, &err), RC_OK);
    CHECK(ack.taken && ack.sequence == 12 && ack.duplicate);
    CHECK_TEXT(ack.stream, "RECORDS");
    CHECK_INT(forward_ack_read(arena, STR("{\"stream\":\"S\", \"seq\":9223372036854775807}"), &ack, &err), RC_OK);
    CHECK(ack.taken && ack.sequence == INT64_MAX && !ack.duplicate);
    CHECK_INT(forward_ack_read(arena,
                               STR("{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum messages "
                                   "exceeded\"},\"stream\":\"S\",\"seq\":7}"),
                               &ack, &err),
              RC_OK);
    CHECK(!ack.taken && ack.complaint_code == 10077); /* also with a place */
    CHECK_TEXT(ack.complaint, "maximum messages exceeded");
    CHECK_INT(forward_ack_read(arena, STR("{\"error\":{}}"), &ack, &err), RC_OK);
    CHECK(!ack.taken && ack.complaint.n > 0 && ack.complaint_code == 0);
}

static void neither(void)
{
    static const char *const rows[] = {
        "",
        "+OK",
        "null",
        "12",
        "[]",
        "{}",
        "{\"stream\":\"S\"}",
        "{\"seq\":5}",
        "{\"stream\":\"\",\"seq\":5}",
        "{\"stream\":5,\"seq\":5}",
        "{\"stream\":\"S\",\"seq\":0}",
        "{\"stream\":\"S\",\"seq\":-1}",
        "{\"stream\":\"S\",\"seq\":1.5}",
        "{\"stream\":\"S\",\"seq\":\"5\"}",
        "{\"stream\":\"S\",\"seq\":99999999999999999999}",
        "{\"error\":null,\"stream\":\"S\",\"seq\":5}",
        "{\"error\":\"no\",\"stream\":\"S\",\"seq\":5}",
        "{\"error\":[],\"stream\":\"S\",\"seq\":5}",
        "{\"stream\":\"S\",\"seq\":5}{}",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}},\"stream\":\"S\",\"seq\":5}",
    };
    struct arena *arena CLEANUP(arena_cleanup) = arena_new((size_t)1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forward_ack ack;
        struct err err;
        test_row("%s", rows[i]);
        CHECK(forward_ack_read(arena, str_of(rows[i]), &ack, &err) != RC_OK);
        CHECK(!ack.taken);
    }
    for (size_t n = 0; n < sizeof taken - 1; n++) {
        struct forward_ack ack;
        struct err err;
        CHECK(forward_ack_read(arena, str_at(taken, n), &ack, &err) != RC_OK && !ack.taken);
    }
}

static const struct test tests[] = {{"yes and no", answers}, {"neither", neither}};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
