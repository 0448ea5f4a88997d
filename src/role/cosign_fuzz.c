/* What a witness answers: the first byte chooses the status, eight the size, the rest is text. No line that the
 * witness's key did not sign joins the note. */
#include "role/cosign.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char policy[] =
    "witness w w.test+063c9bf7+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f http://127.0.0.1/\nquorum w\n";
#define MIRROR_POLICY "witness m w.test+063c9bf7+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\nquorum m\n"
static const char note[] = "log.test\n100\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\n"
                           "\xe2\x80\x94 log.test Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
                           "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint32_t statuses[] = {0, 200, 409, 422, 500, 200};
    struct cosign *cosign = NULL;
    size_t witness = 0;
    uint64_t old_size = 0;
    struct cosign_taken taken;
    if (size < 9 || cosign_new(str_of(policy), 1, &cosign, NULL) != RC_OK)
        return 0;
    cosign_begin(cosign, str_of(note), 100, true, 1);
    ASSERT(cosign_next(cosign, 1, &witness, &old_size));
    struct cosign_answer answer = {
        .id = cosign_id(cosign, witness),
        .status = statuses[bytes[0] % ARRAY_LEN(statuses)],
        .size = get_be64(bytes + 1),
        .text = str_at(bytes + 9, size - 9),
    };
    if (bytes[0] & 0x80) /* late */
        cosign_begin(cosign, str_of(note), 100, true, 2);
    ASSERT(!cosign_take(cosign, &answer, 100, &taken));
    ASSERT(!taken.quorum && taken.note.n == 0 && str_is(cosign_note(cosign), note));
    cosign_free(cosign);
    /* The same text as a mirror brings it. */
    if (cosign_new(STR(MIRROR_POLICY), 1, &cosign, NULL) != RC_OK)
        return 0;
    cosign_begin(cosign, str_of(note), 100, true, 1);
    enum cosign_pushed pushed = cosign_push(cosign, 100, answer.text, 1, &taken);
    ASSERT(pushed == COSIGN_PUSH_STRANGER || (pushed == COSIGN_PUSH_FALSE && cosign_line_check(answer.text)));
    ASSERT(!taken.quorum && taken.note.n == 0 && str_is(cosign_note(cosign), note));
    cosign_free(cosign);
    return 0;
}
