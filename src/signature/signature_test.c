#include "signature/signature.h"

#include "base/bytes.h"
#include "base/test.h"
#include "signature/signature_testing.h"

#include <openssl/cms.h>

#define DAY   INT64_C(86400)
#define BEGIN INT64_C(1767225600) /* 2026-01-01 */
#define NOW   (BEGIN + 180 * DAY)

#define SIGN       0xc0u /* digitalSignature, nonRepudiation */
#define CERTIFY    0x06u /* keyCertSign, cRLSign */
#define ENCIPHER   0x20u
#define REVOKED_OF 12u

/* A root, an authority, a person, what is said of their certificates, a time stamp's authority and a document. All good
 * as it is made; each row of a test spoils something. */
struct world {
    struct test_certificate root;
    struct test_certificate authority;
    struct test_certificate person;
    struct test_certificate stamper;
    struct test_list lists[2]; /* of root and authority */
    struct test_response response;
    struct test_document document;
    const struct test_key *signs; /* what really signs the person's certificate; NULL: the authority */
    bool no_root;
    bool no_authority;
    bool no_lists;
    bool answers;           /* a responder's answer beside */
    bool delegate;          /* ... of a responder that the authority named */
    bool delegate_plain;    /* ... and did not name */
    bool delegate_critical; /* ... whose certificate insists on what is not known */
    bool list_inside;       /* the authority's list lies in the document */
    struct test_list more;  /* one list more, when it has an issuer */
    bool document_here;
    struct str beside;
    int64_t now_s;
    int64_t stamped_s;  /* 0: no time stamp */
    bool stamp_wrong;   /* of another signature */
    bool stamp_usage;   /* its certificate is not for that */
    bool stamp_unnamed; /* it does not name its certificate */
};
static struct world world;

static void world_make(enum test_key_kind kind)
{
    const struct test_key *root = test_key(kind, 0);
    const struct test_key *authority = test_key(kind, 1);
    world = (struct world){
        .root = {.name = "Root",
                 .key = root,
                 .serial = 1,
                 .from_s = BEGIN - 3650 * DAY,
                 .until_s = BEGIN + 3650 * DAY,
                 .authority = true,
                 .key_usage = CERTIFY},
        .authority = {.name = "Authority",
                      .issuer = "Root",
                      .key = authority,
                      .issuer_key = root,
                      .serial = 11,
                      .from_s = BEGIN - 1000 * DAY,
                      .until_s = BEGIN + 1000 * DAY,
                      .authority = true,
                      .key_usage = CERTIFY},
        .person = {.name = "\xd0\x90\xd0\xb9\xd0\xb3\xd2\xaf\xd0\xbb",
                   .issuer = "Authority",
                   .key = test_key(kind, 2),
                   .issuer_key = authority,
                   .serial = REVOKED_OF,
                   .from_s = BEGIN,
                   .until_s = BEGIN + 365 * DAY,
                   .key_usage = SIGN},
        .stamper = {.name = "Stamps",
                    .issuer = "Authority",
                    .key = test_key(kind, 3),
                    .issuer_key = authority,
                    .serial = 13,
                    .from_s = BEGIN - 100 * DAY,
                    .until_s = BEGIN + 1000 * DAY,
                    .key_usage = SIGN,
                    .use = "stamp"},
        .lists = {{.issuer = "Root", .issuer_key = root, .from_s = NOW - 3600, .until_s = NOW + DAY},
                  {.issuer = "Authority", .issuer_key = authority, .from_s = NOW - 3600, .until_s = NOW + DAY}},
        .response =
            {.serial = REVOKED_OF, .signer = authority, .from_s = NOW - 60, .until_s = NOW + 600, .status = 'g'},
        .document = {.content = STR(
                         "\xd2\x9a\xd0\xb0\xd1\x83\xd1\x96\xd0\xbf\xd1\x81\xd1\x96\xd0\xb7\xd0\xb4\xd1\x96\xd0\xba"),
                     .key = test_key(kind, 2),
                     .claimed_s = BEGIN + 5 * DAY},
        .now_s = NOW,
    };
}

static struct str stamp_made(struct str signature)
{
    struct test_document token = {.content = test_stamp_info(signature, world.stamped_s, world.stamp_wrong),
                                  .certificate = test_certificate_make(&world.stamper),
                                  .key = world.stamper.key,
                                  .type = TEST_TYPE_STAMP,
                                  .names_certificate = !world.stamp_unnamed};
    return test_document_make(&token);
}

static void add(struct signature_trust *trust, enum signature_kind kind, struct str bytes)
{
    struct err err = {0};
    if (signature_trust_add(trust, kind, bytes, &err) != RC_OK)
        CHECK_TEXT(STR("added"), err.text);
}

static void answers_add(struct signature_trust *trust, struct str authority)
{
    const struct test_key *key = test_key(world.person.key->kind, 4);
    struct test_certificate responder = {.name = "Responder",
                                         .issuer = "Authority",
                                         .key = key,
                                         .issuer_key = world.authority.key,
                                         .serial = 14,
                                         .from_s = BEGIN,
                                         .until_s = BEGIN + 365 * DAY,
                                         .key_usage = SIGN,
                                         .unknown_critical = world.delegate_critical,
                                         .use = world.delegate_plain ? NULL : "responder"};
    world.response.issuer = authority;
    if (world.delegate || world.delegate_plain) {
        world.response.signer = key;
        world.response.signer_certificate = test_certificate_make(&responder);
    }
    add(trust, SIGNATURE_RESPONSES, test_response_make(&world.response));
}

