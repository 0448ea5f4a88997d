#include "role/signature_report.h"

#include "base/civil.h"
#include "codec/json.h"

/* A certificate without an end ends in 9999 (RFC 5280 4.1.2.5), later than nanoseconds count. */
static void put_time(struct buf *out, const char *name, int64_t time_s)
{
    const int64_t most_s = INT64_MAX / SECOND_NS;
    json_put_int(out, name, MAX(-most_s, MIN(time_s, most_s)) * SECOND_NS);
}

static void put_answer(struct buf *out, const char *name, const struct signature_answer *answer)
{
    json_write_key(out, name);
    json_write_object(out);
    json_put_text(out, "verdict", signature_verdict_name(answer->verdict));
    json_put_text(out, "reason", signature_reason_name(answer->reason));
    if (answer->about[0])
        json_put_text(out, "about", answer->about);
    json_write_object_end(out);
}

static void put_signer(struct buf *out, const struct signature_signer *s)
{
    json_write_object(out);
    json_put_text(out, "verdict", signature_verdict_name(s->verdict));
    json_put_text(out, "name", s->name);
    json_put_text(out, "person", s->person);
    json_put_text(out, "organisation", s->organisation);
    json_put_text(out, "organisation_code", s->organisation_code);
    json_put_text(out, "issuer", s->issuer);
    json_put_text(out, "serial", s->serial);
    json_put_text(out, "algorithm", s->algorithm);
    put_time(out, "from_ns", s->from_s);
    put_time(out, "until_ns", s->until_s);
    put_time(out, "claimed_ns", s->claimed_s);
    put_time(out, "stamped_ns", s->stamped_s);
    put_time(out, "moment_ns", s->moment_s);
    for (enum signature_question i = 0; i < SIGNATURE_QUESTIONS; i++)
        put_answer(out, signature_question_name(i), &s->answer[i]);
    if (s->has_stamp)
        put_answer(out, "stamp", &s->stamp);
    json_write_object_end(out);
}

void signature_report_write(const struct signature_report *report, struct buf *out)
{
    json_write_object(out);
    json_put_text(out, "verdict", signature_verdict_name(report->verdict));
    json_put_bool(out, "detached", report->detached);
    json_write_key(out, "signers");
    json_write_array(out);
    for (size_t i = 0; i < report->signer_count; i++)
        put_signer(out, &report->signer[i]);
    json_write_array_end(out);
    json_write_object_end(out);
}
