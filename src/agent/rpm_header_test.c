#include "agent/rpm_header.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/test.h"

#include <string.h>

struct tag {
    uint32_t tag, type;
    const char *text; /* NULL: `number` */
    uint32_t number;
};

static const struct tag good[] = {{63, 7, "regions are passed over", 0},
                                  {1000, 6, "alpha", 0},
                                  {1001, 6, "1.0", 0},
                                  {1002, 6, "1.el9", 0},
                                  {1003, 4, NULL, 2},
                                  {1005, 9, "a long tale", 0},
                                  {1011, 6, "Qorgan", 0},
                                  {1022, 6, "x86_64", 0},
                                  {1044, 6, "alpha-1.0-1.el9.src.rpm", 0},
                                  {1008, 4, NULL, 1700000000}};

static struct buf made;

static struct str header_make(const struct tag *tags, size_t count)
{
    struct buf data;
    buf_init(&data, 65536);
    buf_done(&made);
    buf_init(&made, 65536);
    buf_be32(&made, (uint32_t)count);
    buf_be32(&made, 0);
    for (size_t i = 0; i < count; i++) {
        buf_be32(&made, tags[i].tag);
        buf_be32(&made, tags[i].type);
        buf_be32(&made, (uint32_t)data.n);
        buf_be32(&made, 1);
        if (tags[i].text)
            buf_put(&data, tags[i].text, strlen(tags[i].text) + 1);
        else
            buf_be32(&data, tags[i].number);
    }
    put_be32(made.p + 4, (uint32_t)data.n);
    buf_str(&made, buf_view(&data));
    buf_done(&data);
    return buf_view(&made);
}

static bool take(struct rpm_header *header, struct str bytes, size_t piece, bool brief)
{
    bool more = true;
    rpm_header_begin(header, bytes.n, brief);
    for (struct str rest = bytes; more && rest.n; rest = str_skip(rest, piece))
        more = rpm_header_take(header, str_slice(rest, 0, piece));
    return rpm_header_end(header);
}

static void a_package_is_read_in_pieces_of_any_size(void)
{
    struct rpm_header header;
    struct str bytes = header_make(good, ARRAY_LEN(good));
    for (size_t piece = 1; piece <= bytes.n; piece++) {
        const struct rpm_package *package = &header.package;
        test_row("%zu", piece);
        CHECK(take(&header, bytes, piece, false));
        CHECK(strcmp(package->name, "alpha") == 0 && strcmp(package->version, "1.0") == 0);
        CHECK(strcmp(package->release, "1.el9") == 0 && strcmp(package->architecture, "x86_64") == 0);
        CHECK(strcmp(package->vendor, "Qorgan") == 0 && strcmp(package->source, "alpha-1.0-1.el9.src.rpm") == 0);
        CHECK(package->epoch == 2 && package->installed_s == 1700000000);
        CHECK(take(&header, bytes, piece, true));
        CHECK(strcmp(package->name, "alpha") == 0 && strcmp(package->architecture, "x86_64") == 0);
        CHECK(!package->version[0] && !package->source[0] && package->epoch == 0);
    }
}

static void no_more_is_read_than_is_wanted(void)
{
    struct rpm_header header;
    struct str bytes = header_make(good, ARRAY_LEN(good));
    size_t taken = 0;
    rpm_header_begin(&header, bytes.n, true);
    while (rpm_header_take(&header, str_slice(bytes, taken, taken + 1)))
        taken++;
    CHECK(rpm_header_end(&header));
    CHECK_INT(bytes.n - taken - 1, sizeof "alpha-1.0-1.el9.src.rpm" + 4); /* and the time of its installation */
}

static void every_cut_is_refused(void)
{
    struct rpm_header header;
    struct str bytes = header_make(good, ARRAY_LEN(good));
    for (size_t n = 0; n < bytes.n; n++) {
        test_row("%zu", n);
        CHECK(!take(&header, str_slice(bytes, 0, n), 7, false)); /* its size is not what it says */
        rpm_header_begin(&header, bytes.n, false);
        IGNORE(rpm_header_take(&header, str_slice(bytes, 0, n)));
        CHECK(!rpm_header_end(&header)); /* the last field ends at its end */
    }
}

static void fields_that_are_not_as_they_should_be(void)
{
    static char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    static const struct {
        struct tag tags[3];
        size_t count;
        const char *name, *version; /* NULL: refused */
    } rows[] = {
        {{{1000, 6, "a", 0}, {1001, 6, "1", 0}}, 2, "a", "1"},
        {{{1001, 6, "1", 0}, {1000, 6, "a", 0}}, 2, "a", "1"},
        {{{1000, 6, "a", 0}, {1000, 6, "b", 0}}, 2, "a", ""}, /* the first counts */
        {{{1000, 8, "a", 0}, {1001, 6, "1", 0}}, 2, "", "1"}, /* another type */
        {{{1000, 6, "", 0}}, 1, "", ""},
        {{{1003, 6, "text", 0}, {1000, 6, "a", 0}}, 2, "a", ""},
        {{{1000, 6, "a", 0}, {1001, 6, longest, 0}}, 2, "a", ""}, /* not cut: empty */
        {{{1, 1, "nothing that is known", 0}}, 1, "", ""},
        {{{0}}, 0, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rpm_header header;
        test_row("%zu", i);
        bool read = take(&header, header_make(rows[i].tags, rows[i].count), 64, false);
        CHECK(read == (rows[i].name != NULL));
        CHECK(!read || (strcmp(header.package.name, rows[i].name) == 0 &&
                        strcmp(header.package.version, rows[i].version) == 0 && header.package.epoch == 0));
    }
}

static void heads_that_lie_are_refused(void)
{
    static const struct {
        size_t at;
        uint32_t value;
    } rows[] = {
        {0, 0},       /* entries */
        {0, 9},       /* one less: the size does not fit */
        {0, 11},      /* one more */
        {0, 0x10000}, /* more than there may be */
        {0, UINT32_MAX},
        {4, 0}, /* bytes */
        {4, UINT32_MAX},
        {4, 0x10000000},
        {8 + 16 + 8, UINT32_MAX}, /* where the name is */
        {8 + 16 + 8, 4096},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rpm_header header;
        test_row("%zu", i);
        struct str bytes = header_make(good, ARRAY_LEN(good));
        put_be32(made.p + rows[i].at, rows[i].value);
        CHECK(!take(&header, bytes, 64, false));
    }
    struct rpm_header header;
    struct str bytes = header_make(good, ARRAY_LEN(good));
    put_be32(made.p + 8 + 9 * 16 + 8, get_be32(made.p + 4) - 3); /* a number of which three bytes are there */
    CHECK(!take(&header, bytes, 64, false));
    bytes = header_make(good, ARRAY_LEN(good) - 1);
    made.p[made.n - 1] = 'x'; /* a text that nothing ends */
    CHECK(!take(&header, bytes, 64, false));
    buf_done(&made);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"a package is read in pieces of any size", a_package_is_read_in_pieces_of_any_size},
        {"no more is read than is wanted", no_more_is_read_than_is_wanted},
        {"every cut is refused", every_cut_is_refused},
        {"fields that are not as they should be", fields_that_are_not_as_they_should_be},
        {"heads that lie are refused", heads_that_lie_are_refused},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