static struct str world_document(void)
{
    struct test_certificate person = world.person;
    person.issuer_key = world.signs ? world.signs : person.issuer_key;
    if (world.stamp_usage)
        world.stamper.use = "responder";
    world.document.certificate = test_certificate_make(&person);
    world.document.stamp_of = world.stamped_s ? stamp_made : NULL;
    if (world.list_inside)
        world.document.list = test_list_make(&world.lists[1]);
    return test_document_make(&world.document);
}

static struct signature_trust *world_trust(void)
{
    struct signature_trust *trust = signature_trust_new();
    struct str authority = test_certificate_make(&world.authority);
    CHECK(trust != NULL);
    if (!world.no_root)
        add(trust, SIGNATURE_ROOTS, test_certificate_make(&world.root));
    if (!world.no_authority)
        add(trust, SIGNATURE_CERTIFICATES, authority);
    if (!world.no_lists)
        add(trust, SIGNATURE_LISTS, test_list_make(&world.lists[0]));
    if (!world.no_lists && !world.list_inside)
        add(trust, SIGNATURE_LISTS, test_list_make(&world.lists[1]));
    if (world.more.issuer)
        add(trust, SIGNATURE_LISTS, test_list_make(&world.more));
    if (world.answers)
        answers_add(trust, authority);
    return trust;
}

static enum rc judge(struct signature_report *report)
{
    struct err err = {0};
    struct str document = world_document();
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = world_trust();
    struct str beside = world.beside.n ? world.beside : world.document.content;
    bool given = world.beside.n || world.document_here;
    return signature_verify(trust, document, given ? &beside : NULL, world.now_s, report, &err);
}

/* ---- what may be spoiled ---- */

#define SPOIL(name, ...)                                                                                               \
    static void name(void)                                                                                             \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }
