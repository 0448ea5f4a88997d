/* Whatever a server answers, and whatever stands in the file of tokens. */
#include "base/assert.h"
#include "role/mirror_wire.h"
#include "role/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    struct str input = str_at(bytes, size);
    struct wire_refusal refusal;
    struct wire_checkpoint checkpoint;
    struct tlog_path path;
    struct wire_rows rows;
    struct wire_notes notes;
    struct wire_stamps stamps;
    struct mirror_log log;
    struct str part;
    if (!arena)
        return 0;
    wire_refusal_read(input, arena, &refusal);
    ASSERT(refusal.retry_ms >= 0 && refusal.retry_ms <= 60000);
    if (wire_checkpoint_read(input, arena, &checkpoint, NULL) == RC_OK)
        ASSERT(checkpoint.log_file_bytes > 0);
    if (wire_path_read(input, arena, &path, NULL) == RC_OK)
        ASSERT(path.count <= TLOG_HEIGHT_MAX);
    if (wire_rows_read(input, arena, &rows, NULL) == RC_OK)
        for (size_t i = 0; i < rows.count; i++)
            ASSERT(rows.rows[i].end > rows.rows[i].first && (i == 0 || rows.rows[i].first >= rows.rows[i - 1].end));
    uint64_t cosign = 0;
    if (wire_report_read(input, arena, &cosign, NULL) == RC_OK)
        ASSERT(cosign <= TLOG_SIZE_MAX);
    if (wire_tombstones_read(input, arena, &rows, NULL) == RC_OK)
        for (size_t i = 0; i < rows.count; i++)
            ASSERT(rows.rows[i].record >= rows.rows[i].end && rows.rows[i].size <= MIRROR_STONE_MAX);
    if (wire_retention_read(input, arena, &path, &part, NULL) == RC_OK)
        ASSERT(path.count <= TLOG_HEIGHT_MAX && part.n < size);
    if (wire_part_read(input, arena, &part, NULL) == RC_OK)
        ASSERT(part.n < size);
    if (wire_log_read(input, arena, &log, &part, NULL) == RC_OK)
        ASSERT(log.file_first <= log.first && part.n < size);
    IGNORE(wire_notes_read(input, arena, &notes, NULL)); /* it has no promise but to end */
    if (wire_stamps_read(input, arena, &stamps, NULL) == RC_OK)
        for (size_t i = 0; i < stamps.count; i++)
            ASSERT(stamps.stamps[i].size > 0 && stamps.stamps[i].response.n > 0);
    struct tokens *tokens = arena_alloc(arena, sizeof *tokens);
    if (tokens && tokens_parse(&token_mirrors, input, tokens, NULL) == RC_OK) {
        struct buf out;
        struct tokens *again = arena_alloc(arena, sizeof *again);
        buf_init(&out, 1u << 20);
        tokens_write(tokens, &out);
        ASSERT(again && tokens_parse(&token_mirrors, buf_view(&out), again, NULL) == RC_OK &&
               again->count == tokens->count);
        buf_done(&out);
    }
    arena_free(arena);
    return 0;
}
