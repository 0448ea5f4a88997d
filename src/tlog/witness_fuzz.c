/* Requests to a witness and its memory: what is accepted must write back to the same bytes. */
#include "tlog/witness.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct witness_request request;
    static struct witness_memory memory;
    static struct note_key key;
    struct str in = str_at(bytes, size);
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 20);
    if (key.type == 0)
        ASSERT(note_key_init(&key, STR("w.test"), NOTE_COSIGNATURE, (const uint8_t[32]){1}, NULL) == RC_OK);
    IGNORE(witness_memory_parse(in, &key, &memory, NULL) == RC_OK); /* nobody can have signed */
    if (witness_request_parse(in, &request, NULL) != RC_OK)
        return 0;
    witness_request_write(request.old_size, &request.path, request.bytes, &out);
    ASSERT(str_eq(buf_view(&out), in));
    ASSERT(witness_signed(&request, &key, 1, NULL) != WITNESS_COSIGN);
    struct tlog_hasher *hasher CLEANUP(tlog_hasher_cleanup) = tlog_hasher_new();
    struct tlog_head seen = {.size = request.old_size};
    if (hasher != NULL && witness_judge(hasher, &seen, &request, NULL) == WITNESS_COSIGN)
        ASSERT(request.checkpoint.head.size >= seen.size);
    return 0;
}