SPOIL(nothing, (void)world)
SPOIL(detached, world.document.detached = world.document_here = true)
SPOIL(detached_alone, world.document.detached = true)
SPOIL(detached_other, world.document.detached = true; world.beside = STR("another text"))
SPOIL(attached_other, world.beside = STR("another text"))
SPOIL(attached_same, world.document_here = true)
SPOIL(plain, world.document.plain = true)
SPOIL(plain_other, world.document.plain = world.document.detached = true; world.beside = STR("another text"))
SPOIL(plain_typed, world.document.plain = true; world.document.type = TEST_TYPE_STAMP)
SPOIL(long_lengths, world.document.long_lengths = true)
SPOIL(names_certificate, world.document.names_certificate = true)
SPOIL(names_other, world.document.names_other = true)
SPOIL(wrong_type, world.document.wrong_type = true)
SPOIL(another_key, world.document.key = test_key(world.person.key->kind, 5))
SPOIL(no_certificate, world.document.leave_certificates = true)
SPOIL(no_root, world.no_root = true)
SPOIL(no_authority, world.no_authority = true)
SPOIL(forged_person, world.signs = test_key(world.person.key->kind, 5))
SPOIL(authority_none, world.authority.authority = false)
SPOIL(authority_usage, world.authority.key_usage = SIGN)
SPOIL(person_usage, world.person.key_usage = ENCIPHER)
SPOIL(person_no_usage, world.person.key_usage = 0)
SPOIL(person_critical, world.person.unknown_critical = true)
SPOIL(authority_critical, world.authority.unknown_critical = true)
SPOIL(root_short, world.root.path_length = 1)
SPOIL(authority_short, world.authority.path_length = 1)
SPOIL(permitted, world.authority.permitted = "example.kz")
SPOIL(not_permitted, world.authority.permitted = "other.kz")
SPOIL(expired, world.now_s = BEGIN + 400 * DAY; world.lists[0].until_s = world.lists[1].until_s = BEGIN + 500 * DAY)
SPOIL(expired_stamped, expired(); world.stamped_s = BEGIN + 10 * DAY)
SPOIL(expired_forgotten, expired_stamped(); world.lists[1].from_s = BEGIN + 399 * DAY)
SPOIL(expired_then, expired(); world.stamped_s = BEGIN + 380 * DAY)
SPOIL(not_yet, world.now_s = BEGIN - 10; world.lists[0].from_s = world.lists[1].from_s = BEGIN - DAY)
SPOIL(authority_expired, world.authority.until_s = NOW - 1)
SPOIL(revoked, world.lists[1].revoked = REVOKED_OF; world.lists[1].revoked_s = BEGIN + 20 * DAY)
SPOIL(revoked_tomorrow, revoked(); world.lists[1].revoked_s = NOW + DAY)
SPOIL(other_revoked, revoked(); world.lists[1].revoked = 300)
SPOIL(revoked_later, revoked(); world.stamped_s = BEGIN + 19 * DAY)
SPOIL(revoked_before, revoked(); world.stamped_s = BEGIN + 21 * DAY)
SPOIL(authority_revoked, world.lists[0].revoked = 11; world.lists[0].revoked_s = BEGIN + 20 * DAY)
SPOIL(silent, world.no_lists = true)
SPOIL(list_ended, world.lists[1].until_s = NOW - 1)
SPOIL(list_endless_old, world.lists[1].until_s = 0; world.lists[1].from_s = NOW - DAY)
SPOIL(list_endless_new, world.lists[1].until_s = 0)
SPOIL(list_of_tomorrow, world.lists[1].from_s = NOW + DAY; world.lists[1].until_s = NOW + 2 * DAY)
SPOIL(list_forged, world.lists[1].issuer_key = test_key(world.person.key->kind, 5))
SPOIL(list_delta, world.lists[1].delta = true)
SPOIL(list_delta_mild, list_delta(); world.lists[1].mild = true)
SPOIL(list_more, world.more = world.lists[1]; world.more.revoked = REVOKED_OF; world.more.revoked_s = BEGIN + DAY)
SPOIL(list_more_forged, list_more(); world.more.issuer_key = test_key(world.person.key->kind, 5))
SPOIL(list_delta_names, list_more(); world.more.delta = true)
SPOIL(list_too_late_names, expired_stamped(); list_more(); world.more.from_s = BEGIN + 399 * DAY)
SPOIL(part_own, world.person.point = world.lists[1].point = "http://lists.kz/1")
SPOIL(part_other, part_own(); world.lists[1].point = "http://lists.kz/2")
SPOIL(part_unsaid, part_own(); world.person.point = NULL)
SPOIL(part_other_names, part_other(); list_more(); world.more.point = "http://lists.kz/2")
SPOIL(list_inside, world.list_inside = true)
SPOIL(list_inside_revoked, revoked(); world.list_inside = true)
SPOIL(answer, world.no_lists = false; world.lists[1].until_s = NOW - 1; world.answers = true)
SPOIL(answer_revoked, world.answers = true; world.response.status = 'r'; world.response.revoked_s = NOW - DAY)
SPOIL(answer_revoked_forged, answer_revoked(); world.response.signer = test_key(world.person.key->kind, 5))
SPOIL(answer_unknown, answer(); world.response.status = 'u')
SPOIL(answer_old, answer(); world.response.from_s = NOW - 2 * DAY; world.response.until_s = NOW - DAY)
SPOIL(answer_endless_old, answer(); world.response.from_s = NOW - 2 * DAY; world.response.until_s = 0)
SPOIL(answer_other, answer(); world.response.serial = 99)
SPOIL(answer_forged, answer(); world.response.signer = test_key(world.person.key->kind, 5))
SPOIL(answer_delegate, answer(); world.delegate = true)
SPOIL(answer_delegate_critical, answer_delegate(); world.delegate_critical = true)
SPOIL(answer_not_named, answer(); world.delegate_plain = true)
SPOIL(stamped, world.stamped_s = BEGIN + 30 * DAY)
SPOIL(stamp_wrong, stamped(); world.stamp_wrong = true)
SPOIL(stamp_use_mild, stamped(); world.stamper.use_mild = true)
SPOIL(stamp_key_usage, stamped(); world.stamper.key_usage = ENCIPHER)
SPOIL(stamp_unnamed, stamped(); world.stamp_unnamed = true)
SPOIL(stamper_revoked, stamped(); world.lists[1].revoked = 13; world.lists[1].revoked_s = BEGIN + 40 * DAY)
SPOIL(stamper_stolen, stamper_revoked(); world.lists[1].reason = 1 + 1)
SPOIL(stamper_stolen_expired, expired(); stamper_stolen())
SPOIL(stamper_superseded, stamper_revoked(); world.lists[1].reason = 4 + 1)
SPOIL(stamper_answer, stamped(); world.answers = true; world.response.serial = 13; world.response.status = 'r';
      world.response.revoked_s = BEGIN + 40 * DAY)
SPOIL(stamper_answer_ended, stamper_answer(); world.response.reason = 5 + 1)
SPOIL(attributes_shown, world.document.attributes_shown = true)
SPOIL(stamp_usage, stamped(); world.stamp_usage = true)
SPOIL(stamp_tomorrow, world.stamped_s = NOW + 10 * DAY;
      world.lists[0].until_s = world.lists[1].until_s = NOW + 30 * DAY)
#undef SPOIL

#define WHY(bytes, path, period, revocation)                                                                           \
    {                                                                                                                  \
        SIGNATURE_WHY_##bytes, SIGNATURE_WHY_##path, SIGNATURE_WHY_##period, SIGNATURE_WHY_##revocation                \
    }
#define BROKEN(reason, word) SIGNATURE_##word, WHY(reason, NONE, NONE, NONE)

