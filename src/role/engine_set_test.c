/* Rules that are compiled beside the work: names that come meanwhile, wishes that overtake each other, bad bundles. */
#include "role/engine_set.h"

#include "base/buf.h"
#include "base/test.h"
#include "event/event.h"
#include "os/proc.h"
#include "role/rule_bundle.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct names *names;
static struct set_maker *maker;

static int bundle_of(const char *field, const char *value)
{
    struct buf bundle CLEANUP(buf_done) = {0};
    struct err err;
    char text[512];
    int fd = -1;
    snprintf(text, sizeof text,
             "title: %s\nid: rule-%s\nlevel: high\nlogsource: {product: linux}\n"
             "detection: {s: {%s: %s}, condition: s}\n",
             field, field, field, value);
    buf_init(&bundle, RULE_BUNDLE_BYTES);
    rule_bundle_begin(&bundle);
    rule_bundle_add(&bundle, &(struct rule_bundle_entry){RULE_BUNDLE_FILE, STR("a.yml"), str_of(text)});
    CHECK_INT(proc_seal("rules", buf_view(&bundle), &fd, &err), RC_OK);
    return fd;
}

static void begin(void)
{
    names = names_new(3);
    maker = set_maker_new(names);
    CHECK(names && maker);
}

static void end(void)
{
    set_maker_free(maker);
    names_free(names);
}

static void want(const char *field, const char *value, uint64_t version)
{
    struct err err;
    int fd = bundle_of(field, value);
    CHECK_INT(set_maker_want(maker, fd, version, &err), RC_OK);
    close(fd);
}

static enum rc take(struct engine_set *ret_set)
{
    struct err err;
    enum rc rc = RC_AGAIN;
    for (int i = 0; i < 20000 && rc == RC_AGAIN; i++) { /* 20 s at the longest */
        rc = set_maker_take(maker, ret_set, &err);
        if (rc == RC_AGAIN)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return rc;
}

/* Whether the set finds an event whose field of that name has that value, by the ids that the true names give. */
static bool finds(const struct engine_set *set, const char *field, const char *value)
{
    struct event event = {.record = 1};
    struct rule_match found[4];
    size_t count = 0;
    struct event_field fields[1] = {{.name = names_put(names, str_of(field)), .value = str_of(value)}};
    event.fields = fields;
    event.field_count = 1;
    CHECK_INT(matcher_event(set->matcher, &event, found, ARRAY_LEN(found), &count), RC_OK);
    return count == 1;
}

static void is_made_beside(void)
{
    struct engine_set set;
    begin();
    names_put(names, STR("host"));
    want("alpha", "one", 7);
    CHECK(set_maker_is_at_work(maker));
    CHECK_INT(take(&set), RC_OK);
    CHECK_INT(set.version, 7);
    CHECK(set.digest != 0 && !set_maker_is_at_work(maker));
    CHECK(finds(&set, "alpha", "one"));
    CHECK(!finds(&set, "alpha", "two"));
    engine_set_done(&set);
    end();
}

/* The field's name comes while it is compiled, behind others. */
static void names_come_meanwhile(void)
{
    struct engine_set set;
    begin();
    want("alpha", "one", 1);
    CHECK_INT(names_put(names, STR("other")), 1);
    CHECK_INT(names_put(names, STR("alpha")), 2);
    CHECK_INT(take(&set), RC_OK);
    CHECK(finds(&set, "alpha", "one"));
    CHECK(!finds(&set, "other", "one"));
    engine_set_done(&set);
    end();
}

static void newest_wish_wins(void)
{
    struct engine_set set;
    begin();
    for (uint64_t version = 1; version <= 5; version++)
        want(version < 5 ? "alpha" : "omega", "one", version);
    uint64_t last = 0;
    size_t taken = 0;
    while (set_maker_is_at_work(maker) && CHECK_INT(take(&set), RC_OK)) {
        CHECK(set.version > last);
        last = set.version;
        taken++;
        if (last == 5)
            CHECK(finds(&set, "omega", "one"));
        engine_set_done(&set);
    }
    CHECK_INT(last, 5);
    CHECK(taken <= 2);
    end();
}

static void bad_ones_are_told(void)
{
    struct engine_set set;
    struct err err;
    int fd = -1;
    begin();
    CHECK_INT(proc_seal("rules", STR("not a bundle"), &fd, &err), RC_OK);
    CHECK_INT(set_maker_want(maker, fd, 3, &err), RC_OK);
    close(fd);
    CHECK_INT(take(&set), RC_CORRUPT);
    CHECK_INT(set.version, 3);
    CHECK(!set_maker_is_at_work(maker));
    want("alpha", "one", 4);
    CHECK_INT(take(&set), RC_OK);
    CHECK(finds(&set, "alpha", "one"));
    engine_set_done(&set);
    want("alpha", "two", 5);
    end(); /* while it is at work */
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"rules are made beside the work", is_made_beside},
        {"names that come meanwhile are known", names_come_meanwhile},
        {"the newest wish wins", newest_wish_wins},
        {"bad ones are told, and others follow", bad_ones_are_told},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
