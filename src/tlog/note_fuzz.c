/* Notes, checkpoints, keys, signer states: what is accepted must write back to the same bytes. */
#include "base/assert.h"
#include "tlog/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    struct str in = str_at(bytes, size);
    struct note note;
    struct note_key key;
    struct checkpoint checkpoint;
    struct signer_state state;
    struct signing_key *private_key = NULL;
    struct buf out CLEANUP(buf_done);
    buf_init(&out, 1 << 20);
    if (note_parse(in, &note, NULL) == RC_OK) {
        buf_str(&out, note.text);
        buf_char(&out, '\n');
        for (size_t i = 0; i < note.count; i++)
            buf_str(&out, note.signature[i].line);
        ASSERT(str_eq(buf_view(&out), in));
        ASSERT(note_key_parse(str_of(vkey), &key, NULL) == RC_OK);
        IGNORE(note_verify(&note, &key, NULL, NULL) != RC_OK); /* whatever it says */
    }
    buf_clear(&out);
    if (checkpoint_parse(in, &checkpoint, NULL) == RC_OK) {
        checkpoint_write(checkpoint.origin, &checkpoint.head, &out);
        buf_str(&out, checkpoint.extensions);
        ASSERT(str_eq(buf_view(&out), in));
    }
    buf_clear(&out);
    if (note_key_parse(in, &key, NULL) == RC_OK) {
        note_key_write(&key, &out);
        ASSERT(str_eq_nocase(buf_view(&out), str_trim(in)));
    }
    if (signing_key_parse(in, &private_key, NULL) == RC_OK)
        signing_key_free(private_key);
    buf_clear(&out);
    if (signer_state_parse(in, &state, NULL) == RC_OK) {
        struct signer_state again;
        signer_state_write(&state, &out);
        ASSERT(signer_state_parse(buf_view(&out), &again, NULL) == RC_OK);
        ASSERT(again.head.size == state.head.size && again.signed_ns == state.signed_ns);
    }
    return 0;
}