static const struct {
    const char *name;
    void (*spoil)(void);
    enum signature_verdict verdict;
    enum signature_reason why[SIGNATURE_QUESTIONS];
    enum signature_reason stamp;
} rows[] = {
    {"as made", nothing, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"detached", detached, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"attached, the same beside", attached_same, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"without attributes", plain, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"BER", long_lengths, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"names its certificate", names_certificate, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"no key usage said", person_no_usage, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"an authority as short as it may be", authority_short, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"a name that is permitted", permitted, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"another is revoked", other_revoked, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"a list inside", list_inside, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"a fresh list without an end", list_endless_new, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"an answer", answer, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"an answer of a named responder", answer_delegate, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"a time stamp", stamped, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"expired, signed before", expired_stamped, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"revoked later", revoked_later, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},

    {"a list of its own part", part_own, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"the stamp's authority superseded", stamper_superseded, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},
    {"... and ended, by an answer", stamper_answer_ended, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), 0},

    {"detached, alone", detached_alone, BROKEN(NO_DOCUMENT, UNKNOWN), 0},
    {"detached, another", detached_other, BROKEN(DIGEST, BAD), 0},
    {"attached, another beside", attached_other, BROKEN(OTHER_DOCUMENT, BAD), 0},
    {"without attributes, another", plain_other, BROKEN(MATHEMATICS, BAD), 0},
    {"without attributes, of a type", plain_typed, BROKEN(ATTRIBUTES, BAD), 0},
    {"names another certificate", names_other, BROKEN(OTHER_CERTIFICATE, BAD), 0},
    {"another type in the attribute", wrong_type, BROKEN(ATTRIBUTES, BAD), 0},
    {"another key", another_key, BROKEN(MATHEMATICS, BAD), 0},
    {"no certificate", no_certificate, SIGNATURE_UNKNOWN, WHY(NO_CERTIFICATE, NOT_ASKED, NOT_ASKED, NOT_ASKED), 0},
    {"no root", no_root, SIGNATURE_UNKNOWN, WHY(NONE, NO_ISSUER, NONE, NOT_ASKED), 0},
    {"no authority", no_authority, SIGNATURE_UNKNOWN, WHY(NONE, NO_ISSUER, NONE, NOT_ASKED), 0},
    {"a certificate that another signed", forged_person, SIGNATURE_BAD, WHY(NONE, FORGED, NONE, NOT_ASKED), 0},
    {"an authority that is none", authority_none, SIGNATURE_BAD, WHY(NONE, USAGE, NONE, NOT_ASKED), 0},
    {"an authority that may not certify", authority_usage, SIGNATURE_BAD, WHY(NONE, USAGE, NONE, NOT_ASKED), 0},
    {"a key for something else", person_usage, SIGNATURE_BAD, WHY(NONE, USAGE, NONE, NONE), 0},
    {"an unknown critical extension", person_critical, SIGNATURE_BAD, WHY(NONE, CONSTRAINT, NONE, NOT_ASKED), 0},
    {"... of the authority", authority_critical, SIGNATURE_BAD, WHY(NONE, CONSTRAINT, NONE, NOT_ASKED), 0},
    {"a root that allows no authority", root_short, SIGNATURE_BAD, WHY(NONE, CONSTRAINT, NONE, NOT_ASKED), 0},
    {"a name that is not permitted", not_permitted, SIGNATURE_BAD, WHY(NONE, CONSTRAINT, NONE, NOT_ASKED), 0},
    {"expired", expired, SIGNATURE_UNKNOWN, WHY(NONE, NONE, EXPIRED, NONE), 0},
    {"a list of when it had expired", expired_forgotten, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"signed when it had expired", expired_then, SIGNATURE_BAD, WHY(NONE, NONE, EXPIRED_THEN, NONE), 0},
    {"not valid yet", not_yet, SIGNATURE_BAD, WHY(NONE, NONE, NOT_YET, NONE), 0},
    {"the authority expired", authority_expired, SIGNATURE_UNKNOWN, WHY(NONE, NONE, EXPIRED, NONE), 0},
    {"revoked", revoked, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"to be revoked", revoked_tomorrow, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"revoked, signed after", revoked_before, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"the authority is revoked", authority_revoked, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"revoked by the list inside", list_inside_revoked, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"nobody says", silent, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, SILENT), 0},
    {"a list that ended", list_ended, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"an old list without an end", list_endless_old, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"a list of tomorrow", list_of_tomorrow, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"a forged list", list_forged, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STATUS_FORGED), 0},
    {"a list of changes", list_delta, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, SILENT), 0},
    {"a forged list that names it, beside a good one", list_more_forged, SIGNATURE_UNKNOWN,
     WHY(NONE, NONE, NONE, STATUS_FORGED), 0},
    {"a forged answer that names it, beside a good list", answer_revoked_forged, SIGNATURE_UNKNOWN,
     WHY(NONE, NONE, NONE, STATUS_FORGED), 0},
    {"... that does not insist on it", list_delta_mild, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, SILENT), 0},
    {"a list of changes that names it", list_delta_names, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"a list of when it had expired that names it", list_too_late_names, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED),
     0},
    {"a list of another part", part_other, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, SILENT), 0},
    {"a list of some part", part_unsaid, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, SILENT), 0},
    {"a list of another part that names it", part_other_names, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"attributes shown as a document", attributes_shown, BROKEN(ATTRIBUTES, BAD), 0},
    {"an answer: revoked", answer_revoked, SIGNATURE_BAD, WHY(NONE, NONE, NONE, REVOKED), 0},
    {"an answer: unknown", answer_unknown, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"an old answer", answer_old, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"an old answer without an end", answer_endless_old, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"an answer about another", answer_other, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"a forged answer", answer_forged, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"an answer of one with an unknown critical extension", answer_delegate_critical, SIGNATURE_UNKNOWN,
     WHY(NONE, NONE, NONE, STALE), 0},
    {"an answer of one not named", answer_not_named, SIGNATURE_UNKNOWN, WHY(NONE, NONE, NONE, STALE), 0},
    {"a time stamp of another signature", stamp_wrong, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE),
     SIGNATURE_WHY_DIGEST},
    {"a time stamp by a key for something else", stamp_usage, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE),
     SIGNATURE_WHY_USAGE},
    {"... that does not insist on its use", stamp_use_mild, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE),
     SIGNATURE_WHY_USAGE},
    {"... by a key that may not sign", stamp_key_usage, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE),
     SIGNATURE_WHY_USAGE},
    {"... that names no certificate", stamp_unnamed, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE),
     SIGNATURE_WHY_OTHER_CERTIFICATE},
    {"the stamp's authority revoked later", stamper_revoked, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE),
     SIGNATURE_WHY_REVOKED},
    {"... its key was stolen", stamper_stolen, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), SIGNATURE_WHY_REVOKED},
    {"... by an answer", stamper_answer, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), SIGNATURE_WHY_REVOKED},
    {"a time stamp of tomorrow", stamp_tomorrow, SIGNATURE_GOOD, WHY(NONE, NONE, NONE, NONE), SIGNATURE_WHY_NOT_YET},
};

