/* The published values of RFC 4226 Appendix D and RFC 6238 Appendix B (SHA-1). */
#include "tlog/hotp.h"

#include "base/test.h"

#define SECRET STR("12345678901234567890")

static void counts(void)
{
    static const struct {
        uint32_t value;
        uint32_t code;
    } rows[] = {
        {0x4c93cf18, 755224}, {0x41397eea, 287082}, {0x082fef30, 359152}, {0x66ef7655, 969429}, {0x61c5938a, 338314},
        {0x33c083d4, 254676}, {0x7256c032, 287922}, {0x04e5b397, 162583}, {0x2823443f, 399871}, {0x2679dc69, 520489},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t value;
        test_row("counter %zu", i);
        CHECK(hotp_value(SECRET, i, &value));
        CHECK_INT(value, rows[i].value);
        CHECK_INT(value % HOTP_CODES, rows[i].code);
    }
}

static void steps(void)
{
    static const struct {
        uint64_t time_s;
        uint32_t eight; /* digits, as the table has them */
    } rows[] = {
        {59, 94287082},         {1111111109, 7081804},  {1111111111, 14050471},
        {1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t value;
        test_row("%llu s", (unsigned long long)rows[i].time_s);
        CHECK(hotp_value(SECRET, rows[i].time_s / TOTP_STEP_S, &value));
        CHECK_INT(value % 100000000, rows[i].eight);
    }
}

/* A bit of the secret or of the counter is another value. */
static void every_bit_counts(void)
{
    uint32_t want, value;
    uint8_t secret[HOTP_SECRET_BYTES];
    CHECK(hotp_value(SECRET, 1, &want));
    for (size_t bit = 0; bit < 8 * sizeof secret; bit++) {
        for (size_t i = 0; i < sizeof secret; i++)
            secret[i] = (uint8_t)SECRET.p[i];
        secret[bit / 8] ^= (uint8_t)(1u << bit % 8);
        test_row("bit %zu of the secret", bit);
        CHECK(hotp_value(str_at(secret, sizeof secret), 1, &value) && value != want);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        test_row("bit %u of the counter", bit);
        CHECK(hotp_value(SECRET, 1 ^ UINT64_C(1) << bit, &value) && value != want);
    }
}

static const struct test tests[] = {
    {"the values of RFC 4226", counts},
    {"the values of RFC 6238", steps},
    {"every bit counts", every_bit_counts},
};

int main(int argc, char **argv)
{
    return test_run(tests, ARRAY_LEN(tests), argc, argv);
}
