#include "codec/timestamp.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/test.h"

#define RECEIVED INT64_C(1795198500000000000) /* 2026-11-20T18:15:00Z */

static void check_time(size_t taken, int64_t time_ns, size_t want_taken, const char *want)
{
    char text[CIVIL_TEXT_MAX];
    if (!CHECK_INT(taken, want_taken) || taken == 0)
        return;
    civil_format(time_ns, 0, time_ns % 1000000000 != 0 ? 9 : 0, text);
    CHECK_TEXT(str_of(text), want);
}

struct row {
    const char *text;
    size_t taken; /* 0: refused */
    const char *want;
};

static void iso(void)
{
    static const struct row rows[] = {
        {"2026-11-20T23:15:00Z", 20, "2026-11-20T23:15:00Z"},
        {"2026-11-20t23:15:00z", 20, "2026-11-20T23:15:00Z"},
        {"2026-11-20T23:15:00+05:00", 25, "2026-11-20T18:15:00Z"},
        {"2026-11-20T23:15:00+0500", 24, "2026-11-20T18:15:00Z"},
        {"2026-11-20T23:15:00+05:75", 19, "2026-11-20T18:15:00Z"},
        {"2026-11-20T23:15:00+24:00", 19, "2026-11-20T18:15:00Z"},
        {"2026-11-20T23:15:00-05", 22, "2026-11-21T04:15:00Z"},
        {"2026-11-20 23:15:00", 19, "2026-11-20T18:15:00Z"},
        {"2026-11-20 23:15:00 +0000 x", 25, "2026-11-20T23:15:00Z"},
        {"2026-11-20 23:15:00 -05 x", 19, "2026-11-20T18:15:00Z"},
        {"2026-11-20 23:15:00,123 x", 23, "2026-11-20T18:15:00.123000000Z"},
        {"2026/11/20 23:15:00.5", 21, "2026-11-20T18:15:00.500000000Z"},
        {"2026-11-20T23:15:00.1234567891Z", 31, "2026-11-20T23:15:00.123456789Z"},
        {"2026-11-20T23:15:00.Z", 19, "2026-11-20T18:15:00Z"},
        {"2026-11-20_23:15:00Z", 20, "2026-11-20T23:15:00Z"},
        {"2024-02-29T00:00:00Z", 20, "2024-02-29T00:00:00Z"},
        {"1970-01-01T00:00:00Z", 20, "1970-01-01T00:00:00Z"},
        {"2100-12-31T23:59:60Z", 20, "2100-12-31T23:59:59Z"},
        {"2025-02-29T00:00:00Z", 0, NULL},
        {"2026-13-20T23:15:00Z", 0, NULL},
        {"2026-00-20T23:15:00Z", 0, NULL},
        {"2026-11-31T23:15:00Z", 0, NULL},
        {"2026-11-20T24:15:00Z", 0, NULL},
        {"2026-11-20T23:60:00Z", 0, NULL},
        {"2026-11-20T23:15:61Z", 0, NULL},
        {"2026-11-20T23:15", 0, NULL},
        {"2026-11/20T23:15:00Z", 0, NULL},
        {"2026-11-20X23:15:00Z", 0, NULL},
        {"20x6-11-20T23:15:00Z", 0, NULL},
        {"0000-11-20T23:15:00Z", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t time_ns = 0;
        test_row("%zu %s", i, rows[i].text);
        size_t taken = timestamp_iso(str_of(rows[i].text), 18000, &time_ns);
        check_time(taken, time_ns, rows[i].taken, rows[i].want);
    }
}

static void bsd(void)
{
    static const struct row rows[] = {
        {"Nov 20 23:15:00 h", 15, "2026-11-20T18:15:00Z"},
        {"nov 20 23:15:00", 15, "2026-11-20T18:15:00Z"},
        {"Nov  2 23:15:00", 15, "2026-11-02T18:15:00Z"},
        {"Nov 2 23:15:00", 14, "2026-11-02T18:15:00Z"},
        {"Nov 02 23:15:00", 15, "2026-11-02T18:15:00Z"},
        {"Nov 20 23:15:00.5", 17, "2026-11-20T18:15:00.500000000Z"},
        {"Nov 20 2024 23:15:00", 20, "2024-11-20T18:15:00Z"},
        {"Nov 20 23:15:00 2024", 20, "2024-11-20T18:15:00Z"},
        {"Nov 20 23:15:00 2024x", 15, "2026-11-20T18:15:00Z"},
        {"Nov 20 23:15:00 1024 y", 15, "2026-11-20T18:15:00Z"},
        {"2024 Nov 20 23:15:00", 20, "2024-11-20T18:15:00Z"},
        {"Sun Dec 04 04:47:44 2005", 24, "2005-12-03T23:47:44Z"},
        {"Feb 29 00:00:00", 15, "2028-02-28T19:00:00Z"},
        {"Feb 30 00:00:00", 0, NULL},
        {"Nov 31 23:15:00", 0, NULL},
        {"Nov 00 23:15:00", 0, NULL},
        {"Nov 20 24:15:00", 0, NULL},
        {"Nov 20 23:15", 0, NULL},
        {"Nov20 23:15:00 x", 0, NULL},
        {"Nov 20T23:15:00", 0, NULL},
        {"Abc 20 23:15:00", 0, NULL},
        {"Abc Nov 20 23:15:00", 0, NULL},
        {"Feb 29 2025 00:00:00", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t time_ns = 0;
        test_row("%zu %s", i, rows[i].text);
        size_t taken = timestamp_bsd(str_of(rows[i].text), RECEIVED, 18000, &time_ns);
        check_time(taken, time_ns, rows[i].taken, rows[i].want);
    }
}

/* The year is that of the receiver, but around New Year the neighbour's. */
static void year_of_bsd(void)
{
    static const struct {
        const char *received;
        const char *text;
        const char *want;
    } rows[] = {
        {"2026-12-31T23:59:58Z", "Jan  1 00:00:02", "2027-01-01T00:00:02Z"},
        {"2027-01-01T00:00:02Z", "Dec 31 23:59:58", "2026-12-31T23:59:58Z"},
        {"2027-01-01T00:00:02Z", "Jan  1 00:00:02", "2027-01-01T00:00:02Z"},
        {"2026-07-01T00:00:00Z", "Jan  2 00:00:00", "2026-01-02T00:00:00Z"},
        {"2026-07-01T00:00:00Z", "Dec 29 00:00:00", "2026-12-29T00:00:00Z"},
        {"2026-03-01T00:00:00Z", "Nov 20 00:00:00", "2025-11-20T00:00:00Z"},
        {"2024-03-01T00:00:00Z", "Feb 29 00:00:00", "2024-02-29T00:00:00Z"},
        {"2025-01-10T00:00:00Z", "Feb 29 00:00:00", "2024-02-29T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t received_ns = 0;
        int64_t time_ns = 0;
        test_row("%zu %s at %s", i, rows[i].text, rows[i].received);
        CHECK(timestamp_iso(str_of(rows[i].received), 0, &received_ns) > 0);
        size_t taken = timestamp_bsd(str_of(rows[i].text), received_ns, 0, &time_ns);
        check_time(taken, time_ns, 15, rows[i].want);
    }
}

static void clf_and_epoch(void)
{
    static const struct row clf[] = {
        {"20/Nov/2026:23:15:00 +0500] x", 26, "2026-11-20T18:15:00Z"},
        {"20/Nov/2026:23:15:00]", 20, "2026-11-20T18:15:00Z"},
        {"20/Nov/2026:23:15:00.250 -0330", 30, "2026-11-21T02:45:00.250000000Z"},
        {"20/Nox/2026:23:15:00 +0500", 0, NULL},
        {"31/Nov/2026:23:15:00 +0500", 0, NULL},
        {"20/Nov/2026 23:15:00 +0500", 0, NULL},
        {"20/Nov/2026:23:15", 0, NULL},
    };
    static const struct row epoch[] = {
        {"1700000000", 10, "2023-11-14T22:13:20Z"},
        {"1700000000.123 x", 14, "2023-11-14T22:13:20.123000000Z"},
        {"1700000000.", 10, "2023-11-14T22:13:20Z"},
        {"1700000000123", 13, "2023-11-14T22:13:20.123000000Z"},
        {"1700000000123456", 16, "2023-11-14T22:13:20.123456000Z"},
        {"1700000000123456789", 19, "2023-11-14T22:13:20.123456789Z"},
        {"170000000", 0, NULL},
        {"17000000000", 0, NULL},
        {"9999999999", 0, NULL},
        {"9999999999999999999", 0, NULL},
        {"x1700000000", 0, NULL},
        {"", 0, NULL},
    };
    int64_t time_ns = 0;
    for (size_t i = 0; i < ARRAY_LEN(clf); i++) {
        test_row("%zu %s", i, clf[i].text);
        size_t taken = timestamp_clf(str_of(clf[i].text), 18000, &time_ns);
        check_time(taken, time_ns, clf[i].taken, clf[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(epoch); i++) {
        test_row("%zu %s", i, epoch[i].text);
        size_t taken = timestamp_epoch(str_of(epoch[i].text), &time_ns);
        check_time(taken, time_ns, epoch[i].taken, epoch[i].want);
    }
}

static void of_programs(void)
{
    static const struct row rows[] = {
        {"20-Nov-2026 23:15:00.250 INFO", 24, "2026-11-20T18:15:00.250000000Z"},
        {"20-NOV-2026 23:15:00 * x", 20, "2026-11-20T18:15:00Z"},
        {"20261120 23:15:00,db1", 17, "2026-11-20T18:15:00Z"},
        {"20261120.231500.25 inf", 18, "2026-11-20T18:15:00.250000000Z"},
        {"20261120.231500", 15, "2026-11-20T18:15:00Z"},
        {"11/20/2026-23:15:00.123456  [**]", 26, "2026-11-20T18:15:00.123456000Z"},
        {"20-Nox-2026 23:15:00", 0, NULL},
        {"31-Nov-2026 23:15:00", 0, NULL},
        {"20-Nov-2026T23:15:00", 0, NULL},
        {"20-Nov-2026 23:15", 0, NULL},
        {"20261320 23:15:00", 0, NULL},
        {"20261120 24:15:00", 0, NULL},
        {"20261120-231500", 0, NULL},
        {"20261120.2315001", 0, NULL},
        {"20261120.23150", 0, NULL},
        {"20/11/2026-23:15:00", 0, NULL},
        {"11/20/2026 23:15:00", 0, NULL},
        {"", 0, NULL},
    };
    int64_t time_ns = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = str_of(rows[i].text);
        test_row("%zu %s", i, rows[i].text);
        size_t taken = timestamp_log(text, 18000, &time_ns);
        check_time(taken, time_ns, rows[i].taken, rows[i].want);
        for (size_t n = 0; n < text.n; n++)
            CHECK(timestamp_log(str_slice(text, 0, n), 18000, &time_ns) <= n);
    }
}

static void any(void)
{
    static const char *const good[] = {"2026-11-20T18:15:00Z", "Nov 20 18:15:00",      "20/Nov/2026:18:15:00 +0000",
                                       "1795198500",           "20-Nov-2026 18:15:00", "20261120 18:15:00"};
    static const char *const bad[] = {"",          "2026-11-20T18:15:00Zx", " 1795198500", "1795198500 ", "yesterday",
                                      "2026-11-20"};
    int64_t time_ns = 0;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        test_row("%s", good[i]);
        CHECK(timestamp_any(str_of(good[i]), RECEIVED, 0, &time_ns) && time_ns == RECEIVED);
        for (size_t n = 0; n < str_of(good[i]).n; n++)
            IGNORE(timestamp_any(str_slice(str_of(good[i]), 0, n), RECEIVED, 0, &time_ns)); /* no crash */
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_row("%s", bad[i]);
        CHECK(!timestamp_any(str_of(bad[i]), RECEIVED, 0, &time_ns));
    }
}

static const struct test tests[] = {
    {"ISO 8601", iso},
    {"RFC 3164", bsd},
    {"year of RFC 3164", year_of_bsd},
    {"CLF and epoch", clf_and_epoch},
    {"of programs", of_programs},
    {"any", any},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
