/* What is remembered of values is what was said of them, however much was forgotten in between. */
#include "rule/hits.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/macros.h"
#include "base/test.h"

#include <string.h>

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

/* The answer that a field and a value always get here. */
static uint32_t answer_of(uint32_t field, struct str value, uint32_t *numbers)
{
    uint64_t sum = field;
    for (size_t i = 0; i < value.n; i++)
        sum = sum * 31 + (unsigned char)value.p[i];
    uint32_t count = (uint32_t)(sum >> 7) % (HITS_MAX + 1);
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = (uint32_t)(sum + i * 977);
    return count;
}

static bool same(struct hits_answer answer, const uint32_t *numbers, uint32_t count)
{
    return answer.count == count && (count == 0 || memcmp(answer.numbers, numbers, count * sizeof(*numbers)) == 0);
}

static bool ask(struct hits *hits, uint32_t field, struct str value)
{
    uint32_t numbers[HITS_MAX];
    uint32_t count = answer_of(field, value, numbers);
    struct hits_answer answer = {0};
    uint64_t place = hits_place(hits, field, value);
    if (hits_find(hits, field, value, place, &answer)) {
        CHECK(same(answer, numbers, count));
        return true;
    }
    hits_put(hits, field, value, place, numbers, count);
    CHECK(hits_find(hits, field, value, place, &answer) && same(answer, numbers, count));
    return false;
}

/* Values by number, alike in length and most bytes. */
static struct str value_of(char room[HITS_VALUE_MAX], uint32_t number)
{
    size_t n = number % 7 == 0 ? number % (HITS_VALUE_MAX + 1) : number % 90;
    memset(room, 'a', n);
    for (size_t i = 0; i < MIN(n, (size_t)4); i++)
        room[(i * 29) % n] = (char)(number >> (8 * i));
    return str_at(n ? room : NULL, n);
}

/* Many more values than there is room for, some asked for often. */
static void never_wrong(void)
{
    char room[HITS_VALUE_MAX];
    size_t known = 0;
    size_t asked = 300000;
    struct hits *hits = hits_new(52);
    state = 832;
    for (size_t i = 0; i < asked; i++) {
        uint32_t number = draw(3) ? draw(2000) : draw(200000);
        test_row("value %u", number);
        known += ask(hits, 1 + draw(3), value_of(room, number));
    }
    CHECK(known > asked / 2 && known < asked);
    hits_free(hits);
}

/* What is asked for again and again stays, though the ring went round many times. */
static void often_asked_stay(void)
{
    char room[HITS_VALUE_MAX];
    struct hits *hits = hits_new(1);
    size_t missed = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        memset(room, 'x', 600);
        memcpy(room, &i, sizeof(i));
        IGNORE(ask(hits, 2, str_at(room, 600)));
        missed += !ask(hits, 1, STR("C:\\Windows\\System32\\svchost.exe"));
    }
    CHECK(missed < 100); /* its line of the table may fill up with newer ones now and then */
    hits_free(hits);
}

/* Fields are kept apart, and so are values that begin alike; the empty one is a value. */
static void alike(void)
{
    const uint32_t one[] = {7};
    struct hits *hits = hits_new(1);
    struct hits_answer answer = {0};
    uint64_t empty = hits_place(hits, 1, STR(""));
    uint64_t zero = hits_place(hits, 1, str_at("\0", 1));
    CHECK(!hits_find(hits, 1, STR(""), empty, &answer));
    hits_put(hits, 1, STR(""), empty, one, 1);
    CHECK(hits_find(hits, 1, STR_NONE, empty, &answer));
    CHECK(same(answer, one, 1));
    CHECK(!hits_find(hits, 2, STR(""), empty, &answer));
    CHECK(!hits_find(hits, 1, str_at("\0", 1), zero, &answer));
    hits_put(hits, 1, str_at("\0", 1), zero, NULL, 0);
    CHECK(hits_find(hits, 1, str_at("\0", 1), zero, &answer) && answer.count == 0);
    CHECK(hits_find(hits, 1, STR(""), empty, &answer) && answer.count == 1);
    hits_free(hits);
}

static const struct test tests[] = {
    {"never a wrong answer", never_wrong},
    {"what is often asked for stays", often_asked_stay},
    {"fields and values are kept apart", alike},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
