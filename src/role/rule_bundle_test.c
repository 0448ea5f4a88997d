#include "role/rule_bundle.h"

#include "base/test.h"
#include "os/proc.h"

#include <unistd.h>

static const char good[] = "title: A\nid: rule-a\nlogsource: {product: linux}\n"
                           "detection: {s: {user: root}, condition: s}\n";

static void fill(struct buf *out)
{
    buf_init(out, RULE_BUNDLE_BYTES);
    rule_bundle_begin(out);
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_FILE, STR("a.yml"), str_of(good)});
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_REFUSED, STR("b.yml"), STR("no right to read it")});
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_FACTS, STR("pack:x/1"), STR("licence\tDRL")});
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_FILE, STR("c.yml"), STR("title: half\n")});
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_NEXT_FACTS, STR("pack:x/2"), STR("licence\tDRL")});
    rule_bundle_add(out, &(struct rule_bundle_entry){RULE_BUNDLE_NEXT, STR("pack:x/2/d.yml"), STR("title: D\n")});
}

static void comes_back(void)
{
    struct buf bundle CLEANUP(buf_done) = {0};
    struct rule_bundle_entry entry;
    struct err err;
    fill(&bundle);
    struct str rest = buf_view(&bundle);
    CHECK_INT(rule_bundle_next(&rest, &entry, &err), RC_OK);
    CHECK_INT(entry.kind, RULE_BUNDLE_FILE);
    CHECK_TEXT(entry.path, "a.yml");
    CHECK_TEXT(entry.text, good);
    CHECK_INT(rule_bundle_next(&rest, &entry, &err), RC_OK);
    CHECK_INT(entry.kind, RULE_BUNDLE_REFUSED);
    CHECK_INT(rule_bundle_next(&rest, &entry, &err), RC_OK);
    CHECK_INT(entry.kind, RULE_BUNDLE_FACTS);
    CHECK_TEXT(entry.text, "licence\tDRL");
    CHECK_INT(rule_bundle_next(&rest, &entry, &err), RC_OK);
    CHECK_INT(rule_bundle_next(&rest, &entry, &err), RC_OK);
    CHECK_INT(entry.kind, RULE_BUNDLE_NEXT_FACTS);
    CHECK_INT(rule_bundle_next(&rest, &entry, &err), RC_OK);
    CHECK_INT(entry.kind, RULE_BUNDLE_NEXT); /* and the rules below are three: what waits is none of them */
    CHECK_INT(rule_bundle_next(&rest, &entry, &err), RC_END);
}

static void goes_sealed(void)
{
    struct buf bundle CLEANUP(buf_done) = {0};
    struct rules *rules = NULL;
    struct err err;
    int fd = -1;
    uint64_t digest = 0;
    fill(&bundle);
    CHECK_INT(proc_seal("rules", buf_view(&bundle), &fd, &err), RC_OK);
    CHECK(write(fd, "x", 1) < 0 && ftruncate(fd, 0) < 0);
    CHECK_INT(rule_bundle_digest(fd, &digest, &err), RC_OK);
    CHECK(digest != 0);
    CHECK_INT(rule_bundle_load(fd, &rules, &err), RC_OK);
    close(fd);
    CHECK_INT(rules_count(rules), 1);
    CHECK_TEXT(rules_at(rules, 0)->title, "A"); /* of its own: the memory is gone */
    CHECK_INT(rules_outcome_count(rules), 3);
    CHECK_TEXT(rules_outcome_at(rules, 1)->reason, "no right to read it");
    rules_free(rules);
}

static void unsealed_is_refused(void)
{
    struct rules *rules = NULL;
    struct err err;
    int fd = proc_memory_fd("test", 64);
    CHECK(fd >= 0);
    CHECK_INT(rule_bundle_load(fd, &rules, &err), RC_INVALID);
    close(fd);
}

/* Every cut and every byte changed: refused, or entries that lie within. */
static void damage(void)
{
    struct buf bundle CLEANUP(buf_done) = {0};
    struct rule_bundle_entry entry;
    struct err err;
    fill(&bundle);
    size_t bad = 0;
    for (size_t i = 15; i < bundle.n; i++) {
        struct str rest = str_slice(buf_view(&bundle), 0, i);
        enum rc rc = RC_OK;
        while (rc == RC_OK)
            rc = rule_bundle_next(&rest, &entry, &err);
        bad += rc == RC_CORRUPT;
        CHECK(rc == RC_CORRUPT || rc == RC_END);
    }
    CHECK_INT(bad, bundle.n - 15 - 6); /* it ends well behind its head and between two entries */
    struct rules *rules = rules_new((size_t)16 << 20);
    struct buf twice CLEANUP(buf_done) = {0};
    buf_init(&twice, RULE_BUNDLE_BYTES);
    buf_str(&twice, buf_view(&bundle));
    buf_str(&twice, buf_view(&bundle));
    CHECK_INT(rule_bundle_read(buf_view(&twice), rules, &err), RC_CORRUPT);
    CHECK_INT(rule_bundle_read(STR("not one"), rules, &err), RC_CORRUPT);
    rules_free(rules);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what is put in comes back", comes_back},
        {"it goes as sealed memory", goes_sealed},
        {"memory that is not sealed is refused", unsealed_is_refused},
        {"damage is seen", damage},
    };
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