static void rows_of(enum test_key_kind kind, const char *label)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static struct signature_report report;
        test_row("%s: %s", label, rows[i].name);
        world_make(kind);
        rows[i].spoil();
        if (!CHECK_INT(judge(&report), RC_OK) || !CHECK_INT(report.signer_count, 1))
            continue;
        const struct signature_signer *signer = &report.signer[0];
        CHECK_TEXT(str_of(signature_verdict_name(report.verdict)), signature_verdict_name(rows[i].verdict));
        for (enum signature_question q = 0; q < SIGNATURE_QUESTIONS; q++) {
            test_row("%s: %s: %s", label, rows[i].name, signature_question_name(q));
            CHECK_TEXT(str_of(signature_reason_name(signer->answer[q].reason)), signature_reason_name(rows[i].why[q]));
        }
        CHECK_INT(signer->has_stamp, world.stamped_s != 0);
        CHECK_TEXT(str_of(signature_reason_name(signer->stamp.reason)), signature_reason_name(rows[i].stamp));
        CHECK_INT(signer->stamped_s, rows[i].stamp ? 0 : world.stamped_s);
    }
}

static void by_rsa(void)
{
    rows_of(KEY_RSA, "RSA");
}

static void by_ec(void)
{
    rows_of(KEY_EC, "ECDSA");
}

static void by_ed25519(void)
{
    rows_of(KEY_ED25519, "Ed25519");
}

static void by_gost_2004(void)
{
    rows_of(KEY_GOST_2004, "34.310-2004");
}

static void by_gost_256(void)
{
    rows_of(KEY_GOST_256, "34.10-2015, 256");
}

static void by_gost_512(void)
{
    rows_of(KEY_GOST_512, "34.10-2015, 512");
}

static void says_who(void)
{
    static struct signature_report report;
    world_make(KEY_GOST_512);
    CHECK_INT(judge(&report), RC_OK);
    const struct signature_signer *signer = &report.signer[0];
    CHECK_TEXT(str_of(signer->name), "\xd0\x90\xd0\xb9\xd0\xb3\xd2\xaf\xd0\xbb");
    CHECK_TEXT(str_of(signer->person), "IIN123456789011");
    CHECK_TEXT(str_of(signer->organisation_code), "BIN123456789012");
    CHECK_TEXT(str_of(signer->organisation), "\xd2\x9a\xd0\xb0\xd0\xb7");
    CHECK_TEXT(str_of(signer->issuer), "Authority");
    CHECK_TEXT(str_of(signer->serial), "0c");
    CHECK_TEXT(str_of(signer->algorithm), "GOST 34.10-2015, 512");
    CHECK_INT(signer->claimed_s, BEGIN + 5 * DAY);
    CHECK_INT(signer->from_s, BEGIN);
    CHECK_INT(signer->until_s, BEGIN + 365 * DAY);
    CHECK_INT(signer->moment_s, NOW);
    CHECK(!report.detached);
}

/* Names come out whole letters, and without what would move a cursor. */
static void long_names(void)
{
    static struct signature_report report;
    char name[512] = "\x1b[2J";
    size_t n = strlen(name);
    for (size_t i = 0; i < 120; i++) {
        memcpy(name + n, "\xd2\x9a", 2);
        n += 2;
    }
    world_make(KEY_EC);
    world.person.name = name;
    CHECK_INT(judge(&report), RC_OK);
    struct str got = str_of(report.signer[0].name);
    CHECK(str_starts(got, STR("[2J\xd2\x9a")));
    CHECK_INT(got.n % 2, 1);
    CHECK(got.n > 190 && str_ends(got, STR("\xd2\x9a")));
    CHECK_INT(report.verdict, SIGNATURE_GOOD);
}

static void weak_keys(void)
{
    static struct signature_report report;
    world_make(KEY_RSA);
    world.person.key = world.document.key = test_key(KEY_RSA_WEAK, 0);
    CHECK_INT(judge(&report), RC_OK);
    CHECK_INT(report.verdict, SIGNATURE_BAD);
    CHECK_INT(report.signer[0].answer[SIGNATURE_BYTES].reason, SIGNATURE_WHY_WEAK);
    world_make(KEY_RSA);
    world.authority.key = world.person.issuer_key = world.lists[1].issuer_key = test_key(KEY_RSA_WEAK, 0);
    CHECK_INT(judge(&report), RC_OK);
    CHECK_INT(report.signer[0].answer[SIGNATURE_PATH].reason, SIGNATURE_WHY_WEAK);
}

static enum signature_reason bytes_with(enum test_key_kind kind, struct str spki)
{
    static struct signature_report report;
    struct test_key key = *test_key(kind, 2);
    key.spki = spki;
    world_make(kind);
    world.person.key = world.document.key = &key;
    CHECK_INT(judge(&report), RC_OK);
    return report.signer[0].answer[SIGNATURE_BYTES].reason;
}

