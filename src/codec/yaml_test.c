#include "codec/yaml.h"

#include "base/buf.h"
#include "base/test.h"

#include <string.h>

/* Writes the tree as one line: {key: value}, [item], 'quoted', plain; documents separated by " | ". */
static void show(struct buf *buf, const struct yaml_node *node, int depth)
{
    static const char quotes[] = {0, '\'', '"', '|', '>'};
    if (node->tag.n > 0)
        buf_format(buf, "<%.*s>", STR_ARG(node->tag));
    if (node->kind == YAML_SCALAR) {
        if (quotes[node->style] != 0)
            buf_char(buf, quotes[node->style]);
        buf_str(buf, node->text);
        if (quotes[node->style] != 0)
            buf_char(buf, quotes[node->style]);
        return;
    }
    buf_char(buf, node->kind == YAML_MAPPING ? '{' : '[');
    for (const struct yaml_node *child = node->first; child != NULL && depth < 70; child = child->next) {
        if (child->key != NULL)
            buf_format(buf, "%.*s: ", STR_ARG(child->key->text));
        show(buf, child, depth + 1);
        if (child->next != NULL)
            buf_text(buf, ", ");
    }
    buf_char(buf, node->kind == YAML_MAPPING ? '}' : ']');
}

static void check_text(const char *text, const char *want)
{
    struct arena *arena = arena_new(1 << 20);
    struct yaml_node *documents = NULL;
    size_t count = 0;
    struct err err = {0};
    struct buf buf;
    buf_init(&buf, 1 << 16);
    if (yaml_parse(arena, str_of(text), &documents, &count, &err) != RC_OK)
        buf_format(&buf, "%s: %s", rc_name(err.code), err.text);
    for (const struct yaml_node *node = documents; node != NULL; node = node->next) {
        show(&buf, node, 0);
        buf_text(&buf, node->next != NULL ? " | " : "");
    }
    CHECK_TEXT(buf_view(&buf), want);
    buf_done(&buf);
    arena_free(arena);
}

static void texts(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"", ""},
        {"# only a comment\n", ""},
        {"---\n", ""},
        {"a: 1\nb: no\n", "{a: 1, b: no}"},
        {"a: '1'\nb: \"x\\ty\"\n", "{a: '1', b: \"x\ty\"}"},
        {"- 1\n- [a, b]\n- {c: d}\n", "[1, [a, b], {c: d}]"},
        {"a: |\n  x\n  y\nb: >\n  x\n  y\n", "{a: |x\ny\n|, b: >x y\n>}"},
        {"a:\n  - b: c\n    d: e\n", "{a: [{b: c, d: e}]}"},
        {"a: 1\n---\nb: 2\n", "{a: 1} | {b: 2}"},
        {"a: !x 1\n", "{a: <!x>1}"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "{a: 1}"},
        {"'*': 1\n", "{*: 1}"},
        {"a: null\nb:\nc: ~\n", "{a: null, b: , c: ~}"},
        {"a: 1\na: 2\n", "invalid: line 2, column 1: key \"a\" stands twice in this mapping, first on line 1"},
        {"x:\n  a: 1\n  b: 1\n  'a': 2\n",
         "invalid: line 4, column 3: key \"a\" stands twice in this mapping, first on line 2"},
        {"? [a]\n: b\n", "invalid: line 1, column 3: the key of a mapping must be a plain or quoted text"},
        {"a: &x 1\n", "invalid: line 1, column 4: anchors and aliases are not supported"},
        {"a: *x\n", "invalid: line 1, column 4: anchors and aliases are not supported"},
        {"a: [1, 2\n", "invalid: line 2, column 1: did not find expected ',' or ']' while parsing a flow sequence"},
        {"a: 'x\n", "invalid: line 2, column 1: found unexpected end of stream while scanning a quoted scalar"},
        {"a: b: c\n", "invalid: line 1, column 5: mapping values are not allowed in this context"},
        {"\ta: b\n",
         "invalid: line 1, column 1: found character that cannot start any token while scanning for the next token"},
        {"a: \xff\n", "invalid: invalid UTF-8 at byte 3"},
        {"a: \x01\n", "invalid: line 1, column 1: control characters are not allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_row("%zu %s", i, rows[i].text);
        check_text(rows[i].text, rows[i].want);
    }
}

static enum rc parse_rc(struct str text, size_t memory)
{
    struct arena *arena = arena_new(memory);
    if (arena == NULL)
        return RC_LIMIT;
    struct yaml_node *documents = NULL;
    size_t count = 0;
    enum rc rc = yaml_parse(arena, text, &documents, &count, NULL);
    arena_free(arena);
    return rc;
}

static struct str repeat(struct buf *buf, const char *text, size_t count)
{
    buf_clear(buf);
    for (size_t i = 0; i < count; i++)
        buf_text(buf, text);
    return buf_view(buf);
}

