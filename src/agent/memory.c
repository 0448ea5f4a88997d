#include "agent/memory.h"

#include "base/bytes.h"
#include "os/file.h"

#include <string.h>

#define HEADING       "qorgan-agent memory 1"
#define SIZE_MAX_TEXT 4096u

void agent_memory_write(const struct agent_memory *memory, struct buf *out)
{
    buf_text(out, HEADING "\n");
    if (memory->has_key) {
        buf_text(out, "key ");
        note_key_write(&memory->key, out);
        buf_char(out, '\n');
    }
    if (memory->seen.size) {
        buf_format(out, "size %llu\nroot ", (unsigned long long)memory->seen.size);
        buf_hex(out, memory->seen.root.bytes, sizeof memory->seen.root.bytes);
        buf_char(out, '\n');
    }
    buf_format(out, "spool %llu\n", (unsigned long long)memory->spool);
    if (memory->trouble[0])
        buf_format(out, "trouble %s\n", memory->trouble);
}

static bool line_take(struct str word, struct str value, struct agent_memory *memory)
{
    if (str_is(word, "key")) {
        memory->has_key = note_key_parse(value, &memory->key, NULL) == RC_OK && memory->key.type == NOTE_ED25519;
        return memory->has_key;
    }
    if (str_is(word, "size"))
        return str_to_u64(value, &memory->seen.size) && memory->seen.size > 0;
    if (str_is(word, "root"))
        return hex_decode(value, memory->seen.root.bytes, sizeof memory->seen.root.bytes);
    if (str_is(word, "spool"))
        return str_to_u64(value, &memory->spool);
    return str_is(word, "trouble") && value.n > 0 && str_copy_z(value, memory->trouble, sizeof memory->trouble);
}

enum rc agent_memory_parse(struct str text, struct agent_memory *ret_memory, struct err *err)
{
    struct str rest = text;
    bool right = str_is(str_cut(&rest, '\n'), HEADING) && str_ends(text, STR("\n"));
    bool rooted = false;
    *ret_memory = (struct agent_memory){0};
    while (right && rest.n) {
        struct str value = str_cut(&rest, '\n');
        struct str word = str_cut(&value, ' ');
        rooted = rooted || str_is(word, "root");
        right = line_take(word, value, ret_memory);
    }
    if (right && rooted == (ret_memory->seen.size > 0))
        return RC_OK;
    *ret_memory = (struct agent_memory){0};
    return err_set(err, RC_CORRUPT, "what the agent remembers does not read");
}

enum rc agent_memory_load(const struct io *io, int folder, struct agent_memory *ret_memory, struct err *err)
{
    struct str text;
    struct arena *arena CLEANUP(arena_cleanup) = arena_new(2 * SIZE_MAX_TEXT + 65536);
    *ret_memory = (struct agent_memory){0};
    if (!arena)
        return err_set(err, RC_LIMIT, "no memory");
    enum rc rc = file_load(io, folder, MEMORY_NAME, SIZE_MAX_TEXT, arena, &text, err);
    return rc == RC_OK ? agent_memory_parse(text, ret_memory, err) : rc;
}

enum rc agent_memory_save(const struct io *io, int folder, const struct agent_memory *memory, struct err *err)
{
    struct buf text;
    buf_init(&text, SIZE_MAX_TEXT);
    agent_memory_write(memory, &text);
    enum rc rc = text.overflow ? err_set(err, RC_LIMIT, "no memory")
                               : file_replace(io, folder, MEMORY_NAME, buf_view(&text), err);
    buf_done(&text);
    return rc;
}