/* Keys whose own numbers say what a signature is. */
static void odd_keys(void)
{
    EVP_PKEY *rsa = test_key(KEY_RSA, 2)->secret;
    EVP_PKEY *ec = EVP_PKEY_dup(test_key(KEY_EC, 2)->secret);
    unsigned char modulus[257] = {0};
    unsigned char *out = NULL;
    BIGNUM *n = NULL;
    CHECK_INT(EVP_PKEY_get_bn_param(rsa, "n", &n), 1);
    CHECK_INT(BN_bn2binpad(n, modulus + 1, 256), 256);
    struct str numbers = SEQ(DER(2, str_at(modulus, sizeof modulus)), integer(1));
    struct str spki = SEQ(SEQ(oid("1.2.840.113549.1.1.1"), DER(5, NOTHING)), DER(3, STR("\0"), numbers));
    CHECK_INT(bytes_with(KEY_RSA, spki), SIGNATURE_WHY_WEAK);
    CHECK_INT(EVP_PKEY_set_utf8_string_param(ec, "encoding", "explicit"), 1);
    int size = i2d_PUBKEY(ec, &out);
    CHECK(size > 200);
    CHECK_INT(bytes_with(KEY_EC, kept(out, (size_t)MAX(size, 0))), SIGNATURE_WHY_ALGORITHM);
    OPENSSL_free(out);
    EVP_PKEY_free(ec);
    BN_free(n);
}

/* Of tc26-256-A: a point of order 2, and what anybody can compute for it. */
static void small_points(void)
{
    uint8_t digest[32];
    static const char key[] = "\xaa\x4a\xa1\xe7\xdc\x75\x30\xa6\x7e\xc4\x2a\x19\x5c\xfe\x44\x87"
                              "\x58\xd9\x78\xd4\x44\x4b\x97\x8e\x15\xff\x95\xf5\x73\xfe\x00\x01"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static const char signature[] = "\x47\x33\x6b\x5a\x26\x1e\x7e\x0e\x2d\x7c\xb0\x77\xe4\x81\x85\x60"
                                    "\xd3\x60\xe4\x7a\x4c\xfb\xe1\x8b\x51\xf9\x05\x68\x67\xc1\x40\x1d"
                                    "\xed\xa2\x4f\xe3\x10\x5d\x90\x39\x50\xef\xc4\x2a\xfc\x1f\x0a\x9c"
                                    "\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb\x3b";
    memset(digest, 0x11, sizeof digest);
    CHECK(!gost_verify(GOST_2015_256, str_at(key, 64), digest, str_at(signature, 64)));
}

/* Each allocation fails once: a digest that was not made fits no attribute, not an empty one either. */
static void no_digest(void)
{
    static struct signature_report report;
    struct err err = {0};
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    world_make(KEY_ED25519);
    world.document.empty_digest = true;
    struct str document = world_document();
    uint64_t before = memory_allocations();
    CHECK_INT(signature_verify(trust, document, NULL, NOW, &report, &err), RC_OK);
    CHECK_INT(report.signer[0].answer[SIGNATURE_BYTES].reason, SIGNATURE_WHY_DIGEST);
    uint64_t count = memory_allocations() - before;
    uint64_t limits = 0;
    CHECK(count > 0);
    for (uint64_t at = 1; at <= count; at++) {
        memory_fail_at(at);
        enum rc rc = signature_verify(trust, document, NULL, NOW, &report, &err);
        memory_fail_at(0);
        CHECK(rc == RC_LIMIT || (rc == RC_OK && report.signer[0].answer[SIGNATURE_BYTES].verdict != SIGNATURE_GOOD));
        limits += rc == RC_LIMIT;
    }
    CHECK(limits > 0);
}

/* Each allocation, OpenSSL's too, fails once: a signature that is not good does not become it. */
static void no_memory(void)
{
    static const struct {
        const char *name;
        void (*spoil)(void);
    } spoilt[] = {{"revoked", revoked},
                  {"not permitted", not_permitted},
                  {"of another part", part_other},
                  {"a forged certificate", forged_person},
                  {"another document", detached_other},
                  {"attributes as a document", attributes_shown},
                  {"a stolen key's time stamp", stamper_stolen_expired}};
    static struct signature_report report;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(spoilt); i++) {
        world_make(KEY_EC);
        spoilt[i].spoil();
        struct str document = world_document();
        struct signature_trust *trust CLEANUP(signature_trust_cleanup) = world_trust();
        const struct str *beside = world.beside.n ? &world.beside : NULL;
        uint64_t before = memory_allocations();
        CHECK_INT(signature_verify(trust, document, beside, world.now_s, &report, &err), RC_OK);
        uint64_t count = memory_allocations() - before;
        CHECK(count > 500);
        for (uint64_t at = 1; at <= count; at += 7) {
            test_row("%s, allocation %u", spoilt[i].name, (unsigned)at);
            memory_fail_at(at);
            enum rc rc = signature_verify(trust, document, beside, world.now_s, &report, &err);
            memory_fail_at(0);
            CHECK(rc == RC_OK || rc == RC_INVALID || rc == RC_LIMIT);
            CHECK(report.verdict != SIGNATURE_GOOD);
        }
    }
}