static void limits(void)
{
    struct buf buf;
    buf_init(&buf, 10 << 20);
    CHECK_INT(parse_rc(repeat(&buf, "[", YAML_DEPTH_MAX + 1), 1 << 20), RC_LIMIT);
    CHECK_INT(parse_rc(repeat(&buf, "[", 100000), 1 << 20), RC_LIMIT);
    CHECK_INT(parse_rc(repeat(&buf, "{a: ", 10000), 1 << 20), RC_LIMIT);
    CHECK_INT(parse_rc(repeat(&buf, "- ", 10000), 1 << 20), RC_LIMIT);
    repeat(&buf, "[", YAML_DEPTH_MAX);
    for (uint32_t i = 0; i < YAML_DEPTH_MAX; i++)
        buf_char(&buf, ']');
    CHECK_INT(parse_rc(buf_view(&buf), 1 << 20), RC_OK);
    CHECK_INT(parse_rc(repeat(&buf, "- 1\n", YAML_NODES_MAX - 1), 100 << 20), RC_OK);
    CHECK_INT(parse_rc(repeat(&buf, "- 1\n", YAML_NODES_MAX), 100 << 20), RC_LIMIT);
    CHECK_INT(parse_rc(repeat(&buf, "- 1\n", 1000), 4096), RC_LIMIT);
    CHECK_INT(parse_rc(repeat(&buf, "#", YAML_SIZE_MAX + 1), 1 << 20), RC_LIMIT);
    buf_clear(&buf);
    for (int i = 0; i < 20000; i++)
        buf_format(&buf, "key%d: 1\n", i);
    CHECK_INT(parse_rc(buf_view(&buf), 100 << 20), RC_OK);
    buf_text(&buf, "key19998: 1\n");
    CHECK_INT(parse_rc(buf_view(&buf), 100 << 20), RC_INVALID);
    buf_done(&buf);
}

static const struct str sample = STR_INIT("title: Один\nid: \"x\"\nlogsource: {product: linux, service: sshd}\n"
                                          "detection:\n  a:\n    - CommandLine|contains: ['x', y]\n  condition: a\n"
                                          "---\nlevel: !!str high\ncount: -5\nyes: True\nno: null\n");

static void truncations_and_flips(void)
{
    uint64_t random = 7;
    for (size_t i = 0; i <= sample.n; i++) {
        IGNORE(parse_rc(str_slice(sample, 0, i), 1 << 16)); /* only must not crash */
        char copy[512];
        memcpy(copy, sample.p, sample.n);
        random = random * 6364136223846793005u + 1;
        copy[(random >> 33) % sample.n] ^= (char)(1u << (random >> 60 & 7));
        IGNORE(parse_rc(str_at(copy, sample.n), 1 << 16));
    }
    CHECK_INT(parse_rc(sample, 1 << 16), RC_OK);
}

static void accessors(void)
{
    struct arena *arena = arena_new(1 << 16);
    struct yaml_node *root = NULL;
    size_t count = 0;
    if (!CHECK_INT(yaml_parse(arena, sample, &root, &count, NULL), RC_OK))
        return;
    CHECK_INT(count, 2);
    CHECK_TEXT(yaml_get_text(root, "title", STR("")), "Один");
    CHECK_TEXT(yaml_get_text(yaml_get(root, "logsource"), "service", STR("")), "sshd");
    CHECK_TEXT(yaml_get_text(root, "logsource", STR("none")), "none");
    CHECK_TEXT(yaml_get_text(NULL, "logsource", STR("none")), "none");
    const struct yaml_node *a = yaml_get(yaml_get(root, "detection"), "a");
    CHECK(a != NULL && a->kind == YAML_SEQUENCE && a->count == 1 && a->line == 6 && a->column == 5);
    const struct yaml_node *second = root->next;
    int64_t number = 0;
    bool truth = false;
    CHECK(yaml_to_i64(yaml_get(second, "count"), &number) && number == -5);
    CHECK(!yaml_to_i64(yaml_get(second, "level"), &number));
    CHECK(yaml_to_bool(yaml_get(second, "yes"), &truth) && truth);
    CHECK(!yaml_to_bool(yaml_get(second, "no"), &truth));
    CHECK(yaml_is_null(yaml_get(second, "no")) && !yaml_is_null(yaml_get(second, "level")));
    CHECK(!yaml_is_null(yaml_get(second, "absent")));
    CHECK_TEXT(yaml_get(second, "level")->tag, "tag:yaml.org,2002:str");
    arena_free(arena);
}

static void failing_memory(void)
{
    uint64_t before = memory_allocations();
    CHECK_INT(parse_rc(sample, 1 << 16), RC_OK);
    uint64_t count = memory_allocations() - before;
    for (uint64_t i = 1; i <= count; i++) {
        memory_fail_at(i);
        CHECK_INT(parse_rc(sample, 1 << 16), RC_LIMIT);
    }
    memory_fail_at(0);
}

static const struct test tests[] = {
    {"texts", texts},
    {"limits", limits},
    {"truncations and flips", truncations_and_flips},
    {"accessors", accessors},
    {"failing memory", failing_memory},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