/* What a stranger may bring to be asked, again and again for each signer. */
static void too_much_beside(void)
{
    static char name[70000];
    static struct signature_report report;
    struct err err = {0};
    struct buf many CLEANUP(buf_done);
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    world_make(KEY_EC);
    struct str list = test_list_make(&world.lists[1]);
    buf_init(&many, (size_t)1 << 20);
    for (size_t i = 0; i < 64; i++)
        buf_str(&many, list);
    world.document.list = buf_view(&many);
    CHECK_INT(signature_verify(trust, world_document(), NULL, NOW, &report, &err), RC_OK);
    buf_str(&many, list);
    world.document.list = buf_view(&many);
    CHECK_INT(signature_verify(trust, world_document(), NULL, NOW, &report, &err), RC_LIMIT);
    CHECK_TEXT(str_of(err.text), "a signed document with more than 256 certificates or 64 lists");
    CHECK_INT(report.verdict, SIGNATURE_UNKNOWN);
    world_make(KEY_EC);
    memset(name, 'a', sizeof name - 1);
    world.authority.name = name;
    world.document.others[0] = test_certificate_make(&world.authority);
    CHECK_INT(signature_verify(trust, world_document(), NULL, NOW, &report, &err), RC_LIMIT);
    CHECK_TEXT(str_of(err.text), "certificate 2 of the signed document is of more than 65536 bytes");
}

/* A root of RSA over an authority of the national algorithm. */
static void mixed(void)
{
    static struct signature_report report;
    world_make(KEY_GOST_512);
    world.root.key = world.authority.issuer_key = world.lists[0].issuer_key = test_key(KEY_RSA, 0);
    CHECK_INT(judge(&report), RC_OK);
    CHECK_INT(report.verdict, SIGNATURE_GOOD);
}

/* ---- what OpenSSL itself writes ---- */

static void of_openssl(void)
{
    static struct signature_report report;
    struct err err = {0};
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    static const struct {
        unsigned flags;
        bool detached;
    } ways[] = {{CMS_BINARY, false},
                {CMS_BINARY | CMS_DETACHED, true},
                {CMS_BINARY | CMS_CADES, false},
                {CMS_BINARY | CMS_NOATTR, false},
                {CMS_BINARY | CMS_STREAM, false}};
    world_make(KEY_RSA);
    struct str der = test_certificate_make(&world.person);
    const unsigned char *at = (const unsigned char *)der.p;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.n);
    add(trust, SIGNATURE_ROOTS, test_certificate_make(&world.root));
    add(trust, SIGNATURE_CERTIFICATES, test_certificate_make(&world.authority));
    add(trust, SIGNATURE_LISTS, test_list_make(&world.lists[0]));
    add(trust, SIGNATURE_LISTS, test_list_make(&world.lists[1]));
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        test_row("flags %x", ways[i].flags);
        BIO *in = BIO_new_mem_buf(world.document.content.p, (int)world.document.content.n);
        BIO *out = BIO_new(BIO_s_mem());
        BIO *text = BIO_new(BIO_s_mem());
        CMS_ContentInfo *cms = CMS_sign(certificate, world.person.key->secret, NULL, in, ways[i].flags);
        CHECK(cms != NULL && i2d_CMS_bio_stream(out, cms, in, (int)ways[i].flags) == 1);
        if (!(ways[i].flags & CMS_STREAM))
            CHECK(PEM_write_bio_CMS_stream(text, cms, NULL, 0) == 1);
        char *bytes = NULL;
        long n = BIO_get_mem_data(out, &bytes);
        const struct str *beside = ways[i].detached ? &world.document.content : NULL;
        CHECK_INT(signature_verify(trust, str_at(bytes, (size_t)n), beside, NOW, &report, &err), RC_OK);
        CHECK_INT(report.verdict, SIGNATURE_GOOD);
        CHECK_INT(report.detached, ways[i].detached);
        n = BIO_get_mem_data(text, &bytes);
        if (n > 0) {
            CHECK_INT(signature_verify(trust, str_at(bytes, (size_t)n), beside, NOW, &report, &err), RC_OK);
            CHECK_INT(report.verdict, SIGNATURE_GOOD);
        }
        CMS_ContentInfo_free(cms);
        BIO_free(in);
        BIO_free(out);
        BIO_free(text);
    }
    X509_free(certificate);
}

/* ---- bytes ---- */

static void base64_and_more(void)
{
    static char text[65536];
    static struct signature_report report;
    struct err err = {0};
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    world_make(KEY_EC);
    struct str document = world_document();
    size_t n = base64_encode(document.p, document.n, text);
    CHECK_INT(signature_verify(trust, str_at(text, n), NULL, NOW, &report, &err), RC_OK);
    CHECK_INT(report.signer_count, 1);
    memmove(text + 65, text + 64, n - 64);
    text[64] = '\n';
    CHECK_INT(signature_verify(trust, str_at(text, n + 1), NULL, NOW, &report, &err), RC_OK);
    text[10] = '*';
    CHECK_INT(signature_verify(trust, str_at(text, n + 1), NULL, NOW, &report, &err), RC_INVALID);
    CHECK_INT(report.signer_count, 0);
    CHECK_INT(signature_verify(trust, STR(""), NULL, NOW, &report, &err), RC_INVALID);
    CHECK_INT(signature_verify(trust, STR("-----BEGIN CMS-----\n"), NULL, NOW, &report, &err), RC_INVALID);
    CHECK_INT(signature_verify(trust, test_certificate_make(&world.person), NULL, NOW, &report, &err), RC_INVALID);
}

/* Every byte of a good document that is changed: none makes a good one of what is signed, and nothing dies. */
static void flipped(void)
{
    static char copy[65536];
    static struct signature_report report;
    struct err err = {0};
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    world_make(KEY_EC);
    world.stamped_s = BEGIN + 30 * DAY;
    struct str document = world_document();
    add(trust, SIGNATURE_ROOTS, test_certificate_make(&world.root));
    add(trust, SIGNATURE_CERTIFICATES, test_certificate_make(&world.authority));
    add(trust, SIGNATURE_LISTS, test_list_make(&world.lists[0]));
    add(trust, SIGNATURE_LISTS, test_list_make(&world.lists[1]));
    CHECK_INT(signature_verify(trust, document, NULL, NOW, &report, &err), RC_OK);
    CHECK_INT(report.verdict, SIGNATURE_GOOD);
    size_t signed_at = str_search(document, world.document.content);
    CHECK(signed_at < document.n);
    for (size_t i = 0; i < document.n; i++) {
        memcpy(copy, document.p, document.n);
        copy[i] ^= 0x01;
        if (signature_verify(trust, str_at(copy, document.n), NULL, NOW, &report, &err) != RC_OK)
            continue;
        bool of_content = i >= signed_at && i < signed_at + world.document.content.n;
        test_row("byte %zu", i);
        if (of_content)
            CHECK_INT(report.verdict, SIGNATURE_BAD);
        CHECK(report.verdict != SIGNATURE_GOOD || report.signer[0].answer[SIGNATURE_BYTES].verdict == SIGNATURE_GOOD);
    }
    for (size_t n = 0; n < document.n; n++) {
        test_row("%zu bytes", n);
        CHECK_INT(signature_verify(trust, str_slice(document, 0, n), NULL, NOW, &report, &err), RC_INVALID);
    }
}

static void trust_refuses(void)
{
    static char longer[4096];
    struct err err = {0};
    struct signature_trust *trust CLEANUP(signature_trust_cleanup) = signature_trust_new();
    world_make(KEY_EC);
    struct str certificate = test_certificate_make(&world.root);
    struct str list = test_list_make(&world.lists[0]);
    const struct test_response later = {.try_later = true};
    CHECK_INT(signature_trust_add(trust, SIGNATURE_ROOTS, list, &err), RC_INVALID);
    CHECK_INT(signature_trust_add(trust, SIGNATURE_LISTS, certificate, &err), RC_INVALID);
    CHECK_INT(signature_trust_add(trust, SIGNATURE_RESPONSES, certificate, &err), RC_INVALID);
    CHECK_INT(signature_trust_add(trust, SIGNATURE_RESPONSES, test_response_make(&later), &err), RC_INVALID);
    CHECK_INT(signature_trust_add(trust, SIGNATURE_ROOTS, STR(""), &err), RC_INVALID);
    CHECK_INT(signature_trust_add(trust, SIGNATURE_ROOTS, str_slice(certificate, 0, certificate.n - 1), &err),
              RC_INVALID);
    memcpy(longer, certificate.p, certificate.n);
    CHECK_INT(signature_trust_add(trust, SIGNATURE_ROOTS, str_at(longer, certificate.n + 1), &err), RC_INVALID);
    for (size_t i = 0; i < SIGNATURE_TRUST_COUNT; i++)
        if (signature_trust_add(trust, SIGNATURE_ROOTS, certificate, &err) != RC_OK)
            CHECK_INT(i, SIGNATURE_TRUST_COUNT);
    CHECK_INT(signature_trust_add(trust, SIGNATURE_LISTS, list, &err), RC_LIMIT);
}

static const struct test tests[] = {
    {"RSA", by_rsa},
    {"ECDSA", by_ec},
    {"Ed25519", by_ed25519},
    {"GOST 34.310-2004", by_gost_2004},
    {"GOST 34.10-2015, 256 bits", by_gost_256},
    {"GOST 34.10-2015, 512 bits", by_gost_512},
    {"who signed, and when", says_who},
    {"long names", long_names},
    {"weak keys prove nothing", weak_keys},
    {"keys that prove nothing", odd_keys},
    {"points of a small order prove nothing", small_points},
    {"a digest that could not be made", no_digest},
    {"no memory proves nothing", no_memory},
    {"more certificates and lists than are read", too_much_beside},
    {"two algorithms on one way", mixed},
    {"what OpenSSL writes", of_openssl},
    {"base64, and what is none", base64_and_more},
    {"every byte changed, every length", flipped},
    {"what is not to be believed", trust_refuses},
};

static void *openssl_new(size_t size, const char *file, int line)
{
    IGNORE(file == NULL || line == 0);
    return memory_new(size);
}

static void *openssl_resize(void *old, size_t size, const char *file, int line)
{
    IGNORE(file == NULL || line == 0);
    return memory_resize(old, size);
}

static void openssl_free(void *old, const char *file, int line)
{
    IGNORE(file == NULL || line == 0);
    memory_free(old);
}

int main(int argc, char **argv)
{
    IGNORE(CRYPTO_set_mem_functions(openssl_new, openssl_resize, openssl_free) == 1);
    int status = test_run(tests, ARRAY_LEN(tests), argc, argv);
    test_end();
    return status;
}
